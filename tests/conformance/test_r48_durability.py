"""R48: how durable a run is, as its runtime, its workflow, or who starts it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    Durability,
    Failed,
    Halt,
    Halted,
    InvalidInput,
    InvalidState,
    InvalidWorkflow,
    MemoryStore,
    RecordNotFound,
    Runtime,
    Succeeded,
    Workflow,
    WorkflowBuilder,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import Gated, begin, lapse, taken_over, until
from tests.conformance.told_steps import SEEN, fail, first, pay, second


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@pytest.fixture
async def gated(clock: MockClock) -> Any:
    async with MemoryStore(clock=clock) as memory:
        yield Gated(memory)


def two_steps() -> int:
    return second(first())


two = workflow(name="two")(two_steps)
two_strict = workflow(name="two_strict", durability="strict")(two_steps)
two_behind = workflow(name="two_behind", durability="write_behind")(two_steps)
two_none = workflow(name="two_none", durability="none")(two_steps)


async def settled(clock: MockClock, gated: Gated) -> None:
    await gated.arrived.wait()
    await clock.advance(10)


async def one_more(clock: MockClock, gated: Gated) -> None:
    """Lets the commit that waits through, and none after it."""
    gated.let_through()
    gated.hold()
    await settled(clock, gated)


@pytest.mark.parametrize(
    ("here", "what", "asked", "seen"),
    [
        ("strict", two, None, []),
        ("write_behind", two, None, ["first", "second"]),
        ("strict", two_behind, None, ["first", "second"]),
        ("write_behind", two_strict, None, []),
        ("none", two_strict, None, []),
        ("none", two_behind, None, ["first", "second"]),
        ("none", two, "strict", []),
        ("strict", two_strict, "write_behind", ["first", "second"]),
        ("strict", two_none, "strict", []),
    ],
)
async def test_who_starts_a_run_goes_before_its_workflow_and_that_before_the_runtime(
    here: Durability,
    what: Workflow[[], int],
    asked: Durability | None,
    seen: list[str],
    clock: MockClock,
    gated: Gated,
) -> None:
    """R48: a step's result is acknowledged before any dependent starts; at `write_behind` nothing waits; and who says which it is."""
    async with Runtime(store=gated, clock=clock, durability=here) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, what, durability=asked))
        await settled(clock, gated)
        assert seen == SEEN
        gated.let_through()
        assert await (await running).result() == 2


async def test_a_copy_of_a_workflow_has_a_durability_of_its_own(clock: MockClock, gated: Gated) -> None:
    """`options(durability=…)` makes a copy; the plan, and so its fingerprint, is the same."""
    async with Runtime(store=gated, clock=clock) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, two.options(durability="write_behind")))
        await settled(clock, gated)
        assert SEEN == ["first", "second"]
        gated.let_through()
        assert await (await running).result() == 2
    assert two.options(durability="none").compile() is two.compile()
    named = [workflow(name="same", durability=one)(two_steps) for one in (None, "none", "strict", "write_behind")]
    assert len({one.compile().fingerprint for one in named}) == 1


@pytest.mark.parametrize("durability", ["strict", "write_behind"])
async def test_irreversible_steps_are_strict_at_every_level(
    durability: Durability, clock: MockClock, gated: Gated
) -> None:
    """R48: whatever the level, the start and end of a step marked irreversible."""

    @workflow(durability=durability)
    def paying() -> int:
        return second(pay(first()))

    async with Runtime(store=gated, clock=clock, durability="none") as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, paying))
        await settled(clock, gated)
        assert "pay" not in SEEN, "its start isn't stored"
        while "pay" not in SEEN:
            await one_more(clock, gated)
        assert SEEN == ["first", "pay"], "its end isn't stored"
        gated.let_through()
        assert await (await running).result() == 3


@pytest.mark.parametrize("durability", ["strict", "write_behind"])
async def test_rollbacks_are_strict_at_every_level(durability: Durability, clock: MockClock, gated: Gated) -> None:
    """R48: … and everything from the start of a rollback on."""

    @workflow(durability=durability)
    def failing() -> int:
        return fail(first())

    async with Runtime(store=gated, clock=clock, durability="none") as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, failing))
        await settled(clock, gated)
        while "fail" not in SEEN:
            await one_more(clock, gated)
        assert SEEN == ["first", "fail"], "the start of the rollback isn't stored"
        gated.let_through()
        assert isinstance(await (await running).outcome(), Failed)
    assert SEEN == ["first", "fail", "undo first"]


