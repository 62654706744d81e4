"""Tracebacks of the user's own code: without the frames of ActorFlow and of what it stands on."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import re
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from actorflow.errors import RecordedFailure

_OWN = Path(__file__).parents[1]
_HIDDEN = (str(_OWN), str(Path(asyncio.__file__).parent), str(Path(concurrent.futures.__file__).parent))
_HIDDEN_FILES = frozenset({threading.__file__, importlib.__file__, "<frozen importlib._bootstrap>"})


def traceback_of(error: BaseException) -> str:
    """The traceback with causes and members of groups, each with its source lines; only its last lines if no frame is the user's."""
    if isinstance(error, RecordedFailure) and error.traceback:
        return _of_text(error.traceback)
    told = traceback.TracebackException.from_exception(error)
    for part in _all(told):
        part.stack = _theirs(part.stack)
    return _without_empty("".join(told.format()).rstrip("\n"))


def _all(told: traceback.TracebackException) -> Iterable[traceback.TracebackException]:
    waiting = [told]
    while waiting:
        one = waiting.pop()
        yield one
        members: Any = getattr(one, "exceptions", None) or ()
        waiting += [other for other in (one.__cause__, one.__context__, *members) if other is not None]


def _theirs(stack: traceback.StackSummary) -> traceback.StackSummary:
    return traceback.StackSummary.from_list([frame for frame in stack if not is_hidden(frame.filename)])


def is_hidden(file: str) -> bool:
    """Whether a file's frames say nothing to the user."""
    return file in _HIDDEN_FILES or file.startswith(("<frozen ", *(f"{folder}/" for folder in _HIDDEN)))


_HEADER = re.compile(r"^(?P<bar>[ |+]*)Traceback \(most recent call last\):\n(?!(?P=bar) +File )", re.MULTILINE)
_HEADER_OF_GROUP = re.compile(
    r"^(?P<bar>[ |]*)\+ Exception Group Traceback \(most recent call last\):\n(?!(?P=bar)\| +File )", re.MULTILINE
)


def _without_empty(text: str) -> str:
    """Headers that no frame follows are left out."""
    return _HEADER_OF_GROUP.sub("", _HEADER.sub("", text))


_FRAME = re.compile(r'^ *File "(?P<file>[^"]*)", line \d+.*\n(?:^ {4,}.*\n)*', re.MULTILINE)


def _of_text(text: str) -> str:
    """The same of a traceback that came as text from another process."""
    kept = _FRAME.sub(lambda found: "" if is_hidden(found["file"]) else found[0], text)
    return _without_empty(kept.rstrip("\n"))
