"""Why a run isn't further, and what can be done about it.

1. A run that has ended says how; one that was halted, who may go on with it, and what must be decided first.
2. One that goes on belongs to a live runtime, or to none: then it says who will take it, and when, or why nobody will.
3. Its steps say what each of them waits for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from actorflow.runtime.motion import PATIENCE, seems_still
from actorflow.runtime.neighbours import is_dead, shown
from actorflow.runtime.permit_pool import PoolStatus
from actorflow.runtime.views import WAITS, Explanation, Reason, RunView, StepView
from actorflow.store import RuntimeRecord

ANSWERS: Final = ('"retry": run it again', '"fail": it failed, so the run is rolled back', "Skip(value): it has done its work, and this is its result")  # fmt: skip
"""What a person can say of a step that was set aside (R49)."""
UNTIL_IT_ENDS: Final = "Orphaned permits come back when the thread that was abandoned ends, or the runtime closes."
ENDINGS: Final[Mapping[str, str]] = {
    "succeeded": "it has succeeded",
    "undone": "it had succeeded, and was undone",
    "failed": "it has failed",
    "cancelled": "it was cancelled",
}


class Here(Protocol):
    """What the runtime that is asked knows beyond the store."""

    def knows(self, workflow: str) -> bool: ...

    def is_here(self, run_id: str) -> bool: ...

    def takes(self, workflow: str) -> bool:
        """Whether it will take over runs of this workflow, as soon as they are nobody's."""
        ...

    def has_lost(self, run_id: str, owner: int) -> bool:
        """Whether the run is this runtime's, and it doesn't run it."""
        ...

    def is_still(self, run_id: str) -> bool:
        """Whether the run is here, and nothing will move it."""
        ...

    def pools_of(self, run_id: str, workflow: str, step: str) -> Sequence[PoolStatus | str]:
        """The pools that a step takes permits of; only their names if it runs elsewhere."""
        ...

    def orphans_of(self, run_id: str) -> Mapping[str, Sequence[str]]:
        """Of each step the pools of which its abandoned threads still hold permits (R12)."""
        ...


class Nowhere:
    """Nobody runs anything here: for tools that look at a store alone."""

    def knows(self, workflow: str) -> bool:
        return True

    def is_here(self, run_id: str) -> bool:
        return False

    def takes(self, workflow: str) -> bool:
        return False

    def has_lost(self, run_id: str, owner: int) -> bool:
        return False

    def is_still(self, run_id: str) -> bool:
        return False

    def pools_of(self, run_id: str, workflow: str, step: str) -> Sequence[PoolStatus | str]:
        return ()

    def orphans_of(self, run_id: str) -> Mapping[str, Sequence[str]]:
        return {}


def explained(view: RunView, now: float, here: Here) -> Explanation:
    """`now` is seconds since the epoch."""
    if view.status in ENDINGS:
        reasons = list(ended(view))
    elif view.status == "halted":
        reasons = list(halted(view))
    else:
        reasons = [*held(view, now, here), *asked(view, now), *waits(view, now, here)]
    reasons += abandoned(here.orphans_of(view.run_id))
    return Explanation(view.run_id, view.workflow, view.status, tuple(reasons))


# ── runs that have ended ──────────────────────────────────────────────────────────────────────────────────────────────


def ended(view: RunView) -> Iterator[Reason]:
    when = f" {at(view.ended)}" if view.ended is not None else ""
    why = f" ({view.by})" if view.by else ""
    rollback = f", rollback {view.rollback}" if view.status in ("failed", "cancelled") else ""
    then = ("retry() goes on with it as a new run, which keeps what still stands.",) if view.status == "failed" else ()
    yield Reason("ended", f"{ENDINGS[view.status]}{why}{when}{rollback}", then=then)
    if view.rollback == "incomplete":
        yield from not_taken_back(view)


