"""What a run does and what operators do to it, line by line: what is recorded, and then what comes, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from actorflow.cli.output import Output
from actorflow.cli.runs_show import json_line
from actorflow.cli.runs_table import when
from actorflow.cli.words import GLYPHS, STYLES, printable
from actorflow.runtime import HistoryEntry, Operator
from actorflow.store import Note

EVERY = 0.5
"""Seconds between two looks."""
ENDED = frozenset({"succeeded", "failed", "cancelled", "undone", "halted"})


async def tail(operator: Operator, run_id: str, output: Output, *, follow: bool, as_json: bool) -> None:
    shown, seen, noted = 0, -1, 0
    while True:
        run = await operator.record(run_id)
        notes = await operator.notes(run_id)
        told: list[HistoryEntry | Note] = [*notes[noted:]]
        noted = len(notes)
        if run.tail != seen:
            history = await operator.history(run_id)
            told += history[shown:]
            shown, seen = len(history), run.tail
        for one in sorted(told, key=lambda one: one.at):
            tell_note(one, output, as_json=as_json) if isinstance(one, Note) else tell(one, output, as_json=as_json)
        if not follow or run.status in ENDED:
            return
        await asyncio.sleep(EVERY)


def tell_note(note: Note, output: Output, *, as_json: bool) -> None:
    """What an operator did to the run."""
    if as_json:
        json_line(output, {"kind": "Note", **msgspec.structs.asdict(note)})
        return
    why = f": {note.why}" if note.why else ""
    output.line((f"{when(note.at)}  ", "dim"), ("✎ ", "dim"), (printable(f"{note.who}  {note.what}{why}"), ""))


def tell(entry: HistoryEntry, output: Output, *, as_json: bool) -> None:
    if as_json:
        json_line(output, entry)
        return
    told = SAYS.get(entry.kind)
    if told is None:
        return
    state, says = told
    if entry.kind == "RunEnded":
        state = ENDS.get(entry.details.get("status", ""), state)
    text = says if isinstance(says, str) else says(entry)
    name = f"{printable(entry.step)}  " if entry.step else ""
    style = STYLES.get(state, "")
    output.line(
        (f"{when(entry.at)}  ", "dim"), (f"{GLYPHS.get(state, '·')} ", style), (name, "bold"), (printable(text), style)
    )


def attempt(what: str) -> Callable[[HistoryEntry], str]:
    return lambda entry: f"{what}, attempt {entry.attempt}" if entry.attempt > 1 else what


def because(what: str) -> Callable[[HistoryEntry], str]:
    def says(entry: HistoryEntry) -> str:
        error = entry.error
        return f"{what}: {error.type.rpartition('.')[2]}: {error.message}" if error is not None else what

    return says


def again(what: str) -> Callable[[HistoryEntry], str]:
    return lambda entry: f"{what} at {when(entry.details.get('due'))}"


def waits(entry: HistoryEntry) -> str:
    told = entry.details
    until = f" until {when(told['due'])}" if "due" in told else ""
    if not told.get("signal"):
        return f"sleeps{until}"
    asked = told.get("question")
    return (
        f"waits for signal {told['signal']!r}{until}" if asked is None else f"asks{until}: {asked or 'is it approved?'}"
    )


def ends(entry: HistoryEntry) -> str:
    rollback = entry.details.get("rollback", "none")
    return f"{entry.details.get('status', 'ended')}" + (f", rollback {rollback}" if rollback != "none" else "")


def settled(entry: HistoryEntry) -> str:
    names = entry.details.get("settled", ())
    return f"rolling back once more; dealt with: {', '.join(names)}" if names else "rolling back once more"


ENDS = {"failed": "failed", "cancelled": "undone", "undone": "undone", "halted": "halted"}

SAYS: Mapping[str, tuple[str, str | Callable[[HistoryEntry], str]]] = {
    "RunStarted": ("running", lambda entry: f"{entry.details.get('workflow', 'the run')} begins"),
    "RunEnded": ("succeeded", ends),
    "RunPaused": ("halted", lambda entry: f"halted by {entry.details.get('by') or 'a step'}"),
    "RunResumed": ("running", "goes on"),
    "RollbackStarted": ("undoing", "rolling back"),
    "RollbackResumed": ("undoing", settled),
    "LeaseTaken": ("waiting", lambda entry: f"taken over by {entry.details.get('worker', entry.worker).partition(';')[0]}"),
    "Cancel": ("undoing", lambda entry: f"asked to cancel: {entry.details.get('reason', '')}"),
    "SignalReceived": ("waiting", lambda entry: f"signal {entry.details.get('signal', '')!r} came"),
    "SignalRefused": ("failed", lambda entry: f"signal {entry.details.get('signal', '')!r} was passed over: {entry.details.get('why', '')}"),
    "StepStarted": ("running", attempt("started")),
    "WaitStarted": ("waiting", waits),
    "StepSucceeded": ("succeeded", attempt("succeeded")),
    "StepsEmitted": ("succeeded", "succeeded, and added steps"),
    "StepSkipped": ("skipped", "skipped"),
    "StepHalted": ("halted", "asked for a halt"),
    "StepInterrupted": ("interrupted", "interrupted"),
    "AttemptFailed": ("failed", because("failed")),
    "AttemptLost": ("interrupted", "lost with its process"),
    "GuardFailed": ("failed", because("a guard failed")),
    "RetryScheduled": ("retrying", again("again")),
    "StepAbandoned": ("failed", "goes on although it was cancelled; it is abandoned"),
    "StepGaveUp": ("failed", "its failure stands"),
    "CompensationStarted": ("compensating", "compensating"),
    "StepCompensated": ("compensating", "compensated"),
    "StepRecovered": ("succeeded", "recovered by its compensation"),
    "CompensationGaveUp": ("stuck", because("not compensated")),
    "UndoStarted": ("undoing", "undoing"),
    "StepUndone": ("undone", "undone"),
    "UndoAttemptFailed": ("undoing", because("not yet undone")),
    "UndoRetryScheduled": ("undoing", again("its undo is tried again")),
    "UndoGaveUp": ("stuck", because("not undone")),
}  # fmt: skip
