"""Values as bytes, and back as the annotated types (R56): msgpack, by msgspec.

A value is encoded only if it will come back as it was, so that nobody learns after a restart that it won't. Aware datetimes come back as
the same moment in UTC, an int given for a float as a float; both are equal to what they were.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, TypeVar

import msgspec
from msgspec import msgpack

from actorflow.errors import InvalidValue, NotSerializable, RunFailed
from actorflow.failures import FailureRecord, rebuild, record
from actorflow.store.big_numbers import encode_big, is_big, open_big
from actorflow.store.blame import find_path
from actorflow.values import ValueMismatch, check_exact, type_text, why_not_encodable

T = TypeVar("T")

_FAILURES = (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError, AttributeError)


class Codec:
    """Encodes and decodes by annotation. `register` teaches it a class of somebody else's."""

    def __init__(self) -> None:
        self._encoders: dict[type, Callable[[Any], Any]] = {}
        self._decoders: dict[type, Callable[[Any], Any]] = {}
        self._forms: dict[Any, _Form] = {}
        self._encoder = msgpack.Encoder(enc_hook=self._to_plain)
        for path in (PurePath, Path, PurePosixPath, PosixPath, PureWindowsPath, WindowsPath):
            self.register(path, encode=str, decode=path)
        self._decoders[object] = _as_it_is
        self.register(complex, encode=_complex_parts, decode=_complex_from)
        for error in (RunFailed, BaseException):  # what outcomes hold
            self.register(error, encode=record, decode=_error_from)

    def register(self, cls: type[T], *, encode: Callable[[T], Any], decode: Callable[[Any], T]) -> None:
        """Has values of a class written as plain data that `encode` makes of them, and read by `decode`."""
        self._encoders[cls] = encode
        self._decoders[cls] = decode
        self._forms.clear()

    def can_encode(self, annotation: Any) -> str | None:
        """Why values of this type surely can't be encoded; None if they can, or if it depends on the value."""
        return self._form(annotation).reason

    def encode(self, value: Any, annotation: Any = Any, what: str = "the value") -> bytes:
        """The value as bytes; raises `NotSerializable`, naming the path, if it wouldn't come back as it is.

        `what` says whose value it is, as in `the result of 'charge'`.
        """
        form = self._form(annotation)
        if form.reason:
            path, _ = find_path(value, self._encoder.encode)
            raise NotSerializable(f"{what} can't be encoded: {form.reason}", path=f"${path}")
        try:
            check_exact(value, annotation)
        except ValueMismatch as mismatch:
            raise _refused(what, mismatch) from None
        return self._encoded(value, what)

    def decode(self, data: bytes, annotation: Any = Any, what: str = "a stored value") -> Any:
        """What was encoded; raises `InvalidValue` if the bytes don't hold a value of this type."""
        form = self._form(annotation)
        if form.decoder is None:
            raise InvalidValue(f"{what} can't be decoded: {form.reason}")
        try:
            if is_big(data):
                return msgspec.convert(open_big(data), annotation, strict=True, dec_hook=self._from_plain)
            return form.decoder.decode(data)
        except (msgspec.DecodeError, *_FAILURES) as error:
            raise InvalidValue(f"{what} isn't of type {type_text(annotation)}: {error}") from error

    def round_trip(self, value: Any, annotation: Any = Any, what: str = "the value") -> Any:
        """The value as it will be after a restart."""
        return self.decode(self.encode(value, annotation, what), annotation, what)

    def _encoded(self, value: Any, what: str) -> bytes:
        try:
            return self._encoder.encode(value)
        except OverflowError:
            return encode_big(value, self._to_plain)
        except _FAILURES as error:
            path, reason = find_path(value, self._encoder.encode)
            raise NotSerializable(f"{what} can't be encoded: ${path}: {reason or error}", path=f"${path}") from error

    def _form(self, annotation: Any) -> _Form:
        try:
            found = self._forms.get(annotation)
        except TypeError:
            return self._new_form(annotation)
        if found is None:
            found = self._forms[annotation] = self._new_form(annotation)
        return found

    def _new_form(self, annotation: Any) -> _Form:
        reason = why_not_encodable(annotation, self._decoders)
        if reason:
            return _Form(reason, None)
        return _Form(None, msgpack.Decoder(annotation, dec_hook=self._from_plain))

    def _to_plain(self, value: Any) -> Any:
        for cls in type(value).__mro__:
            if cls in self._encoders:
                return self._encoders[cls](value)
        raise NotImplementedError(f"there is no telling how to write a {type(value).__name__}")

    def _from_plain(self, cls: type, value: Any) -> Any:
        if cls not in self._decoders:
            raise NotImplementedError(f"there is no telling how to read a {type_text(cls)}")
        return self._decoders[cls](value)


class _Form:
    """What is known of a type: why it can't be encoded, or how to decode it."""

    __slots__ = ("decoder", "reason")

    def __init__(self, reason: str | None, decoder: msgpack.Decoder[Any] | None) -> None:
        self.reason = reason
        self.decoder = decoder


def _refused(what: str, mismatch: ValueMismatch) -> NotSerializable:
    path = f"${mismatch.path}"
    return NotSerializable(
        f"{what} wouldn't come back from its bytes as it is: {path}: expected {mismatch.expected}, got {mismatch.got}\n"
        "Annotate it as what it is.",
        path=path,
    )


def _as_it_is(value: Any) -> Any:
    """What is annotated as `object` is plain data, as under `Any`."""
    return value


def _error_from(written: Any) -> Any:
    return rebuild(msgspec.convert(written, FailureRecord))


def _complex_parts(value: complex) -> list[float]:
    return [value.real, value.imag]


def _complex_from(parts: Any) -> complex:
    return complex(parts[0], parts[1])
