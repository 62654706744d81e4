"""R1 for what is inside combinators: a step waits for what it uses itself, and for the combinator to be opened."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    DeliberateFailure,
    Failed,
    NoBranch,
    RepeatExhausted,
    RunFailed,
    Runtime,
    choose,
    choose_first,
    each,
    fail,
    group,
    repeat,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.telling import acting, undone

# ── captures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_step_in_a_branch_waits_only_for_what_it_uses(clock: MockClock) -> None:
    """R1: of the values from around a body each step waits for those that it takes itself; the combinator waits for none of them."""
    told: list[str] = []
    slow_may_end = asyncio.Event()

    @step
    async def slow() -> int:
        await slow_may_end.wait()
        return 10

    @step
    async def alone(value: int) -> int:
        told.append(step_context().node)
        slow_may_end.set()
        return value

    @step
    async def both(one: int, other: int) -> int:
        told.append(step_context().node)
        return one + other

    @workflow
    def branches() -> int:
        late = slow()
        return choose(1, {1: lambda: both(alone(1), late)})

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(branches) == 11
    assert told == ["choose[1].alone", "choose[1].both"]


async def test_a_branch_that_isnt_chosen_is_waited_for_by_nobody(clock: MockClock) -> None:
    """R1: what only another branch uses doesn't hold the chosen one up; the run still ends when all has ended."""
    ended: list[str] = []

    @step
    async def slow() -> int:
        await clock.advance(10)
        ended.append("slow")
        return 10

    @step
    async def quick() -> int:
        ended.append("quick")
        return 1

    act = acting([])

    @workflow
    def branches() -> int:
        late = slow()
        return choose(1, {1: lambda: quick(), 2: lambda: act(late)})

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(branches) == 1
    assert ended == ["quick", "slow"]


async def test_a_late_value_reaches_every_item_at_any_depth(clock: MockClock) -> None:
    """R1: promises from around are usable in nested bodies; values that come late come to all that wait for them."""
    told: list[str] = []

    @step
    async def slow(value: int) -> int:
        await clock.advance(value)
        return value

    @step
    async def add(*numbers: int) -> int:
        told.append(step_context().node)
        return sum(numbers)

    @workflow
    def deep() -> list[list[int]]:
        one, two = slow(1), slow(2)

        def outer(item: Any) -> Any:
            inside = slow(item)
            return each([100, 200], lambda number: add(number, inside, one, two))

        return each([3, 4], outer)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(deep) == [[106, 206], [107, 207]]
    assert len(told) == 4


async def test_a_part_of_a_captured_value_that_isnt_there_fails_the_scope(clock: MockClock) -> None:
    """R18: arguments that couldn't be resolved fail the combinator, and nothing inside begins."""
    told: list[str] = []

    @step
    async def given() -> dict[str, int]:
        await clock.advance(1)
        return {}

    act = acting(told)

    @workflow
    def parts() -> int:
        value = given()
        return choose(1, {1: lambda: act(value["missing"])})

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(parts)).outcome()
    assert isinstance(outcome, Failed)
    assert [type(error.error) for error in outcome.error.errors] == [KeyError]
    assert not told


# ── branches ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "name"), [("card", "choose[card].label"), ("cash", "choose[cash].label"), ("?", "choose[default].label")]
)
async def test_only_the_chosen_branch_runs(clock: MockClock, value: str, name: str) -> None:
    """`choose`: the branch of the case that equals the value, else the default; the others never begin."""
    told: list[str] = []

    @step
    async def label(text: str) -> str:
        told.append(step_context().node)
        return text

    @workflow
    def pay(how: str) -> str:
        return choose(how, {"card": lambda: label("a"), "cash": lambda: label("b")}, default=lambda: label("c"))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(pay, value) in "abc"
    assert told == [name]


@pytest.mark.parametrize(
    ("value", "name"), [(5, "choose_first[0].act"), (-5, "choose_first[1].act"), (0, "choose_first[default].act")]
)
async def test_the_first_yes_decides(clock: MockClock, value: int, name: str) -> None:
    """`choose_first`: the branch of the first predicate that says yes; it, too, is given the value."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def first(value: int) -> int:
        return choose_first([(lambda n: n > 0, act), (lambda n: n != 0, act)], on=value, default=act)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(first, value) == value
    assert told == [name]


@pytest.mark.parametrize("word", ["choose", "choose_first"])
async def test_a_value_that_matches_nothing_is_an_error_naming_it(clock: MockClock, word: str) -> None:
    """A value that matches nothing, without a default, is an error naming the value; what came before is undone."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def none(value: int) -> int:
        given = act(value)
        if word == "choose":
            return choose(given, {1: lambda: act(1)})
        return choose_first([(lambda n: n == 1, act)], on=given)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(none, 4711)
    assert isinstance(failed.value.__cause__, NoBranch)
    assert "4711" in str(failed.value.__cause__)
    assert told == ["act", "undo act"]


