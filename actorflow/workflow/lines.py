"""The user's own line: where outside of this package something was written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def users_line() -> str:
    """`trips.py:17` of the innermost caller outside of this package, or nothing if there is none."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and _is_ours(frame.f_globals):
        frame = frame.f_back
    if frame is None:
        return ""
    return f"{_file_name(frame.f_code.co_filename)}:{frame.f_lineno}"


def line_of(function: Callable[..., Any]) -> str:
    """The line that a function begins on."""
    code = getattr(function, "__code__", None)
    return f"{_file_name(code.co_filename)}:{code.co_firstlineno}" if isinstance(code, CodeType) else ""


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _is_ours(names: dict[str, Any]) -> bool:
    return str(names.get("__name__", "")).partition(".")[0] == _PACKAGE
