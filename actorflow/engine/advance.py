"""What the state itself calls for, by phase. A run that is resumed or taken over begins here, too."""

from __future__ import annotations

from actorflow.engine.orders import (
    AskPermits,
    CheckResult,
    EndRun,
    Remind,
    RetryDue,
    RunGuards,
    StopStep,
)
from actorflow.engine.permits import release
from actorflow.engine.state import (
    ASKED,
    CLOSING,
    COMPENSATION_WAITING,
    GUARDING,
    HALTING,
    INTERRUPTED,
    READY,
    RUN,
    RUNNING,
    SET_ASIDE,
    SETTLING,
    STOPPING,
    UNDO_WAITING,
    UNDOING,
    UNDOING_ALL,
    WAITING,
    State,
)
from actorflow.engine.table import RULES
from actorflow.errors import AttemptsExhausted
from actorflow.facts import (
    CompensationStarted,
    Fact,
    GuardsStarted,
    RollbackStarted,
    RunEnded,
    RunPaused,
    StepFact,
    StepGaveUp,
    StepStarted,
    UndoStarted,
)
from actorflow.policy import TryAgain

SPAWN_BUDGET = 256
"""How many attempts one turn starts at most: a wide run can't keep the loop for itself (PERFORMANCE study, section 8)."""


def record(state: State, fact: Fact | None, now: float) -> None:
    """Folds a fact, collects the orders it causes, and goes on with the fact that follows."""
    while fact is not None:
        kind = type(fact)
        _, fold, order, then = RULES[kind]
        if fold is not None:
            if state.facts is not None and state.takes[kind]:
                state.facts.append(fact)
            fold(state, fact)
        if order is not None:
            order(state, fact)
        fact = then(state, fact, now) if then is not None else None


def advance(state: State, now: float) -> None:
    phase = state.phase
    if phase == RUN:
        if state.ready:
            start_ready(state, now)
        if not state.remaining:
            close(state, now)
        return
    state.ready.clear()
    state.more = False
    if phase == HALTING and state.is_settled:
        end(state, "halted", now)
    elif phase == SETTLING:
        compensate_the_waiting(state, now)
        if state.is_settled:
            undo_next(state, now)
    elif phase == UNDOING_ALL and not is_undoing(state):
        undo_next(state, now)


# ── forward ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def start_ready(state: State, now: float) -> None:
    """R1, R6: starts what is ready, who has waited longest first, as far as the run's own bounds allow."""
    if state.handlers and state.options.sequential:
        return  # guards and compensations take their turn, too
    ready, status, attempt, started = state.ready, state.status, state.attempt, state.started
    special = state.program.special
    room = min(state.cap - state.running, SPAWN_BUDGET)
    while ready and room > 0 and state.allowance > 0:
        node = ready.popleft()
        if special[node]:
            room -= prepare(state, node, now)
            continue
        status[node] = RUNNING
        attempt[node] += 1
        state.running += 1
        state.allowance -= 1
        room -= 1
        if state.facts is not None and state.takes[StepStarted]:
            state.facts.append(StepStarted(state.run, node, attempt[node], now))
        started.append(node)
    state.more = bool(ready) and state.running < state.cap
    if ready and state.allowance <= 0:
        out_of_steps(state, now)


def out_of_steps(state: State, now: float) -> None:
    """R31: one more attempt is needed than `max_steps` allows."""
    state.more = False
    if state.options.on_timeout == "halt":
        record(state, RunPaused(state.run, now, "max_steps"), now)
    else:
        record(state, RollbackStarted(state.run, now, cancelled=True, reason="max_steps"), now)
        stop_all(state)
    advance(state, now)


def prepare(state: State, node: int, now: float) -> bool:
    """Guards first, then permits, then the step (R17, R28). Answers whether the node takes a slot of the run."""
    step = state.program.steps[node]
    if step.guards and node not in state.passed:
        attempt = state.attempt[node] + 1
        record(state, GuardsStarted(state.run, node, attempt, now), now)
        state.orders.append(RunGuards(node, attempt))
        return state.options.sequential
    if step.limits and node not in state.held:
        state.status[node] = ASKED
        state.asks.append(node)
        state.running += 1
    else:
        begin(state, node, now)
    return True


def begin(state: State, node: int, now: float) -> None:
    """Starts an attempt."""
    record(state, StepStarted(state.run, node, state.attempt[node] + 1, now), now)
    state.started.append(node)


def close(state: State, now: float) -> None:
    """R4: every node is resolved. The result is made, looked at by middleware, and the run has succeeded."""
    if state.is_settled:
        try:
            state.result = state.plan.returns(state.values)
        except Exception as error:
            fail_run(state, error, now)
            return
        if state.options.checked:
            state.phase = CLOSING
            state.orders.append(CheckResult(state.result))
        else:
            end(state, "succeeded", now)


