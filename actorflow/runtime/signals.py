"""Signals to runs, and answers to their approvals: who may send what, to whom, and how it comes to the run (R37).

1. A run of a store gets a signal as a message in the store, with a note of who sent it, in one transaction. That is the acceptance.
2. Whoever has the run hands it to its engine; one that nothing can wait for yet stays in the store.
3. A run without a store is told directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog

from actorflow.engine import HALTING, RUN, Request, SignalCame, SignalRefused
from actorflow.errors import ActorflowError, InvalidInput, InvalidState, InvalidValue, NotSerializable, brief, suggest
from actorflow.plan import WaitSpec, waits_of
from actorflow.runtime.entry_fields import wait_of
from actorflow.runtime.forms import is_text
from actorflow.values import ValueMismatch, check, convert

if TYPE_CHECKING:
    from actorflow.outcome import Approval
    from actorflow.plan import Plan
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import Codec, RunMessage

log = structlog.get_logger("actorflow")


class Letter(msgspec.Struct, frozen=True):
    """The data of a `signal` message, as JSON: its value is JSON itself, such JSON sealed, or bytes, encoded as the type that is waited for."""

    name: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    data: bytes | None = None
    sealed: bytes | None = None


def plain_letter(signal: str, value: Any, codec: Codec) -> bytes:
    """Raises `NotSerializable` for a value that JSON has no form for."""
    try:
        written = codec.as_json(value)
    except (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError) as error:
        raise NotSerializable(f"the value of signal {signal!r} can't be written as JSON: {error}") from error
    if codec.seal is None:
        return msgspec.json.encode({"name": signal, "value": msgspec.Raw(written)})
    return msgspec.json.encode({"name": signal, "sealed": codec.seal_bytes(written, f"the value of signal {signal!r}")})


def nameplate(data: bytes) -> bytes:
    """The letter without its value."""
    try:
        return msgspec.json.encode({"name": msgspec.json.decode(data, type=Letter).name})
    except msgspec.MsgspecError:
        return b"{}"


def written_letter(signal: str, data: bytes) -> bytes:
    return msgspec.json.encode({"name": signal, "data": data})


class Asked(NamedTuple):
    """An approval that a run waits for."""

    node: str
    signal: str
    by: Sequence[str]


# ── from the store to the engine ──────────────────────────────────────────────────────────────────────────────────────


def signals(row: Row, message: RunMessage, now: float) -> Request | None:
    """What a `signal` message asks of the run's engine; `None` as long as nothing is known to wait for it."""
    assert row.journal is not None
    desk = row.journal.desk
    try:
        letter = msgspec.json.decode(message.data, type=Letter)
    except msgspec.MsgspecError as error:
        return refused(row, now, "", str(error))
    wait = wait_of(row, letter.name)
    if wait is None:
        return None
    try:
        came = SignalCame(row.id, now, letter.name, read(letter, wait, desk.codec))
        row.journal.prepare(row, came)
    except (InvalidValue, NotSerializable, ValueMismatch) as error:
        return refused(row, now, letter.name, str(error))
    return came


def read(letter: Letter, wait: WaitSpec, codec: Codec) -> Any:
    """Raises `InvalidValue` or `ValueMismatch` if it isn't of the type that is waited for."""
    if letter.data is not None:
        return codec.decode(letter.data, wait.takes, f"signal {letter.name!r}")
    if letter.sealed is not None:
        return convert(msgspec.json.decode(codec.open_bytes(letter.sealed, f"signal {letter.name!r}")), wait.takes)
    return convert(msgspec.json.decode(letter.value), wait.takes)


def refused(row: Row, now: float, signal: str, problem: str) -> SignalRefused:
    log.error("a signal is passed over", run=row.id, signal=signal, problem=problem)
    hides = row.journal is not None and row.journal.desk.codec.seal is not None
    return SignalRefused(row.id, now, signal, "its value can't be taken" if hides else problem)