def not_taken_back(view: RunView) -> Iterator[Reason]:
    """R52: what wasn't undone, and why."""
    for error in view.errors:
        step = repr(error.step)
        if error.phase == "undo":
            then = f'resolve() takes {step}: "retry", to try its undo again, or "done", if a person has dealt with it.'
            yield Reason("ended", f"step {step} couldn't be undone: {error}", error.step, then=(then,))
        elif error.phase == "compensate":
            then = f'resolve() takes {step}: "done", if a person has dealt with it.'
            yield Reason("ended", f"step {step} couldn't be compensated: {error}", error.step, then=(then,))
        elif error.type.endswith("OutcomeUnknown"):
            then = f'resolve() takes {step}: "done", if a person has found out, and dealt with it.'
            yield Reason("ended", f"nobody knows whether step {step} acted: {error}", error.step, then=(then,))


def halted(view: RunView) -> Iterator[Reason]:
    by = f" by {view.by}" if view.by and view.by != "set_aside" else ""
    if not view.set_aside:
        yield Reason("halted", f"it was halted{by}", then=("resume() goes on with it, cancel() takes it back.",))
        return
    yield Reason("halted", f"it was halted{by}, and waits for a person")
    for step in view.set_aside:
        what = f"step {step!r} was set aside: nobody knows whether it acted, and it isn't run again by itself"
        yield Reason("set_aside", what, step, then=tuple(f"resolve() takes {answer}" for answer in ANSWERS))


# ── who has it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def held(view: RunView, now: float, here: Here) -> Iterator[Reason]:
    if view.problem is not None:
        what = f"it was left alone: {view.problem.splitlines()[0]}"
        then = ("Start a runtime with the workflow as it was, then release(): the run may be taken over again.",)
        yield Reason("left_alone", what, then=then)
    elif view.owner is None:
        yield unowned(view, now, here)
    elif view.owner.expires < now:
        what = f"{named(view.owner)} had it, and its lease lapsed {at(view.owner.expires)}"
        yield Reason("lapsed", what, then=(taken_by(view, here),))
    elif is_dead(view.owner.name):
        yield Reason("lapsed", f"{named(view.owner)} had it, and its process is gone", then=(taken_by(view, here),))
    elif here.is_here(view.run_id):
        what = (
            "this runtime has it, and nothing moves it" if here.is_still(view.run_id) else "it goes on in this runtime"
        )
        yield Reason("still" if here.is_still(view.run_id) else "executing", what)
    elif now - view.updated > PATIENCE and seems_still(view.steps, now - PATIENCE):
        what = f"{named(view.owner)} has it, and nothing of it goes on or waits since {moment(view.updated)}"
        yield Reason(
            "still", what, then=("Look into that runtime's log. When it is left, another one takes the run over.",)
        )
    else:
        yield Reason("executing", f"{named(view.owner)} has it, with a lease until {moment(view.owner.expires)}")


def unowned(view: RunView, now: float, here: Here) -> Reason:
    if view.wake is not None and view.wake > now:
        return Reason("resting", f"nobody has it, and nobody needs to before {moment(view.wake)}", until=view.wake)
    return Reason("unowned", "nobody has it", then=(taken_by(view, here),))


def taken_by(view: RunView, here: Here) -> str:
    if here.knows(view.workflow):
        return f"A runtime that knows {view.workflow!r} takes it over at its next look, or when it starts."
    return f"No workflow {view.workflow!r} is known here: give it to a runtime, as Runtime(workflows=[…], store=…)."


def named(owner: RuntimeRecord) -> str:
    return f"runtime {owner.number} ({shown(owner.name)})"


def asked(view: RunView, now: float) -> Iterator[Reason]:
    for message in view.messages:
        what = f"it was asked to {message.kind}" if message.kind in ("cancel", "halt") else f"a {message.kind} came"
        yield Reason("asked", f"{what} {at(message.posted)}, and hasn't taken that in yet")


# ── what its steps wait for ───────────────────────────────────────────────────────────────────────────────────────────


