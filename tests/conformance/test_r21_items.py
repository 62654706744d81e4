"""R20 to R22 for one item alone: with `on_error="collect"` a failed item is taken back by itself, while the rest of its run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    Outcome,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    StepCancelled,
    Succeeded,
    TryAgain,
    around,
    each,
    emit,
    group,
    step,
    step_context,
    workflow,
)
from actorflow.facts import ItemEnded, ItemFailed, RollbackStarted, StepUndone
from actorflow.testing import MockClock
from tests.conformance.seen import History
from tests.conformance.telling import acting, striking, undone


def kinds(outcomes: Sequence[Outcome[Any]]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def errors_of(outcome: object) -> list[tuple[str, str, type[BaseException]]]:
    """Node, phase and type of all errors that an item or a run failed with."""
    assert isinstance(outcome, Failed)
    return [(error.node, error.phase, type(error.error)) for error in outcome.error.errors]


# ── outcomes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_failed_item_has_its_own_steps_undone_and_other_items_stand(clock: MockClock) -> None:
    """A failed item's own finished steps are undone at once, in reverse, before its outcome is given; other items stand."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[2])

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1, 2, 3], lambda item: strike(act(act(item))), concurrency=1, on_error="collect")

    async with Runtime(clock=clock) as runtime:
        outcomes = await runtime.run(items)
    first, second, third = outcomes
    assert isinstance(first, Succeeded)
    assert isinstance(third, Succeeded)
    assert (first.value, third.value) == (1, 3)
    assert isinstance(second, Failed)
    assert errors_of(second) == [("each[1].strike", "run", ValueError)]
    assert (second.rollback, second.error.rollback) == ("complete", "complete")
    assert isinstance(second.error.__cause__, ValueError)
    assert undone(told) == ["each[1].act_2", "each[1].act"]
    assert told.index("undo each[1].act") < told.index("each[2].act")


async def test_an_item_without_anything_to_undo_says_so(clock: MockClock) -> None:
    """R27: `rollback` is `none` where nothing was compensated or undone."""

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1, 2], striking([], at=[2]), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        outcomes = await runtime.run(items)
    assert kinds(outcomes) == ["Succeeded", "Failed"]
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].rollback == "none"


async def test_an_outcome_is_given_at_once_while_other_items_go_on(clock: MockClock) -> None:
    """… undone at once: an item doesn't wait for the others to be taken back."""
    told: list[str] = []
    go = asyncio.Event()

    async def wait(value: int) -> None:
        if value == 1:
            await go.wait()

    act, strike = acting(told, wait), striking(told, at=[2])

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1, 2], lambda item: strike(act(item)), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        ended = asyncio.Event()
        runtime.subscribe(lambda event: ended.set(), ItemEnded)
        run = await runtime.start(items)
        await ended.wait()
        assert told == ["each[1].act", "undo each[1].act"]
        go.set()
        assert kinds(await run.result()) == ["Succeeded", "Failed"]


async def test_the_results_are_in_order_or_not_as_told(clock: MockClock) -> None:
    """Outcomes stand where results would: in the order of the items, or of their ends."""

    async def wait(value: int) -> None:
        await clock.advance(value)

    act, strike = acting([], wait), striking([], at=[2])

    def drawn(*, ordered: bool) -> Any:
        @workflow(name=f"ordered {ordered}")
        def items() -> list[Outcome[int]]:
            return each([3, 2, 1], lambda item: strike(act(item)), ordered=ordered, on_error="collect")

        return items

    async with Runtime(clock=clock) as runtime:
        ordered = await runtime.run(drawn(ordered=True))
        unordered = await runtime.run(drawn(ordered=False))
    assert kinds(ordered) == ["Succeeded", "Failed", "Succeeded"]
    assert [getattr(outcome, "value", "failed") for outcome in unordered] == [1, "failed", 3]


async def test_the_next_item_begins_when_the_failed_one_has_been_taken_back(clock: MockClock) -> None:
    """R6: at most `concurrency` items at once: one that is taken back is still under way."""
    told: list[str] = []

    @step
    async def act(value: int) -> int:
        told.append(f"act {value}")
        return value

    @act.undo
    async def unact(result: int) -> None:
        await clock.advance(5)
        told.append(f"undo {result}")

    @workflow
    def items() -> list[Outcome[int]]:
        strike = striking([], at=[1])
        return each([1, 2], lambda item: strike(act(item)), concurrency=1, on_error="collect")

    async with Runtime(clock=clock) as runtime:
        await runtime.run(items)
    assert told == ["act 1", "undo 1", "act 2"]


