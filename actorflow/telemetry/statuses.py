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
    facts.StepsEmitted: "completed",
    facts.BodyOpened: "running",
    facts.ItemStarted: "running",
    facts.StepSkipped: "skipped",
    facts.AttemptFailed: "failed",
    facts.RetryScheduled: "waiting",
    facts.WaitStarted: "waiting",
    facts.StepInterrupted: "halted",
    facts.StepAbandoned: "failed",
    facts.AttemptLost: "waiting",
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
_UNDER_WAY = frozenset({"running", "waiting", "compensating", "undoing"})


def statuses_of(events: Iterable[Event], run_id: str | None = None) -> dict[str, str]:
    """The status of each node that the events of a run tell of, by its name: `plan.mermaid(status=statuses_of(events))`.

    `run_id` picks one run out of the events of several. To follow a run, give its later events to `update_statuses`.
    """
    statuses: dict[str, str] = {}
    for event in events:
        if run_id is None or event.run_id == run_id:
            update_statuses(statuses, event)
    return statuses


def update_statuses(statuses: dict[str, str], event: Event) -> None:
    """Takes one more event of the run into account."""
    fact: object = event.fact
    if isinstance(fact, facts.RunEnded):
        _turn(statuses, _UNDER_WAY, "halted")
    elif isinstance(fact, facts.RunResumed):
        _turn(statuses, frozenset({"halted"}), "waiting")
    else:
        status = STATUSES.get(type(fact))
        if status is not None and event.node and _is_news(statuses.get(event.node), fact):
            statuses[event.node] = status


def _turn(statuses: dict[str, str], these: frozenset[str], to: str) -> None:
    """When a run has ended nothing in it is under way any more: scopes that were open when it failed tell no end of their own."""
    statuses |= {node: to for node, status in statuses.items() if status in these}


def _is_news(known: str | None, fact: object) -> bool:
    """Whether a fact changes what is known of its node."""
    if isinstance(fact, facts.StepGaveUp):
        return known not in _TOLD_ALREADY
    if isinstance(fact, facts.PoolFact):
        return known is None or known in _BEFORE_IT_RUNS
    return True
