"""What the state itself calls for, by phase. A run that is resumed or taken over begins here, too."""

from __future__ import annotations

from actorflow.engine.items_of import is_gated
from actorflow.engine.orders import AskPermits, CheckResult, Remind, RetryDue, RunGuards
from actorflow.engine.record import end, record
from actorflow.engine.rollback import (
    compensate_again,
    compensate_the_waiting,
    is_undoing,
    stop_all,
    undo_again,
    undo_next,
)
from actorflow.engine.scopes import (
    begin_scope,
    failure_in_hand,
    go_on,
    leaves_one,
    take_up_scopes,
)
from actorflow.engine.state import (
    ASKED,
    CLOSING,
    COMPENSATION_WAITING,
    HALTING,
    READY,
    RUN,
    RUNNING,
    SETTLING,
    UNDOING_ALL,
    WAITING,
    State,
)
from actorflow.engine.waits import wait_goes_on
from actorflow.facts import GuardsStarted, RollbackStarted, RunPaused, StepStarted

SPAWN_BUDGET = 256
"""How many attempts one turn starts at most: a wide run can't keep the loop for itself (PERFORMANCE study, section 8)."""


def advance(state: State, now: float) -> None:
    tree = state.tree
    if tree is not None and (tree.done or tree.rolling or tree.broken):
        go_on(state, tree, now)
    phase = state.phase
    if phase == RUN:
        if state.ready:
            start_ready(state, now)
        if not state.remaining and state.phase == RUN:
            close(state, now)
        return
    state.ready.clear()
    state.more = False
    if phase == HALTING and state.is_settled:
        if tree is None or not (tree.rolling or leaves_one(state, tree, None)):
            end(state, "halted", now)
    elif phase == SETTLING:
        compensate_the_waiting(state, now)
        if state.is_settled and (tree is None or not leaves_one(state, tree, failure_in_hand(state))):
            undo_next(state, now)
    elif phase == UNDOING_ALL and not is_undoing(state):
        undo_next(state, now)


# ── forward ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def start_ready(state: State, now: float) -> None:
    """R1, R6: starts what is ready, who has waited longest first, as far as the run's own bounds allow."""
    if state.handlers and state.options.sequential and state.handlers > parked(state):
        return  # guards and compensations take their turn, too
    if len(state.ready) == 1 and state.facts is None and starts_one(state):
        return
    ready, status, attempt, started = state.ready, state.status, state.attempt, state.started
    special = state.program.special
    room = state.cap - state.running
    room = min(room, SPAWN_BUDGET)
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
    if not ready:
        state.more = False
        return
    state.more = state.running < state.cap
    if state.allowance <= 0:
        go_on_without_steps(state, room, now)


def parked(state: State) -> int:
    """How many compensations don't go on before something else has."""
    return 0 if state.tree is None else len(state.tree.parked)


def starts_one(state: State) -> bool:
    """The same for the one node of a chain, or the next item of an `each`: most turns start one."""
    node = state.ready.popleft()
    if state.running >= state.cap or state.allowance <= 0 or state.program.special[node]:
        state.ready.appendleft(node)
        return False
    state.status[node] = RUNNING
    state.attempt[node] += 1
    state.running += 1
    state.allowance -= 1
    state.started.append(node)
    state.more = False
    return True


def go_on_without_steps(state: State, room: int, now: float) -> None:
    """R31: `max_steps` attempts were started. What scopes decide is no attempt, nor is a wait; a step that is ready is one too many."""
    steps, tree = state.program.steps, state.tree
    waiting = [node for node in state.ready if state.status[node] == READY and not (tree and is_gated(state, node))]
    if any(steps[node].acts for node in waiting):
        out_of_steps(state, now)
        return
    state.ready.clear()
    for node in waiting:
        if room > 0:
            room -= prepare(state, node, now)
        else:
            state.ready.append(node)
    state.more = bool(state.ready) and state.running < state.cap


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
    if state.tree is not None and (state.status[node] != READY or is_gated(state, node)):
        return False  # an item that has been taken back meanwhile had it ready
    if step.guards and node not in state.passed:
        attempt = state.attempt[node] + 1
        record(state, GuardsStarted(state.run, node, attempt, now), now)
        state.orders.append(RunGuards(node, attempt))
        return state.options.sequential
    if step.control is not None:
        return begin_scope(state, node, now)
    if step.limits and node not in state.held:
        state.status[node] = ASKED
        state.asks.append(node)
        state.running += 1
    else:
        begin(state, node, now)
        state.allowance += step.wait is not None
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
            due = state.retry_at[node] = max(now, state.retry_at.get(node, now))
            state.orders.append(Remind(due, RetryDue(state.run, node, state.attempt[node], due)))
        elif status == READY:
            state.ready.append(node)
    if state.tree is not None:
        take_up_scopes(state, state.tree, now)
    if state.waits or state.signals:
        wait_goes_on(state, now)
