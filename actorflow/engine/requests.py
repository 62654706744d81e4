"""What clients, timers and the pool ask of a run, and the orders that facts cause."""

from __future__ import annotations

from actorflow.engine import advance as to
from actorflow.engine import items, permits, rollback
from actorflow.engine.orders import (
    AbandonStep,
    Broken,
    CompensateStep,
    DeclinePermits,
    FindLost,
    HandlerDue,
    ItemPatienceOver,
    PatienceOver,
    PermitsGranted,
    PermitsQueued,
    Remind,
    ResultChecked,
    ResultRefused,
    Resume,
    RunOverdue,
    StartFrom,
    UndoAgain,
    UndoAll,
    UndoStep,
)
from actorflow.engine.policy import runs_out_of_time
from actorflow.engine.record import end, record
from actorflow.engine.state import (
    ASKED,
    CLOSING,
    COMPENSATION_WAITING,
    HALTING,
    QUEUED,
    READY,
    RUN,
    SET_ASIDE,
    SETTLING,
    UNDO_FAILED,
    UNDO_WAITING,
    State,
)
from actorflow.errors import StepCancelled
from actorflow.facts import (
    AttemptFailed,
    CompensationStarted,
    Fact,
    ItemFailed,
    RollbackResumed,
    RollbackStarted,
    RunPaused,
    RunResumed,
    RunStarted,
    StepAbandoned,
    StepSkipped,
    UndoStarted,
)
from actorflow.policy import Skip

# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def undoes_it_all(state: State, message: UndoAll, now: float) -> Fact | None:
    """R26: a reversible run that has succeeded is taken back like a failed one."""
    return RollbackStarted(state.run, message.at, cancelled=False) if state.ended == "succeeded" else None


def undoes_again(state: State, message: UndoAgain, now: float) -> Fact | None:
    """R52: only of a run that was rolled back, and only what wasn't undone."""
    if state.ended not in ("failed", "cancelled", "undone"):
        return None
    retried = tuple(node for node in message.retried if state.status[node] == UNDO_FAILED)
    return RollbackResumed(state.run, message.at, retried, message.settled)


def time_is_over(state: State, message: RunOverdue, now: float) -> Fact | None:
    return runs_out_of_time(state, message.at, "timeout", now)


def succeeds(state: State, message: ResultChecked, now: float) -> Fact | None:
    if state.phase == CLOSING:
        state.result = message.value
        end(state, "succeeded", now)
    return None


def is_refused(state: State, message: ResultRefused, now: float) -> Fact | None:
    if state.phase != CLOSING:
        return None
    return RollbackStarted(state.run, message.at, cancelled=False, error=message.error)


def breaks(state: State, message: Broken, now: float) -> Fact | None:
    """R35: a fault of the runtime fails the run, which is rolled back; what was lost with the turn is found first."""
    state.orders.append(FindLost(message.error))
    if state.phase in (RUN, HALTING, CLOSING):
        return RollbackStarted(state.run, message.at, cancelled=False, error=message.error)
    return None


def permits_come(state: State, message: PermitsGranted, now: float) -> Fact | None:
    for node in message.nodes:
        if node in state.held:  # the answer to an ask that was withdrawn too late: one grant is enough
            state.orders.append(DeclinePermits(node))
        else:
            state.held.add(node)
            use_permits(state, node, now)
    return None


def use_permits(state: State, node: int, now: float) -> None:
    """A grant to a node that asked within this turn has its slot; one to a node in line needs one now, or is declined."""
    status = state.status[node]
    if status in (ASKED, QUEUED):
        state.running -= status == ASKED
        begin_or_decline(state, node, now)
    elif status == COMPENSATION_WAITING and node not in state.retry_at:
        rollback.compensate_again(state, node, now)
    elif status == UNDO_WAITING and node not in state.retry_at:
        rollback.undo_again(state, node, now)
    else:
        permits.decline(state, node)


def begin_or_decline(state: State, node: int, now: float) -> None:
    busy = state.handlers and state.options.sequential
    if state.phase == RUN and state.running < state.cap and state.allowance > 0 and not busy:
        to.begin(state, node, now)
        return
    permits.decline(state, node)
    state.status[node] = READY
    state.ready.appendleft(node)


def permits_wait(state: State, message: PermitsQueued, now: float) -> Fact | None:
    permits.permits_wait(state, message, now)
    return None


def handler_is_due(state: State, message: HandlerDue, now: float) -> Fact | None:
    """It counts if it is the wait that goes on, not one before: each has a time of its own."""
    waits = state.status[message.node] in (COMPENSATION_WAITING, UNDO_WAITING)
    if waits and state.retry_at.get(message.node) == message.at:
        to.handler_again(state, message.node, now)
    return None


