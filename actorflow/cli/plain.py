"""A run as plain lines, one for each thing that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from actorflow import facts
from actorflow.cli.ending import Ending
from actorflow.cli.output import Output
from actorflow.cli.report import tell
from actorflow.cli.words import GLYPHS, STYLES, duration, first_line, printable
from actorflow.facts import Event
from actorflow.plan import Plan

Told: TypeAlias = tuple[str, str] | None
"""A state, whose sign and style the line has, and what the line says."""


class PlainLines:
    """Writes a line per event that matters."""

    taken: tuple[type[Any], ...]

    def __init__(self, output: Output) -> None:
        self._output = output
        self.taken = tuple(_TELLS)

    def begin(self, run_id: str, plan: Plan, *, resumed: bool) -> None:
        self._output.line((plan.name, "bold"), (f" {'goes on' if resumed else 'begins'}, run {run_id}", "dim"))

    def take(self, event: Event) -> None:
        told = _TELLS[type(event.fact)](event)
        if told is None:
            return
        state, text = told
        name = f"{printable(event.node)}  " if event.node else ""
        self._output.line((f"{GLYPHS[state]} ", STYLES[state]), (name, ""), (text, STYLES[state]))

    def say(self, text: str) -> None:
        self._output.line((text, "yellow"))

    def end(self, ending: Ending) -> None:
        tell(ending, self._output)

    def stop(self) -> None:
        """Nothing is drawn that would have to be taken away."""


# ── what each fact says ───────────────────────────────────────────────────────────────────────────────────────────────


def _took(event: Event) -> str:
    return "" if event.duration is None else duration(event.duration)


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(filter(None, parts))


def _succeeded(event: Event) -> Told:
    return "succeeded", _joined((f"attempt {event.attempt}" if event.attempt > 1 else "", _took(event)))


def _gave_up_step(event: Event) -> Told:
    what = "a guard failed" if event.fact.phase == "guard" else f"attempt {event.attempt} failed"
    return "failed", f"{what}: {first_line(event.fact.error)}"


def _compensates(event: Event) -> Told:
    if event.fact.tries > 1:
        return None
    return "compensating", f"attempt {event.attempt} failed, compensating: {first_line(event.fact.error)}"


def _item_failed(event: Event) -> Told:
    return "undoing", f"item {event.fact.index} is taken back: {first_line(event.fact.error)}"


def _retries(event: Event) -> Told:
    wait = duration(max(event.fact.due - event.monotonic, 0.0))
    return "retrying", f"attempt {event.attempt} failed, again in {wait}: {first_line(event.fact.reason)}"


def _waits(event: Event) -> Told:
    fact = event.fact
    due: float | None = fact.due
    wait = "" if due is None else duration(max(due - event.monotonic, 0.0))
    if not fact.signal:
        return "waiting", f"sleeps for {wait}"
    until = f", for {wait} at most" if wait else ""
    if fact.question is None:
        return "waiting", f"waits for signal {fact.signal!r}{until}"
    whom = f" by {', '.join(fact.by)}" if fact.by else ""
    return "waiting", f"waits for approval{whom}{until}" + (f": {fact.question}" if fact.question else "")


def _again(what: str) -> Callable[[Event], Told]:
    def tells(event: Event) -> Told:
        wait = duration(max(event.fact.due - event.monotonic, 0.0))
        return "undoing", f"{what}, try {event.fact.tries} failed, again in {wait}: {first_line(event.fact.reason)}"

    return tells


def _gave_up(what: str) -> Callable[[Event], Told]:
    def tells(event: Event) -> Told:
        return "stuck", f"{what}, given up after try {event.fact.tries}: {first_line(event.fact.error)}"

    return tells


def _says(state: str, text: str = "") -> Callable[[Event], Told]:
    def tells(event: Event) -> Told:
        return state, _joined((text, _took(event)))

    return tells


def _rollback(event: Event) -> Told:
    return "undoing", "rolling back" + (f": {first_line(event.fact.error)}" if event.fact.error is not None else "")


def _lost(event: Event) -> Told:
    return "waiting", f"{event.fact.count:,} events came too fast to be shown"


_TELLS: Mapping[type, Callable[[Event], Told]] = {
    facts.StepSucceeded: _succeeded,
    facts.StepsEmitted: _succeeded,
    facts.ItemFailed: _item_failed,
    facts.StepSkipped: _says("skipped", "skipped"),
    facts.StepHalted: _says("halted", "asked for a halt"),
    facts.StepInterrupted: _says("interrupted", "interrupted"),
    facts.StepGaveUp: _gave_up_step,
    facts.RetryScheduled: _retries,
    facts.WaitStarted: _waits,
    facts.StepAbandoned: _says("failed", "goes on although it was cancelled; it is abandoned"),
    facts.AttemptLost: _says("interrupted", "was lost with its process"),
    facts.RollbackStarted: _rollback,
    facts.CompensationStarted: _compensates,
    facts.StepRecovered: _says("succeeded", "recovered by its compensation"),
    facts.StepCompensated: _says("compensating", "compensated"),
    facts.CompensationRetryScheduled: _again("not yet compensated"),
    facts.CompensationGaveUp: _gave_up("not compensated"),
    facts.StepUndone: _says("undone", "undone"),
    facts.UndoRetryScheduled: _again("not yet undone"),
    facts.UndoGaveUp: _gave_up("not undone"),
    facts.EventsLost: _lost,
}
