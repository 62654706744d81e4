"""Values as bytes, and back as the annotated types (R56): msgpack, by msgspec.

A value is encoded only if it will come back as it was, so that nobody learns after a restart that it won't. Aware datetimes come back as
the same moment in UTC, an int given for a float as a float; both are equal to what they were.

    value → plain data → msgpack → with its mask, if it has secrets → sealed, if there is a seal
"""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, TypeVar

import msgspec
from msgspec import msgpack

from actorflow.errors import InvalidStep, InvalidValue, NotSerializable, RunFailed, brief
from actorflow.failures import FailureRecord, rebuild, record
from actorflow.store.big_numbers import encode_big, is_big, open_big
from actorflow.store.blame import blamed
from actorflow.store.envelopes import EXTENSION_HEADS, taken_out, with_mask
from actorflow.store.sealing import MARK as SEALED
from actorflow.store.sealing import Seal, is_sealed, opened, sealed
from actorflow.values import (
    Mask,
    ValueMismatch,
    built,
    check_exact,
    dumped,
    is_model,
    is_secret_class,
    mask_of,
    masked,
    type_text,
    why_not_encodable,
)

T = TypeVar("T")

_FAILURES = (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError, AttributeError)
_DECODE = msgpack.Decoder().decode
SEALED_TEXT = "(sealed)"
"""Stands for what an error says, for whoever can't open it."""


class Codec:
    """Encodes and decodes by annotation: what a runtime and its operators write and read values with, `Runtime(store=…, codec=codec)`.

    `register` teaches it a class of somebody else's, `register_family` a class with all that are derived from it. `seal` encrypts or compresses
    all that it writes; see `Seal`. Models of pydantic it knows by itself.
    """

    def __init__(self, *, seal: Seal | None = None) -> None:
        if seal is not None and not (callable(getattr(seal, "seal", None)) and callable(getattr(seal, "open", None))):
            raise InvalidValue(f"Codec(seal=…) is an object with seal(data) and open(data), not {brief(seal)}")
        self.seal = seal
        self._encoders: dict[type, Callable[[Any], Any]] = {}
        self._decoders: dict[type, Callable[[Any], Any]] = {}
        self._families: dict[type, Callable[[Any, Any], Any]] = {}
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
        _check_class(cls)
        self._encoders[cls] = encode
        self._decoders[cls] = decode
        self._forms.clear()

    def register_family(
        self, base: type[T], *, encode: Callable[[T], Any], decode: Callable[[type[T], Any], T]
    ) -> None:
        """The same for all classes derived from `base`, itself included; `decode` is told which of them is annotated."""
        _check_class(base)
        self._encoders[base] = encode
        self._families[base] = decode
        self._forms.clear()

    def can_encode(self, annotation: Any) -> str | None:
        """Why values of this type surely can't be encoded; None if they can, or if it depends on the value."""
        return self._form(annotation).reason

    def encode(self, value: Any, annotation: Any = Any, what: str = "the value") -> bytes:
        """The value as bytes; raises `NotSerializable`, naming the path, if it wouldn't come back as it is.

        `what` says whose value it is, as in `the result of 'charge'`.
        """
        data = self._written(value, annotation, what)
        return data if self.seal is None else sealed(self.seal, data, what)

    def decode(self, data: bytes, annotation: Any = Any, what: str = "a stored value") -> Any:
        """What was encoded; raises `InvalidValue` if the bytes don't hold a value of this type, or can't be opened."""
        return self._read(data if data[:1] != SEALED else opened(self.seal, data, what), annotation, what)

    def round_trip(self, value: Any, annotation: Any = Any, what: str = "the value") -> Any:
        """The value as it will be after a restart."""
        return self._read(self._written(value, annotation, what), annotation, what)

    # ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────

    def show(self, data: bytes) -> Any:
        """What was encoded, as plain data, with `***` for what its type marks as secret. Raises `InvalidValue`."""
        plain = opened(self.seal, data, "a stored value")
        found = _taken_out(plain)
        return self._read(plain) if found is None else masked(self._read(found.data), found.mask)

    def without_secrets(self, data: bytes) -> bytes:
        """The bytes with `***` for what the value's type marks as secret; what is sealed stays so."""
        if is_sealed(data):
            return data
        return data if _taken_out(data) is None else self._encoded(self.show(data), "a stored value")

    def is_same(self, one: bytes, other: bytes) -> bool:
        """Whether they are the same value, of whatever type. Sealed twice, it may be other bytes. Raises `InvalidValue`."""
        return one == other or self._core(one) == self._core(other)

    def _core(self, data: bytes) -> bytes:
        plain = opened(self.seal, data, "a stored value")
        found = _taken_out(plain)
        return plain if found is None else found.data

    # ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def seal_failure(self, written: FailureRecord) -> FailureRecord:
        """The record with all but the class of the error sealed, if there is a seal. Raises `NotSerializable`."""
        if self.seal is None:
            return written
        data = sealed(self.seal, msgpack.encode(written), "an error")
        return FailureRecord(type=written.type, message=SEALED_TEXT, kinds=written.kinds, sealed=data)

    def open_failure(self, written: FailureRecord) -> FailureRecord:
        """The record as it was before. Raises `InvalidValue`."""
        if not written.sealed:
            return written
        data = opened(self.seal, written.sealed, f"what a {written.type} said")
        try:
            return msgpack.decode(data, type=FailureRecord)
        except msgspec.MsgspecError as error:
            raise InvalidValue(f"what a {written.type} said can't be read") from error

    # ── bytes of other kinds ──────────────────────────────────────────────────────────────────────────────────────────

    def seal_bytes(self, data: bytes, what: str) -> bytes:
        """Sealed, if there is a seal. Raises `NotSerializable`."""
        return data if self.seal is None else sealed(self.seal, data, what)

    def open_bytes(self, data: bytes, what: str) -> bytes:
        """Raises `InvalidValue`."""
        return opened(self.seal, data, what)

    def as_json(self, value: Any) -> bytes:
        """The value as JSON, for whoever will read it as a type that isn't known here. Raises what msgspec raises."""
        return msgspec.json.encode(value, enc_hook=self._to_plain)

    # ── without the seal ──────────────────────────────────────────────────────────────────────────────────────────────

    def _written(self, value: Any, annotation: Any, what: str) -> bytes:
        form = self._form(annotation)
        if form.reason:
            path, _ = blamed(value, self._encoder.encode, form.mask)
            raise NotSerializable(f"{what} can't be encoded: {form.reason}", path=path)
        try:
            check_exact(value, annotation)
        except ValueMismatch as mismatch:
            raise _refused(what, mismatch) from None
        data = self._encoded(value, what, form.mask)
        return data if form.mask is None else with_mask(data, form.mask)

    def _read(self, data: bytes, annotation: Any = Any, what: str = "a stored value") -> Any:
        form = self._form(annotation)
        if form.decoder is None:
            raise InvalidValue(f"{what} can't be decoded: {form.reason}")
        try:
            if data and data[0] in EXTENSION_HEADS:
                if (found := taken_out(data)) is not None:
                    data = found.data
                if is_big(data):
                    return msgspec.convert(open_big(data), annotation, strict=True, dec_hook=self._from_plain)
            return form.decoder.decode(data)
        except (msgspec.DecodeError, *_FAILURES) as error:
            hides = self.seal is not None or form.mask is not None
            cause = None if hides else error
            raise InvalidValue(f"{what} isn't of type {type_text(annotation)}: {_told(error, hides=hides)}") from cause

    def _encoded(self, value: Any, what: str, mask: Mask | None = None) -> bytes:
        try:
            return self._encoder.encode(value)
        except OverflowError:
            return encode_big(value, self._to_plain)
        except _FAILURES as error:
            path, reason = blamed(value, self._encoder.encode, mask)
            cause = error if mask is None else None
            reason = reason or (str(error) if mask is None else type(error).__name__)
            raise NotSerializable(f"{what} can't be encoded: {path}: {reason}", path=path) from cause

    def _form(self, annotation: Any) -> _Form:
        try:
            found = self._forms.get(annotation)
        except TypeError:
            return self._new_form(annotation)
        if found is None:
            found = self._forms[annotation] = self._new_form(annotation)
        return found

    def _new_form(self, annotation: Any) -> _Form:
        reason = why_not_encodable(annotation, _Known(self._decoders, self._families))
        mask = mask_of(annotation)
        if reason:
            return _Form(reason, None, mask)
        return _Form(None, msgpack.Decoder(annotation, dec_hook=self._from_plain), mask)

    def _to_plain(self, value: Any) -> Any:
        for cls in type(value).__mro__:
            if cls in self._encoders:
                return self._encoders[cls](value)
        if is_model(type(value)):
            return dumped(value, self._encoder.encode, _DECODE)
        if is_secret_class(type(value)):
            return value.get_secret_value()
        raise NotImplementedError(f"there is no telling how to write a {type(value).__name__}")

    def _from_plain(self, cls: Any, value: Any) -> Any:
        if cls in self._decoders:
            return self._decoders[cls](value)
        base = _family_of(cls, self._families)
        if base is not None:
            return self._families[base](cls, value)
        if is_model(cls):
            return built(cls, value)
        if is_secret_class(cls):
            return cls(value)
        raise NotImplementedError(f"there is no telling how to read a {type_text(cls)}")


