"""A run's turns as a history that a person can read. It needs neither the workflow nor its types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import msgpack

from actorflow.errors import InvalidValue
from actorflow.failures import FailureRecord
from actorflow.runtime import entries
from actorflow.runtime import entry_fields as fields
from actorflow.runtime.views import HistoryEntry
from actorflow.store import Entry, Turns, decode_turns

if TYPE_CHECKING:
    from actorflow.store import Codec

LATE = "~"
"""What begins the kind of a fact that came too late: nothing that happened."""
WITH_VALUES = frozenset({"StepSkipped", "StepSucceeded"})
"""Facts that followed, and have a value nevertheless: a person gave it, another run, or a signal."""
MOMENTS = frozenset({"due", "began"})
"""Details that are monotonic times of their runtime."""

_unpack = msgpack.Decoder().decode
_failure = msgpack.Decoder(FailureRecord).decode


def history_of(data: Iterable[bytes], codec: Codec | None = None) -> list[HistoryEntry]:
    """What is recorded, in order. What errors say needs the codec where values are sealed. Raises `InvalidValue` for bytes that aren't turns."""
    return list(told(map(decode_turns, data), codec))


def told(rows: Iterable[Turns], codec: Codec | None = None) -> Iterator[HistoryEntry]:
    number = 0
    for turns in rows:
        for turn in turns.turns:
            for is_message, entry in [*((True, one) for one in turn.messages), *((False, one) for one in turn.facts)]:
                if not entry.kind.startswith(LATE):
                    number += 1
                    yield read(entry, number, turns, codec, is_message=is_message)


def read(entry: Entry, number: int, turns: Turns, codec: Codec | None = None, *, is_message: bool) -> HistoryEntry:
    """What can't be read of an entry is left out: a newer version may have written it."""
    form = entries.FORMS.get(entry.kind) if is_message else None
    try:
        details = details_of(entry, form, turns.offset)
        error = readable(codec, error_of(entry, form, details, is_message=is_message))
    except (msgspec.MsgspecError, InvalidValue, TypeError, ValueError):
        details, error = {}, None
    return HistoryEntry(
        number, entry.at + turns.offset, turns.worker, entry.kind, entry.step, entry.attempt, is_request(form), details, error,
        value_of(entry, form),
    )  # fmt: skip


def is_request(form: entries.Form | None) -> bool:
    return form is not None and form.kind.__module__ == "actorflow.engine.orders"


def details_of(entry: Entry, form: entries.Form | None, offset: float) -> dict[str, Any]:
    if entry.more is None:
        return {}
    more: Any = _unpack(entry.more)
    given: Iterable[tuple[str, Any]] = (
        cast("dict[str, Any]", more).items() if isinstance(more, dict) else listed(form, more)
    )
    return {name: value + offset if name in MOMENTS else value for name, value in given if value is not None}


def listed(form: entries.Form | None, more: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a message that can be shown without the workflow's types."""
    for (name, coder), value in zip(form.more if form is not None else (), more, strict=False):
        yield ("error" if coder is fields.ERROR else name), shown(coder, value)


def shown(coder: fields.Coder, value: Any) -> Any:
    if coder is fields.PLAIN or coder is fields.ERROR:
        return value
    if coder is fields.NODES:
        return [step for _, step in value]
    if coder is fields.NODE:
        return value[1]
    if coder is fields.ANSWERS:
        return {step: answer for _, step, answer, _ in value}
    return None


def error_of(
    entry: Entry, form: entries.Form | None, details: dict[str, Any], *, is_message: bool
) -> FailureRecord | None:
    plain = details.pop("error", None)
    if plain is not None:
        return msgspec.convert(plain, FailureRecord)
    told = not is_message and entry.kind not in WITH_VALUES
    packed = form.value is not None and form.value[1] is fields.PACKED_ERROR if form is not None else told
    return _failure(entry.value) if packed and entry.value is not None else None


def readable(codec: Codec | None, error: FailureRecord | None) -> FailureRecord | None:
    """What the error said, if it can be opened; else its class, and that it's sealed."""
    if error is None or codec is None:
        return error
    try:
        return codec.open_failure(error)
    except InvalidValue:
        return error


def value_of(entry: Entry, form: entries.Form | None) -> bytes | None:
    """The encoded value of a step, where the entry gives it one."""
    is_value = form is not None and form.value is not None and form.value[1] is fields.RESULT
    return entry.value if is_value or (form is None and entry.kind in WITH_VALUES) else None


def text_of(error: FailureRecord | None) -> str:
    """`NoMoney: the card is empty`."""
    if error is None:
        return ""
    name = error.type.rpartition(".")[2]
    return f"{name}: {error.message}" if error.message else name