# ── none ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_of_none_is_not_recorded(clock: MockClock, open_store: OpenStore) -> None:
    """`none`: it runs as without a store, and whoever asks what is recorded of it is told so."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await begin(runtime, two_none)
        assert await run.result() == 2
        assert [one.run_id for one in (await runtime.find_runs()).runs] == []
        for ask in (runtime.inspect, runtime.explain, runtime.history):
            with pytest.raises(RecordNotFound, match="nothing is recorded of run 'r'"):
                await ask("r")
        await runtime.cancel("r")  # R25: nothing, it has ended
        with pytest.raises(InvalidState, match="has ended"):
            await runtime.halt("r")


async def test_one_id_is_one_run_at_every_level(clock: MockClock, open_store: OpenStore) -> None:
    """R47: an id that the store knows is taken, for runs that aren't recorded too; and the other way round."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        stored = await begin(runtime, two, run_id="stored")
        assert await stored.result() == 2
        unstored = await begin(runtime, two, run_id="unstored", durability="none")
        assert await unstored.result() == 2
    async with Runtime(store=open_store(), clock=clock) as runtime:
        again = await begin(runtime, two, run_id="stored", durability="none")
        assert await again.result() == 2
        assert len(SEEN) == 4
        await (await begin(runtime, two, run_id="unstored", durability="none")).result()
        assert len(SEEN) == 6, "nobody knows of the first one any more"
        await (await begin(runtime, two, run_id="unstored")).result()
        assert len(SEEN) == 6, "it is here, though not recorded"


async def test_what_cant_be_stored_is_no_matter_if_nothing_is(clock: MockClock, open_store: OpenStore) -> None:
    """R3: types that can't be encoded are refused only where runs are recorded."""

    class Opaque:
        pass

    @step
    async def make() -> Opaque:
        return Opaque()

    @step
    async def use(value: Opaque) -> str:
        return type(value).__name__

    def using() -> str:
        return use(make())

    recorded = workflow(using)
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await runtime.options(durability="none").run(recorded) == "Opaque"
        with pytest.raises(InvalidWorkflow, match="can't be stored"):
            await runtime.run(recorded)
    with pytest.raises(InvalidWorkflow, match="can't be stored"):
        Runtime(store=open_store(), clock=clock, workflows=[recorded])
    unrecorded = workflow(durability="none")(using)
    async with Runtime(store=open_store(), clock=clock, workflows=[unrecorded]) as runtime:
        assert await runtime.run(unrecorded) == "Opaque"
        with pytest.raises(InvalidWorkflow, match="can't be stored"):
            await runtime.options(durability="strict").run(unrecorded)
    async with Runtime(store=open_store(), clock=clock, workflows=[recorded], durability="none") as runtime:
        assert await runtime.run(recorded) == "Opaque"


async def test_halt_undo_and_signals_of_a_run_of_none_work_as_without_a_store(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R16, R25, R26: by its handle and by its id."""

    @step
    async def pause() -> int:
        raise Halt(1)

    @workflow(durability="none")
    def pausing() -> int:
        return second(pause())

    async with Runtime(store=open_store(), clock=clock) as runtime:
        halted = await (await begin(runtime, pausing)).outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None
        assert await (await runtime.resume(pausing, "r", who="ann")).result() == 2
        run = await begin(runtime, two_none, run_id="u", reversible=True)
        assert await run.outcome() == Succeeded(2, "u")
        await runtime.undo("u", who="ann")
        assert (run.status(), SEEN[-1]) == ("undone", "undo first")


async def test_a_halted_run_of_none_is_not_started_a_second_time(clock: MockClock, open_store: OpenStore) -> None:
    """R47: the run of this id is there, halted, though the store doesn't know it."""

    @step
    async def pause() -> int:
        SEEN.append("pause")
        raise Halt(1)

    @workflow(durability="none")
    def pausing() -> int:
        return pause()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, pausing)).outcome()
        assert isinstance(await (await begin(runtime, pausing)).outcome(), Halted)
        assert SEEN == ["pause"]


