"""What goes between the runtime and a worker process: messages, and frames of length and msgpack around them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from actorflow.failures import FailureRecord, rebuild
from actorflow.plan import StepSpec
from actorflow.policy import TryAgain
from actorflow.store import Codec

_LENGTH = struct.Struct("!Q")


class Place(msgspec.Struct, frozen=True):
    """What `step_context()` tells in the worker. `context` is the run's as plain data, or `problem` says why it can't be."""

    run_id: str
    node: str
    attempt: int
    context: bytes | None = None
    problem: str = ""


class Call(msgspec.Struct, frozen=True, tag=True):
    """Runtime → worker: call this function. `payload` is what `encode_arguments` gave."""

    module: str
    name: str
    payload: bytes
    place: Place | None = None


class Main(msgspec.Struct, frozen=True, tag=True):
    """Runtime → worker, before all else: where the main program is, should a function of it be called."""

    module: str | None
    path: str | None


class Began(msgspec.Struct, frozen=True, tag=True):
    """Worker → runtime: the function is entered now."""


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Worker → runtime: how far the function is."""

    done: float
    total: float | None


class Heartbeat(msgspec.Struct, frozen=True, tag=True):
    """Worker → runtime: the function is alive; `details` are plain data, encoded."""

    details: bytes


class Returned(msgspec.Struct, frozen=True, tag=True):
    """The function returned; `data` is encoded by the step's return type."""

    data: bytes


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The function raised; `written` is its exception as a record."""

    written: FailureRecord

    def rebuild(self) -> BaseException:
        """The exception, of its own class if that is known here (R13)."""
        return rebuild(self.written)


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


News: TypeAlias = Progress | Heartbeat
FromWorker: TypeAlias = Began | News | Returned | Failure | AskedAgain | HaltAsked
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


PIPE = Codec()
"""What values go to workers and back with, at both ends: without a seal, as they stay on the machine, and with what the codec knows by itself."""


def encode_arguments(spec: StepSpec, arguments: Sequence[Any], keywords: tuple[str, ...] = ()) -> bytes:
    """The flat arguments of a step, each by its annotated type; `keywords` are the names of the trailing ones."""
    types = _types(spec, len(arguments))
    parts = [
        PIPE.encode(value, kind, f"argument {name!r} of step {spec.name!r}")
        for value, (name, kind) in zip(arguments, types, strict=True)
    ]
    return _encode((parts, keywords))


def decode_arguments(spec: StepSpec, payload: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Positional arguments and those by keyword, each by its annotated type."""
    parts, keywords = _decode_parts(payload)
    types = _types(spec, len(parts))
    values = [PIPE.decode(part, kind, f"argument {name!r}") for part, (name, kind) in zip(parts, types, strict=True)]
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
