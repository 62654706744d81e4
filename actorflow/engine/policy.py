"""What follows from a fact: the rules of `SEMANTICS.md`, one function each. They look at the state that the fact has been folded into.

Each answers with the next fact or with none. None of them keeps books: that is what folds do.
"""

from __future__ import annotations

from actorflow.engine import items
from actorflow.engine.orders import (
    AbandonStep,
    Cancel,
    DeadlinePassed,
    GraceOver,
    HandlerDue,
    NothingBegun,
    PatienceOver,
    Pause,
    Remind,
    RetryDue,
    StopStep,
)
from actorflow.engine.permits import release
from actorflow.engine.record import record
from actorflow.engine.rollback import compensates_or_stands, standing_error, stop_all
from actorflow.engine.state import (
    ASKED,
    CLOSING,
    GUARDING,
    HALTING,
    INTERRUPTED,
    OVERDUE,
    READY,
    RUN,
    RUNNING,
    SETTLING,
    STOPPING,
    State,
)
from actorflow.errors import OutcomeUnknown, StepCancelled, StepTimeout, describe
from actorflow.facts import (
    AttemptFailed,
    BodyOpened,
    CompensationAttemptFailed,
    CompensationGaveUp,
    CompensationRetryScheduled,
    Fact,
    GuardFailed,
    ItemFailed,
    ItemsPulled,
    RetryScheduled,
    RollbackStarted,
    RunPaused,
    StepAbandoned,
    StepCompensated,
    StepFact,
    StepGaveUp,
    StepHalted,
    StepInterrupted,
    StepSucceeded,
    UndoAttemptFailed,
    UndoGaveUp,
    UndoRetryScheduled,
    WaitStarted,
)
from actorflow.plan import HandlerSpec

Next = Fact | None

ANSWERS = (StepSucceeded, StepHalted, AttemptFailed, StepInterrupted)
"""What ends an attempt, also one that was told to stop."""

# ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def retries_or_compensates_or_stands(state: State, fact: AttemptFailed, now: float) -> Next:
    """R14, R18: another attempt if one is asked for and left; else compensation; else the failure stands."""
    if fact.again and may_try_again(state, fact.node, fact.at + fact.delay):
        return schedule_retry(state, fact, fact.error)
    return compensates_or_stands(state, fact, what_stands(state, fact), now)


def what_stands(state: State, fact: AttemptFailed) -> BaseException:
    """The error of an attempt that isn't tried again: the one given, or that attempts ran out, or that nobody knows."""
    error = standing_error(state, fact.node, fact.attempt, fact.error)
    if fact.unknown:
        unknown = OutcomeUnknown(f"nobody knows whether step {state.name(fact.node)!r} did its work: {describe(error)}")
        unknown.__cause__ = error
        return unknown
    return error


def may_try_again(state: State, node: int, due: float) -> bool:
    """Whether the step's `Retry` leaves another attempt, due then; no rollback is under way, and no attempt was abandoned."""
    if state.phase not in (RUN, HALTING) or node in state.abandoned or items.is_taken_back(state, node):
        return False
    retry = state.program.steps[node].retry
    if retry.attempts is not None and state.attempt[node] - state.uncounted.get(node, 0) >= retry.attempts:
        return False
    return retry.within is None or due - state.first_at.get(node, due) <= retry.within


def schedule_retry(state: State, fact: AttemptFailed | GuardFailed | StepCompensated, reason: BaseException) -> Next:
    release(state, fact.node)
    return RetryScheduled(state.run, fact.node, fact.attempt, fact.at, fact.at + fact.delay, reason)


def guard_retries_or_stands(state: State, fact: GuardFailed, now: float) -> Next:
    """R17: a guard's `TryAgain` counts as an attempt; a guard's failure isn't compensated: nothing was begun."""
    if fact.again and may_try_again(state, fact.node, fact.at + fact.delay):
        return schedule_retry(state, fact, fact.error)
    if fact.again and (state.phase == SETTLING or items.is_taken_back(state, fact.node)):
        return None
    error = standing_error(state, fact.node, fact.attempt, fact.error)
    return StepGaveUp(state.run, fact.node, fact.attempt, fact.at, error, "guard")


def wait_for_retry(state: State, fact: RetryScheduled) -> None:
    """R16: a retry that comes due while the run is halting waits for the resume."""
    state.orders.append(Remind(fact.due, RetryDue(state.run, fact.node, fact.attempt, fact.due)))