async def test_leaving_takes_runs_of_none_back_and_releases_the_others(clock: MockClock, open_store: OpenStore) -> None:
    """R37: nobody could go on with what isn't recorded."""

    @step
    async def stand(value: int) -> int:
        SEEN.append("stand")
        return await forever() if SEEN.count("stand") <= 2 else value

    @workflow
    def standing() -> int:
        return stand(first())

    async with Runtime(store=open_store(), clock=clock, drain_timeout=1, halt_timeout=1) as runtime:
        await begin(runtime, standing, run_id="stored")
        unstored = await begin(runtime, standing, run_id="unstored", durability="none")
        await until(lambda: SEEN.count("stand") == 2)
    assert SEEN.count("undo first") == 1
    assert unstored.status() == "cancelled"
    async with Runtime(store=open_store(), clock=clock, workflows=[standing]) as runtime:
        assert await (await begin(runtime, standing, run_id="stored")).result() == 1


async def test_runs_of_none_die_with_their_process(clock: MockClock, open_store: OpenStore) -> None:
    """Nothing of them is taken over; what was recorded is, as durable as it was."""

    @step
    async def stand(value: int) -> int:
        SEEN.append(step_context().run_id)
        return await forever() if step_context().attempt == 1 and step_context().run_id != "again" else value

    @workflow
    def standing() -> int:
        return stand(first())

    async with Life(open_store(), clock=clock, workflows=[standing]) as life:
        await begin(life.runtime, standing, run_id="none", durability="none")
        await begin(life.runtime, standing, run_id="behind", durability="write_behind")
        await until(lambda: {"none", "behind"} <= set(SEEN))
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[standing], durability="none") as runtime:
        assert await (await taken_over(runtime, "behind")).result() == 1
        assert [run.id for run in runtime.list_runs()] == ["behind"]
        again = await runtime.replay("behind", new_run_id="again")
        await again.outcome()
        assert (await runtime.record("again")).status == "succeeded", "an operator's run is recorded at any level"


async def test_children_have_their_parents_durability(clock: MockClock, open_store: OpenStore) -> None:
    """R30: unless they say it, their workflow does, or they are detached: then the runtime's."""

    @step
    async def parent() -> None:
        context = step_context()
        await context.run(two)
        await context.run(two_strict)
        await (await context.options(durability="write_behind").start(two)).result()
        await (await context.options(detached=True).start(two)).result()

    @workflow
    def parents() -> None:
        parent()

    async def recorded(runtime: Runtime) -> list[str]:
        page = await runtime.find_runs()
        return sorted(one.workflow for one in page.runs)

    async with Runtime(store=open_store(), clock=clock) as runtime:
        await (await begin(runtime, parents, durability="none")).result()
        assert await recorded(runtime) == ["two", "two", "two_strict"]
        await (await begin(runtime, parents, run_id="s")).result()
        assert await recorded(runtime) == sorted(["two", "two", "two_strict"] * 2 + ["parents", "two"])


async def test_a_run_of_none_has_the_default_of_a_run_without_a_store_when_its_time_is_over(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R31: it is cancelled, as nobody could resume it."""

    @step
    async def stand() -> int:
        return await forever()

    @workflow
    def standing() -> int:
        return stand()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert isinstance(await (await begin(runtime, standing, timeout=1, run_id="a")).outcome(), Halted)
        outcome = await (await begin(runtime, standing, timeout=1, run_id="b", durability="none")).outcome()
        assert type(outcome).__name__ == "Cancelled"


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_no_durability_is_is_refused(clock: MockClock) -> None:
    wrong: Any = "strong"
    for make in (lambda: workflow(durability=wrong)(two_steps), lambda: two.options(durability=wrong)):
        with pytest.raises(InvalidWorkflow, match="durability is one of 'none', 'write_behind', 'strict'"):
            make()
    builder = WorkflowBuilder("built", durability=wrong)
    builder.add_step("first", first).returns("first")
    with pytest.raises(InvalidWorkflow, match="durability is one of"):
        builder.build()
    with pytest.raises(InvalidInput, match="durability"):
        Runtime(durability=wrong)
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(InvalidInput, match="durability"):
            runtime.options(durability=wrong)


async def test_builders_say_it_too() -> None:
    builder = WorkflowBuilder("built", durability="none")
    builder.add_step("first", first).returns("first")
    assert builder.build().durability == "none"
