"""A workflow as it was written, before it is checked and numbered: what drawing and the builder leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from actorflow.plan.expression import Constant, Expression
from actorflow.plan.plan import InputSpec
from actorflow.plan.spec import StepSpec


@dataclass(slots=True, eq=False)
class DraftNode:
    """A step placed in a workflow. `after` are nodes that it waits for without taking their results; `line` is the user's own."""

    name: str
    spec: StepSpec
    arguments: tuple[Expression, ...]
    keywords: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    keep: bool = False
    line: str = ""


@dataclass(slots=True, eq=False)
class Draft:
    """The whole of it. `returned` is False as long as nobody said what the workflow returns."""

    name: str
    inputs: tuple[InputSpec, ...] = ()
    nodes: list[DraftNode] = field(default_factory=list[DraftNode])
    result: Expression = Constant(None)
    returned: bool = False
    return_type: Any = Any
    description: str = ""
    middleware: tuple[Any, ...] = ()
    notes: list[str] = field(default_factory=list[str])
    line: str = ""
