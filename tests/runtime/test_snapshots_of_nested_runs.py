"""R16 and R22: runs with combinators inside combinators, halted at any step, and resumed from their snapshots in another runtime."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow import Failed, Halted, Succeeded
from actorflow.testing import open_runtime
from tests.matrix.shapes import SHAPES, cell_of
from tests.matrix.witness import START, MakeRuntime, Played, has_failed_with, play, play_elsewhere

TOLD = [name for name in SHAPES if name != "emit"]
"""What a snapshot can tell; the matrix emits what was drawn in a function of its own, which no other process finds."""

PAIRS = [pytest.param((outer, inner), id=f"{inner}-in-{outer}") for outer in TOLD for inner in TOLD]
THREE = [
    ("each", "around", "repeat"),
    ("around", "each", "around"),
    ("around", "workflow", "each"),
    ("repeat", "repeat", "each"),
    ("choose", "group", "around"),
    ("workflow", "choose_first", "repeat"),
    ("repeat", "around", "workflow"),
    ("group", "each", "choose"),
]
Names = tuple[str, ...]


@pytest.mark.parametrize("names", PAIRS)
async def test_the_order_of_undoing_crosses_the_halt(make_runtime: MakeRuntime, names: Names) -> None:
    """R22: what had succeeded in the first runtime is undone in the second, after all that succeeded there."""
    cell, _ = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps, 2):
        for later in {1, (steps - strike) // 2 + 1, steps - strike}:
            played = await play_elsewhere(make_runtime, cell, strike, "fails", later)
            assert isinstance(played.outcome, Failed if played.tale.struck else Succeeded)
            if played.tale.struck:
                assert has_failed_with(played.outcome, played.tale.struck)
            played.keeps_its_promises()


@pytest.mark.parametrize("names", THREE, ids="-".join)
async def test_three_levels_deep(make_runtime: MakeRuntime, names: Names) -> None:
    """R16: the value is that of an undisturbed run, whichever step it was halted at, and no step has run twice."""
    cell, gives = cell_of(*names)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1, 3):
        goes_on_elsewhere(await play_elsewhere(make_runtime, cell, strike), gives(START))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(TOLD), min_size=1, max_size=4), data=st.data())
def test_any_plan_halted_anywhere_gives_what_it_gives_undisturbed(names: list[str], data: st.DataObject) -> None:
    """R16, by random plans."""

    async def check() -> None:
        cell, gives = cell_of(*names)
        steps = (await play(open_runtime, cell)).tale.count
        strike = data.draw(st.integers(1, steps), "halted at")
        goes_on_elsewhere(await play_elsewhere(open_runtime, cell, strike), gives(START))

    asyncio.run(check())


def test_another_process_goes_on() -> None:
    """R16, R13: items, passes that were compiled, emitted steps and what is undone are found there by what the code says."""
    halted = in_a_process()
    resumed = in_a_process(halted["snapshot"])
    assert halted["done"] == [f"each[n{i}].group.repeat[1].charge" for i in (1, 4, 8)]
    assert resumed["values"] == [3, 6, ["complete", "each[n8].group.repeat[2].charge ValueError(9)"]]
    assert sorted(resumed["done"]) == [
        "each[n1].group.repeat[2].charge",
        "each[n4].group.repeat[1].charge.note",
        "each[n4].group.repeat[2].charge",
        "each[n8].group.repeat[2].charge",
        "undo each[n8].group.repeat[1].charge 8 8",
    ]


def in_a_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.runtime.nested_process", *arguments]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=50)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def goes_on_elsewhere(played: Played, value: int) -> None:
    assert not isinstance(played.outcome, Halted), "it has a snapshot"
    assert isinstance(played.outcome, Succeeded), played.outcome
    assert played.outcome.value == value
    played.keeps_its_promises()
