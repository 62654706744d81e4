"""What can be done about a run, said as it's done at a terminal: by a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from re import Match, Pattern
from typing import Final, TypeAlias

Told: TypeAlias = Callable[[Match[str], str, str], str]
"""What a person is told, of what a program is: of the run with this id, and the step with this name."""


def resolves(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs resolve {run} {step}={found[1]}`: {found[2]}"


def skips(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs resolve {run} {step}=skip:JSON`: {found[1]}"


def undoes(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs resolve {run} {step}=retry` {found[1]}, `{step}=done` {found[2]}"


def deals(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs resolve {run} {step}=done` {found[1]}"


def answers(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs approve {run} {step} --who NAME` ends that, or `reject`"


def sends(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs signal {run} {shlex.quote(found[1])} JSON` ends that"


def calls(found: Match[str], run: str, step: str) -> str:
    return f"`actorflow runs {found[1]} {run}`"


FORMS: Final[Sequence[tuple[Pattern[str], Told]]] = (
    (re.compile(r'resolve\(\) takes "(\w+)": (.*)'), resolves),
    (re.compile(r"resolve\(\) takes Skip\(value\): (.*)"), skips),
    (re.compile(r'resolve\(\) takes .*: "retry", (.*), or "done", (.*)'), undoes),
    (re.compile(r'resolve\(\) takes .*: "done", (.*)'), deals),
    (re.compile(r"approve\(\) or reject\(\) ends that, with who it is"), answers),
    (re.compile(r"signal\(\) ends that, with the name '(.*)' and a value"), sends),
    (re.compile(r"\b(resume|cancel|release|retry|replay)\(\)"), calls),
)


def as_command(text: str, run_id: str, step: str = "") -> str:
    """`step`: the one that it's about, if it's about one."""
    run, node = shlex.quote(run_id), shlex.quote(step)
    for pattern, told in FORMS:
        text = pattern.sub(partial(of_run, told, run, node), text)
    return text


def of_run(told: Told, run: str, step: str, found: Match[str]) -> str:
    return told(found, run, step)