# ── settling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_new_of_the_item_starts_and_what_is_in_flight_settles_first(clock: MockClock) -> None:
    """R21, for the item alone: nothing new of it starts; what is in flight is let finish, and joins what is undone."""
    told: list[str] = []

    async def wait(value: int) -> None:
        await clock.advance(3)

    slow, act, strike = acting(told, wait), acting(told), striking(told, at=[1])

    @workflow
    def items() -> list[Outcome[Any]]:
        return each(
            [1],
            lambda item: [act.options(name="never")(slow.options(name="slow")(item)), strike(act(item))],
            on_error="collect",
        )

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.run(items)) == ["Failed"]
    assert told == ["each[0].act", "each[0].slow", "undo each[0].slow", "undo each[0].act"]


async def test_what_outlives_settle_timeout_is_cancelled_and_compensated(clock: MockClock) -> None:
    """R21, for the item alone: … for up to `settle_timeout`, then cancelled, and compensated with `StepCancelled`."""
    told: list[str] = []
    strike = striking(told, at=[1])

    @step
    async def begun(value: int) -> int:
        await asyncio.sleep(1)
        return value

    @step
    async def endless(value: int) -> None:
        await asyncio.Event().wait()

    @endless.compensate
    async def settle(error: Exception, value: int) -> None:
        told.append(f"{type(error).__name__} at {clock.monotonic():.0f}")

    @step
    async def other(value: int) -> int:
        await asyncio.sleep(20)
        return value

    @workflow
    def items() -> list[Outcome[Any]]:
        return each(
            [1, 2],
            lambda item: [endless.options(where=lambda value: value == 1)(item), strike(begun(item)), other(item)],
            on_error="collect",
        )

    async with Runtime(clock=clock, settle_timeout=7) as runtime:
        outcomes = await runtime.run(items)
    assert kinds(outcomes) == ["Failed", "Succeeded"]
    assert told == ["each[1].strike", f"{StepCancelled.__name__} at 8"]
    assert errors_of(outcomes[0]) == [("each[0].strike", "run", ValueError)]


async def test_what_failed_is_compensated_before_anything_of_the_item_is_undone(clock: MockClock) -> None:
    """R21, for the item alone: all compensations have ended before its first undo begins; a `Recover` is one more to undo."""
    told: list[str] = []
    act = acting(told)

    @step
    async def charge(value: int) -> int:
        await clock.advance(value)
        raise OSError

    @charge.compensate
    async def settle(error: Exception, value: int) -> Recover[int] | None:
        await clock.advance(2)
        told.append(f"compensated {value}")
        return Recover(-value) if value == 2 else None

    @charge.undo
    async def refund(result: int) -> None:
        told.append(f"undo {result}")

    @workflow
    def items() -> list[Outcome[Any]]:
        return each([1], lambda item: [charge(act(item)), charge(2)], on_error="collect")

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.run(items)) == ["Failed"]
    assert told == ["each[0].act", "compensated 1", "compensated 2", "undo -2", "undo each[0].act"]


async def test_a_step_that_waited_for_another_attempt_is_compensated(clock: MockClock) -> None:
    """R21, for the item alone: … with its last reason, if its own code was ever entered; it gets no other attempt."""
    told: list[str] = []
    strike = striking(told, at=[1])

    @step(retry=Retry(attempts=None))
    async def again(value: int) -> None:
        told.append("again")
        raise TryAgain(OSError("not yet"), after=60)

    @again.compensate
    async def settle(error: Exception, value: int) -> None:
        told.append(f"{type(error).__name__} {error}")

    @step
    async def late(value: int) -> int:
        await clock.advance(10)
        return value

    @workflow
    def items() -> list[Outcome[Any]]:
        return each([1], lambda item: [again(item), strike(late(item))], on_error="collect")

    async with Runtime(clock=clock) as runtime:
        outcomes = await runtime.run(items)
        assert kinds(outcomes) == ["Failed"]
        assert clock.monotonic() < 60
    assert told == ["again", "OSError not yet"]