class _Form:
    """What is known of a type: why it can't be encoded, or how to decode it; and where its secrets are."""

    __slots__ = ("decoder", "mask", "reason")

    def __init__(self, reason: str | None, decoder: msgpack.Decoder[Any] | None, mask: Mask | None) -> None:
        self.reason = reason
        self.decoder = decoder
        self.mask = mask


class _Known:
    """The classes that a codec was taught."""

    def __init__(self, alone: dict[type, Any], families: dict[type, Any]) -> None:
        self._all: Container[object] = alone
        self._families = families

    def __contains__(self, cls: object) -> bool:
        return cls in self._all or _family_of(cls, self._families) is not None


def _family_of(cls: Any, families: dict[type, Any]) -> type | None:
    """The nearest of its bases that is one; of a generic alias, those of its class."""
    mro: tuple[type, ...] = getattr(getattr(cls, "__origin__", cls), "__mro__", ())
    return next((base for base in mro if base in families), None)


def _check_class(cls: object) -> None:
    if not isinstance(cls, type):
        raise InvalidStep(f"a codec is taught classes, not {brief(cls)}")


def _taken_out(data: bytes) -> Any:
    """Raises `InvalidValue` for an envelope that is damaged."""
    try:
        return taken_out(data)
    except msgspec.MsgspecError as error:
        raise InvalidValue("a stored value is damaged") from error


def _told(error: Exception, *, hides: bool) -> str:
    """What is wrong; without the texts of hooks and the like if they mustn't tell what is there."""
    text = str(error)
    return text if not hides or text.startswith(("Expected `", "Object ")) else type(error).__name__


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
