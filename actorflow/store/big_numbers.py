"""Ints beyond 64 bits, which msgpack doesn't have.

A value that holds one is written whole as an envelope of plain data in which each of them is an extension of code 1; it is read as plain data
first, and then converted. All other values go the quick way, and no value is both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import msgpack

from actorflow.store.envelopes import BIG, contents, is_envelope

_NUMBER = 1


def is_big(data: bytes) -> bool:
    """Whether the bytes are such an envelope."""
    return is_envelope(data, BIG)


def encode_big(value: Any, to_plain: Callable[[Any], Any]) -> bytes:
    plain = msgspec.to_builtins(value, builtin_types=(bytes, datetime), enc_hook=to_plain)
    return msgpack.encode(msgpack.Ext(BIG, msgpack.encode(_numbers_wrapped(plain))))


def open_big(data: bytes) -> Any:
    """The plain data in an envelope."""
    return msgpack.decode(contents(data), ext_hook=_number)


def _numbers_wrapped(plain: Any) -> Any:
    if type(plain) in {list, tuple, set, frozenset}:
        return _list_wrapped(plain)
    if type(plain) is dict:
        return _dict_wrapped(plain)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(plain, int) and not -(2**63) <= plain < 2**64:
        return msgpack.Ext(_NUMBER, plain.to_bytes(plain.bit_length() // 8 + 1, "big", signed=True))
    return plain


def _list_wrapped(items: Iterable[Any]) -> list[Any]:
    return [_numbers_wrapped(each) for each in items]


def _dict_wrapped(pairs: Mapping[Any, Any]) -> dict[Any, Any]:
    return {_numbers_wrapped(key): _numbers_wrapped(each) for key, each in pairs.items()}


def _number(code: int, data: memoryview) -> int:
    if code != _NUMBER:
        raise ValueError(f"an extension of the unknown code {code}")
    return int.from_bytes(data, "big", signed=True)
