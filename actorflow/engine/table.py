"""The form of the table; `rules.py` has its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from actorflow.engine.state import State
from actorflow.facts import Fact


class Rule(NamedTuple):
    """One row: when a message counts, what it changes, what is ordered because of it, what follows from it."""

    expects: int | None = None
    fold: Callable[[State, Any], None] | None = None
    order: Callable[[State, Any], None] | None = None
    then: Callable[[State, Any, float], Fact | None] | None = None


RULES: dict[type, Rule] = {}