async def test_one_undo_at_a_time_and_in_reverse_order_within_the_item(clock: MockClock) -> None:
    """R22, for the item alone: in reverse order of completion, one at a time; two items are taken back side by side."""
    told: list[str] = []
    under_way: dict[str, int] = {}
    most: dict[str, int] = {}

    @step
    async def act(value: int) -> int:
        await clock.advance(value)
        return value

    @act.undo
    async def unact(result: int) -> None:
        item = step_context().node.split(".")[0]
        for key in (item, "all"):
            under_way[key] = under_way.get(key, 0) + 1
            most[key] = max(most.get(key, 0), under_way[key])
        await clock.advance(10)
        for key in (item, "all"):
            under_way[key] -= 1
        told.append(f"{item} {result}")

    @step
    async def fail(*values: int) -> None:
        raise ValueError

    @workflow
    def items() -> list[Outcome[Any]]:
        return each([0, 1], lambda item: fail(act(3), act(1), act(2)), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.run(items)) == ["Failed", "Failed"]
    assert [line for line in told if line.startswith("each[0]")] == ["each[0] 3", "each[0] 2", "each[0] 1"]
    assert [line for line in told if line.startswith("each[1]")] == ["each[1] 3", "each[1] 2", "each[1] 1"]
    assert most == {"each[0]": 1, "each[1]": 1, "all": 2}


async def test_an_undo_that_is_given_up_makes_the_item_and_the_run_incomplete(clock: MockClock) -> None:
    """R23, for the item alone: the rest of it is undone; its outcome, and the run's rollback if it comes to one, say `incomplete`."""
    told: list[str] = []
    act = acting(told)

    @step
    async def stuck(value: int) -> int:
        return value

    @stuck.undo(retry=Retry(attempts=1))
    async def unstick(result: int) -> None:
        raise OSError

    @step
    async def fail(value: int) -> int:
        raise ValueError

    @workflow
    def items(then: bool) -> list[Outcome[Any]]:
        found = each([1], lambda item: fail(stuck(act(item))), on_error="collect")
        fail.options(where=lambda value: value == 1, after=[found])(then)
        return found

    async with Runtime(clock=clock) as runtime:
        outcomes = await runtime.run(items, then=False)
        assert isinstance(outcomes[0], Failed)
        assert outcomes[0].rollback == "incomplete"
        assert [phase for _, phase, _ in errors_of(outcomes[0])] == ["run", "undo"]
        assert told == ["each[0].act", "undo each[0].act"]
        failed = await (await runtime.start(items, then=True)).outcome()
        assert isinstance(failed, Failed)
        assert failed.rollback == "incomplete"


async def test_arounds_inside_the_item_are_left_with_its_failure_before_its_first_undo(clock: MockClock) -> None:
    """… and those of other items, and around the `each`, stay."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])
    go = asyncio.Event()

    @asynccontextmanager
    async def lent(name: str) -> AsyncGenerator[str]:
        try:
            yield name
        except ValueError:
            told.append(f"leave {name} with the failure")
            raise
        told.append(f"leave {name}")

    @step
    async def wait(value: int) -> int:
        if value == 2:
            await go.wait()
        return value

    @workflow
    def items() -> list[Outcome[int]]:
        return around(
            lambda: lent("outer"),
            lambda _: each(
                [1, 2],
                lambda item: around(lambda: lent("inner"), lambda _: strike(wait(act(item)))),
                on_error="collect",
            ),
        )

    async with Runtime(clock=clock) as runtime:
        ended = asyncio.Event()
        runtime.subscribe(lambda event: ended.set(), ItemEnded)
        run = await runtime.start(items)
        await ended.wait()
        assert told[2:] == ["leave inner with the failure", "undo around.each[0].around.act"]
        go.set()
        assert kinds(await run.result()) == ["Failed", "Succeeded"]
    assert told[4:] == ["around.each[1].around.strike", "leave inner", "leave outer"]


async def test_emitted_steps_of_the_item_are_undone_with_it(clock: MockClock) -> None:
    """R8 and R22, for the item alone."""
    told: list[str] = []
    act = acting(told)

    @step
    async def spread(value: int) -> int:
        emit(act(act(value)))
        return value

    @step
    async def fail(value: int) -> int:
        await clock.advance(1)
        raise ValueError

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1], lambda item: fail(spread(item)), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.run(items)) == ["Failed"]
    assert undone(told) == ["each[0].spread.act_2", "each[0].spread.act"]


async def test_collects_within_collects(clock: MockClock) -> None:
    """The innermost item that collects takes the failure; the outer one stands, or is taken back with what stands in it."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[2, 20])

    @step
    async def count(outcomes: list[Outcome[int]], value: int) -> int:
        return value * 10

    @workflow
    def items() -> list[Outcome[Any]]:
        def outer(item: Any) -> Any:
            inner = each([1, 2, 3], lambda number: strike(act(number)), concurrency=1, on_error="collect")
            return strike(count(inner, item))

        return each([1, 2], outer, concurrency=1, on_error="collect")

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.run(items)) == ["Succeeded", "Failed"]
    assert undone(told) == [
        "each[0].each[1].act",
        "each[1].each[1].act",
        "each[1].each[2].act",
        "each[1].each[0].act",
    ]


