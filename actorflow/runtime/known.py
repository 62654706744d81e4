"""The workflows of a runtime by name: those it was given, and those started on it as objects (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorflow.errors import InvalidWorkflow
from actorflow.plan import Plan
from actorflow.workflow import Workflow


class Known:
    def __init__(self, workflows: Sequence[Workflow[..., Any]]) -> None:
        self.plans: dict[str, Plan] = {}
        self.workflows: dict[str, Workflow[..., Any]] = {}
        for workflow in workflows:
            self.plan_of(workflow)

    def plan_of(self, workflow: Workflow[..., Any]) -> Plan:
        """Its plan. Raises `InvalidWorkflow` if it can't run, or if another one of its name is known."""
        plan = workflow.compile()
        known = self.plans.get(plan.name)
        if known is plan:
            return plan
        if known is not None:
            raise InvalidWorkflow(
                plan.name, ["another workflow of this name is known to the runtime; give one of them @workflow(name=…)"]
            )
        self.plans[plan.name] = plan
        self.workflows[plan.name] = workflow
        return plan
