"""Every combinator inside every other: 8 × 8 cells, each in four ways, at each of its steps.

Whatever befalls it, a cell keeps the promises that `Played` checks: the whole order of undoing, arounds left before the first undo and entered
again only where they're needed, nothing run twice.
"""

from __future__ import annotations

import re

import pytest

from actorflow import Cancelled, Failed, Halted, Succeeded
from actorflow.facts import SnapshotFailed
from tests.matrix.shapes import SHAPES, cell_of
from tests.matrix.witness import (
    START,
    MakeRuntime,
    has_failed_with,
    play,
    play_and_undo,
    play_elsewhere,
    play_halted,
)

CELLS = [pytest.param((outer, inner), id=f"{inner}-in-{outer}") for outer in SHAPES for inner in SHAPES]
Names = tuple[str, ...]
EMITTED = re.compile(r"\bemitter\.")


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
        assert {heard.why for heard in played.tale.heard} == {""}
        played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_halts_at_any_step_and_is_resumed_elsewhere(make_runtime: MakeRuntime, names: Names):
    """R16: from its snapshot, in another runtime. It has one unless a combinator was emitted, whose functions no other
    process has, and of which something may still run or be undone."""
    cell, gives = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await play_elsewhere(make_runtime, cell, strike)
        if isinstance(played.outcome, Halted):
            assert any(map(EMITTED.search, played.tale.told("run")))
            assert any(isinstance(event.fact, SnapshotFailed) for event in played.events)
            continue
        assert isinstance(played.outcome, Succeeded), played.outcome
        assert played.outcome.value == gives(START)
        played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_fails_after_it_was_resumed_elsewhere(make_runtime: MakeRuntime, names: Names):
    """R16, R22: what had succeeded in the other runtime is undone too, in the one order."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps, 3):
        played = await play_elsewhere(make_runtime, cell, strike, "fails", (steps - strike) // 2 + 1)
        if isinstance(played.outcome, Halted):
            continue
        assert isinstance(played.outcome, Failed if played.tale.struck else Succeeded)
        played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_fails_after_a_halt(make_runtime: MakeRuntime, names: Names):
    """R16, R22: what had succeeded before the halt is undone too, in the one order."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps, 2):
        for later in {1, (steps - strike) // 2 + 1, steps - strike}:
            played = await play_halted(make_runtime, cell, strike, "fails", later)
            assert isinstance(played.outcome, Failed if played.tale.struck else Succeeded)
            if played.tale.struck:
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


@pytest.mark.parametrize("names", CELLS)
async def test_is_undone_after_it_succeeded(make_runtime: MakeRuntime, names: Names):
    """R26: a reversible run is taken back whole."""
    cell, _ = cell_of(*names)
    played = await play_and_undo(make_runtime, cell)
    assert played.completed()
    played.keeps_its_promises()


@pytest.mark.parametrize("names", CELLS)
async def test_runs_one_step_at_a_time(make_runtime: MakeRuntime, names: Names):
    """R6: a sequential run has the same value, and the same steps."""
    cell, gives = cell_of(*names)
    freely = await play(make_runtime, cell)
    played = await play(make_runtime, cell, run_options={"sequential": True})
    assert isinstance(played.outcome, Succeeded)
    assert played.outcome.value == gives(START)
    assert played.tale.most_at_once == 1
    assert sorted(played.tale.told("run")) == sorted(freely.tale.told("run"))
    played.keeps_its_promises()


# ── three deep ────────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = list(SHAPES)
DEEP = [
    pytest.param(
        (KINDS[i], KINDS[j], KINDS[(3 * i + 5 * j + 1) % 8]),
        id=f"{KINDS[i]}-{KINDS[j]}-{KINDS[(3 * i + 5 * j + 1) % 8]}",
    )
    for i in range(8)
    for j in range(8)
]


@pytest.mark.parametrize("names", DEEP)
async def test_three_deep(make_runtime: MakeRuntime, names: Names):
    """Success, failure, halt and cancel at four places of each."""
    cell, gives = cell_of(*names)
    played = await play(make_runtime, cell)
    assert isinstance(played.outcome, Succeeded)
    assert played.outcome.value == gives(START)
    played.keeps_its_promises()
    steps = played.tale.count
    for strike in (2, steps // 3, 2 * steps // 3, steps - 1):
        failed = await play(make_runtime, cell, "fails", strike, values="shared")
        assert isinstance(failed.outcome, Failed)
        failed.keeps_its_promises()
        resumed = await play_halted(make_runtime, cell, strike)
        assert isinstance(resumed.outcome, Succeeded)
        assert resumed.outcome.value == gives(START)
        resumed.keeps_its_promises()
        cancelled = await play(make_runtime, cell, "waits", strike, values="shared")
        assert isinstance(cancelled.outcome, Cancelled)
        cancelled.keeps_its_promises()
