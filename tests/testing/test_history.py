"""`history(run)`: what happened in a run, compared as texts, and up to the order of what is independent."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from actorflow import InvalidState, Retry, RunFailed, Runtime, TryAgain, step, step_context, workflow
from actorflow.facts import RunEnded, RunFact, StepScheduled, StepStarted, StepSucceeded, StepUndone, UndoStarted
from actorflow.policy import Fixed
from actorflow.testing import History, MockClock, Recorder, Sequencer, history, open_runtime, record

SEAT_AND_CHARGE = [
    "run started",
    "step scheduled seat",
    "step started seat#1",
    "step succeeded seat#1",
    "step scheduled charge",
    "step started charge#1",
    "step succeeded charge#1",
    "run succeeded",
]


@step
async def seat() -> str:
    return "A1"


@step
async def charge(seat: str) -> str:
    return f"charged {seat}"


@workflow
def booking() -> str:
    return charge(seat())


async def test_a_history_equals_the_list_of_its_texts(runtime: Runtime) -> None:
    run = await runtime.start(booking)
    await run.result()
    assert history(run) == SEAT_AND_CHARGE
    assert history(run) != SEAT_AND_CHARGE[:-1]
    assert history(run) == history(run)


async def test_records_equal_tuples_as_far_as_these_go(runtime: Runtime) -> None:
    run = await runtime.start(booking)
    await run.result()
    assert history(run).only(StepSucceeded, RunEnded) == [
        ("step succeeded", "seat", 1),
        ("step succeeded", "charge"),
        ("run succeeded",),
    ]
    assert history(run)[0] == "run started"
    assert history(run)[1] != ("step scheduled", "charge")
    assert (history(run)[0] == 3) is False


async def test_a_history_is_cut_by_type_and_by_node(runtime: Runtime) -> None:
    run = await runtime.start(booking)
    await run.result()
    told = history(run)
    assert told.of("seat").without(StepScheduled) == ["step started seat#1", "step succeeded seat#1"]
    assert told.of("") == told.only(RunFact) == ["run started", "run succeeded"]
    assert [fact.value for fact in told.only(StepSucceeded).facts if isinstance(fact, StepSucceeded)] == [
        "A1",
        "charged A1",
    ]
    assert told[:2] == SEAT_AND_CHARGE[:2]


async def test_it_tells_of_this_very_moment(runtime: Runtime) -> None:
    is_there, may_go = asyncio.Event(), asyncio.Event()

    @step
    async def waits() -> None:
        is_there.set()
        await may_go.wait()

    @workflow
    def waiting() -> None:
        waits()

    run = await runtime.start(waiting)
    await is_there.wait()
    assert history(run).only(RunFact, StepStarted) == ["run started", "step started waits#1"]
    may_go.set()
    await run.result()
    assert history(run)[-1] == "run succeeded"


async def test_it_tells_apart_the_tries_of_a_handler(runtime: Runtime) -> None:
    tried: list[int] = []

    @step
    async def held() -> int:
        return 1

    @held.undo(retry=Retry(attempts=3, backoff=Fixed(1)))
    async def release(value: int) -> None:
        tried.append(value)
        if len(tried) < 2:
            raise ConnectionError

    @step
    async def fails(value: int) -> None:
        raise ValueError

    @workflow
    def failing() -> None:
        fails(held())

    run = await runtime.start(failing)
    with pytest.raises(RunFailed):
        await run.result()
    assert history(run).only(UndoStarted, StepUndone) == [
        "undo started held#1",
        "undo started held#1 try 2",
        "step undone held#1 try 2",
    ]


async def test_only_what_is_recorded_has_a_history(clock: MockClock) -> None:
    async with Runtime(clock=clock) as runtime:
        before = await runtime.start(booking)
        await before.result()
        with pytest.raises(InvalidState, match="nobody records"):
            history(before)
        with record(runtime) as recorder:
            run = await runtime.start(booking)
            await run.result()
        later = await runtime.start(booking)
        await later.result()
        assert history(run) == recorder.history(run) == recorder.history(run.id) == SEAT_AND_CHARGE
        assert history(later) == []
        assert len(recorder.facts) == len(SEAT_AND_CHARGE)


async def test_a_history_is_there_after_its_runtime_was_left(clock: MockClock) -> None:
    async with open_runtime(clock=clock) as runtime:
        run = await runtime.start(booking)
    assert history(run) == SEAT_AND_CHARGE


async def test_a_recorder_keeps_no_runtime_alive(clock: MockClock) -> None:
    async with open_runtime(clock=clock) as runtime:
        recorder = Recorder(runtime)
        await runtime.run(booking)
        gone = weakref.ref(runtime._open())
    del runtime
    gc.collect()
    assert gone() is None
    assert len(recorder.facts) == len(SEAT_AND_CHARGE)


# ── up to causal order ────────────────────────────────────────────────────────────────────────────────────────────────


@workflow
def two_seats() -> list[str]:
    return [charge(seat()), charge(seat())]


async def the_history(clock: MockClock, first: str) -> History:
    """The history of a run in which one of two steps ends first."""
    place = {first: 1}

    @step
    async def left() -> str:
        async with sequencer(place.get("left", 2)):
            return "left"

    @step
    async def right() -> str:
        async with sequencer(place.get("right", 2)):
            return "right"

    @step
    async def both(left: str, right: str) -> str:
        return left + right

    @workflow
    def wide() -> str:
        return both(left(), right())

    sequencer = Sequencer()
    async with open_runtime(clock=clock) as runtime:
        run = await runtime.start(wide)
        await run.result()
        return history(run)


async def test_the_order_of_independent_steps_does_not_count(clock: MockClock) -> None:
    left, right = await the_history(clock, "left"), await the_history(clock, "right")
    assert left != right
    assert left.same_up_to_causal_order(right)
    left.expect_same_up_to_causal_order(right)


async def test_a_missing_fact_is_named(clock: MockClock) -> None:
    told = await the_history(clock, "left")
    comparison = told.same_up_to_causal_order(told.texts[:-2] + told.texts[-1:])
    assert not comparison
    assert "node 'both':" in comparison.text
    assert "  - step succeeded both#1" in comparison.text
    with pytest.raises(AssertionError, match="step succeeded both#1"):
        told.expect_same_up_to_causal_order(told.texts[:-2])


async def test_the_order_within_a_node_counts(clock: MockClock) -> None:
    told = await the_history(clock, "left")
    texts = told.texts
    one, other = texts.index("step started left#1"), texts.index("step succeeded left#1")
    texts[one], texts[other] = texts[other], texts[one]
    assert "node 'left'" in told.same_up_to_causal_order(texts).text


async def test_what_comes_before_what_it_waits_for_is_named(clock: MockClock) -> None:
    told = await the_history(clock, "left")
    texts = told.texts
    texts.remove("step succeeded right#1")
    texts.insert(texts.index("step started both#1"), "step succeeded right#1")
    assert "'step scheduled both' comes before 'right' is resolved" in told.same_up_to_causal_order(texts).text


UNDONE = [
    "run started",
    "rollback started",
    "undo started a#1",
    "step undone a#1",
    "undo started b#1",
    "step undone b#1",
    "run failed",
]


def test_the_order_in_which_steps_are_undone_counts() -> None:
    told = History.of_texts(UNDONE)
    other = [*UNDONE[:2], *UNDONE[4:6], *UNDONE[2:4], UNDONE[6]]
    assert told.same_up_to_causal_order(other).differences[0].startswith("what is undone:")
    assert told.same_up_to_causal_order(UNDONE)


def test_nothing_goes_past_a_resume() -> None:
    halted = ["run started", "run paused", "step started a#1", "run halted", "run resumed", "run succeeded"]
    moved = ["run started", "run paused", "run halted", "run resumed", "step started a#1", "run succeeded"]
    assert not History.of_texts(halted).same_up_to_causal_order(moved)


def test_who_waited_for_permits_is_chance() -> None:
    told = ["run started", "step started a#1", "run succeeded"]
    assert History.of_texts(told).same_up_to_causal_order([*told[:2], "permits waited b", told[2]])


def test_a_text_that_no_fact_has_is_refused() -> None:
    with pytest.raises(InvalidState, match="no fact is told as 'step sneezed a#1'"):
        History.of_texts(["step sneezed a#1"])


def test_texts_are_read_as_they_are_written() -> None:
    texts = [
        "run started",
        "step scheduled book.seat",
        "undo started each[1].seat#2 try 3",
        "undo retry scheduled a#1",
        "run undone",
    ]
    told = History.of_texts(texts)
    assert told.texts == texts
    assert (told[2].node, told[2].attempt, told[2].tries) == ("each[1].seat", 2, 3)


async def test_recorded_values_are_decoded_and_the_run_repeats_itself(make_runtime) -> None:
    waits: list[list[float]] = []

    @step
    async def unsure() -> list[int]:
        if step_context().attempt < 3:
            raise TryAgain
        return [1]

    @step
    async def changes(value: list[int]) -> list[int]:
        value.append(2)
        return value

    @workflow
    def retried() -> list[list[int]]:
        value = unsure()
        return [value, changes(value)]

    for _ in range(2):
        async with make_runtime() as runtime:
            run = await runtime.start(retried)
            assert await run.result() == [[1], [1, 2]]
            waits.append([one.at - history(run)[0].at for one in history(run).only(StepStarted)])
    assert waits[0] == pytest.approx(waits[1])
    assert len(set(waits[0])) == 3


async def test_the_fixtures_share_one_clock(runtime: Runtime, make_runtime, clock: MockClock) -> None:
    assert runtime.clock is clock
    async with make_runtime(threads=1) as other:
        assert other.clock is clock
        assert other.config.threads == 1
    await asyncio.wait_for(clock.advance(1), 2)
