"""Lists of runs in databases: which question is asked, so that an index answers it in the order that is wanted.

What a question looks for varies, so its conditions are put together here; each `?` stands for the next of its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from actorflow.store.requests import ListRuns
from actorflow.store.run_records import STATUSES
from actorflow.store.tables import Place

LABELLED = "run_labels.name = ? AND run_labels.value = ?"
OTHERWISE_LABELLED = (
    "EXISTS (SELECT 1 FROM {schema}run_labels AS other WHERE (name, value, other.run) = (?, ?, runs.number))"
)


class Question(NamedTuple):
    """The name of a query, what is added to its end, and the values; the last one, the limit, is the caller's."""

    base: str
    more: str
    values: list[Any]


def is_timed(query: ListRuns) -> bool:
    """Runs of some time are listed by when they were created, others by their numbers."""
    return query.since is not None or query.until is not None


def rank(query: ListRuns, place: Place) -> tuple[float, int]:
    return place if is_timed(query) else (0.0, place.number)


def statuses_asked(query: ListRuns) -> Sequence[str | None]:
    """One question for each: an index has each status of a workflow in order, not all together. `None`: whichever."""
    return query.status or (sorted(STATUSES) if query.workflow is not None else (None,))


def question(
    query: ListRuns, status: str | None, after: Place | None, *, schema: str = "", other: str = ""
) -> Question:
    """`other` is set before what an index should not be used for: of several that would do, SQLite doesn't know which one is short."""
    found = list(conditions(query, status, after, schema, other))
    order = "created DESC, runs.number DESC" if is_timed(query) else f"{numbers(query)} DESC"
    where = "".join(f" AND {condition}" for condition, _ in found)
    base = "list_labelled_runs" if query.labels else "list_runs"
    return Question(base, f"{where} ORDER BY {order} LIMIT ?", [value for _, values in found for value in values])


def conditions(
    query: ListRuns, status: str | None, after: Place | None, schema: str, other: str
) -> Iterator[tuple[str, Sequence[Any]]]:
    for number, label in enumerate(query.labels.items()):
        yield OTHERWISE_LABELLED.format(schema=schema) if number else LABELLED, label
    if query.parent is not None:
        yield "parent = ?", (query.parent,)
    column = other if is_timed(query) or query.labels or query.parent is not None else ""
    if query.workflow is not None:
        yield f"{column}workflow = ?", (query.workflow,)
    if status is not None:
        yield f"{column}status = ?", (status,)
    if query.since is not None:
        yield "created >= ?", (query.since,)
    if query.until is not None:
        yield "created < ?", (query.until,)
    if after is not None and is_timed(query):
        yield "(created, runs.number) < (?, ?)", after
    elif after is not None:
        yield f"{numbers(query)} < ?", (after.number,)


def numbers(query: ListRuns) -> str:
    """Runs that are found by a label come in the order of the labels' index."""
    return "run_labels.run" if query.labels else "runs.number"