def retry_is_due(state: State, message: RetryDue, now: float) -> Next:
    if state.phase == RUN and state.retry_at.get(message.node) == message.at:  # not of a wait that was taken up anew
        del state.retry_at[message.node]
        state.status[message.node] = READY
        state.ready.append(message.node)
    return None


def nothing_was_begun(state: State, message: NothingBegun, now: float) -> Next:
    """R18, R28: arguments that couldn't be resolved, or a `key` that raised: it fails, and isn't compensated.

    A node that asked for permits hasn't taken the number of its attempt yet.
    """
    node, status = message.node, state.status[message.node]
    if message.attempt != state.attempt[node] or status not in (ASKED, RUNNING, STOPPING):
        return None
    if status == ASKED:
        state.running -= 1
        state.status[node] = INTERRUPTED
    release(state, node)
    return StepGaveUp(state.run, node, message.attempt + (status == ASKED), message.at, message.error, "run")


def starts_a_rollback(state: State, fact: StepGaveUp, now: float) -> Next:
    """R20: a failure that stands starts the rollback, once, and wins over a halt; one in an item that is collected, that of the item."""
    item = items.item_of(state, fact.node)
    if item is not None and state.phase in (RUN, HALTING):
        node = item.scope.node
        return (
            None if item.rolling else ItemFailed(state.run, node, state.attempt[node], fact.at, item.index, fact.error)
        )
    if state.phase in (RUN, HALTING, CLOSING):
        return RollbackStarted(state.run, fact.at, cancelled=False)
    return None


# ── stopping what executes ────────────────────────────────────────────────────────────────────────────────────────────


def times_out(state: State, message: DeadlinePassed, now: float) -> Next:
    """R11: what outlives its time is cancelled; its answer then counts as `StepTimeout`."""
    state.status[message.node] = OVERDUE
    state.overdue[message.node] = message
    state.orders.append(StopStep(message.node, message.attempt))
    return None


def patience_is_over(state: State, message: PatienceOver, now: float) -> Next:
    """One that was set for an earlier halt of the run no longer counts."""
    if state.phase == message.phase and state.patience == message.at:
        stop_all(state)
    return None


def answer_of_a_stopped_step(state: State, fact: StepFact) -> StepFact | None:
    """An answer to an attempt that was told to stop counts (R12); after its deadline it counts as a timeout. Others are stale."""
    node = fact.node
    if state.attempt[node] != fact.attempt:
        return None
    status = state.status[node]
    if status == OVERDUE:
        return as_timeout(state, fact)
    if status == STOPPING or (status == RUNNING and isinstance(fact, StepInterrupted)):
        return fact if isinstance(fact, (*ANSWERS, BodyOpened, ItemsPulled, WaitStarted)) else None
    return fact if status == GUARDING and isinstance(fact, (StepInterrupted, StepHalted)) else None


def as_timeout(state: State, fact: StepFact) -> AttemptFailed | None:
    if not isinstance(fact, ANSWERS):
        return None
    overdue: DeadlinePassed = state.overdue.pop(fact.node)
    error = overdue.error
    if isinstance(error, StepTimeout) and isinstance(fact, (StepSucceeded, StepHalted)):
        error.late = fact.value
    elif isinstance(fact, AttemptFailed):
        error.__context__ = fact.error
    return AttemptFailed(
        fact.run, fact.node, fact.attempt, fact.at, error, overdue.again, overdue.delay, fact.began
    )  # fmt: skip


def grace_is_over(state: State, message: GraceOver, now: float) -> Next:
    """R12: it goes on regardless, so it is abandoned: nobody knows its outcome, and it isn't tried again."""
    node, status = message.node, state.status[message.node]
    if state.attempt[node] != message.attempt:
        return None
    if status == GUARDING and node in state.stopping:
        state.orders.append(AbandonStep(node, message.attempt, orphaned=False))
        return StepInterrupted(state.run, node, message.attempt, message.at, entered=False, began=message.at)
    if status not in (OVERDUE, STOPPING):
        return None
    unknown = OutcomeUnknown(f"step {state.name(node)!r} went on after it was told to stop, and was abandoned")
    overdue = state.overdue.pop(node, None)
    stopped = StepCancelled(f"step {state.name(node)!r} was cancelled")
    unknown.__cause__ = overdue.error if overdue is not None else stopped
    return StepAbandoned(state.run, node, message.attempt, message.at, unknown)


