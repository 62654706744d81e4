"""Which part of a value it is that can't be encoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from actorflow.values import Mask, fields_of


def blamed(value: Any, encode: Callable[[Any], bytes], mask: Mask | None) -> tuple[str, str]:
    """The way from `$`, and the reason; without keys and texts of hooks if the value's type has secrets."""
    path, reason = find_path(value, encode)
    if mask is None:
        return f"${path}", reason
    path = re.sub(r"\[.*?\]", "[…]", path)
    return f"${path}", reason if reason.startswith("there is no telling") else ""


def find_path(value: Any, encode: Callable[[Any], bytes], depth: int = 50) -> tuple[str, str]:
    """The way to the innermost part that fails alone, as `.seats[2].client`, and why it fails."""
    for step, part in _parts(value) if depth else ():
        if _why(part, encode):
            path, reason = find_path(part, encode, depth - 1)
            return step + path, reason
    return "", _why(value, encode)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield f"[{key!r:.40}]", key
            yield f"[{key!r:.40}]", each
    elif isinstance(value, list | tuple | set | frozenset):
        for index, each in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield f"[{index}]", each
    else:
        for name in fields_of(type(value)):
            yield f".{name}", getattr(value, name, None)


def _why(value: Any, encode: Callable[[Any], bytes]) -> str:
    try:
        encode(value)
    except OverflowError:
        return ""
    except RecursionError:
        return "it is nested too deeply, or holds itself"
    except Exception as error:
        return str(error) or type(error).__name__
    return ""
