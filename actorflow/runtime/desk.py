"""What values and errors are written with, and read: for what is recorded of runs (R48, R56)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import msgpack

from actorflow.errors import NotSerializable
from actorflow.failures import FailureRecord, rebuild, record, type_name
from actorflow.policy import TryAgain

if TYPE_CHECKING:
    from actorflow.store import Codec

TRY_AGAIN: Final = type_name(TryAgain)
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