def waits(view: RunView, now: float, here: Here) -> Iterator[Reason]:
    goes_on = view.owner is not None and view.owner.expires >= now
    for step in view.steps:
        reason = wait_of(view, step, now, here, goes_on=goes_on)
        if reason is not None:
            yield reason


def wait_of(view: RunView, step: StepView, now: float, here: Here, *, goes_on: bool) -> Reason | None:
    if step.status in WAITS:
        return dormant(step, now)
    if step.due is not None:
        return retry_of(step, now)
    match step.status:
        case "waiting for permits":
            return permits_of(step, here.pools_of(view.run_id, view.workflow, step.name))
        case "running" | "in guards" | "compensating" | "undoing":
            return executing(step, goes_on=goes_on)
        case "ready":
            return Reason("executing", f"step {step.name!r} is ready to start", step.name)
        case _:
            return None


def dormant(step: StepView, now: float) -> Reason:
    """Time or people will end it."""
    until = f" until {moment(step.due)}" if step.due is not None else ""
    if not step.signal:
        return Reason("sleep", f"step {step.name!r} sleeps{until}", step.name, until=step.due)
    if step.question is None:
        then = f"signal() ends that, with the name {step.signal!r} and a value."
        what = f"step {step.name!r} waits for signal {step.signal!r}{until}"
        return Reason("signal", what, step.name, until=step.due, then=(then,))
    whom = f" by {', '.join(step.by)}" if step.by else ""
    what = f"step {step.name!r} waits for approval{whom}{until}" + (f": {step.question}" if step.question else "")
    then = "approve() or reject() ends that, with who it is."
    return Reason("approval", what, step.name, until=step.due, then=(then,))


def retry_of(step: StepView, now: float) -> Reason:
    assert step.due is not None
    what = {"undoing": "its undo", "compensating": "its compensation"}.get(step.status, "its next attempt")
    due = f"{'is' if step.due > now else 'was'} due {at(step.due)}"
    why = f", after {step.error}" if step.error else ""
    return Reason("retry", f"step {step.name!r} waits: {what} {due}{why}", step.name, until=step.due)


def executing(step: StepView, *, goes_on: bool) -> Reason:
    last = step.attempts[-1] if step.attempts else None
    since = f" since {moment(last.started)}" if last is not None else ""
    number = f", attempt {last.number}" if last is not None and last.number > 1 else ""
    if goes_on:
        return Reason("executing", f"step {step.name!r} is {step.status}{since}{number}", step.name)
    what = f"step {step.name!r} was {step.status}{since}{number} when its runtime went away"
    return Reason("executing", what, step.name, then=("Whoever takes the run over begins it anew, with the same key.",))


def abandoned(orphans: Mapping[str, Sequence[str]]) -> Iterator[Reason]:
    """R12: whatever became of the run."""
    for step, pools in orphans.items():
        what = f"step {step!r} was abandoned, and its thread still holds a permit of {', '.join(pools)}"
        yield Reason("orphaned", what, step, then=(UNTIL_IT_ENDS,))


def permits_of(step: StepView, pools: Sequence[PoolStatus | str]) -> Reason:
    told = "; ".join(pool_text(pool) for pool in pools)
    orphaned = any(not isinstance(pool, str) and pool.orphaned for pool in pools)
    then = (UNTIL_IT_ENDS,) if orphaned else ()
    what = f"step {step.name!r} waits for permits" + (f" of {told}" if told else "")
    return Reason("orphaned" if orphaned else "permits", what, step.name, then=then)


def pool_text(pool: PoolStatus | str) -> str:
    if isinstance(pool, str):
        return repr(pool)
    key = f"[{pool.key}]" if pool.key is not None else ""
    of = f" of {pool.at_most}" if pool.at_most is not None else ""
    orphaned = f", {pool.orphaned} of them orphaned" if pool.orphaned else ""
    return f"{pool.name!r}{key} ({pool.held}{of} held{orphaned}, {pool.waiting} waiting)"


def at(time: float) -> str:
    return f"at {moment(time)}"


def moment(time: float) -> str:
    """`2030-01-01 00:00:05 UTC`."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
