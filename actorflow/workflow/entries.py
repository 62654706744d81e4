"""What a builder collects: entries with their arguments by name, before the names are known to mean anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec
from msgspec import UNSET

from actorflow.policy import Durability
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.plan import Expression, InputSpec
    from actorflow.workflow.resolving import Resolver

NOTHING: Mapping[str, Any] = {}


class Value(msgspec.Struct, frozen=True):
    """A literal, where a text would be a reference."""

    value: Any


class Transformed(msgspec.Struct, frozen=True):
    """What `function` makes of an argument: `arguments={"nights": Transformed("trip.nights", double)}`, an inline node of its own."""

    of: Any
    function: Callable[[Any], Any]


class Use(msgspec.Struct, frozen=True):
    """A body with arguments of its own, where several bodies don't share theirs.

    body       a step, a workflow, or a builder, whose inputs are then the body's
    arguments  where its inputs come from, by reference
    item       the input that gets what the combinator gives: the item, the value; the first that isn't among the arguments, unless told
    """

    body: Any
    arguments: Mapping[str, Any] = NOTHING
    item: str | None = None


class Options(msgspec.Struct, frozen=True):
    """How one use of a step, a workflow or a combinator stands in its workflow; what is `UNSET` wasn't said."""

    guards: Any = UNSET
    where: Any = UNSET
    keep: Any = UNSET
    undoable: Any = UNSET

    def given(self, *names: str) -> dict[str, Any]:
        """Those among the named options that were said."""
        return {name: value for name in names if (value := getattr(self, name)) is not UNSET}


PLAIN = Options()


class Said:
    """A combinator as it was said by name."""

    returns: Any = Any
    """The type of its result, as far as it's known before it is drawn."""

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        """Calls the combinator, with promises for the references."""
        raise NotImplementedError


BROKEN = object()
"""Stands for what couldn't be read, and has been told: its name is known, and good for nothing."""


class Entry(msgspec.Struct, eq=False):
    """One `add_…` or `compose`, as it was written. `first` is the number of its first node, `count` how many it has."""

    name: str
    what: Any
    arguments: Mapping[str, Any]
    after: Sequence[str]
    line: str
    options: Options = PLAIN
    first: int = -1
    count: int = 0
    given: Sequence[Expression] | None = None
    result: Expression | None = None
    open: bool = False


class Content(msgspec.Struct, eq=False):
    """All that a builder was told. `has_paths`: names of nodes may be those of a composed workflow's, as in `book.seat`."""

    name: str
    description: str
    middleware: tuple[Any, ...]
    inputs: list[tuple[InputSpec, str]]
    entries: list[Entry]
    line: str
    result: Any = None
    returns: bool = False
    return_type: Any = UNSET
    is_open: bool = False
    has_paths: bool = False
    durability: Durability | None = None

    def copy(self) -> Content:
        """What was built stays as it was when the builder goes on."""
        return msgspec.structs.replace(self, inputs=list(self.inputs), entries=list(self.entries))


def is_step(what: object) -> TypeGuard[Step[..., Any, Any]]:
    return isinstance(what, Step)


def is_workflow(what: object) -> TypeGuard[Workflow[..., Any]]:
    return isinstance(what, Workflow)
