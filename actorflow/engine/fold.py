"""How each fact changes a run's state. No policy: a fold does what the fact says, whatever comes of it.

A replay decides the run's messages again, so it folds the same facts.
"""

from __future__ import annotations

from actorflow.engine.frames import resolved
from actorflow.engine.items_of import errors_of, goes_forward, joins_the_rollback, stays_incomplete
from actorflow.engine.ready import ready
from actorflow.engine.state import (
    COMPLETED,
    ENDED,
    FAILED,
    GONE,
    GUARDING,
    HALTING,
    INTERRUPTED,
    READY,
    RUN,
    RUNNING,
    SET_ASIDE,
    SETTLING,
    SKIPPED,
    STOPPING,
    WAITING,
    State,
)
from actorflow.errors import StepCancelled, StepError
from actorflow.facts import (
    AttemptFailed,
    AttemptLost,
    GuardFailed,
    GuardsPassed,
    GuardsStarted,
    LeaseTaken,
    RetryScheduled,
    RollbackStarted,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepAbandoned,
    StepFact,
    StepGaveUp,
    StepHalted,
    StepInterrupted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)

# ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def run_started(state: State, fact: RunStarted) -> None:
    state.began = fact.at
    for node in state.plan.roots:
        ready(state, node, fact.at)


def run_paused(state: State, fact: RunPaused) -> None:
    state.phase = HALTING
    state.by = fact.by
    if state.tree is not None:
        state.tree.is_marked = True


def run_resumed(state: State, fact: RunResumed) -> None:
    """What was interrupted runs again; `max_steps` counts anew, or the run could never go on (R16, R31)."""
    state.phase = RUN
    state.began = fact.at
    state.by = state.ended = ""
    state.stopping.clear()
    if state.options.max_steps is not None:
        state.allowance = state.options.max_steps
    for node, status in enumerate(state.status):
        if status == INTERRUPTED or node in fact.retried:
            state.status[node] = READY
    for node in fact.retried:
        state.lost.pop(node, None)


def rollback_started(state: State, fact: RollbackStarted) -> None:
    """A rollback of a run that had ended is that of a reversible one (R26)."""
    state.undone = state.phase == ENDED
    state.ended = ""
    state.phase = SETTLING
    state.cancelled = fact.cancelled
    state.by = fact.reason
    if fact.error is not None:
        state.errors.append(StepError("", "run", 1, fact.error))
    if state.tree is not None:
        joins_the_rollback(state, state.tree)


def run_ended(state: State, fact: RunEnded) -> None:
    state.phase = ENDED
    state.ended = fact.status


# ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def resolve(state: State, node: int, value: object, at: float) -> None:
    """The node has its value: those that waited for it alone are ready, results that only it needed are dropped."""
    program = state.program
    state.remaining -= 1
    if program.stores[node]:
        state.values[node] = value
    else:
        state.values[node] = GONE
    counts = state.counts
    for other in program.dependents[node]:
        counts[other] -= 1
        if not counts[other]:
            if state.facts is not None:
                ready(state, other, at)
            else:  # the same without a call, as it happens once per step
                state.status[other] = READY
                state.ready.append(other)
    readers = state.readers
    for other in program.releases[node]:
        readers[other] -= 1
        if not readers[other]:
            state.values[other] = GONE
    if state.tree is not None:
        resolved(state, state.tree, node, at)


def forget(state: State, node: int) -> None:
    """The node is settled: nothing of its attempts matters any more."""
    state.reasons.pop(node, None)
    state.retry_at.pop(node, None)
    state.first_at.pop(node, None)
    state.tries.pop(node, None)
    state.lost.pop(node, None)
    state.waits.pop(node, None)
    state.unknown.discard(node)
    state.doubtful.discard(node)


def began(state: State, fact: GuardsStarted | StepStarted) -> None:
    """A try begins: its wait is over, and the time that `within` bounds runs from the first one on (R14)."""
    state.retry_at.pop(fact.node, None)
    if state.program.steps[fact.node].retry.within is not None:
        state.first_at.setdefault(fact.node, fact.at)


def guards_started(state: State, fact: GuardsStarted) -> None:
    state.status[fact.node] = GUARDING
    state.attempt[fact.node] = fact.attempt
    state.handlers += 1
    began(state, fact)


def guards_passed(state: State, fact: GuardsPassed) -> None:
    """The number of the attempt stays that of the guards' last try: the step's first attempt takes it."""
    state.handlers -= 1
    state.passed.add(fact.node)
    state.status[fact.node] = READY
    state.attempt[fact.node] -= 1
    state.ready.append(fact.node)


def guard_failed(state: State, fact: GuardFailed) -> None:
    state.handlers -= 1
    state.status[fact.node] = INTERRUPTED


def step_skipped(state: State, fact: StepSkipped) -> None:
    if state.status[fact.node] == GUARDING:
        state.handlers -= 1
    state.status[fact.node] = SKIPPED
    forget(state, fact.node)
    resolve(state, fact.node, fact.value, fact.at)


