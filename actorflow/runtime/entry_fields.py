"""How each field of what a run's engine was told is written, and read (R48, R56).

Values are encoded by the annotated types of the workflow, exceptions as records, nodes by number and name. What an around has given isn't
recorded: its process is gone when the entry is read, and `ABSENT` stands for it until the around is entered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import msgpack

from actorflow import facts
from actorflow.engine import SignalCame
from actorflow.errors import InvalidValue
from actorflow.failures import FailureRecord
from actorflow.plan import Around, wait_for
from actorflow.policy import Skip, is_skip
from actorflow.runtime.desk import Desk
from actorflow.runtime.snapshot_emitted import emitted_plan, emitted_record
from actorflow.runtime.snapshot_records import Emitted
from actorflow.store import Entry

if TYPE_CHECKING:
    from actorflow.plan import BodyPlan, WaitSpec
    from actorflow.runtime.row import Row


class _Absent:
    """Stands for a value that went with its process; so does whatever is asked of it."""

    def __getattr__(self, name: str) -> _Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> _Absent:
        return self

    def __repr__(self) -> str:
        return "<gone with its process>"


ABSENT: Final = _Absent()

Write: TypeAlias = Callable[[Desk, "Row", Any, Any], Any]
Read: TypeAlias = Callable[[Desk, "Row", "Draft", Any], Any]


class Draft(NamedTuple):
    """A message that is being read: its entry, and what is known of its other fields by now."""

    entry: Entry
    node: int
    known: dict[str, Any]


class Coder(NamedTuple):
    write: Write
    read: Read


def plain_out(desk: Desk, row: Row, message: Any, value: Any) -> Any:
    return value


def plain_in(desk: Desk, row: Row, draft: Draft, data: Any) -> Any:
    return data


def result_out(desk: Desk, row: Row, message: Any, value: Any) -> bytes | None:
    """`None` stands for itself: a bare `Halt` and `where=` give it whatever the type."""
    if value is None:
        return None
    return desk.encode(value, row.step(message.node).returns, row.name(message.node))


def result_in(desk: Desk, row: Row, draft: Draft, data: bytes | None) -> Any:
    return None if data is None else desk.codec.decode(data, row.step(draft.node).returns)


def whole_out(desk: Desk, row: Row, message: Any, value: Any) -> bytes | None:
    return None if value is None else desk.encode(value, row.launch.plan.return_type, f"the result of run {row.id!r}")


def whole_in(desk: Desk, row: Row, draft: Draft, data: bytes | None) -> Any:
    return None if data is None else desk.codec.decode(data, row.launch.plan.return_type)


def error_out(desk: Desk, row: Row, message: Any, error: BaseException | None) -> FailureRecord | None:
    return None if error is None else desk.failure(error)


def error_in(desk: Desk, row: Row, draft: Draft, data: Any) -> BaseException | None:
    return None if data is None else desk.rebuilt(msgspec.convert(data, FailureRecord))


def packed_error_out(desk: Desk, row: Row, message: Any, error: BaseException) -> bytes:
    return msgpack.encode(desk.failure(error))


def packed_error_in(desk: Desk, row: Row, draft: Draft, data: bytes) -> BaseException:
    return desk.rebuilt(msgpack.decode(data, type=FailureRecord))


def signal_out(desk: Desk, row: Row, message: SignalCame, value: Any) -> bytes:
    return desk.encode(value, signal_type(row, message.signal), f"signal {message.signal!r}")


def signal_in(desk: Desk, row: Row, draft: Draft, data: bytes) -> Any:
    return desk.codec.decode(data, signal_type(row, draft.known["signal"]), f"signal {draft.known['signal']!r}")


def signal_type(row: Row, signal: str) -> Any:
    """The type of a signal's value; what nothing is known to wait for is plain data."""
    wait = wait_of(row, signal)
    return Any if wait is None else wait.takes


def wait_of(row: Row, signal: str) -> WaitSpec | None:
    """What may wait for a signal in this run: by its plan, or because a step has emitted it and it waits now."""
    state = row.state
    found = wait_for(row.launch.plan, signal)
    if found is not None or not state.waits:
        return found
    waiting = (node for node, wait in state.waits.items() if wait.signal and signal in (wait.signal, state.name(node)))
    return next((state.program.steps[node].wait for node in waiting), None)


