"""What a run's engine was told, as entries of its journal, and back (R48, R56).

Values are encoded by the annotated types of the workflow, exceptions as records, nodes by number and name. What an around has given isn't
recorded: its process is gone when the entry is read, and `ABSENT` stands for it until the around is entered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import msgpack

from actorflow import facts
from actorflow.engine import ItemPatienceOver, NodeRequest, Request, SignalCame
from actorflow.errors import InvalidValue, NotSerializable
from actorflow.failures import FailureRecord, rebuild, record, type_name
from actorflow.plan import Around, wait_for
from actorflow.policy import Skip, TryAgain, is_skip
from actorflow.runtime.snapshot_emitted import emitted_plan, emitted_record
from actorflow.runtime.snapshot_records import Emitted
from actorflow.store import Codec, Entry

if TYPE_CHECKING:
    from actorflow.plan import BodyPlan, WaitSpec
    from actorflow.runtime.row import Row

MESSAGES_THAT_INFORM: Final = frozenset({facts.StepEntered, facts.StepHeartbeat, facts.StepProgressed})
"""They change nothing, so they aren't recorded."""


TRY_AGAIN: Final = type_name(TryAgain)


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


NOTHING: Final = msgpack.encode(None)


class Desk:
    """What entries are written and read with. `max_bytes` bounds each value as it is stored: sealed, if there is a seal (R56)."""

    def __init__(self, codec: Codec, max_bytes: int) -> None:
        self.codec = codec
        self.max_bytes = max_bytes

    def encode(self, value: Any, kind: Any, what: str) -> bytes:
        data = self.codec.encode(value, kind, what)
        if len(data) > self.max_bytes:
            raise NotSerializable(
                f"{what} takes {len(data):,} bytes, more than max_value_bytes={self.max_bytes:,}"
                "\nKeep large data elsewhere, and pass on where it is.",
                path="$",
            )
        return data

    def encode_any(self, value: Any, kind: Any, what: str) -> bytes:
        """`None` stands for itself: what is skipped gives it whatever the type."""
        return NOTHING if value is None else self.encode(value, kind, what)

    def decode_any(self, data: bytes, kind: Any) -> Any:
        return None if data == NOTHING else self.codec.decode(data, kind)

    def failure(self, error: BaseException) -> FailureRecord:
        """The error as a record; one that is too large is cut down to what it is, and how it begins: a failure isn't refused."""
        plain = failure_out(error)
        written = self.codec.seal_failure(plain)
        if len(msgpack.encode(written)) <= self.max_bytes:
            return written
        said = plain.message[: min(self.max_bytes, SHORT)]
        said += f"… ({len(plain.message):,} characters; the error was too large to be stored)"
        return self.codec.seal_failure(FailureRecord(type=plain.type, message=said, kinds=plain.kinds, args=[said]))

    def rebuilt(self, written: FailureRecord) -> BaseException:
        return failure_in(self.codec.open_failure(written))


SHORT: Final = 1000
"""How many characters are kept of what an error says that is too large."""


# ── how each field is written and read ────────────────────────────────────────────────────────────────────────────────

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


def failure_out(error: BaseException) -> FailureRecord:
    """A `TryAgain` keeps the exception that it gives as its reason."""
    written = record(error)
    if isinstance(error, TryAgain) and isinstance(error.reason, BaseException):
        written = msgspec.structs.replace(written, parts=(record(error.reason),))
    return written


def failure_in(written: FailureRecord) -> BaseException:
    if written.type != TRY_AGAIN:
        return rebuild(written)
    reason = rebuild(written.parts[0]) if written.parts else written.message or None
    again = TryAgain(reason, after=written.fields.get("after"))
    again.__cause__ = rebuild(written.cause) if written.cause is not None else None
    return again


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

SPECIAL: Final[Mapping[tuple[str, str], Coder]] = {
    ("ResultChecked", "value"): WHOLE,
    ("SignalCame", "value"): SIGNAL,
    ("BodyOpened", "given"): GIVEN,
    ("ItemsPulled", "items"): ITEMS,
    ("StepsEmitted", "plan"): EMITTED,
    ("PermitsGranted", "nodes"): NODES,
    ("PermitsQueued", "nodes"): NODES,
    ("ItemPatienceOver", "node"): NODE,
    ("Resume", "resolve"): ANSWERS,
    ("StartFrom", "kept"): ANSWERS,
    ("UndoAgain", "retried"): NODES,
}
BY_NAME: Final[Mapping[str, Coder]] = {
    "value": RESULT, "error": ERROR, "reason": ERROR, "problem": ERROR, "refused": ERROR,
}  # fmt: skip
WORDS: Final = frozenset({("Cancel", "reason"), ("RollbackStarted", "reason")})
"""Where a reason is text."""


class Form(NamedTuple):
    """How a kind of message is written: what its entry has as value, and the rest, in order."""

    kind: type[Any]
    value: tuple[str, Coder] | None
    more: tuple[tuple[str, Coder], ...]


def form_of(kind: type[Any]) -> Form:
    name = kind.__name__
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in ("run", "attempt", "at")]
    if name != "ItemPatienceOver":
        fields = [field for field in fields if field.name != "node"]
    more = [(field.name, coder_of(name, field.name)) for field in fields]
    value = next((one for one in more if one[1] is RESULT), None)
    if value is None and name in ("AttemptFailed", "GuardFailed", "UndoAttemptFailed", "CompensationAttemptFailed"):
        value = ("error", PACKED_ERROR)
    return Form(kind, value, tuple(one for one in more if value is None or one[0] != value[0]))


def coder_of(kind: str, field: str) -> Coder:
    special = SPECIAL.get((kind, field))
    if special is not None:
        return special
    return PLAIN if (kind, field) in WORDS else BY_NAME.get(field, PLAIN)