# ── what may be sent ──────────────────────────────────────────────────────────────────────────────────────────────────


def check_value(run_id: str, signal: str, wait: WaitSpec, value: object) -> None:
    """Raises `InvalidInput` for a value that isn't of the type that is waited for."""
    try:
        check(value, wait.takes)
    except ValueMismatch as wrong:
        raise InvalidInput(f"run {run_id!r} can't take this as signal {signal!r}{wrong.path}: {wrong}") from None


def nobody_waits_for(plan: Plan, signal: str) -> InvalidInput:
    known = waits_of(plan)
    names = dict.fromkeys(wait.signal for wait in known.values())
    hint = suggest(signal, known) or (f"\nIt waits for {', '.join(names)}." if names else "\nIt waits for none.")
    return InvalidInput(f"workflow {plan.name!r} has nothing that waits for signal {signal!r}{hint}")


def one_of_those(run_id: str, asked: Sequence[Asked], name: str | None, who: str) -> str:
    """The approval that is meant. Raises `InvalidState` if it isn't clear which, `InvalidInput` if it isn't theirs to answer."""
    meant = [one for one in asked if name is None or name in (one.node, one.signal)]
    if name is None and len(meant) != 1:
        names = ", ".join(one.node for one in meant)
        told = f"waits for {len(meant)} approvals: {names}" if meant else "waits for no approval now"
        raise InvalidState(f"run {run_id!r} {told}\nName the one that is meant.")
    if meant and all(one.by and who not in one.by for one in meant):
        people = ", ".join(dict.fromkeys(person for one in meant for person in one.by))
        raise InvalidInput(f"{who} may not answer {meant[0].node!r} of run {run_id!r}; it waits for {people}")
    return name if name is not None else meant[0].node


# ── to a run that isn't stored ────────────────────────────────────────────────────────────────────────────────────────


def send_here(machine: Machine, run_id: str, signal: str, value: Any) -> None:
    """Raises `RecordNotFound`, `InvalidState` if the run won't take signals any more, `InvalidInput`."""
    row = row_here(machine, run_id)
    wait = wait_of(row, signal)
    if wait is None:
        raise nobody_waits_for(row.launch.plan, signal)
    check_value(run_id, signal, wait, value)
    came = SignalCame(run_id, machine.now(), signal, value)
    if row.journal is not None:
        row.journal.prepare(row, came)
    machine.post(came)


def answer_here(machine: Machine, run_id: str, name: str | None, answer: Approval) -> None:
    row = row_here(machine, run_id)
    send_here(machine, run_id, one_of_those(run_id, asked_here(row), name, answer.who), answer)


def row_here(machine: Machine, run_id: object) -> Row:
    if not is_text(run_id):
        raise InvalidInput(f"run_id is text that isn't empty, not {brief(run_id)}")
    row = machine.rows.get(str(run_id))
    if row is None:
        run = machine.get(str(run_id))
        raise cant_take(run.id, run.status())
    if row.state.phase not in (RUN, HALTING) and not is_resumed(row):
        raise cant_take(row.id, row.state.ended or row.state.doing)
    return row


def is_resumed(row: Row) -> bool:
    """Whether it was halted, and has been told to go on: what is sent now comes after that."""
    return row.state.ended == "halted" and row.handle is not None and row.handle._status == "running"


def cant_take(run_id: str, status: str) -> ActorflowError:
    if status == "halted":
        return InvalidState(f"run {run_id!r} is halted, and takes no signals\nResume it first.")
    if status in ("rolling_back", "undoing"):
        return InvalidState(f"run {run_id!r} is being taken back, and waits for nothing any more")
    return InvalidState(f"run {run_id!r} has ended ({status}), and waits for nothing any more")


def asked_here(row: Row) -> list[Asked]:
    state = row.state
    return [
        Asked(row.name(node), wait.signal, wait.by) for node, wait in state.waits.items() if wait.question is not None
    ]
