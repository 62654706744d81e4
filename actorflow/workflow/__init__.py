"""The front end: steps, workflows, and how a workflow is drawn into a plan."""

from __future__ import annotations

from actorflow.workflow.builder import Value, WorkflowBuilder
from actorflow.workflow.combine import transform
from actorflow.workflow.step import AnyStep, Guard, Mode, Step, Where, step
from actorflow.workflow.workflow import Workflow, workflow

__all__ = [
    "AnyStep",
    "Guard",
    "Mode",
    "Step",
    "Value",
    "Where",
    "Workflow",
    "WorkflowBuilder",
    "step",
    "transform",
    "workflow",
]