def is_not_tried_again(state: State, fact: StepAbandoned, now: float) -> Next:
    """R12, R54: its outcome is unknown: offered to its compensation, or to an undo that asked for such."""
    return compensates_or_stands(state, fact, fact.error, now)


def waits_or_is_compensated(state: State, fact: StepInterrupted, now: float) -> Next:
    """R16, R21: in a halt it waits for the resume; in a rollback it is compensated, if its own code had begun."""
    node = fact.node
    if node not in state.reasons or (state.phase != SETTLING and not items.is_taken_back(state, node)):
        release(state, node)
        return None
    error = standing_error(state, node, fact.attempt, state.reasons[node])
    return compensates_or_stands(state, fact, error, now)


# ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def stands_or_tries_again(state: State, fact: StepCompensated, now: float) -> Next:
    """R18: `None` lets the failure stand; `TryAgain` is another attempt if one is left and no rollback is under way."""
    error = state.reasons[fact.node]
    if fact.again and may_try_again(state, fact.node, fact.at + fact.delay):
        return schedule_retry(state, fact, fact.reason or error)
    return StepGaveUp(state.run, fact.node, fact.attempt, fact.at, error, "run")


def handler_may_try_again(state: State, handler: HandlerSpec, node: int, tries: int, due: float) -> bool:
    """R19: handlers have a retry policy of their own."""
    retry = handler.retry
    if retry.attempts is not None and tries >= retry.attempts:
        return False
    return retry.within is None or due - state.first_at.get(~node, due) <= retry.within


def compensation_retries_or_gives_up(state: State, fact: CompensationAttemptFailed, now: float) -> Next:
    handler = state.program.steps[fact.node].compensate
    due = fact.at + fact.delay
    release(state, fact.node)
    if fact.again and handler is not None and handler_may_try_again(state, handler, fact.node, fact.tries, due):
        return CompensationRetryScheduled(state.run, fact.node, fact.attempt, fact.at, fact.tries, due, fact.error)
    return CompensationGaveUp(state.run, fact.node, fact.attempt, fact.at, fact.tries, fact.error)


def stands_uncompensated(state: State, fact: CompensationGaveUp, now: float) -> Next:
    error = state.reasons[fact.node]
    return StepGaveUp(state.run, fact.node, fact.attempt, fact.at, error, "run")


def undo_retries_or_gives_up(state: State, fact: UndoAttemptFailed, now: float) -> Next:
    """R23: an undo that is given up never strands the rest."""
    handler = state.program.steps[fact.node].undo
    due = fact.at + fact.delay
    release(state, fact.node)
    if fact.again and handler is not None and handler_may_try_again(state, handler, fact.node, fact.tries, due):
        return UndoRetryScheduled(state.run, fact.node, fact.attempt, fact.at, fact.tries, due, fact.error)
    return UndoGaveUp(state.run, fact.node, fact.attempt, fact.at, fact.tries, fact.error)


def wait_for_handler(state: State, fact: CompensationRetryScheduled | UndoRetryScheduled) -> None:
    state.orders.append(Remind(fact.due, HandlerDue(state.run, fact.node, fact.attempt, fact.due)))


# ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def pauses(state: State, fact: StepHalted, now: float) -> Next:
    """R16: `Halt` pauses the run; in a rollback its step is one more to undo."""
    return RunPaused(state.run, fact.at, state.name(fact.node)) if state.phase == RUN else None


def pauses_as_asked(state: State, message: Pause, now: float) -> Next:
    return RunPaused(state.run, message.at, message.by) if state.phase == RUN else None


def cancels_the_run(state: State, message: Cancel, now: float) -> Next:
    """R25: what is in flight is cancelled at once. A compensation or an undo never is."""
    if state.phase in (RUN, HALTING, CLOSING):
        record(state, RollbackStarted(state.run, message.at, cancelled=True, reason=message.reason), now)
    if state.phase == SETTLING:
        stop_all(state)
    return None


def runs_out_of_time(state: State, at: float, reason: str, now: float) -> Next:
    """R31: `timeout` and `max_steps` do what `on_timeout` says."""
    if state.phase != RUN:
        return None
    if state.options.on_timeout == "halt":
        return RunPaused(state.run, at, reason)
    return cancels_the_run(state, Cancel(state.run, at, reason), now)
