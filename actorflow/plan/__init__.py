"""The plan: the immutable compiled graph that all runs of a workflow share, and how it comes from a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.plan.control import (
    Around,
    Body,
    BodyPlan,
    Call,
    Choose,
    ChooseFirst,
    Control,
    Each,
    Repeat,
    ScopePlan,
)
from actorflow.plan.plan import Binder, InputSpec, Plan
from actorflow.plan.spec import GuardSpec, HandlerSpec, LimitSpec, Mode, StepSpec
from actorflow.plan.waiting import WaitSpec, wait_for, waits_of

if TYPE_CHECKING:
    from actorflow.plan.draft import Composed, Draft, DraftNode
    from actorflow.plan.expression import (
        UNUSABLE,
        Attribute,
        Collected,
        Constant,
        Expression,
        InputValue,
        Item,
        Key,
        NodeValue,
        Path,
        inputs_in,
        moved,
        nodes_in,
        nodes_of,
        part_of,
        shape_of,
    )
    from actorflow.plan.findings import Findings, at
    from actorflow.plan.flows import Flows
    from actorflow.plan.planner import compile_draft, initial_values
    from actorflow.plan.sources import parameters_of
else:
    __getattr__ = loads_later(
        __name__,
        draft="Composed Draft DraftNode",
        expression="UNUSABLE Attribute Collected Constant Expression InputValue Item Key NodeValue Path inputs_in moved nodes_in nodes_of part_of shape_of",
        findings="Findings at",
        flows="Flows",
        planner="compile_draft initial_values",
        sources="parameters_of",
    )

__all__ = [
    "UNUSABLE",
    "Around",
    "Attribute",
    "Binder",
    "Body",
    "BodyPlan",
    "Call",
    "Choose",
    "ChooseFirst",
    "Collected",
    "Composed",
    "Constant",
    "Control",
    "Draft",
    "DraftNode",
    "Each",
    "Expression",
    "Findings",
    "Flows",
    "GuardSpec",
    "HandlerSpec",
    "InputSpec",
    "InputValue",
    "Item",
    "Key",
    "LimitSpec",
    "Mode",
    "NodeValue",
    "Path",
    "Plan",
    "Repeat",
    "ScopePlan",
    "StepSpec",
    "WaitSpec",
    "at",
    "compile_draft",
    "initial_values",
    "inputs_in",
    "moved",
    "nodes_in",
    "nodes_of",
    "parameters_of",
    "part_of",
    "shape_of",
    "wait_for",
    "waits_of",
]
