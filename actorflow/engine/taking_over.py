"""What becomes of a run whose runtime is gone, when another one takes it over (R50, R53, R54).

The state has been built again by a replay, so it says what was in flight. None of that will ever answer: attempts are lost, permits have died
with their owner, arounds are gone without having been left. Handlers are simply run again, waits go on.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.engine.items_of import goes_forward, waits_for_its_around
from actorflow.engine.orders import CheckResult, Remind, RetryDue, TakeOver
from actorflow.engine.record import record
from actorflow.engine.rollback import handler_goes_on
from actorflow.engine.scopes import end_arounds_that_are_done, end_scope, enter_arounds_again, retire_all
from actorflow.engine.state import (
    ASKED,
    CLOSING,
    COMPENSATING,
    COMPENSATION_WAITING,
    ENDED,
    GUARDING,
    INTERRUPTED,
    LEAVING,
    OPEN,
    OVERDUE,
    QUEUED,
    READY,
    RUN,
    RUNNING,
    SET_ASIDE,
    STOPPING,
    UNDO_WAITING,
    UNDOING,
    WAITING,
    State,
)
from actorflow.engine.tree import Tree
from actorflow.engine.waits import wait_goes_on
from actorflow.errors import OutcomeUnknown
from actorflow.facts import AttemptLost, Fact, LeaseTaken, RunPaused

IN_FLIGHT = (RUNNING, OVERDUE, STOPPING)
HANDLED = (COMPENSATING, COMPENSATION_WAITING, UNDOING, UNDO_WAITING)


def takes_over(state: State, message: TakeOver, now: float) -> Fact | None:
    """R50: what was in flight is lost, all else goes on. A run that has ended stays as it is."""
    record(state, LeaseTaken(state.run, message.at, message.worker), now)
    shift_times(state, message.shift)
    state.held.clear()
    state.stopping.clear()
    if state.phase == ENDED:
        return None
    handled = nodes_that_are(state, HANDLED)
    pauses = loses_attempts(state, message, now) | runs_interrupted_again(state)
    steps_back(state)
    if state.tree is not None:
        loses_arounds(state, state.tree, now)
        if state.phase == RUN:
            end_arounds_that_are_done(state, state.tree, now)
        if state.phase == RUN and not pauses:
            enter_arounds_again(state, state.tree)
    for node in handled:
        goes_on_with_handler(state, node, now)
    waits_on(state, now)
    if state.phase == CLOSING:
        state.orders.append(CheckResult(state.result))
    return RunPaused(state.run, message.at, "set_aside") if pauses else None


def nodes_that_are(state: State, statuses: Iterable[int]) -> list[int]:
    among = frozenset(statuses)
    return [node for node, status in enumerate(state.status) if status in among]


def shift_times(state: State, shift: float) -> None:
    """Monotonic times are those of the new runtime's clock from now on."""
    state.began += shift
    state.patience += shift
    for times in (state.retry_at, state.first_at):
        for node in times:
            times[node] += shift
    for node, wait in state.waits.items():
        state.waits[node] = wait._replace(began=wait.began + shift)
    tree = state.tree
    if tree is None:
        return
    for scope in tree.scopes.values():
        scope.began += shift
        for frame in scope.frames.values():
            frame.patience += shift


# ── what is lost ──────────────────────────────────────────────────────────────────────────────────────────────────────


def loses_attempts(state: State, message: TakeOver, now: float) -> bool:
    """R53: whoever was in flight runs again, unless a person must decide; answers whether the run has to pause for that."""
    pauses = False
    for node in nodes_that_are(state, IN_FLIGHT):
        if is_open(state, node):
            asks_once_more(state, node)
            continue
        again = goes_forward(state, node) and may_run_again(state, node, message)
        unknown = OutcomeUnknown(f"step {state.name(node)!r} was in flight when its process was lost")
        record(
            state, AttemptLost(state.run, node, state.attempt[node], message.at, unknown, again, message.crashed), now
        )
        pauses |= state.status[node] == SET_ASIDE
    state.overdue.clear()
    return pauses and state.phase == RUN


def is_open(state: State, node: int) -> bool:
    """A scope whose bodies run: its own code had to decide what comes next, or to leave."""
    return state.tree is not None and node in state.tree.scopes


def asks_once_more(state: State, node: int) -> None:
    state.running -= 1
    if state.tree is not None and node in state.tree.entered:
        state.status[node] = OPEN
    else:
        state.status[node] = READY if goes_forward(state, node) and state.phase == RUN else INTERRUPTED


def may_run_again(state: State, node: int, message: TakeOver) -> bool:
    """R49, R53: not one that is irreversible, nor one that was lost too often. What a scope decides changes nothing outside, nor does a wait."""
    step = state.program.steps[node]
    if not step.acts:
        return True
    return not step.irreversible and state.lost.get(node, 0) + message.crashed < message.lost_limit


def runs_interrupted_again(state: State) -> bool:
    """R39: what stopped its process runs again, unless it is irreversible; answers whether the run has to pause for that."""
    pauses = False
    for node in nodes_that_are(state, (INTERRUPTED,)) if state.phase == RUN else ():
        if not goes_forward(state, node):
            continue
        is_aside = state.program.steps[node].irreversible and node in state.stopped
        state.status[node] = SET_ASIDE if is_aside else READY
        pauses |= is_aside
    return pauses


def steps_back(state: State) -> None:
    """Whoever waited for permits, or whose guards were running, is ready again, before those that have waited less."""
    for node in nodes_that_are(state, (ASKED, QUEUED, GUARDING)):
        status = state.status[node]
        state.running -= status == ASKED
        if status == GUARDING:
            state.handlers -= 1
            state.uncounted[node] = state.uncounted.get(node, 0) + 1
        state.status[node] = READY
    waited = [node for node in state.ready if state.status[node] == READY]
    state.ready.clear()
    if state.phase == RUN:
        late = frozenset(waited)
        state.ready.extend([node for node in nodes_that_are(state, (READY,)) if node not in late])
        state.ready.extend(waited)


def loses_arounds(state: State, tree: Tree, now: float) -> None:
    """Their exits never ran. Forward they are entered again if a step is to run in them; one whose body is done has its value."""
    entered = tree.entered[::-1]
    tree.entered.clear()
    tree.parked.clear()
    for node in entered:
        if state.status[node] == LEAVING:
            state.handlers -= 1
        state.status[node] = OPEN
        loses_around(state, tree, node, now)


def loses_around(state: State, tree: Tree, node: int, now: float) -> None:
    scope = tree.scopes[node]
    if not scope.is_done:
        tree.left.add(node)
        return
    retire_all(state, tree, scope)
    if goes_forward(state, node):
        end_scope(state, tree, scope, scope.value, now)


# ── what goes on ──────────────────────────────────────────────────────────────────────────────────────────────────────


def goes_on_with_handler(state: State, node: int, now: float) -> None:
    """Forward, one inside an around that is gone waits until that is entered again: it may take what the around lends."""
    if waits_for_its_around(state, node):
        assert state.tree is not None
        state.tree.parked.append(node)
    else:
        handler_goes_on(state, node, now)


def waits_on(state: State, now: float) -> None:
    """Retries are due when they were, or now."""
    for node in nodes_that_are(state, (WAITING,)):
        due = state.retry_at[node] = max(now, state.retry_at.get(node, now))
        state.orders.append(Remind(due, RetryDue(state.run, node, state.attempt[node], due)))
    if state.waits:
        wait_goes_on(state, now)
