"""What must be true when a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.engine import State
from actorflow.errors import AttemptsExhausted, CompensationFailed, OutcomeUnknown, UndoFailed, WorkerLost
from actorflow.policy import TryAgain
from tests.simulation.places import alike

if TYPE_CHECKING:
    from tests.simulation.world import World


def check_books(world: World, status: str) -> None:
    state, witness = world.state, world.witness
    assert not world.limits.line, f"{world.limits.line} stay in line though the run has ended"
    assert not state.held, f"the engine keeps permits of {state.held}"
    if status == "succeeded" and not world.options.checked:
        check_result(world)
    if status != "halted":
        assert state.rollback == witness.expected_rollback()
        check_errors(world)
    check_tree(state, status)


def check_result(world: World) -> None:
    root = world.witness.root
    if world.has_scopes:
        assert alike(world.state.result, root.result), f"the result is {world.state.result!r}, not {root.result!r}"
    else:
        assert world.state.result == world.plan.returns([n.value for n in root.nodes])


def check_tree(state: State, status: str) -> None:
    """No around is open, no item is being taken back, no range is used twice; counts have come to zero."""
    assert not state.running
    assert not state.handlers
    if status == "succeeded":
        assert not state.remaining, f"{state.remaining} nodes remain"
    tree = state.tree
    if tree is None:
        return
    assert not tree.entered
    assert not tree.rolling
    assert not tree.undoing
    if status == "succeeded":
        assert not tree.left
        assert not tree.replaced
        assert all(frame.is_over for waiting in tree.late.values() for frame, _ in waiting)
    used = [frame for scope in tree.scopes.values() for frame in scope.frames.values()]
    free = [frame for frames in tree.free.values() for frame in frames]
    assert len({frame.base for frame in (*used, *free, *tree.spent)}) == len(used) + len(free) + len(tree.spent)
    if status == "succeeded":
        assert all(frame.is_over for frame in used), "a frame is open though the run has succeeded"


def check_errors(world: World) -> None:
    """R24: all of them; undos after all else, in their order."""
    names = [(error.node, error.phase, error.attempt) for error in world.state.errors]
    expected = [(node, phase, attempt) for node, phase, attempt, _ in world.witness.errors]
    if world.has_scopes:  # what failed at once in several bodies is told in any order
        assert sorted(names) == sorted(expected), f"errors {names}, there should be {expected}"
        return
    assert names == expected, f"errors {names}, there should be {expected}"
    for told, (_, _, _, error) in zip(world.state.errors, world.witness.errors, strict=True):
        assert stands_for(told.error, told.phase, error), f"{told} should stand for {error!r}"


def stands_for(told: BaseException, phase: str, error: BaseException | type) -> bool:
    """The error that a run carries, against the one that was raised."""
    if isinstance(error, type):
        return isinstance(told, error)
    if phase in ("undo", "compensate"):
        given_up = isinstance(told, UndoFailed if phase == "undo" else CompensationFailed)
        return given_up and (phase == "compensate" or told.__cause__ is error)
    if isinstance(told, OutcomeUnknown):
        return isinstance(error, (OutcomeUnknown, WorkerLost))
    if isinstance(error, TryAgain):
        return told is error.reason or isinstance(told, AttemptsExhausted)
    return told is error
