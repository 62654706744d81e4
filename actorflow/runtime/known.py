"""The workflows of a runtime by name: those it was given, and those started on it as objects (R4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from actorflow.errors import InvalidInput, InvalidWorkflow, UnknownWorkflow
from actorflow.plan import Plan, StepSpec
from actorflow.policy import Durability, Limit, limits_clash
from actorflow.runtime.recordable import unrecordable
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.store import Codec


class Known:
    """`limits` are those of the runtime and of all its workflows, by name (R28). `codec`: of a runtime with a store (R3); `durability`: of
    workflows that don't say it themselves.
    """

    def __init__(
        self,
        workflows: Sequence[Workflow[..., Any]],
        limits: Sequence[Limit] = (),
        *,
        codec: Codec | None = None,
        durability: Durability = "strict",
    ) -> None:
        self.codec = codec
        self.durability: Durability = durability
        self.recordable: set[Plan] = set()
        self.plans: dict[str, Plan] = {}
        self.workflows: dict[str, Workflow[..., Any]] = {}
        self.limits: dict[str, Limit] = {}
        for limit in limits:
            if clash := self._clash(limit):
                raise InvalidInput(f"Runtime(limits=[…]): {clash}")
        for workflow in workflows:
            self.plan_of(workflow)

    def plan_of(self, workflow: Workflow[..., Any], *, recorded: bool | None = None) -> Plan:
        """Its plan. Raises `InvalidWorkflow` if it can't run, can't be stored, or if another one of its name is known.

        `recorded`: whether it is to be stored; as its own durability says unless told.
        """
        plan = workflow.compile()
        known = self.plans.get(plan.name)
        codec = self.codec
        if codec is not None:
            stays = not self.records(workflow) if recorded is None else not recorded
            if stays or plan in self.recordable:
                codec = None
        if known is plan and codec is None:
            return plan
        if known is not None and known is not plan:
            raise InvalidWorkflow(
                plan.name, ["another workflow of this name is known to the runtime; give one of them @workflow(name=…)"]
            )
        problems = [clash for limit in limits_of(plan) if (clash := self._clash(limit))]
        if codec is not None:
            problems += unrecordable(plan, plans_in(plan), codec)
        if problems:
            raise InvalidWorkflow(plan.name, problems)
        if codec is not None:
            self.recordable.add(plan)
        self.plans[plan.name] = plan
        self.workflows[plan.name] = workflow
        return plan

    def records(self, workflow: Workflow[..., Any]) -> bool:
        """Whether its runs are stored, unless they are told otherwise when they are started."""
        return self.codec is not None and (workflow.durability or self.durability) != "none"

    def plan_named(self, name: str) -> Plan:
        """Raises `UnknownWorkflow`."""
        plan = self.plans.get(name)
        if plan is None:
            raise UnknownWorkflow(name, self.plans)
        return plan

    def _clash(self, limit: Limit) -> str:
        clash = limits_clash(self.limits.setdefault(limit.name, limit), limit)
        return f"{clash}; share one Limit object" if clash else ""


def limits_of(plan: Plan) -> Iterable[Limit]:
    """Each of its limits once, those in its bodies too."""
    return {
        limit.name: limit for inner in plans_in(plan) for step in inner.steps for limit in step_limits(step)
    }.values()


def plans_in(plan: Plan) -> Iterator[Plan]:
    """The plan, and those of all bodies that were drawn with it, each once: a workflow may repeat itself."""
    known: set[Plan] = set()
    waiting = [plan]
    while waiting:
        found = waiting.pop()
        if found not in known:
            known.add(found)
            yield found
            bodies = (body for scope in found.scopes.values() for body in scope.bodies)
            waiting += [body.plan for body in bodies if body.is_drawn]


def step_limits(step: StepSpec) -> Iterable[Limit]:
    return (spec.limit for spec in step.limits)
