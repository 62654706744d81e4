"""How values pass from step to step (R7): shared by reference, or each through the codec, as a process boundary would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actorflow.engine import COMPLETED, GONE, LATE, SKIPPED, Frame
from actorflow.plan import Plan
from actorflow.store import Codec

if TYPE_CHECKING:
    from actorflow.runtime.row import Row


class Passing:
    """`decodes`: every step gets copies of its own, made by encoding and decoding, so that code which leans on identity
    or changes what it was given shows in tests.
    """

    def __init__(self, *, decodes: bool, codec: Codec | None = None) -> None:
        self.decodes = decodes
        self.codec = Codec() if codec is None else codec

    def passed_on(self, row: Row, node: int, value: Any) -> Any:
        """A step's result, before it counts as done. Raises `NotSerializable` (R56)."""
        return self._copy(value, row.step(node).returns, row.name(node))

    def seen_by(self, row: Row, node: int) -> Sequence[Any]:
        """The values that this node's arguments are made from, as it may see them."""
        launch, local, frame = row.at(node)
        values = row.values(frame)
        if not self.decodes:
            return values
        plan = launch.plan
        first = len(plan.names)
        seen: dict[int, Any] = {}
        for slot in {*plan.reads[local], *range(first, first + len(plan.inputs))}:
            if slot - first in plan.lent or not is_there(row, frame, slot, first):
                continue
            kind = plan.steps[slot].returns if slot < first else plan.inputs[slot - first].type
            seen[slot] = self._copy(values[slot], kind, self._name(row, frame, plan, slot))
        return _Seen(values, seen)

    def own(self, row: Row, node: int) -> Any:
        """The node's own value, for its undo."""
        tree = row.state.tree
        value = row.state.values[node] if tree is None else tree.own.get(node, row.state.values[node])
        if not self.decodes or value is None:
            return value
        return self._copy(value, row.step(node).returns, row.name(node))

    def _copy(self, value: Any, kind: Any, what: str) -> Any:
        return value if value is GONE or value is LATE else self.codec.round_trip(value, kind, what)

    def _name(self, row: Row, frame: Frame | None, plan: Plan, slot: int) -> str:
        if slot < len(plan.names):
            return row.name(slot if frame is None else frame.base + slot)
        return plan.inputs[slot - len(plan.names)].name


def is_there(row: Row, frame: Frame | None, slot: int, first: int) -> bool:
    """Whether the slot has its value: a scope doesn't wait for what its bodies capture."""
    return slot >= first or row.state.status[slot if frame is None else frame.base + slot] in (COMPLETED, SKIPPED)


class _Seen(Sequence[Any]):
    """The run's values, some of them copied."""

    def __init__(self, values: Sequence[Any], copies: dict[int, Any]) -> None:
        self._values = values
        self._copies = copies

    def __getitem__(self, slot: Any) -> Any:
        return self._copies[slot] if slot in self._copies else self._values[slot]

    def __len__(self) -> int:
        return len(self._values)
