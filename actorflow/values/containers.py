"""Checks of values that hold others: what is wrong inside is told with the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actorflow.values.mismatch import ValueMismatch, shown
from actorflow.values.secret import MASK

Check = Callable[[Any], None]


def items_of(outer: Check, item: Check, *, indexed: bool, tells_items: bool = True) -> Check:
    """Items that are all alike; those of a set are told by themselves, as they have no index."""

    def check_items(value: Any) -> None:
        outer(value)
        index = 0
        each: Any = None
        try:
            for each in value:
                item(each)
                index += 1
        except ValueMismatch as mismatch:
            told = shown(each) if tells_items else MASK
            raise mismatch.under(f"[{index}]" if indexed else f"[{told}]") from None

    return check_items


def fixed_tuple(outer: Check, parts: Sequence[Check]) -> Check:
    """A tuple with a type for each place."""

    def check_tuple(value: Any) -> None:
        outer(value)
        if len(value) != len(parts):
            raise ValueMismatch(f"a tuple of {len(parts)}", f"one of {len(value)}")
        index = 0
        try:
            for part, each in zip(parts, value, strict=True):
                part(each)
                index += 1
        except ValueMismatch as mismatch:
            raise mismatch.under(f"[{index}]") from None

    return check_tuple


def mapping_of(outer: Check, key: Check, item: Check, *, tells_keys: bool = True) -> Check:
    def check_mapping(value: Any) -> None:
        outer(value)
        name: Any = None
        try:
            for name, each in value.items():
                key(name)
                item(each)
        except ValueMismatch as mismatch:
            raise mismatch.under(f"[{name!r:.40}]" if tells_keys else f"[{MASK}]") from None

    return check_mapping


def record(outer: Check, fields: Mapping[str, Check]) -> Check:
    """An object with typed fields. Fields that it doesn't have (they are optional in some dataclasses) pass."""
    listed = tuple(fields.items())

    def check_record(value: Any) -> None:
        outer(value)
        name = ""
        try:
            for name, field in listed:
                field(getattr(value, name))
        except ValueMismatch as mismatch:
            raise mismatch.under(f".{name}") from None
        except AttributeError:
            raise ValueMismatch("a field", "none", f".{name}") from None

    return check_record


def typed_dict(cls: Any, fields: Mapping[str, Check], outer: Check, *, tells_items: bool = True) -> Check:
    required: frozenset[str] = cls.__required_keys__

    def check_typed_dict(value: Any) -> None:
        outer(value)
        if missing := required - value.keys():
            raise ValueMismatch(f"the key {min(missing)!r}", "none")
        for name, each in value.items():
            if name not in fields:
                raise ValueMismatch(f"no key {name!r}", shown(each) if tells_items else MASK)
            try:
                fields[name](each)
            except ValueMismatch as mismatch:
                raise mismatch.under(f"[{name!r}]") from None

    return check_typed_dict