def resumes(state: State, message: Resume, now: float) -> Fact | None:
    """R16, R49: goes on where the run was halted, after what was decided for the steps that were set aside."""
    if state.ended != "halted":
        return None
    retried = tuple(node for node, answer in message.resolve.items() if answer == "retry")
    record(state, RunResumed(state.run, message.at, retried), now)
    for node, answer in message.resolve.items():
        record(state, what_was_decided(state, node, answer, now), now)
    if state.phase == RUN and message.cancelled is not None:
        return RollbackStarted(state.run, message.at, cancelled=True, reason=message.cancelled)
    if state.phase == RUN and message.refused is not None:
        return RollbackStarted(state.run, message.at, cancelled=False, error=message.refused)
    if state.phase == RUN:
        to.take_up(state, now)
    return None


def begins_with(state: State, message: StartFrom, now: float) -> Fact | None:
    """What is kept is resolved before anything starts; what was ready only until then isn't any more."""
    record(state, RunStarted(state.run, message.at, message.workflow, message.labels), now)
    for node, answer in message.kept.items():
        record(state, StepSkipped(state.run, node, 0, message.at, answer.value, message.at), now)
    waiting = [node for node in state.ready if state.status[node] == READY]
    state.ready.clear()
    state.ready.extend(waiting)
    return None


def what_was_decided(state: State, node: int, answer: str | Skip[object], now: float) -> Fact | None:
    """R49: a `Skip` gives the node its value, fail says that it failed."""
    attempt = state.attempt[node]
    if isinstance(answer, Skip):
        return StepSkipped(state.run, node, attempt, now, answer.value, now)
    if answer == "retry":
        return None
    error = StepCancelled(f"step {state.name(node)!r} was interrupted, and was then said to have failed")
    return AttemptFailed(state.run, node, attempt, now, error, again=False, delay=0.0, began=now, unknown=True)


def set_aside(state: State) -> list[int]:
    """The nodes for which a person must decide before the run is resumed."""
    return [node for node, status in enumerate(state.status) if status == SET_ASIDE]


def clears_the_items_way(state: State, fact: ItemFailed, now: float) -> Fact | None:
    """R21, for one item alone: nothing new of it starts; what is in flight may end by itself for a while."""
    tree = state.tree
    assert tree is not None
    frame = tree.scopes[fact.node].at(fact.index)
    assert frame is not None
    nodes = items.nodes_of(tree, frame)
    permits.leave_lines(state, nodes)
    if tree.parked:
        rollback.unpark(state, [node for node in tree.parked if node in nodes], fact.at)
    frame.patience = due = fact.at + state.options.settle_timeout
    state.orders.append(Remind(due, ItemPatienceOver(state.run, due, fact.node, fact.index)))
    return None


def item_patience_is_over(state: State, message: ItemPatienceOver, now: float) -> Fact | None:
    tree = state.tree
    scope = None if tree is None else tree.scopes.get(message.node)
    frame = None if scope is None else scope.at(message.index)
    if tree is not None and frame is not None and frame.rolling and frame.patience == message.at:
        rollback.stop_all(state, items.nodes_of(tree, frame))
    return None


# ── orders that facts cause ───────────────────────────────────────────────────────────────────────────────────────────


def compensate_it(state: State, fact: CompensationStarted) -> None:
    state.orders.append(CompensateStep(fact.node, fact.attempt, fact.tries, fact.error))


def clears_the_way(state: State, fact: RunPaused | RollbackStarted) -> None:
    """R16, R21: nothing new starts; what is in flight may end by itself for a while, then it is told to stop."""
    permits.leave_lines(state)
    if state.tree is not None and state.tree.parked:
        rollback.unpark(state, state.tree.parked.copy(), fact.at)
    halting = isinstance(fact, RunPaused)
    state.patience = due = fact.at + (state.options.halt_timeout if halting else state.options.settle_timeout)
    state.orders.append(Remind(due, PatienceOver(state.run, due, HALTING if halting else SETTLING)))


def undo_it(state: State, fact: UndoStarted) -> None:
    state.orders.append(UndoStep(fact.node, fact.attempt, fact.tries))


def abandons_it(state: State, fact: StepAbandoned) -> None:
    """R12: an abandoned attempt keeps its permits until it ends."""
    orphaned = fact.node in state.held
    state.held.discard(fact.node)
    state.orders.append(AbandonStep(fact.node, fact.attempt, orphaned))
