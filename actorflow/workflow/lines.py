"""The user's own line: where outside of this package something was written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_INSIDE = f"{_PACKAGE}."


_told: ContextVar[str | None] = ContextVar("actorflow_line", default=None)


@contextmanager
def written_at(line: str) -> Generator[None]:
    """Has all that is drawn meanwhile be of this line: what is built by name was written before it's drawn."""
    token = _told.set(line)
    try:
        yield
    finally:
        _told.reset(token)


def users_line() -> str:
    """`trips.py:17` of the innermost caller outside of this package, or nothing if there is none."""
    told = _told.get()
    if told is not None:
        return told
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and _is_ours(frame.f_globals):
        frame = frame.f_back
    return "" if frame is None else _line(frame.f_code.co_filename, frame.f_lineno)


def line_of(function: Callable[..., Any]) -> str:
    """The line that a function begins on."""
    code = getattr(function, "__code__", None)
    return _line(code.co_filename, code.co_firstlineno) if isinstance(code, CodeType) else ""


@lru_cache(maxsize=1024)
def _line(path: str, number: int) -> str:
    """One text for all nodes that a loop makes on one line."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return f"{name}:{number}"


def _is_ours(names: dict[str, Any]) -> bool:
    name = names.get("__name__")
    return isinstance(name, str) and (name == _PACKAGE or name.startswith(_INSIDE))
