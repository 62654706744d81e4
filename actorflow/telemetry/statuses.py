"""Where each node of a run stands, from the run's events: what a drawing of its plan is coloured by."""

from __future__ import annotations

from collections.abc import Iterable

from actorflow import facts
from actorflow.facts import Event

STATUSES: dict[type, str] = {
    facts.StepScheduled: "pending",
    facts.PermitsWaited: "waiting",
    facts.PermitsAcquired: "pending",
    facts.GuardsStarted: "running",
    facts.GuardFailed: "failed",
    facts.StepStarted: "running",
    facts.StepSucceeded: "completed",
    facts.StepHalted: "completed",
    facts.StepSkipped: "skipped",
    facts.AttemptFailed: "failed",
    facts.RetryScheduled: "waiting",
    facts.StepInterrupted: "halted",
    facts.StepAbandoned: "failed",
    facts.StepGaveUp: "failed",
    facts.CompensationStarted: "compensating",
    facts.StepRecovered: "completed",
    facts.StepCompensated: "compensated",
    facts.CompensationGaveUp: "compensation_failed",
    facts.UndoStarted: "undoing",
    facts.StepUndone: "undone",
    facts.UndoGaveUp: "undo_failed",
}
"""What each fact makes of its node. What isn't here, such as a heartbeat or a compensation's next try, changes nothing."""

_TOLD_ALREADY = frozenset({"compensated", "compensation_failed"})
"""A failure that stands after its compensation doesn't hide what became of that."""
_BEFORE_IT_RUNS = frozenset({"pending", "waiting"})


def statuses_of(events: Iterable[Event], run_id: str | None = None) -> dict[str, str]:
    """The status of each node that the events tell of, by its name: `plan.mermaid(status=statuses_of(events))`.

    `run_id` picks one run out of the events of several. Keep the dict and give it later events with `update_statuses`, to follow a run.
    """
    statuses: dict[str, str] = {}
    for event in events:
        if run_id is None or event.run_id == run_id:
            update_statuses(statuses, event)
    return statuses


def update_statuses(statuses: dict[str, str], event: Event) -> None:
    """Takes one more event into account."""
    fact: object = event.fact
    kind = type(fact)
    status = STATUSES.get(kind)
    if status is None or not event.node:
        return
    known = statuses.get(event.node)
    if kind is facts.StepGaveUp and known in _TOLD_ALREADY:
        return
    if issubclass(kind, facts.PoolFact) and known is not None and known not in _BEFORE_IT_RUNS:
        return
    statuses[event.node] = status
