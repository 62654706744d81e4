"""What clients, timers and the pool ask of a run, and the orders that facts cause."""

from __future__ import annotations

from actorflow.engine import advance as to
from actorflow.engine.orders import (
    AbandonStep,
    Begin,
    Broken,
    CompensateStep,
    HandlerDue,
    PermitsGranted,
    PatienceOver,
    PermitsQueued,
    Remind,
    Resume,
    ResultChecked,
    ResultRefused,
    RunOverdue,
    UndoAll,
    UndoStep,
)
from actorflow.engine.policy import compensates_or_stands, fails_the_run, runs_out_of_time
from actorflow.engine.state import (
    CLOSING,
    COMPENSATION_WAITING,
    ENDED,
    HALTING,
    INTERRUPTED,
    READY,
    RUN,
    SET_ASIDE,
    SETTLING,
    UNDO_WAITING,
    UNDOING_ALL,
    State,
)
from actorflow.errors import OutcomeUnknown
from actorflow.facts import (
    CompensationStarted,
    Fact,
    RollbackStarted,
    RunPaused,
    RunResumed,
    RunStarted,
    StepAbandoned,
    StepFact,
    StepSkipped,
    UndoStarted,
)
from actorflow.policy import Skip

# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def begins(state: State, message: Begin, now: float) -> Fact | None:
    return RunStarted(state.run, message.at, state.plan.name, message.labels)


def undoes_it_all(state: State, message: UndoAll, now: float) -> Fact | None:
    """R26: a reversible run that has succeeded is taken back like a failed one."""
    state.undone = True
    state.phase = UNDOING_ALL
    return None


def time_is_over(state: State, message: RunOverdue, now: float) -> Fact | None:
    return runs_out_of_time(state, message.at, "timeout", now)


def succeeds(state: State, message: ResultChecked, now: float) -> Fact | None:
    if state.phase == CLOSING:
        state.result = message.value
        to.end(state, "succeeded", now)
    return None


def is_refused(state: State, message: ResultRefused, now: float) -> Fact | None:
    return fails_the_run(state, message.error, message.at) if state.phase == CLOSING else None


def breaks(state: State, message: Broken, now: float) -> Fact | None:
    """R35: a fault of the runtime fails the run, which is rolled back."""
    if state.phase in (RUN, HALTING, CLOSING):
        return fails_the_run(state, message.error, message.at)
    return None


def permits_come(state: State, message: PermitsGranted, now: float) -> Fact | None:
    to.permits_granted(state, message, now)
    return None


def permits_wait(state: State, message: PermitsQueued, now: float) -> Fact | None:
    to.permits_queued(state, message, now)
    return None


def handler_is_due(state: State, message: HandlerDue, now: float) -> Fact | None:
    """A compensation goes on in every phase but the last, an undo in the rollback's last phase."""
    waits = state.status[message.node] in (COMPENSATION_WAITING, UNDO_WAITING)
    if waits and state.attempt[message.node] == message.attempt and state.phase != ENDED:
        to.handler_again(state, message.node, now)
    return None


def resumes(state: State, message: Resume, now: float) -> Fact | None:
    """R16: goes on where the run was halted, after what was decided for the steps that were set aside."""
    to.record(state, RunResumed(state.run, message.at), now)
    for node, answer in message.resolve.items():
        decide_for(state, node, answer, now)
    if state.phase == RUN:
        to.take_up(state, now)
    return None


def decide_for(state: State, node: int, answer: str | Skip[object], now: float) -> None:
    """R49: retry runs the step again, fail says that it failed, a `Skip` gives its value."""
    if isinstance(answer, Skip):
        state.reasons.pop(node, None)
        to.record(state, StepSkipped(state.run, node, state.attempt[node], now, answer.value, now), now)
    elif answer == "retry":
        state.status[node] = READY
    else:
        unknown = OutcomeUnknown(f"step {state.name(node)!r} was interrupted, and was then said to have failed")
        state.status[node] = INTERRUPTED
        state.unknown.add(node)
        state.reasons[node] = unknown
        to.record(
            state, compensates_or_stands(state, StepFact(state.run, node, state.attempt[node], now), unknown, now), now
        )


def set_aside(state: State) -> list[int]:
    """The nodes for which a person must decide before the run is resumed."""
    return [node for node, status in enumerate(state.status) if status == SET_ASIDE]


# ── orders that facts cause ───────────────────────────────────────────────────────────────────────────────────────────


def compensate_it(state: State, fact: CompensationStarted) -> None:
    state.orders.append(CompensateStep(fact.node, fact.attempt, fact.tries, fact.error))


def clears_the_way(state: State, fact: RunPaused | RollbackStarted) -> None:
    """R16, R21: nothing new starts; what is in flight may end by itself for a while, then it is told to stop."""
    to.leave_lines(state)
    halting = isinstance(fact, RunPaused)
    due = fact.at + (state.options.halt_timeout if halting else state.options.settle_timeout)
    state.orders.append(Remind(due, PatienceOver(state.run, due, HALTING if halting else SETTLING)))


def undo_it(state: State, fact: UndoStarted) -> None:
    state.orders.append(UndoStep(fact.node, fact.attempt, fact.tries))


def abandons_it(state: State, fact: StepAbandoned) -> None:
    """R12: an abandoned attempt keeps its permits until it ends."""
    orphaned = fact.node in state.held
    state.held.discard(fact.node)
    state.orders.append(AbandonStep(fact.node, fact.attempt, orphaned))
