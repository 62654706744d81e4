"""Strict conversion of what came as a message, a file or JSON to the annotated type (R2)."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow.values.checks import check
from actorflow.values.masks import holds_secrets
from actorflow.values.mismatch import ValueMismatch, shown
from actorflow.values.models import from_outside, is_model, is_secret_class
from actorflow.values.secret import MASK
from actorflow.values.types import class_of, type_text


def convert(value: Any, annotation: Any) -> Any:
    """The value as the annotated type; raises `ValueMismatch` with the path to what doesn't fit.

    Strict: `"3"` isn't an int, but as a key of a mapping it is one, since JSON has no others. Objects that are of their type already pass as they are, so that a message within one process may hold them.
    """
    try:
        return msgspec.convert(value, annotation, strict=True, str_keys=True, dec_hook=_as_it_is)
    except msgspec.ValidationError as error:
        raise _mismatch(error, value, annotation) from None
    except RecursionError:
        raise ValueMismatch(
            type_text(annotation), f"{_told(value, annotation)} nested too deeply, or holding itself"
        ) from None
    except (TypeError, NotImplementedError):
        check(value, annotation)
        return value


def _as_it_is(annotation: Any, value: Any) -> Any:
    """Models are made of plain data by their own rules."""
    cls = class_of(annotation)
    if is_model(cls) and not isinstance(value, annotation):
        return from_outside(annotation, value)
    if is_secret_class(annotation) and isinstance(value, str | bytes):
        return annotation(value)
    if cls is not None and not isinstance(value, cls):
        raise TypeError(f"Expected `{type_text(annotation)}`, got `{type(value).__name__}`")
    return value


def _mismatch(error: msgspec.ValidationError, value: Any, annotation: Any) -> ValueMismatch:
    text, _, path = str(error).partition(" - at `")
    expected, _, got = text.removeprefix("Expected ").partition(", got ")
    way = path.rstrip("`").removeprefix("key` in `").removeprefix("$")
    if path.startswith("key` in `"):
        expected = f"keys that are {expected.strip('`')}"
    if text.startswith("Expected ") and got:
        return ValueMismatch(expected.strip("`"), got.strip("`"), way)
    told = _told(value, annotation)
    return ValueMismatch(type_text(annotation), told if told == MASK else f"{told} ({text})", way)


def _told(value: Any, annotation: Any) -> str:
    return MASK if holds_secrets(annotation) else shown(value)
