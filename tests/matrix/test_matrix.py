"""Every combinator inside every other: 8 × 8 cells, each in four ways, at each of its steps.

Whatever befalls it, a cell keeps the promises that `Played` checks: the whole order of undoing, arounds left before the first undo and entered
again only where they're needed, nothing run twice.
"""

from __future__ import annotations

import pytest

from actorflow import Cancelled, Failed, Succeeded
from tests.matrix.shapes import SHAPES, cell_of
from tests.matrix.witness import START, MakeRuntime, has_failed_with, play, play_elsewhere, play_halted

CELLS = [pytest.param((outer, inner), id=f"{inner}-in-{outer}") for outer in SHAPES for inner in SHAPES]
Names = tuple[str, ...]


@pytest.mark.parametrize("values", ["decoded", "shared"])
@pytest.mark.parametrize("names", CELLS)
async def test_succeeds(make_runtime: MakeRuntime, names: Names, values: str):
    cell, gives = cell_of(*names)
    played = await play(make_runtime, cell, values=values)
    assert isinstance(played.outcome, Succeeded)
    assert played.outcome.value == gives(START)
    played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_fails_at_any_step(make_runtime: MakeRuntime, names: Names):
    """R22: what had succeeded inside is undone in the one reverse order of completion."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await play(make_runtime, cell, "fails", strike, values="shared")
        assert isinstance(played.outcome, Failed)
        assert has_failed_with(played.outcome, played.tale.struck)
        assert played.outcome.rollback == ("complete" if played.completed() else "none")
        assert played.leaves_with("Boom")
        played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_halts_at_any_step_and_is_resumed(make_runtime: MakeRuntime, names: Names):
    """R16: by id, in this runtime."""
    cell, gives = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await play_halted(make_runtime, cell, strike)
        assert isinstance(played.outcome, Succeeded), played.outcome
        assert played.outcome.value == gives(START)
        assert played.leaves_with("")
        played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_halts_at_any_step_and_is_resumed_elsewhere(make_runtime: MakeRuntime, names: Names):
    """R16: from its snapshot, in another runtime."""
    cell, gives = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await play_elsewhere(make_runtime, cell, strike)
        if played is not None:
            assert isinstance(played.outcome, Succeeded), played.outcome
            assert played.outcome.value == gives(START)
            played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_fails_after_a_halt(make_runtime: MakeRuntime, names: Names):
    """R16, R22: what had succeeded before the halt is undone too, in the one order."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps, 2):
        for later in {1, (steps - strike) // 2 + 1, steps - strike}:
            played = await play_halted(make_runtime, cell, strike, "fails", later)
            if len(played.tale.told("run")) < steps or isinstance(played.outcome, Failed):
                assert isinstance(played.outcome, Failed)
                assert has_failed_with(played.outcome, played.tale.struck)
            played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_is_cancelled_at_any_step(make_runtime: MakeRuntime, names: Names):
    """R25: while a step inside waits."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await play(make_runtime, cell, "waits", strike, values="shared")
        assert isinstance(played.outcome, Cancelled)
        assert played.outcome.reason == "enough"
        assert played.outcome.errors == ()
        assert played.outcome.rollback == ("complete" if played.completed() else "none")
        played.keeps_its_promises()