def body_of(row: Row, node: int, number: int) -> BodyPlan:
    launch, local, _ = row.at(node)
    return launch.plan.scopes[local].bodies[number]


def is_around(row: Row, node: int) -> bool:
    return isinstance(row.step(node).control, Around)


def given_out(desk: Desk, row: Row, message: facts.BodyOpened, given: Sequence[Any]) -> list[bytes | None]:
    if is_around(row, message.node):
        return [None] * len(given)
    plan = body_of(row, message.node, message.body).plan
    name = row.name(message.node)
    return [
        None if place in plan.lent else desk.encode_any(value, plan.inputs[place].type, f"what {name!r} gives its body")
        for place, value in enumerate(given)
    ]


def given_in(desk: Desk, row: Row, draft: Draft, data: Sequence[bytes | None]) -> tuple[Any, ...]:
    if is_around(row, draft.node):
        return (ABSENT,) * len(data)
    inputs = body_of(row, draft.node, draft.known["body"]).plan.inputs
    return tuple(ABSENT if one is None else desk.decode_any(one, inputs[place].type) for place, one in enumerate(data))


def items_out(desk: Desk, row: Row, message: facts.ItemsPulled, items: Sequence[Any]) -> list[bytes]:
    kind = body_of(row, message.node, 0).plan.inputs[0].type
    name = row.name(message.node)
    return [desk.encode_any(item, kind, f"an item of {name!r}") for item in items]


def items_in(desk: Desk, row: Row, draft: Draft, data: Sequence[bytes]) -> list[Any]:
    kind = body_of(row, draft.node, 0).plan.inputs[0].type
    return [desk.decode_any(one, kind) for one in data]


def emitted_out(desk: Desk, row: Row, message: facts.StepsEmitted, plan: Any) -> Emitted | None:
    return None if plan is None else emitted_record(plan, row.name(message.node), desk.codec)


def emitted_in(desk: Desk, row: Row, draft: Draft, data: Any) -> Any:
    return None if data is None else emitted_plan(msgspec.convert(data, Emitted), desk.codec)


def nodes_out(desk: Desk, row: Row, message: Any, nodes: Iterable[int]) -> list[tuple[int, str]]:
    return [(node, row.name(node)) for node in nodes]


def nodes_in(desk: Desk, row: Row, draft: Draft, data: Sequence[Sequence[Any]]) -> tuple[int, ...]:
    return tuple(node_of(row, node, name) for node, name in data)


def node_out(desk: Desk, row: Row, message: Any, node: int) -> tuple[int, str]:
    return node, row.name(node)


def node_in(desk: Desk, row: Row, draft: Draft, data: Sequence[Any]) -> int:
    return node_of(row, data[0], data[1])


def answers_out(desk: Desk, row: Row, message: Any, answers: Mapping[int, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for node, answer in answers.items():
        if is_skip(answer):
            value = answer.value
            data = None if value is None else desk.encode(value, row.step(node).returns, row.name(node))
            found.append((node, row.name(node), "skip", data))
        else:
            found.append((node, row.name(node), answer, None))
    return found


def answers_in(desk: Desk, row: Row, draft: Draft, data: Sequence[Sequence[Any]]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for number, name, answer, value in data:
        node = node_of(row, number, name)
        if answer == "skip":
            decoded: Any = None if value is None else desk.codec.decode(value, row.step(node).returns)
            found[node] = Skip(decoded)
        else:
            found[node] = answer
    return found


def node_of(row: Row, number: int, name: str) -> int:
    """The node that is called so now: its number may be another one if the plan has grown since (R51)."""
    size = len(row.state.status)
    if number < size and row.name(number) == name:
        return number
    found = next((node for node in range(size) if row.name(node) == name), None)
    if found is None:
        raise InvalidValue(f"run {row.id!r} has no step {name!r} any more")
    return found


PLAIN = Coder(plain_out, plain_in)
RESULT = Coder(result_out, result_in)
WHOLE = Coder(whole_out, whole_in)
ERROR = Coder(error_out, error_in)
PACKED_ERROR = Coder(packed_error_out, packed_error_in)
SIGNAL = Coder(signal_out, signal_in)
GIVEN = Coder(given_out, given_in)
ITEMS = Coder(items_out, items_in)
EMITTED = Coder(emitted_out, emitted_in)
NODES = Coder(nodes_out, nodes_in)
NODE = Coder(node_out, node_in)
ANSWERS = Coder(answers_out, answers_in)