async def test_a_predicate_that_raises_fails_the_run(clock: MockClock) -> None:
    """`choose_first`: what a predicate raises is the error of the combinator."""

    @workflow
    def first(value: int) -> int:
        return choose_first([(lambda n: 1 // n > 0, acting([]))], on=value)

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(first, 0)).outcome()
    assert isinstance(outcome, Failed)
    assert [(e.node, type(e.error)) for e in outcome.error.errors] == [("choose_first", ZeroDivisionError)]


# ── group ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_before_the_body_and_after_it(clock: MockClock) -> None:
    """`group`: `before` ends before the body's first step starts, `after` begins when all of the body has ended."""
    told: list[str] = []

    @step
    async def slow(what: str) -> str:
        told.append(f"{what} begins")
        await clock.advance(1)
        told.append(f"{what} ends")
        return what

    @workflow
    def grouped() -> str:
        return group(
            lambda: [slow("body"), slow("beside")][0],
            before=lambda: [slow("before"), slow("early")],
            after=lambda result: slow(result),
        )

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(grouped) == "body"
    assert [line for line in told if line.endswith("begins")][:4] == [
        "before begins",
        "early begins",
        "body begins",
        "beside begins",
    ]
    assert told.index("early ends") < told.index("body begins")
    assert told[-2:] == ["body begins", "body ends"]
    assert told.index("beside ends") < len(told) - 2


# ── repeat ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@step(mode="inline")
def more(value: int) -> int:
    return value + 1


async def test_each_pass_takes_what_the_last_one_gave(clock: MockClock) -> None:
    """`repeat`: at least one pass; each pass's result is the next one's input; `until` sees the result of each."""
    seen: list[int] = []

    def enough(value: int) -> bool:
        seen.append(value)
        return value >= 3

    @workflow
    def again(value: int) -> int:
        return repeat(more, value, until=enough)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(again, 0) == 3
        assert await runtime.run(again, 100) == 101
    assert seen == [1, 2, 3, 101]


async def test_at_most_is_success_or_an_error_as_told(clock: MockClock) -> None:
    """`repeat`: reaching `at_most` is success or an error, as told; enough in the last pass is no error."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def fine(value: int) -> int:
        return repeat(more, value, until=lambda value: value == 9, at_most=3)

    @workflow
    def strict(value: int) -> int:
        return repeat(
            lambda value: act(more(value)), value, until=lambda value: value == 9, at_most=3, exhausted="fail"
        )

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(fine, 0) == 3
        assert await runtime.run(strict, 6) == 9
        told.clear()
        with pytest.raises(RunFailed) as failed:
            await runtime.run(strict, 0)
    assert isinstance(failed.value.__cause__, RepeatExhausted)
    assert [(error.node, error.phase) for error in failed.value.errors] == [("repeat", "run")]
    assert undone(told) == ["repeat[3].act", "repeat[2].act", "repeat[1].act"]


async def test_an_until_that_raises_fails_the_run(clock: MockClock) -> None:
    """`repeat`: what `until` raises is the error of the repeat; its passes are undone."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def again() -> int:
        return repeat(act, 0, until=lambda value: 1 // value > 0)

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(again)).outcome()
    assert isinstance(outcome, Failed)
    assert [(e.node, type(e.error)) for e in outcome.error.errors] == [("repeat", ZeroDivisionError)]
    assert undone(told) == ["repeat[1].act"]


async def test_a_workflow_contains_itself_through_repeat(clock: MockClock) -> None:
    """`repeat`: a workflow may contain itself only through it, in a branch that ends it."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def down(value: int) -> int:
        left = act(value)
        return choose_first(
            [(lambda value: value > 0, lambda value: repeat(down, less(value), at_most=1))], on=left, default=act
        )

    @step(mode="inline")
    def less(value: int) -> int:
        return value - 1

    @workflow
    def outer() -> None:
        fail.options(after=[repeat(down, 2, at_most=1)])("taken back")

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(outer)
    assert isinstance(failed.value.__cause__, DeliberateFailure)
    done = [line for line in told if not line.startswith("undo ")]
    assert len(done) == 4
    assert done[-1].startswith("repeat[1].choose_first[0].repeat[1].choose_first[0].repeat[1].choose_first[default]")
    assert undone(told) == done[::-1]