def step_started(state: State, fact: StepStarted) -> None:
    """Written out in `advance.start_ready` too, for the one fact that is seldom built."""
    state.status[fact.node] = RUNNING
    state.attempt[fact.node] = fact.attempt
    state.running += 1
    state.allowance -= 1
    began(state, fact)


def step_halted(state: State, fact: StepHalted) -> None:
    """A `Halt` from a guard gives the node its value; its own code was never entered, so there is nothing to undo."""
    if state.status[fact.node] == GUARDING:
        state.handlers -= 1
        state.status[fact.node] = SKIPPED
        forget(state, fact.node)
        resolve(state, fact.node, fact.value, fact.at)
    else:
        step_succeeded(state, fact)


def step_succeeded(state: State, fact: StepSucceeded | StepHalted) -> None:
    node = fact.node
    state.status[node] = COMPLETED
    state.running -= 1
    if state.program.undoable[node]:
        state.undo_stack.append(node)
    if state.reasons or state.first_at or state.waits:
        forget(state, node)
    resolve(state, node, fact.value, fact.at)


def acted(state: State, node: int, error: BaseException) -> None:
    """The step's own code was entered, and its attempt has ended without a value: there is something to compensate."""
    state.reasons[node] = error
    state.offered.discard(node)
    state.stopped.discard(node)
    state.doubtful.discard(node)


def attempt_failed(state: State, fact: AttemptFailed) -> None:
    """A step that was set aside, and then said to have failed, holds no slot; if it runs again, it isn't for what was lost before."""
    node = fact.node
    if state.status[node] == SET_ASIDE:
        state.lost.pop(node, None)
    else:
        state.running -= 1
    state.status[node] = INTERRUPTED
    acted(state, node, fact.error)
    if fact.unknown:
        state.unknown.add(node)


def step_interrupted(state: State, fact: StepInterrupted) -> None:
    """It keeps its number, and doesn't count against `Retry` (R16)."""
    node = fact.node
    if state.status[node] == GUARDING:
        state.handlers -= 1
    else:
        state.running -= 1
    state.uncounted[node] = state.uncounted.get(node, 0) + 1
    state.status[node] = INTERRUPTED
    if fact.entered:
        reason = StepCancelled(f"step {state.name(node)!r} was cancelled")
        reason.__cause__ = fact.error
        acted(state, node, reason)
        state.stopped.add(node)
        if state.program.steps[node].irreversible and state.phase == HALTING:
            state.status[node] = SET_ASIDE


def step_abandoned(state: State, fact: StepAbandoned) -> None:
    state.status[fact.node] = INTERRUPTED
    state.running -= 1
    acted(state, fact.node, fact.error)
    state.abandoned.add(fact.node)
    state.unknown.add(fact.node)


def attempt_lost(state: State, fact: AttemptLost) -> None:
    """R53: it doesn't count, neither against `Retry` nor in `max_steps`. What a scope decides has done nothing outside, nor has a wait.

    In a rollback nobody knows what it has done (R54): that is dealt with like a failure that waited for another attempt.
    """
    node = fact.node
    state.running -= 1
    state.uncounted[node] = state.uncounted.get(node, 0) + 1
    if state.program.steps[node].acts:
        state.lost[node] = state.lost.get(node, 0) + fact.crashed
        state.allowance += fact.again
        acted(state, node, fact.error)
        state.doubtful.add(node)
    if not fact.again:
        state.status[node] = SET_ASIDE if goes_forward(state, node) else INTERRUPTED
    else:
        state.status[node] = READY if state.phase == RUN else INTERRUPTED


def retry_scheduled(state: State, fact: RetryScheduled) -> None:
    state.status[fact.node] = WAITING
    state.retry_at[fact.node] = fact.due


def step_gave_up(state: State, fact: StepGaveUp) -> None:
    """The step's own error comes first, then that of its compensation. That we stopped it isn't an error of its own.

    Its attempt has ended before, unless its arguments couldn't be made: then it ends here.
    """
    node = fact.node
    state.running -= state.status[node] in (RUNNING, STOPPING)
    state.status[node] = FAILED
    errors = errors_of(state, node)
    if not (node in state.stopped and isinstance(fact.error, StepCancelled)):
        errors.append(StepError(state.name(node), fact.phase, fact.attempt, fact.error))
    failed = state.handler_errors.pop(node, None)
    if failed is not None:
        errors.append(StepError(state.name(node), "compensate", state.tries.get(node, 1), failed))
    if node in state.unknown or node in state.doubtful:
        step = state.program.steps[node]
        if step.undo is not None and step.undo.unknown:
            state.undo_stack.append(node)
            state.values[node] = None
        else:
            stays_incomplete(state, node)
    forget(state, node)


def nothing_changes(state: State, fact: StepFact | LeaseTaken) -> None:
    """The fact only informs."""
