"""Values in envelopes: extensions of msgpack around all that a value is. Its code says what is inside."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import msgpack

from actorflow.values import Mask

BIG: Final = 42
"""Plain data with ints beyond 64 bits."""
MASKED: Final = 43
"""A value with secrets, and where they are."""
EXTENSION_HEADS: Final = {0xC7: 2, 0xC8: 3, 0xC9: 5, 0xD4: 1, 0xD5: 1, 0xD6: 1, 0xD7: 1, 0xD8: 1}
"""By the first byte of an extension: where its code stands."""


def is_envelope(data: bytes, code: int) -> bool:
    """Whether the bytes are an envelope of this code. (An aware datetime is an extension too, of another code.)"""
    at = EXTENSION_HEADS.get(data[0]) if data else None
    return at is not None and len(data) > at and data[at] == code


def contents(data: bytes) -> Any:
    """What is in an envelope, as bytes."""
    return msgpack.decode(data, type=msgpack.Ext).data


class Masked(msgspec.Struct, frozen=True, array_like=True):
    """A value, encoded, and what of it is secret."""

    mask: Mask
    data: bytes


def with_mask(data: bytes, mask: Mask) -> bytes:
    return msgpack.encode(msgpack.Ext(MASKED, msgpack.encode(Masked(mask, data))))


def taken_out(data: bytes) -> Masked | None:
    """The value and its mask, if it has one. Raises `msgspec.DecodeError` for an envelope that is damaged."""
    return msgpack.decode(contents(data), type=Masked) if is_envelope(data, MASKED) else None