async def test_what_was_ready_in_the_item_never_starts_though_it_is_over_at_once(clock: MockClock) -> None:
    """R21, for the item alone: nothing new of it starts: not what waits for a slot of the run either."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])

    @workflow
    def items() -> list[Outcome[Any]]:
        return each([1, 2], lambda item: [strike(item), act(item), act(item)], on_error="collect")

    async with Runtime(clock=clock) as runtime:
        assert kinds(await runtime.options(max_concurrency=1).run(items)) == ["Failed", "Succeeded"]
    assert sorted(told) == ["each[1].act", "each[1].act_2", "each[1].strike"]


async def test_what_is_around_goes_on_when_the_last_item_has_been_taken_back(clock: MockClock) -> None:
    """An `each` that ends so lets its body, and all that waits for it, go on."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])

    @workflow
    def grouped() -> int:
        grouped = group(lambda: each([1], lambda item: strike(act(item)), on_error="collect"))
        return act.options(after=[grouped])(5)

    async with Runtime(clock=clock) as runtime:
        async with asyncio.timeout(100):
            assert await runtime.run(grouped) == 5
    assert told == ["group.each[0].act", "undo group.each[0].act", "act"]


# ── the run meanwhile ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_halt_in_an_item_halts_the_run(clock: MockClock) -> None:
    """R16: a halt is no failure, also where failures are collected; the other items go on after the resume."""
    told: list[str] = []
    act = acting(told)

    @step
    async def pause(value: int) -> int:
        if value == 1:
            raise Halt(10)
        return value

    @workflow
    def items() -> list[Outcome[int]]:
        return each([0, 1, 2], lambda item: act(pause(item)), concurrency=1, on_error="collect")

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(items)).outcome()
        assert isinstance(halted, Halted)
        assert halted.by == "each[1].pause"
        assert told == ["each[0].act"]
        outcomes = await (await runtime.resume(items, halted.run_id)).result()
    assert [getattr(outcome, "value", None) for outcome in outcomes] == [0, 10, 2]
    assert told == ["each[0].act", "each[1].act", "each[2].act"]


