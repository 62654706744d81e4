"""R17 on combinators: guards and `where=` see what the combinator is given, before anything inside begins."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    Outcome,
    RunFailed,
    Runtime,
    Skip,
    TryAgain,
    around,
    choose,
    choose_first,
    debug,
    each,
    fail,
    gather,
    group,
    repeat,
    step,
    template,
    transform,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.telling import acting


@asynccontextmanager
async def lent() -> AsyncGenerator[int]:
    yield 1


@workflow
def nested(value: int) -> int:
    return 0


Placed = Callable[[Any, Any], Callable[..., Any]]
"""Draws a combinator with the options it gets; its step is the first argument, the value that it's given the second."""


def placed_each(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: each.options(**options)([value], act)


def placed_choose(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: choose.options(**options)(value, {1: lambda: act(value)})


def placed_choose_first(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: choose_first.options(**options)([(bool, act)], on=value)


def placed_group(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: group.options(**options)(lambda: act(value))


def placed_around(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: around.options(**options)(lent, lambda _: act(value))


def placed_repeat(act: Any, value: Any) -> Callable[..., Any]:
    return lambda **options: repeat.options(**options)(act, value, at_most=1)


def placed_workflow(act: Any, value: Any) -> Callable[..., Any]:
    @workflow
    def within(value: int) -> int:
        result: int = act(value)
        return result

    return lambda **options: within.options(**options)(value)


SCOPES: dict[str, tuple[Placed, tuple[Any, ...]]] = {
    "each": (placed_each, ([1],)),
    "choose": (placed_choose, (1,)),
    "choose_first": (placed_choose_first, (1,)),
    "group": (placed_group, ()),
    "around": (placed_around, ()),
    "repeat": (placed_repeat, (1,)),
    "workflow": (placed_workflow, (1,)),
}
SCOPE = pytest.mark.parametrize(("placed", "given"), SCOPES.values(), ids=list(SCOPES))


@SCOPE
async def test_guards_see_what_the_combinator_is_given(
    clock: MockClock, placed: Placed, given: tuple[Any, ...]
) -> None:
    """R17: guards see the arguments, before anything inside begins; `None` lets it go on."""
    told: list[str] = []
    seen: list[tuple[Any, ...]] = []
    act = acting(told)

    def guard(*arguments: Any, **named: Any) -> None:
        assert not told
        seen.append((*arguments, *named.values()))

    @workflow
    def guarded(value: int) -> Any:
        return placed(act, value)(guards=[guard, guard])

    async with Runtime(clock=clock) as runtime:
        await runtime.run(guarded, 1)
    assert seen == [given, given]
    assert len(told) == 1


@SCOPE
async def test_a_skip_gives_the_combinator_its_value_and_nothing_inside_runs(
    clock: MockClock, placed: Placed, given: tuple[Any, ...]
) -> None:
    """R17: `Skip(value)`: the value flows on, never undone."""
    told: list[str] = []
    act = acting(told)

    @step
    async def take(value: Any) -> Any:
        told.append(f"took {value}")
        return value

    @workflow
    def guarded(value: int) -> Any:
        return take(placed(act, value)(guards=[lambda *_, **__: Skip([7] if given == ([1],) else 7)]))

    async with Runtime(clock=clock) as runtime:
        expected = [7] if given == ([1],) else 7
        assert await runtime.run(guarded, 1) == expected
    assert told == [f"took {expected}"]


@SCOPE
async def test_where_skips_with_none(clock: MockClock, placed: Placed, given: tuple[Any, ...]) -> None:
    """R17: `where=predicate` is the yes-or-no form; a no skips with `None`."""
    told: list[str] = []
    seen: list[tuple[Any, ...]] = []
    act = acting(told)

    def no(*arguments: Any, **named: Any) -> bool:
        seen.append((*arguments, *named.values()))
        return False

    @workflow
    def guarded(value: int) -> Any:
        return placed(act, value)(where=no)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(guarded, 1) is None
    assert not told
    assert seen == [given]


@SCOPE
async def test_a_guard_that_raises_fails_the_run(clock: MockClock, placed: Placed, given: tuple[Any, ...]) -> None:
    """R17: … or an error, which fails it; in phase `guard`, under the combinator's name."""
    act = acting([])

    def guard(*_: Any, **__: Any) -> None:
        raise PermissionError

    @workflow
    def guarded(value: int) -> Any:
        return placed(act, value)(guards=[guard], name="guarded")

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(guarded, 1)).outcome()
    assert isinstance(outcome, Failed)
    assert [(e.node, e.phase, type(e.error)) for e in outcome.error.errors] == [("guarded", "guard", PermissionError)]


@SCOPE
async def test_a_guards_try_again_runs_them_again(clock: MockClock, placed: Placed, given: tuple[Any, ...]) -> None:
    """R17: after a guard's `TryAgain` they run again from the first."""
    told: list[str] = []
    tries: list[str] = []
    act = acting(told)

    def first(*_: Any, **__: Any) -> None:
        tries.append("first")

    def second(*_: Any, **__: Any) -> None:
        tries.append("second")
        if len(tries) < 6:
            raise TryAgain

    @workflow
    def guarded(value: int) -> Any:
        return placed(act, value)(guards=[first, second])

    async with Runtime(clock=clock) as runtime:
        await runtime.run(guarded, 1)
    assert tries == ["first", "second"] * 3
    assert len(told) == 1


@SCOPE
async def test_a_guards_halt_gives_it_its_value(clock: MockClock, placed: Placed, given: tuple[Any, ...]) -> None:
    """R17 and R16: a guard may halt the run; the combinator is done with the halt's value, and isn't opened on resume."""
    told: list[str] = []
    act = acting(told)

    def guard(*_: Any, **__: Any) -> None:
        raise Halt([5] if given == ([1],) else 5)

    @workflow
    def guarded(value: int) -> Any:
        return placed(act, value)(guards=[guard])

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(guarded, 1)).outcome()
        assert isinstance(halted, Halted)
        assert await (await runtime.resume(guarded, halted.run_id)).result() == ([5] if given == ([1],) else 5)
    assert not told


async def test_words_without_a_body_take_guards_too(clock: MockClock) -> None:
    """R17: transform, template, gather, debug and fail."""
    seen: list[tuple[Any, ...]] = []

    def no(*arguments: Any, **named: Any) -> bool:
        seen.append((arguments, tuple(named.items())))
        return False

    @workflow
    def words(value: int) -> list[Any]:
        return [
            transform.options(where=no)(value, lambda number: number + 1),
            template.options(where=no)("{x}", x=value),
            gather.options(where=no)(dict, a=value),
            debug.options(where=no)(value=value),
            fail.options(where=no)("no {x}", x=value),
        ]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(words, 1) == [None] * 5
    flat = [(*arguments, *(value for _, value in named)) for arguments, named in seen]
    assert flat == [(1,)] * 5


async def test_guards_of_an_item_are_its_own_failure_where_failures_are_collected(clock: MockClock) -> None:
    """R17 and R20: a guard that fails inside an item is a failure of that item."""

    def guard(value: int) -> None:
        if value == 2:
            raise PermissionError

    @workflow
    def items() -> list[Outcome[int]]:
        return each([1, 2], lambda item: acting([]).options(guards=[guard])(item), on_error="collect")

    async with Runtime(clock=clock) as runtime:
        outcomes = await runtime.run(items)
    assert isinstance(outcomes[1], Failed)
    assert [(error.node, error.phase) for error in outcomes[1].error.errors] == [("each[1].act", "guard")]


async def test_a_skipped_combinator_lets_what_waits_for_it_go_on(clock: MockClock) -> None:
    """R17 and R1: `after` a combinator that was skipped is after nothing."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def guarded() -> int:
        skipped = each.options(where=lambda items: False)([1], act)
        return act.options(after=[skipped])(2)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(guarded) == 2
    assert told == ["act"]


async def test_out_of_tries_the_guard_fails_it(clock: MockClock) -> None:
    """R17: out of attempts it fails, without compensation."""

    def guard(items: list[int]) -> None:
        raise TryAgain("not yet")

    @workflow
    def guarded() -> list[int]:
        return each.options(guards=[guard])([1], acting([]))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed, match="not yet"):
            await runtime.run(guarded)
