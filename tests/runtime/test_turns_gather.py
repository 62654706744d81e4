"""Turns that come while a commit is under way go together with the next one, each done once (R48)."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorflow import Runtime, step, workflow
from actorflow.store import MemoryStore, SQLiteStore, Store, decode_turns

STEPS = 40


@step
async def count(value: int) -> int:
    return value + 1


@workflow
def counting(value: int) -> int:
    for _ in range(STEPS):
        value = count(value)
    return value


@workflow
def fanned(value: int) -> list[int]:
    return [count(count(value)) for _ in range(STEPS)]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "runs.sqlite")


async def test_a_chain_that_runs_ahead_of_its_commits(store: Store) -> None:
    """At `write_behind` nothing waits but the end: what was done meanwhile is in the next row."""
    async with Runtime(store=store, durability="write_behind") as runtime:
        run = await runtime.start(counting, 0)
        assert await run.result() == STEPS
        assert await ended_steps(store, run.id) == STEPS


async def test_steps_that_end_while_others_are_stored(store: Store) -> None:
    async with Runtime(store=store) as runtime:
        run = await runtime.start(fanned, 0)
        assert await run.result() == [2] * STEPS
        assert await ended_steps(store, run.id) == 2 * STEPS


async def ended_steps(store: Store, run_id: str) -> int:
    assert len(await store.completed_steps(run_id)) == len(set(await store.completed_steps(run_id)))
    rows = [decode_turns(row) for row in await store.turns(run_id)]
    return sum(entry.kind == "StepSucceeded" for row in rows for turn in row.turns for entry in turn.messages)
