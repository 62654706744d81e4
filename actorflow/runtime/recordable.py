"""Whether all that a store must keep of a workflow's runs can be encoded, told by its types before any of it runs (R3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Never, NoReturn

from actorflow.plan import Around, NodeValue, inputs_in

if TYPE_CHECKING:
    from actorflow.plan import Plan, ScopePlan
    from actorflow.store import Codec

Typed = tuple[str, str, Any]
"""The user's own line, whose value it is, and its annotated type."""


GIVES_NOTHING = (NoReturn, Never)


def unrecordable(plan: Plan, inner: Iterator[Plan], codec: Codec) -> list[str]:
    """What can't be stored, each with its node and line. `inner` are the plan itself and those of its bodies."""
    plans = list(inner)
    values = [*inputs_of(plan), *(value for one in plans for value in recorded_of(one)), *result_of(plan)]
    reasons = ((line, what, codec.can_encode(kind)) for line, what, kind in values)
    found = [problem(line, what, reason) for line, what, reason in reasons if reason]
    return list(dict.fromkeys([*found, *(told for one in plans if (told := gives_what_is_lent(one)))]))


def gives_what_is_lent(plan: Plan) -> str | None:
    """A body that gives what an around lends on to the outside: after a crash that would be gone, with the process that had it."""
    result = None if plan.draft is None else plan.draft.result
    if result is None or plan.lent.isdisjoint(inputs_in(result)):
        return None
    return f"what {plan.name!r} gives can't be stored: it is, or is part of, what an around lends, and goes with its process"


def problem(line: str, what: str, reason: str) -> str:
    return f"{line + ': ' if line else ''}{what} can't be stored: {reason}"


def inputs_of(plan: Plan) -> Iterator[Typed]:
    for spec in plan.inputs:
        yield "", f"input {spec.name!r}", spec.type


def result_of(plan: Plan) -> Iterator[Typed]:
    """The run's result is recorded by itself, unless it's a step's or an input's, of which is told already."""
    told = {id(step.returns) for step in plan.steps} | {id(spec.type) for spec in plan.inputs}
    if id(plan.return_type) not in told and plan.return_type not in GIVES_NOTHING:
        yield "", "the workflow's result", plan.return_type


def recorded_of(plan: Plan) -> Iterator[Typed]:
    """What steps give, and what scopes give their bodies; but for what arounds lend, which is never stored."""
    for node, step in enumerate(plan.steps):
        line, name = plan.lines.get(node, ""), plan.names[node]
        if step.returns in GIVES_NOTHING:
            continue
        if step.control is None:
            yield line, f"the result of {name!r}", step.returns
        else:
            yield from ((line, f"what {name!r} gives its body", kind) for kind in given_by(plan.scopes[node]))


def gives_a_steps_result(plan: Plan) -> bool:
    """Whether what a run gives is the result of one of its steps, as it is: then it is known that it can be stored when the run ends."""
    known: bool | None = plan.memo.get(_GivesAStepsResult)
    if known is None:
        source = plan.draft.result if plan.draft is not None else None
        step = plan.steps[source.node] if isinstance(source, NodeValue) else None
        known = step is not None and step.control is None and step.returns is plan.return_type
        plan.memo[_GivesAStepsResult] = known
    return known


class _GivesAStepsResult:
    """Where a plan keeps the answer."""


def given_by(scope: ScopePlan) -> Iterator[Any]:
    if isinstance(scope.control, Around):
        return
    for body in scope.bodies:
        if body.is_drawn:
            inputs = body.plan.inputs[: body.given]
            yield from (spec.type for place, spec in enumerate(inputs) if place not in body.plan.lent)
