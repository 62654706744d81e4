"""Whether two states of a run are the same in all that they hold, whatever objects they are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from actorflow.engine import Frame, Scope, State, Tree
from actorflow.engine.state import InOrder
from actorflow.engine.tree import GrowingProgram
from actorflow.plan import BodyPlan, Plan

BUFFERS = frozenset({"asks", "facts", "more", "orders", "started", "takes"})
"""What a turn leaves for its end, which a replay drops."""

OPAQUE = frozenset({"launch"})
"""What the runtime hangs on a frame."""


class Comparison:
    """Compares whatever a state is made of. Frames and scopes refer to each other, so a pair is looked at once."""

    def __init__(self) -> None:
        self.known: set[tuple[int, int]] = set()

    def check(self, one: Any, other: Any, path: str) -> None:
        """Raises AssertionError at the first difference, which it names by the way to it."""
        if one is other or (id(one), id(other)) in self.known:
            return
        assert type(one) is type(other), f"{path} is {one!r}, and {other!r}"
        if isinstance(one, (str, bytes, bytearray, int, float, set, frozenset)):
            assert one == other, f"{path} is {one!r}, and {other!r}"
            return
        self.known.add((id(one), id(other)))
        if isinstance(one, Mapping):
            assert list(one) == list(other), f"{path} has {list(one)}, and {list(other)}"
            self.check_all([*one.values()], [*other.values()], path)
        elif isinstance(one, (Sequence, deque)):
            self.check_all(one, other, path)
        elif isinstance(one, BaseException):
            self.check_error(one, other, path)
        else:
            self.check_fields(one, other, path)

    def check_all(self, one: Sequence[Any], other: Sequence[Any], path: str) -> None:
        assert len(one) == len(other), f"{path} is {one!r}, and {other!r}"
        for place, (first, second) in enumerate(zip(one, other, strict=True)):
            self.check(first, second, f"{path}[{place}]")

    def check_error(self, one: BaseException, other: BaseException, path: str) -> None:
        assert str(one) == str(other), f"{path} is {one!r}, and {other!r}"
        self.check(one.__cause__, other.__cause__, f"{path}.__cause__")
        self.check(one.__context__, other.__context__, f"{path}.__context__")
        self.check(vars(one), vars(other), path)

    def check_fields(self, one: Any, other: Any, path: str) -> None:
        names = fields_of(one)
        assert names, f"{path}: nobody knows how to compare {one!r} and {other!r}"
        for name in names:
            if name not in OPAQUE:
                self.check(getattr(one, name, None), getattr(other, name, None), f"{path}.{name}")


def fields_of(one: Any) -> Iterable[str]:
    if isinstance(one, Plan):
        return ()  # a plan is itself
    if isinstance(one, BodyPlan):
        return ("key", "given", "takes", "plan")
    if isinstance(one, State):
        return [name for name in State.__slots__ if name not in BUFFERS]
    if isinstance(one, msgspec.Struct):
        return one.__struct_fields__
    if isinstance(one, (Scope, Frame)):
        return type(one).__slots__
    if isinstance(one, (Tree, GrowingProgram, InOrder)):
        return [*vars(one)]
    return getattr(one, "__dict__", ())


def check_same(one: State, other: State) -> None:
    """Raises AssertionError unless both are the same, between two turns."""
    Comparison().check(one, other, "state")


def check_facts(told: Sequence[Any], again: Sequence[Any]) -> None:
    """Raises AssertionError unless a turn's facts are those that a replay of it gives."""
    Comparison().check(told, again, "facts")
