"""What goes between the runtime and a worker process: messages, and frames of length and msgpack around them."""

from __future__ import annotations

import struct
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, cast

import msgspec

from actorflow.errors import InvalidValue, NotSerializable, RecordedFailure
from actorflow.plan import StepSpec
from actorflow.policy import TryAgain
from actorflow.store import Codec

_LENGTH = struct.Struct("!Q")
_OWN: dict[str, type[Exception]] = {
    "actorflow.errors.NotSerializable": NotSerializable,
    "actorflow.errors.InvalidValue": InvalidValue,
}


class Call(msgspec.Struct, frozen=True, tag=True):
    """Runtime → worker: call this function. `payload` is what `encode_arguments` gave."""

    module: str
    name: str
    payload: bytes


class Main(msgspec.Struct, frozen=True, tag=True):
    """Runtime → worker, before all else: where the main program is, should a function of it be called."""

    module: str | None
    path: str | None


class Began(msgspec.Struct, frozen=True, tag=True):
    """Worker → runtime: the function is entered now."""


class Returned(msgspec.Struct, frozen=True, tag=True):
    """The function returned; `data` is encoded by the step's return type."""

    data: bytes


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The function raised. Classes are named `module.QualName`, an exception's own first, then its bases.

    `leaves` has those of each exception in a group, so that `on=` can be answered here (R14).
    """

    classes: tuple[str, ...]
    message: str
    traceback: str
    notes: tuple[str, ...] = ()
    leaves: tuple[tuple[str, ...], ...] = ()

    def is_a(self, *kinds: type[BaseException]) -> bool:
        """Whether the exception is of one of the classes, or a group whose leaves all are."""
        names = {class_name(kind) for kind in kinds}
        if not names.isdisjoint(self.classes):
            return True
        return bool(self.leaves) and all(not names.isdisjoint(leaf) for leaf in self.leaves)

    def rebuild(self) -> Exception:
        """An exception that says the same; `RecordedFailure` for classes of the user's."""
        own = _OWN.get(self.classes[0])
        if own is not None:
            return own(self.message)
        return RecordedFailure(self.classes[0].removeprefix("builtins."), self.message, self.traceback, self.notes)


class AskedAgain(msgspec.Struct, frozen=True, tag=True):
    """The function raised `TryAgain`."""

    reason: str | Failure | None
    after: float | None

    def rebuild(self) -> TryAgain:
        reason = self.reason.rebuild() if isinstance(self.reason, Failure) else self.reason
        return TryAgain(reason, after=self.after)


class HaltAsked(msgspec.Struct, frozen=True, tag=True):
    """The function raised `Halt`; `data` is its value, encoded by the step's return type, or `None` for a bare one."""

    data: bytes | None


FromWorker: TypeAlias = Began | Returned | Failure | AskedAgain | HaltAsked
ToWorker: TypeAlias = Main | Call
Answer: TypeAlias = Returned | Failure | AskedAgain | HaltAsked

_encode = msgspec.msgpack.Encoder().encode
_decode_parts = msgspec.msgpack.Decoder(tuple[tuple[bytes, ...], tuple[str, ...]]).decode


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole now."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            frame = bytes(memoryview(self._buffer)[_LENGTH.size : end])
            del self._buffer[:end]
            yield frame


def frame(message: ToWorker | FromWorker) -> bytes:
    """The message with its length before it."""
    data = _encode(message)
    return _LENGTH.pack(len(data)) + data


def encode_arguments(codec: Codec, spec: StepSpec, arguments: Sequence[Any], keywords: tuple[str, ...] = ()) -> bytes:
    """The flat arguments of a step, each by its annotated type; `keywords` are the names of the trailing ones."""
    types = _types(spec, len(arguments))
    parts = [
        codec.encode(value, kind, f"argument {name!r}") for value, (name, kind) in zip(arguments, types, strict=True)
    ]
    return _encode((parts, keywords))


def decode_arguments(codec: Codec, spec: StepSpec | None, payload: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Positional arguments and those by keyword. Without a spec (a plain function) nothing is known of the types."""
    parts, keywords = _decode_parts(payload)
    types = [("", Any)] * len(parts) if spec is None else _types(spec, len(parts))
    values = [codec.decode(part, kind, f"argument {name!r}") for part, (name, kind) in zip(parts, types, strict=True)]
    first = len(values) - len(keywords)
    return values[:first], dict(zip(keywords, values[first:], strict=True))


def _types(spec: StepSpec, count: int) -> list[tuple[str, Any]]:
    """Name and type of each of the flat arguments: `*args` are spread out in their place."""
    spread = count - len(spec.arguments)
    types: list[tuple[str, Any]] = []
    for name, kind in spec.arguments:
        parameter = spec.signature.parameters.get(name)
        is_spread = parameter is not None and parameter.kind is parameter.VAR_POSITIONAL
        types += [(name, kind)] * (1 + spread if is_spread else 1)
    return types


def record(error: BaseException) -> Failure:
    """The exception as data."""
    text = "".join(traceback.format_exception(error))
    notes = tuple(str(note) for note in getattr(error, "__notes__", ()))
    alone = leaves(error)
    found = () if alone == [error] else tuple(_classes(leaf) for leaf in alone)
    return Failure(_classes(error), _message(error), text, notes, found)


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions of a group that aren't groups themselves; of any other, itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    members: tuple[BaseException, ...] = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return [leaf for member in members for leaf in leaves(member)]


def class_name(kind: type) -> str:
    """`module.QualName`; what the main program defines is named alike on both sides."""
    module = "__main__" if kind.__module__ == "__mp_main__" else kind.__module__
    return f"{module}.{kind.__qualname__}"


def _classes(error: BaseException) -> tuple[str, ...]:
    return tuple(class_name(kind) for kind in type(error).__mro__ if kind is not object)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"<its text can't be had: {type(broken).__name__}>"
