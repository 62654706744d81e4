"""A workflow as it was written, before it is checked and numbered: what drawing and the builder leave behind."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow.plan.control import Body
from actorflow.plan.expression import Constant, Expression
from actorflow.plan.plan import InputSpec
from actorflow.plan.spec import StepSpec


class DraftNode(msgspec.Struct, eq=False):
    """A step placed in a workflow. `after` are nodes that it waits for without taking their results; `line` is the user's own.

    A scope node has `bodies`, and `captures`: what its bodies use from around it. It doesn't wait for its captures.
    """

    name: str
    spec: StepSpec
    arguments: tuple[Expression, ...]
    keywords: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    keep: bool = False
    line: str = ""
    bodies: tuple[Body, ...] = ()
    captures: tuple[Expression, ...] = ()


class Composed(msgspec.Struct, frozen=True, eq=False):
    """A workflow that was called inside this one: `count` nodes from number `first` on are its own, named `name.…`.

    `definition` tells which workflow it is; `inputs` are what it is given, `result` is what it returns, as they read here.
    """

    name: str
    definition: Any
    first: int
    count: int
    inputs: tuple[Expression, ...]
    result: Expression


class Draft(msgspec.Struct, eq=False):
    """The whole of it. `returned` is False as long as nobody said what the workflow returns; `is_body`: it is the body of a scope.

    `composed` are the workflows that were called in it, whose nodes are among its own.
    """

    name: str
    inputs: tuple[InputSpec, ...] = ()
    nodes: list[DraftNode] = []
    result: Expression = Constant(None)
    returned: bool = False
    return_type: Any = Any
    description: str = ""
    middleware: tuple[Any, ...] = ()
    notes: list[str] = []
    line: str = ""
    is_body: bool = False
    composed: list[Composed] = []
