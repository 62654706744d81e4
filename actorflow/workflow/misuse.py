"""Calls of combinators that Python itself refuses: a misspelt option, an argument that is missing."""

from __future__ import annotations

import re
from pathlib import PurePath

from actorflow.workflow import combine, words
from actorflow.workflow.combinators import Combinator

_CALL = re.compile(r"(\w+)\.__call__\(\) ")
_WORDS = {
    type(word).__name__: word.word
    for room in (combine, words)
    for word in vars(room).values()
    if isinstance(word, Combinator)
}


def misuse_in(error: BaseException) -> str | None:
    """What is wrong with the call of a combinator, as a problem of the workflow: `each() got an unexpected keyword argument 'kee'`."""
    call = _CALL.match(str(error)) if isinstance(error, TypeError) else None
    word = _WORDS.get(call[1]) if call else None
    return None if call is None or word is None else f"{word}() {str(error)[call.end() :]}"


def line_of_error(error: BaseException) -> str:
    """`trips.py:17`, where it was raised; nothing if that isn't known."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
