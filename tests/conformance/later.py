"""The clauses of R1–R44 that can't have a test yet: they need a combinator, the command line (issue 3), a store or recovery (issue 4)."""

from __future__ import annotations

from typing import NamedTuple


class Later(NamedTuple):
    rule: str
    clause: str
    issue: int


LATER: list[Later] = [
    Later("R12", "An orphaned permit is shown as such, by `inspect` and `explain`.", issue=4),
]