def fail_run(state: State, error: BaseException, now: float) -> None:
    """The run as a whole fails: its result can't be made."""
    record(state, RollbackStarted(state.run, now, cancelled=False, error=error), now)
    advance(state, now)


def end(state: State, status: str, now: float) -> None:
    record(state, RunEnded(state.run, now, status, state.rollback, state.began), now)
    state.orders.append(EndRun(status))


# ── rollback ──────────────────────────────────────────────────────────────────────────────────────────────────────────


IDLE_AFTER_AN_ATTEMPT = (WAITING, INTERRUPTED, READY, SET_ASIDE)


def stop_all(state: State) -> None:
    """Tells all that executes to stop; each answers in its own time, or its grace ends (R12)."""
    for node, status in enumerate(state.status):
        if status == RUNNING or (status == GUARDING and node not in state.stopping):
            if status == RUNNING:
                state.status[node] = STOPPING
            state.stopping.add(node)
            state.orders.append(StopStep(node, state.attempt[node]))


def compensate_the_waiting(state: State, now: float) -> None:
    """R21: a step that waited for another attempt is compensated with its last reason, if its own code was ever entered."""
    for node in [node for node in state.reasons if state.status[node] in IDLE_AFTER_AN_ATTEMPT]:
        state.retry_at.pop(node, None)
        attempt = state.attempt[node]
        error = standing_error(state, node, attempt, state.reasons[node])
        record(state, compensates_or_stands(state, StepFact(state.run, node, attempt, now), error, now), now)


def standing_error(state: State, node: int, attempt: int, error: BaseException) -> BaseException:
    """R14: what is left of a `TryAgain` that isn't granted: the exception it was given, or `AttemptsExhausted` with its text."""
    if not isinstance(error, TryAgain):
        return error
    if isinstance(error.reason, BaseException):
        return error.reason
    exhausted = AttemptsExhausted(state.name(node), attempt, error.reason or "")
    exhausted.__cause__ = error.__cause__
    return exhausted


def compensates_or_stands(state: State, fact: StepFact, error: BaseException, now: float) -> Fact | None:
    """R18, R54: every way an attempt can fail is offered to the step's compensation, if it has one, once."""
    node = fact.node
    if state.program.steps[node].compensate is not None and node not in state.offered:
        return seek_compensation(state, node, error, now)
    release(state, node)
    return StepGaveUp(state.run, node, fact.attempt, fact.at, error, "run")


def seek_compensation(state: State, node: int, error: BaseException, now: float) -> Fact | None:
    """A compensation keeps its attempt's permits; one for an attempt that has given them back asks, at the front (R28)."""
    if state.program.steps[node].limits and node not in state.held:
        state.handlers += 1
        state.status[node] = COMPENSATION_WAITING
        state.reasons[node] = error
        state.tries[node] = 0
        state.orders.append(AskPermits(node))
        return None
    return CompensationStarted(state.run, node, state.attempt[node], now, 1, error)


def compensate_again(state: State, node: int, now: float) -> None:
    tries = state.tries.get(node, 0) + 1
    record(state, CompensationStarted(state.run, node, state.attempt[node], now, tries, state.reasons[node]), now)


def is_undoing(state: State) -> bool:
    return bool(state.undo_stack) and state.status[state.undo_stack[-1]] in (UNDOING, UNDO_WAITING)


def undo_next(state: State, now: float) -> None:
    """R22: one at a time, in reverse order of completion; when nothing is left to undo the run has ended."""
    if not state.undo_stack:
        status = "undone" if state.undone else "cancelled" if state.cancelled else "failed"
        end(state, status, now)
        return
    state.phase = UNDOING_ALL
    node = state.undo_stack[-1]
    if state.program.steps[node].limits:
        state.status[node] = UNDO_WAITING
        state.tries[node] = 0
        state.orders.append(AskPermits(node))
    else:
        record(state, UndoStarted(state.run, node, state.attempt[node], now, 1), now)


def undo_again(state: State, node: int, now: float) -> None:
    tries = state.tries.get(node, 0) + 1
    record(state, UndoStarted(state.run, node, state.attempt[node], now, tries), now)


def handler_again(state: State, node: int, now: float) -> None:
    """The wait before a handler's next try is over."""
    del state.retry_at[node]
    if state.program.steps[node].limits:
        state.orders.append(AskPermits(node))
    elif state.status[node] == COMPENSATION_WAITING:
        compensate_again(state, node, now)
    else:
        undo_again(state, node, now)


# ── resume ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def take_up(state: State, now: float) -> None:
    """Goes on with a run that was halted: what was interrupted starts again, waits go on waiting (R16)."""
    state.ready.clear()
    for node, status in enumerate(state.status):
        if status == WAITING:
            due = max(now, state.retry_at.get(node, now))
            state.orders.append(Remind(due, RetryDue(state.run, node, state.attempt[node], due)))
        elif status == READY:
            state.ready.append(node)
