"""What a run's engine was told, as entries of its journal, and back (R48, R56). How each field is written stands in `entry_fields`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import msgpack

from actorflow import facts
from actorflow.engine import ItemPatienceOver, NodeRequest, Request
from actorflow.errors import InvalidValue, NotSerializable
from actorflow.runtime.desk import Desk
from actorflow.runtime.entry_fields import (
    ANSWERS,
    EMITTED,
    ERROR,
    GIVEN,
    ITEMS,
    NODE,
    NODES,
    PACKED_ERROR,
    PLAIN,
    RESULT,
    SIGNAL,
    WHOLE,
    Coder,
    Draft,
    node_of,
    result_out,
)
from actorflow.store import Entry

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

MESSAGES_THAT_INFORM: Final = frozenset({facts.StepEntered, facts.StepHeartbeat, facts.StepProgressed})
"""They change nothing, so they aren't recorded."""


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

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
