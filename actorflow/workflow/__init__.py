"""The front end: steps, workflows, and how a workflow is drawn into a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.workflow.builder import Transformed, Use, Value, WorkflowBuilder
from actorflow.workflow.combine import around, choose, choose_first, each, group, repeat, transform
from actorflow.workflow.emission import emit
from actorflow.workflow.spec import Registry
from actorflow.workflow.step import AnyStep, Guard, Mode, Step, Where, step
from actorflow.workflow.waiting import approval, sleep, sleep_until, wait_for_signal
from actorflow.workflow.words import Whereabouts, debug, fail, gather, template
from actorflow.workflow.workflow import Workflow, workflow

if TYPE_CHECKING:
    from actorflow.workflow.drawing import Drawing, draws_emissions
    from actorflow.workflow.inlining import without_undo
    from actorflow.workflow.wait_specs import wait_spec
else:
    __getattr__ = loads_later(
        __name__, drawing="Drawing draws_emissions", inlining="without_undo", wait_specs="wait_spec"
    )

__all__ = [
    "AnyStep",
    "Drawing",
    "Guard",
    "Mode",
    "Registry",
    "Step",
    "Transformed",
    "Use",
    "Value",
    "Where",
    "Whereabouts",
    "Workflow",
    "WorkflowBuilder",
    "approval",
    "around",
    "choose",
    "choose_first",
    "debug",
    "draws_emissions",
    "each",
    "emit",
    "fail",
    "gather",
    "group",
    "repeat",
    "sleep",
    "sleep_until",
    "step",
    "template",
    "transform",
    "wait_for_signal",
    "wait_spec",
    "without_undo",
    "workflow",
]
