"""Keeps what steps print out of lines that a machine reads."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def prints_beside() -> Generator[TextIO]:
    """Gives the stream for the lines. Within it, what is printed goes to standard error, in worker processes too."""
    lines = sys.stdout
    if not _is_the_process_own(lines):
        with contextlib.redirect_stdout(sys.stderr):
            yield lines
        return
    lines.flush()
    before = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(before), "w", encoding="utf-8") as stream:
            yield stream
    finally:
        lines.flush()
        os.dup2(before, 1)
        os.close(before)


def _is_the_process_own(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):
        return False
