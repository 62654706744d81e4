"""Scope nodes: nodes that hold other nodes. What kind they are, and the bodies that they open.

A scope node is a node of its plan like any other. When it is ready it opens one of its bodies, or one per item: the body's plan is spliced
into the run as a *frame* of ordinary nodes. So whatever holds for a step (undo, compensation, halts, limits) holds inside a body, at any depth.

A body's inputs are first the values that the scope itself gives it (an item, the value that was chosen by), then its *captures*: values from
around the scope that the body uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from actorflow.plan.draft import Draft
    from actorflow.plan.expression import Evaluator
    from actorflow.plan.plan import Plan

# ── kinds of scope ────────────────────────────────────────────────────────────────────────────────────────────────────


class Control(msgspec.Struct, frozen=True, eq=False):
    """The root of all kinds."""


class Call(Control, frozen=True, eq=False):
    """Opens its one body at once: a group, a composed workflow with guards. What the node takes is given to the body."""


class Choose(Control, frozen=True, eq=False):
    """Opens the body of the case that equals the value. `cases` gives the number of the body, `default` that of any other value."""

    cases: Mapping[Any, int]
    default: int | None = None


class ChooseFirst(Control, frozen=True, eq=False):
    """Opens the body of the first predicate that says yes, and gives it the value. Body `i` belongs to predicate `i`."""

    predicates: tuple[Callable[[Any], bool], ...]
    default: int | None = None


class Each(Control, frozen=True, eq=False):
    """Opens its body once per item.

    limit       how many items may be under way at once
    ordered     results in the order of the items, else of their completion
    batch_size  how many items are pulled at once from what isn't a sequence
    key         gives an item's key, its name in the run
    collects    an item that fails is taken back by itself, and has an outcome
    """

    limit: int
    ordered: bool = True
    batch_size: int = 100
    key: Callable[[Any], str] | None = None
    collects: bool = False


class Repeat(Control, frozen=True, eq=False):
    """Opens its body again and again with the last pass's result, until `until` says so, or `at_most` passes are done.

    `fails`: to have reached `at_most` without `until` having said so is an error.
    """

    until: Callable[[Any], bool] | None
    at_most: int | None
    fails: bool = False


class Around(Control, frozen=True, eq=False):
    """Enters the async context manager that `factory` gives, opens its body with the manager's value, and leaves when it is done."""

    factory: Callable[[], Any]


# ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Body(msgspec.Struct, eq=False):
    """A body as it was written.

    key      its part of the names of what is in it: `scope[key].name`; empty: `scope.name`; `*`: one per item or pass
    draft    what is in it; None if it is a workflow that is compiled when it is first needed
    compile  of such a workflow: gives its plan
    given    how many of its inputs the scope gives: the others are captures
    takes    the captures that they are, by their numbers among the scope's
    """

    key: str
    draft: Draft | None
    given: int = 0
    takes: tuple[int, ...] = ()
    compile: Callable[[], Plan] | None = None


class BodyPlan:
    """A body, compiled: at once if it was drawn with its workflow, else when it is first needed."""

    __slots__ = ("_compile", "_lock", "_plan", "given", "key", "takes")

    def __init__(self, body: Body, plan: Plan | None) -> None:
        self.key = body.key
        self.given = body.given
        self.takes = body.takes
        self._plan = plan
        self._compile = body.compile
        self._lock = RLock()

    @property
    def is_drawn(self) -> bool:
        """Whether its plan is there already."""
        return self._plan is not None

    @property
    def plan(self) -> Plan:
        """Raises `InvalidWorkflow` if it is of a workflow that can't be compiled."""
        if self._plan is None:
            with self._lock:
                assert self._compile is not None
                self._plan = self._compile()
        return self._plan


class ScopePlan(msgspec.Struct, frozen=True, eq=False):
    """A scope node of a plan.

    captures  per capture: what makes it from the values of the plan (or frame) that the scope stands in
    waits     per capture: the slots that it is made from, which may not be there yet
    """

    control: Control
    bodies: tuple[BodyPlan, ...]
    captures: tuple[Evaluator, ...] = ()
    waits: tuple[tuple[int, ...], ...] = ()