WRITTEN: Final[tuple[type[Any], ...]] = (
    facts.RunStarted, facts.GuardsPassed, facts.GuardFailed, facts.StepSkipped, facts.StepSucceeded, facts.StepHalted,
    facts.AttemptFailed, facts.StepInterrupted, facts.StepRecovered, facts.StepCompensated,
    facts.CompensationAttemptFailed, facts.StepUndone, facts.UndoAttemptFailed, facts.BodyOpened, facts.ItemsPulled,
    facts.ScopeLeft, facts.StepsEmitted, facts.WaitStarted, *Request.__subclasses__(), *NodeRequest.__subclasses__(),
)  # fmt: skip
FORMS: Final[Mapping[str, Form]] = {kind.__name__: form_of(kind) for kind in WRITTEN}


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────

pack = msgpack.Encoder().encode
unpack = msgpack.Decoder().decode


def written(desk: Desk, row: Row, message: Any) -> Entry:
    """Raises `NotSerializable`, naming the path."""
    if type(message) is facts.StepSucceeded:
        return succeeded(desk, row, message)
    form = FORMS[type(message).__name__]
    node = getattr(message, "node", -1) if type(message) is not ItemPatienceOver else -1
    value = None
    if form.value is not None:
        field, coder = form.value
        value = coder.write(desk, row, message, getattr(message, field))
    more = None
    if form.more:
        more = pack([coder.write(desk, row, message, getattr(message, field)) for field, coder in form.more])
    name = row.name(node) if node >= 0 else ""
    return Entry(form.kind.__name__, name, node, getattr(message, "attempt", 0), message.at, value, more)


def succeeded(desk: Desk, row: Row, message: facts.StepSucceeded) -> Entry:
    """What `written` makes of it by its form: most messages are of this kind."""
    node = message.node
    launch, place, _ = row.at(node)
    name = row.name(node)
    value = None if message.value is None else desk.encode(message.value, launch.steps[place].returns, name)
    return Entry("StepSucceeded", name, node, message.attempt, message.at, value, pack((message.began,)))


def noted(row: Row, fact: facts.StepFact | facts.RunFact) -> Entry:
    """A fact that followed: what it says in plain words and numbers; it is made again when the run is, so values aren't kept."""
    node = fact.node
    kind = type(fact)
    rest = REST.get(kind)
    if rest is None:
        rest = REST[kind] = rest_of(kind)
    if type(fact) is facts.StepSkipped and row.journal is not None:  # a person gave it, or a run: no message has it
        value = result_out(row.journal.desk, row, fact, fact.value)
        return Entry("StepSkipped", row.name(node), node, fact.attempt, fact.at, value)
    if type(fact) is facts.StepSucceeded and row.step(node).wait is not None:
        return Entry("StepSucceeded", row.name(node), node, fact.attempt, fact.at, outcome_of_a_wait(row, fact))
    if not rest:
        return Entry(type(fact).__name__, row.name(node) if node >= 0 else "", node, fact.attempt, fact.at)
    more = None
    value = None
    told = {name: getattr(fact, name) for name in rest}
    error = told.pop("error", None)
    if isinstance(error, BaseException) and row.journal is not None:
        value = pack(row.journal.desk.failure(error))
    more = pack(told) if told else None
    return Entry(type(fact).__name__, row.name(node) if node >= 0 else "", node, fact.attempt, fact.at, value, more)


def outcome_of_a_wait(row: Row, fact: facts.StepSucceeded) -> bytes | None:
    """No message of its own brings it; a default that can't be encoded is made again with the run, like all of it."""
    if row.journal is None or fact.value is None:
        return None
    try:
        return row.journal.desk.encode(fact.value, row.step(fact.node).returns, row.name(fact.node))
    except NotSerializable:
        return None


REST: dict[type[Any], tuple[str, ...]] = {}
TOLD: Final = frozenset({
    "error", "status", "rollback", "by", "cancelled", "due", "tries", "index", "key", "phase", "settled", "signal", "workflow", "worker",
})  # fmt: skip


def rest_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.name in TOLD)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(desk: Desk, row: Row, entry: Entry) -> Any:
    """The message that an entry was written from. Raises `InvalidValue` if it can't be one of this run."""
    form = FORMS.get(entry.kind.removeprefix("~"))
    if form is None:
        raise InvalidValue(f"run {row.id!r} has an entry of a kind that isn't known here: {entry.kind!r}")
    node = node_of(row, entry.node, entry.step) if entry.node >= 0 else -1
    known: dict[str, Any] = {"run": row.id, "at": entry.at}
    draft = Draft(entry, node, known)
    given: list[Any] = unpack(entry.more) if entry.more is not None else []
    if len(given) != len(form.more):
        raise InvalidValue(f"run {row.id!r} has a {entry.kind} with {len(given)} fields, not {len(form.more)}")
    for (field, coder), data in zip(form.more, given, strict=True):
        known[field] = coder.read(desk, row, draft, data)
    if form.value is not None:
        field, coder = form.value
        known[field] = coder.read(desk, row, draft, entry.value)
    if issubclass(form.kind, (facts.StepFact, NodeRequest)):
        known["node"], known["attempt"] = node, entry.attempt
    return form.kind(**known)


def node_of(row: Row, number: int, name: str) -> int:
    """The node that is called so now: its number may be another one if the plan has grown since (R51)."""
    size = len(row.state.status)
    if number < size and row.name(number) == name:
        return number
    found = next((node for node in range(size) if row.name(node) == name), None)
    if found is None:
        raise InvalidValue(f"run {row.id!r} has no step {name!r} any more")
    return found
