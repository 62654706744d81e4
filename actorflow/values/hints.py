"""Annotations as types: forward references resolved, also those that name what is local to the enclosing function."""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from actorflow.errors import InvalidStep


def resolve_hints(function: Callable[..., Any], what: str = "") -> dict[str, Any]:
    """The types of a function's parameters, and of its result as `return`; what isn't annotated is left out.

    While the function that encloses it still executes (as it does when a decorator is applied), its local names count too. Raises
    `InvalidStep` naming the annotation's unknown name; `what` says whose annotation it is, as in `step 'charge'`.
    """
    bare = bare_function(function)
    try:
        return typing.get_type_hints(bare, localns=dict(_enclosing_names(bare)) or None, include_extras=True)
    except NameError as error:
        raise InvalidStep(_unknown_name(error, what or repr(getattr(bare, "__name__", bare)))) from None
    except (TypeError, SyntaxError, AttributeError) as error:
        raise InvalidStep(f"{what or function!r} has an annotation that can't be read: {error}") from error


def bare_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside of (nested) `functools.partial` objects."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _enclosing_names(function: Callable[..., Any]) -> Mapping[str, Any]:
    outer, local, _ = getattr(function, "__qualname__", "").rpartition(".<locals>.")
    if not local:
        return {}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_frame_of(frame, outer, function):
        frame = frame.f_back
    return frame.f_locals if frame is not None else {}


def _is_frame_of(frame: FrameType, qualname: str, function: Callable[..., Any]) -> bool:
    if frame.f_code.co_qualname != qualname:
        return False
    return frame.f_globals is getattr(function, "__globals__", None)


def _unknown_name(error: NameError, what: str) -> str:
    return (
        f"{what} has an annotation with the unknown name {error.name!r}\n"
        "Types are needed when the program runs: import it outside of `if TYPE_CHECKING:`, define it at module level."
    )