async def test_a_halt_waits_until_an_item_has_been_taken_back(clock: MockClock) -> None:
    """R16: siblings that run are waited for, and so is an item that is being taken back: its outcome stands after the resume."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])
    undoing = asyncio.Event()

    @step
    async def slow(value: int) -> int:
        return value

    @slow.undo
    async def unslow(result: int) -> None:
        undoing.set()
        await clock.advance(3)
        told.append("undo slow")

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1, 2], lambda item: strike(slow(act(item))), concurrency=1, on_error="collect")

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(items)
        await undoing.wait()
        await run.halt()
        halted = await run.outcome()
        assert isinstance(halted, Halted)
        assert told == ["each[0].act", "undo slow", "undo each[0].act"]
        outcomes = await (await runtime.resume(items, halted.run_id)).result()
    assert kinds(outcomes) == ["Failed", "Succeeded"]


@pytest.mark.parametrize("how", ["fails", "cancelled"])
async def test_an_item_that_is_being_taken_back_becomes_a_part_of_the_runs_rollback(clock: MockClock, how: str) -> None:
    """R20 and R25: the run's failure, or `cancel()`, goes on with what is left of it; nothing is undone twice or forgotten."""
    told: list[str] = []
    act = acting(told)
    undoing = asyncio.Event()

    @step
    async def slow(value: int) -> int:
        return value

    @slow.undo
    async def unslow(result: int) -> None:
        undoing.set()
        await clock.advance(3)
        told.append(f"undo {step_context().node}")

    strike = striking([], at=[1])

    @step
    async def fail() -> None:
        await undoing.wait()
        if how == "fails":
            raise KeyError

    @workflow
    def items() -> list[Outcome[int]]:
        before = act(5)
        fail()
        return each([1, before], lambda item: strike(slow(act(item))), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, ItemFailed, ItemEnded, RollbackStarted, StepUndone)
        run = await runtime.start(items)
        await undoing.wait()
        if how == "cancelled":
            await run.cancel("enough")
        outcome = await run.outcome()
    assert isinstance(outcome, Failed if how == "fails" else Cancelled)
    assert outcome.rollback == "complete"
    done = [line for line in told if not line.startswith("undo ")]
    assert sorted(undone(told)) == sorted([*done, "each[0].slow", "each[1].slow"])
    assert undone(told).index("each[0].slow") < undone(told).index("each[0].act")
    assert len(undone(told)) == len(set(undone(told)))
    names = [kind for kind, *_ in history.lines]
    assert names.count("ItemFailed") == 1
    assert names.count("ItemEnded") == 0


async def test_an_undo_of_the_item_that_is_tried_again_brings_no_other_undo_forward(clock: MockClock) -> None:
    """R21 and R22: the run's first undo waits until all has settled, the item's undo that is under way among it."""
    told: list[str] = []
    act = acting(told)
    tries = 0

    @step
    async def stubborn(value: int) -> int:
        return value

    @stubborn.undo
    async def unstubborn(result: int) -> None:
        nonlocal tries
        tries += 1
        told.append(f"try {tries}")
        if tries < 3:
            raise TryAgain(after=2)

    @step
    async def slow() -> None:
        await clock.advance(4)
        told.append("slow has settled")

    @step
    async def fail() -> None:
        await clock.advance(1)
        raise KeyError

    @workflow
    def items() -> list[Outcome[int]]:
        act(5)
        fail()
        slow()
        return each([1], lambda item: striking([], at=[1])(stubborn(item)), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        await (await runtime.start(items)).outcome()
    assert told == ["act", "try 1", "try 2", "slow has settled", "try 3", "undo act"]


async def test_the_items_own_errors_are_the_runs_when_it_joins_its_rollback(clock: MockClock) -> None:
    """R24: the run's error carries all of them."""
    undoing = asyncio.Event()

    @step
    async def slow(value: int) -> int:
        return value

    @slow.undo
    async def unslow(result: int) -> None:
        undoing.set()
        await clock.advance(3)

    @step
    async def fail() -> None:
        await undoing.wait()
        raise KeyError

    @workflow
    def items() -> list[Outcome[int]]:
        fail()
        return each([1], lambda item: striking([], at=[1])(slow(item)), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(items)
    assert {(error.node, type(error.error)) for error in failed.value.errors} == {
        ("each[0].strike", ValueError),
        ("fail", KeyError),
    }


async def test_what_the_item_has_undone_isnt_undone_again_by_the_run(clock: MockClock) -> None:
    """R22: a rollback later on undoes the items that stand, and nothing of those that were taken back."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[2, 4])

    @step
    async def fail(outcomes: list[Outcome[int]]) -> None:
        raise ValueError

    @workflow
    def items() -> None:
        fail(each([1, 2, 3, 4], lambda item: strike(act(item)), concurrency=1, on_error="collect"))

    async with Runtime(clock=clock) as runtime:
        await (await runtime.start(items)).outcome()
    assert undone(told) == ["each[1].act", "each[3].act", "each[2].act", "each[0].act"]


async def test_a_source_that_fails_isnt_an_items_failure(clock: MockClock) -> None:
    """Only what happens in an item is collected: what the `each` itself does fails the run."""

    @step(mode="inline")
    def source() -> Any:
        def items() -> Any:
            yield 1
            raise OSError

        return items()

    @workflow
    def items() -> list[Outcome[int]]:
        return each(source(), acting([]), on_error="collect", batch_size=1)

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(items)).outcome()
    assert errors_of(outcome) == [("each", "run", OSError)]
