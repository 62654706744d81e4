"""Runs as the tuples that databases take and give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actorflow.store.lead import Lead, Move
from actorflow.store.runs import ENDED, UNFINISHED, RunRecord

STATUSES = UNFINISHED | ENDED

_labels = msgspec.json.Decoder(dict[str, str])


def run_from(values: tuple[Any, ...]) -> RunRecord:
    """A row without bytes, or a whole one."""
    run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, tail, *rest = values  # fmt: skip
    inputs, context, options, result, failure = rest or (b"", b"", b"", None, None)
    return RunRecord(
        run_id, workflow, inputs, created, fingerprint, context, labels_from(labels), options, parent,
        status, updated, ended, result, failure, owner, wake, tail, problem,
    )  # fmt: skip


def as_new_run(number: int, run: RunRecord) -> tuple[Any, ...]:
    return (
        number, run.run_id, run.workflow, run.status, run.created, run.updated, run.ended, run.owner, run.wake, run.fingerprint,
        labels_as_text(run.labels), run.parent, run.problem, run.inputs, run.context, run.options, run.result, run.failure,
    )  # fmt: skip


def as_moved(move: Move) -> tuple[Any, ...]:
    now = move.lead
    kept = now.status, now.updated, now.ended, now.owner, now.wake, now.problem
    return (*kept, move.result, move.failure, move.clears, now.number)


def lead_from(values: tuple[Any, ...]) -> Lead:
    return Lead(*values)


def labels_from(text: str) -> dict[str, str]:
    return _labels.decode(text) if text != "{}" else {}


def labels_as_text(labels: Mapping[str, str]) -> str:
    return msgspec.json.encode(labels).decode() if labels else "{}"


def is_sound_run(values: tuple[Any, ...]) -> bool:
    """Whether a run's row is of the types that a store writes: SQLite's columns take any."""
    run_id, workflow, status, created, updated, ended, owner, wake, fingerprint, labels, parent, problem, tail, *rest = values  # fmt: skip
    inputs, context, options, result, failure = rest or (b"", b"", b"", None, None)
    return (
        status in STATUSES
        and all(type(value) is str for value in (run_id, workflow, fingerprint, labels))
        and all(value is None or type(value) is str for value in (parent, problem))
        and all(type(value) is float for value in (created, updated))
        and all(value is None or type(value) is float for value in (ended, wake))
        and type(tail) is int
        and (owner is None or type(owner) is int)
        and all(type(value) is bytes for value in (inputs, context, options))
        and all(value is None or type(value) is bytes for value in (result, failure))
    )
