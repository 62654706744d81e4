"""Lists of runs in SQLite: which question is asked, so that an index answers it in the order that is wanted."""

from __future__ import annotations

from typing import Any

from actorflow.store.requests import ListRuns
from actorflow.store.tables import Place


def conditions(query: ListRuns, status: str | None, after: Place | None) -> tuple[str, str, list[Any]]:
    """The name of a query, what is added to it, and the parameters; the last one, the limit, is the caller's.

    A `+` keeps SQLite from an index: of several that would do, it doesn't know which one is short.
    """
    is_timed = query.since is not None or query.until is not None
    labels = list(query.labels.items())
    base = "list_labelled_runs" if labels else "list_runs"
    parameters: list[Any] = [*labels[0]] if labels else []
    terms: list[str] = []
    plus = "+" if is_timed or labels or query.parent is not None else ""

    def also(term: str, *values: Any) -> None:
        terms.append(term)
        parameters.extend(values)

    for label in labels[1:]:
        also("EXISTS (SELECT 1 FROM run_labels AS other WHERE (name, value, other.run) = (?, ?, number))", *label)
    if query.parent is not None:
        also("parent = ?", query.parent)
    if query.workflow is not None:
        also(f"{plus}workflow = ?", query.workflow)
    if status is not None:
        also(f"{plus}status = ?", status)
    if query.since is not None:
        also("created >= ?", query.since)
    if query.until is not None:
        also("created < ?", query.until)
    if after is not None and is_timed:
        also("(created, number) < (?, ?)", *after)
    elif after is not None:
        also("number < ?", after.number)
    order = "created DESC, number DESC" if is_timed else "number DESC"
    where = "".join(f" AND {term}" for term in terms)
    return base, f"{where} ORDER BY {order} LIMIT ?", parameters
