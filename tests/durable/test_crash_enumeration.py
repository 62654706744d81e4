"""Crashes everywhere (R48 to R50): six sagas die at every point that they reach, and at every pair of points, and come to the same end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actorflow.store import SQLiteStore, Store
from actorflow.testing import CRASH_POINTS, Crashing, MockClock, Story, crash_everywhere
from tests.durable.compared import check_world, saga_of, what_came
from tests.durable.ledger import Ledger
from tests.durable.sagas import ALL, Case

pytestmark = pytest.mark.timeout(300)


def check(story: Story, undisturbed: Story, case: Case) -> None:
    ledger: Ledger = story.saga.world
    try:
        assert what_came(story.outcome) == what_came(undisturbed.outcome), str(story)
        check_world(case, ledger)
    except AssertionError as error:
        error.add_note(str(story))
        raise
    finally:
        ledger.close()


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
async def test_a_saga_that_dies_at_any_two_points_ends_as_if_it_had_not(
    clock: MockClock, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """R48, R50: strict, in memory; nothing that is stored as completed runs again, which `Crashing` checks for itself."""
    stories = crash_everywhere(lambda: saga_of(case), clock=clock)
    undisturbed = await anext(stories)
    points = len(undisturbed.points)
    singles = pairs = 0
    check(undisturbed, undisturbed, case)
    async for story in stories:
        check(story, undisturbed, case)
        if singles < points:
            singles += 1
            assert story.deaths == [singles]
        else:
            pairs += 1
    with capsys.disabled():
        print(f"\n{case.name}: {points} points, {singles} crashes, {pairs} pairs ", end="")
    assert (singles, pairs) == (points, points * (points + 1) // 2)


@pytest.mark.parametrize(
    "options", [{"durability": "write_behind"}, {"asks": True}], ids=["write-behind", "asked again"]
)
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
async def test_a_saga_that_dies_once_ends_as_if_it_had_not(
    clock: MockClock, case: Case, options: dict[str, Any]
) -> None:
    """R48: a crash may repeat the last steps at `write_behind`. R47: whoever asks for the run by its id gets that run."""
    asks = "asks" in options
    durability = {} if asks else options
    stories = crash_everywhere(lambda: saga_of(case, **durability), clock=clock, pairs=False, asks=asks)
    undisturbed = await anext(stories)
    check(undisturbed, undisturbed, case)
    async for story in stories:
        check(story, undisturbed, case)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
async def test_a_saga_on_sqlite_that_dies_at_any_point_ends_as_if_it_had_not(
    clock: MockClock, case: Case, tmp_path: Path
) -> None:
    files = iter(range(1000))

    def open_store() -> Callable[[], Store]:
        path = tmp_path / f"{next(files)}.db"
        return lambda: SQLiteStore(path, synchronous="NORMAL", clock=clock)

    stories = crash_everywhere(lambda: saga_of(case), clock=clock, open_store=open_store, pairs=False)
    undisturbed = await anext(stories)
    check(undisturbed, undisturbed, case)
    count = 0
    async for story in stories:
        check(story, undisturbed, case)
        count += 1
    assert count == len(undisturbed.points)


async def test_the_sagas_reach_every_point_but_those_of_guards_and_failed_commits(clock: MockClock) -> None:
    reached = set[str]()
    for case in ALL:
        story = await Crashing(saga_of(case), clock=clock).run(lambda point, count: count == 4)
        reached.update(story.points)
        story.saga.world.close()
    assert CRASH_POINTS.keys() - reached == {"guard.entering", "guard.returned", "commit.failed"}
