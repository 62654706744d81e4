"""R1: what is ready is dispatched at once; limits never idle; who has waited longest goes first; runs take turns."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Limit, Runtime, Skip, step, workflow
from actorflow.testing import MockClock


@pytest.fixture
def seen() -> list[str]:
    return []


async def test_a_node_waits_for_all_whose_results_it_takes(clock: MockClock, seen: list[str]) -> None:
    """R1: a node is ready when all nodes that it takes results from are resolved."""

    @step
    async def slow(seconds: float) -> float:
        await asyncio.sleep(seconds)
        seen.append(f"slow {seconds:g}")
        return seconds

    @step
    async def add(left: float, right: float) -> float:
        seen.append("add")
        return left + right

    @workflow
    def both() -> float:
        return add(slow(2.0), slow(1.0))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(both) == 3.0
    assert seen == ["slow 1", "slow 2", "add"]


async def test_a_node_waits_for_what_it_was_told_to_wait_for(clock: MockClock, seen: list[str]) -> None:
    """R1: … or was told to wait for (`after=`), whose results it doesn't take."""

    @step
    async def note(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(name)

    @workflow
    def told() -> None:
        first = note("first", 5.0)
        second = note("second", 3.0)
        note.options(after=[first, second])("last", 0.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(told)
    assert seen == ["second", "first", "last"]


async def test_whoever_was_ready_first_goes_first(clock: MockClock, seen: list[str]) -> None:
    """R1: within a run the node that has waited longest goes first, not the one that was defined first."""

    @step
    async def note(name: str) -> None:
        seen.append(name)

    @workflow
    def three() -> None:
        first = note("first")
        note.options(after=[first])("ready when the first has ended")
        note("ready from the start")

    async with Runtime(clock=clock) as runtime:
        await runtime.options(max_concurrency=1).run(three)
    assert seen == ["first", "ready from the start", "ready when the first has ended"]


async def test_whoever_lacks_a_permit_is_passed_over(clock: MockClock, seen: list[str]) -> None:
    """R1: … among those that can have all their permits now: one that lacks another permit doesn't hold up the line."""
    one, other = Limit("one", at_most=1), Limit("other", at_most=1)

    @step
    async def work(name: str, seconds: float) -> None:
        seen.append(f"{name} {clock.monotonic():g}")
        await clock.advance(seconds)

    @workflow
    def four() -> None:
        work.options(limit=one)("holds one", 1.0)
        work.options(limit=other)("holds the other", 5.0)
        work.options(limit=(one, other))("takes both", 0.0)
        work.options(limit=one)("takes one", 0.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(four)
    assert seen == ["holds one 0", "holds the other 0", "takes one 1", "takes both 5"]


async def test_a_skipped_node_is_resolved(clock: MockClock, seen: list[str]) -> None:
    """R1: "resolved" isn't "ran": what a skipped node holds up goes on."""

    def never(name: str) -> Skip[str]:
        return Skip("skipped")

    @step
    async def say(name: str) -> str:
        seen.append(name)
        return name

    @workflow
    def skipping() -> str:
        return say(say.options(guards=[never])("unsaid"))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(skipping) == "skipped"
    assert seen == ["skipped"]


async def test_ready_nodes_start_at_once_and_wait_for_no_layer(clock: MockClock) -> None:
    """R1: ready nodes are dispatched at once: each when its own inputs are there, not when its neighbours' are."""
    began: dict[str, float] = {}

    @step
    async def take(name: str, seconds: float, before: float = 0.0) -> float:
        began[name] = clock.monotonic()
        await asyncio.sleep(seconds)
        return before + seconds

    @workflow
    def two_chains() -> tuple[float, float]:
        quick = take("quick 3", 1.0, take("quick 2", 1.0, take("quick 1", 1.0)))
        slow = take("slow 2", 10.0, take("slow 1", 10.0))
        return quick, slow

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(two_chains) == (3.0, 20.0)
    assert began == {"quick 1": 0.0, "slow 1": 0.0, "quick 2": 1.0, "quick 3": 2.0, "slow 2": 10.0}


async def test_a_limit_never_idles_while_a_ready_node_could_use_it(clock: MockClock) -> None:
    """R1: a limit never idles while a ready node could use it: not behind one that waits for something else."""
    began: dict[str, float] = {}
    east, west = Limit("east", at_most=1), Limit("west", at_most=1)

    @step
    async def work(name: str, seconds: float) -> None:
        began[name] = clock.monotonic()
        await asyncio.sleep(seconds)

    @workflow
    def crossed() -> None:
        work.options(limit=east)("east", 10.0)
        work.options(limit=(east, west))("both", 1.0)  # has to wait for east, and holds back nobody in the west
        work.options(limit=west)("west", 1.0)
        work("free", 1.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.run(crossed)
    assert began == {"east": 0.0, "west": 0.0, "free": 0.0, "both": 10.0}


async def test_a_runs_own_bound_never_idles(clock: MockClock) -> None:
    """R1: as far as limits allow: a slot of `max_concurrency` that comes free is used at once."""
    began: dict[str, float] = {}

    @step
    async def work(name: str, seconds: float) -> None:
        began[name] = clock.monotonic()
        await asyncio.sleep(seconds)

    @workflow
    def wide() -> None:
        work("a", 3.0)
        work("b", 1.0)
        work("c", 1.0)
        work("d", 1.0)

    async with Runtime(clock=clock) as runtime:
        await runtime.options(max_concurrency=2).run(wide)
    assert began == {"a": 0.0, "b": 0.0, "c": 1.0, "d": 2.0}


async def test_within_a_run_who_has_waited_longest_goes_first(clock: MockClock, seen: list[str]) -> None:
    """R1: within a run the node that has waited longest goes first among those that can have all their permits now."""
    gate = Limit("gate", at_most=1)

    @step
    async def arrive(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @step(limit=gate)
    async def enter(name: str, arrived: float = 0.0) -> None:
        seen.append(name)
        await asyncio.sleep(100.0)

    @workflow
    def queue() -> None:
        enter("third", arrive(3.0))
        enter("first", arrive(1.0))
        enter("at once")
        enter("second", arrive(2.0))

    async with Runtime(clock=clock) as runtime:
        await runtime.run(queue)
    assert seen == ["at once", "first", "second", "third"]


async def test_runs_take_turns_in_a_shared_pool(clock: MockClock, seen: list[str]) -> None:
    """R1: in a pool shared by several runs the runs take turns, so that one wide run can't starve the rest."""
    gate = Limit("gate", at_most=1)

    @step(limit=gate)
    async def enter(name: str) -> None:
        seen.append(name)
        await asyncio.sleep(1.0)

    @workflow
    def wide(name: str) -> None:
        for _ in range(4):
            enter(name)

    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.start(wide, name) for name in ("one", "two")]
        await asyncio.sleep(1.5)  # the mock clock's
        runs.append(await runtime.start(wide, "late"))
        for run in runs:
            await run.result()
    assert len(seen) == 12
    assert sorted(seen[1:3]) == ["one", "two"]
    assert [sorted(seen[i : i + 3]) for i in (3, 6)] == [["late", "one", "two"]] * 2


async def test_a_run_of_higher_priority_goes_first(clock: MockClock, seen: list[str]) -> None:
    """R1: `priority=`: a higher number goes first, equal ones take turns."""
    gate = Limit("gate", at_most=1)

    @step(limit=gate)
    async def enter(name: str) -> None:
        seen.append(name)
        await asyncio.sleep(1.0)

    @workflow
    def wide(name: str) -> None:
        for _ in range(3):
            enter(name)

    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.start(wide, "first come")]
        for name, priority in (("low", -1), ("plain", 0), ("high", 5), ("high too", 5)):
            runs.append(await runtime.options(priority=priority).start(wide, name))
        for run in runs:
            await run.result()
    assert seen[0] == "first come"
    assert [sorted(seen[i : i + 2]) for i in (1, 3, 5)] == [["high", "high too"]] * 3
    assert [sorted(seen[i : i + 2]) for i in (7, 9)] == [["first come", "plain"]] * 2
    assert seen[11:] == ["plain", "low", "low", "low"]
