"""R22: nested work is no exception: what is inside combinators is undone in the one global reverse order of completion."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actorflow import (
    Failed,
    Runtime,
    around,
    choose,
    choose_first,
    each,
    emit,
    group,
    repeat,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.telling import acting, striking, undone


@asynccontextmanager
async def lent() -> AsyncGenerator[str]:
    yield "lent"


@step(mode="inline")
def ignores(value: Any) -> int:
    return 1


Draw = Callable[[Any, Any], object]
"""Draws a combinator with steps in it: `act`, which can be undone, and the value of another step."""


def in_each(act: Any, value: Any) -> object:
    return each([1, 2], lambda item: act(act(item)), concurrency=1)


def in_each_at_once(act: Any, value: Any) -> object:
    return each([1, 2, 3], act)


def in_group(act: Any, value: Any) -> object:
    return group(lambda: act(value), before=lambda: act(value), after=lambda result: act(result))


def in_around(act: Any, value: Any) -> object:
    return around(lent, lambda tool: act.options(after=[act(value)])(value))


def in_repeat(act: Any, value: Any) -> object:
    @workflow
    def once(value: int) -> int:
        again: int = act(value)
        return again

    return repeat(once, value, at_most=3)


def in_choose(act: Any, value: Any) -> object:
    return choose(value, {1: lambda: act(act(value))}, default=lambda: act(0))


def in_choose_first(act: Any, value: Any) -> object:
    return choose_first([(lambda given: given > 0, lambda given: act(act(given)))], on=value)


def in_emit(act: Any, value: Any) -> object:
    @step
    async def spread(value: int) -> int:
        emit(act(act(value)))
        return value

    return spread(value)


def in_workflow(act: Any, value: Any) -> object:
    @workflow
    def nested(value: int) -> int:
        inside: int = act(act(value))
        return inside

    return nested(value)


ALL: dict[str, tuple[Draw, list[str]]] = {
    "each": (in_each, ["each[0].act", "each[0].act_2", "each[1].act", "each[1].act_2"]),
    "each, all at once": (in_each_at_once, ["each[0].act", "each[1].act", "each[2].act"]),
    "group": (in_group, ["group.act", "group.act_2", "group.act_3"]),
    "around": (in_around, ["around.act", "around.act_2"]),
    "repeat": (in_repeat, ["repeat[1].act", "repeat[2].act", "repeat[3].act"]),
    "chosen branch": (in_choose, ["choose[1].act", "choose[1].act_2"]),
    "branch of the first yes": (in_choose_first, ["choose_first[0].act", "choose_first[0].act_2"]),
    "emitted steps": (in_emit, ["spread.act", "spread.act_2"]),
    "composed workflow": (in_workflow, ["nested.act", "nested.act_2"]),
}


@pytest.mark.parametrize(("draw", "names"), ALL.values(), ids=list(ALL))
async def test_what_is_inside_is_undone_like_any_other_step(clock: MockClock, draw: Draw, names: list[str]) -> None:
    """R22: in reverse order of completion, between what came before and what came after."""
    told: list[str] = []
    act = acting(told)

    @step
    async def fail(value: Any) -> None:
        raise ValueError

    @workflow
    def nested() -> None:
        inside: Any = draw(act, act(1))
        fail(act(ignores(inside)))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(nested)).outcome()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "complete"
    ran = [line for line in told if not line.startswith("undo ")]
    assert ran[0] == "act"
    assert sorted(ran) == sorted(["act", *names, "act_2"])
    assert [name for name in ran if name in names] == names
    assert draw is in_emit or ran[-1] == "act_2"  # what is emitted runs beside what waits for the step
    assert told == [*ran, *(f"undo {name}" for name in reversed(ran))]


@pytest.mark.parametrize(("draw", "names"), ALL.values(), ids=list(ALL))
async def test_a_failure_inside_takes_back_what_was_done_inside(clock: MockClock, draw: Draw, names: list[str]) -> None:
    """R22: a combinator that hasn't ended has no undo of its own; its steps have theirs."""
    told: list[str] = []

    @step
    async def act(value: int) -> int:
        if step_context().node == names[-1]:
            raise ValueError
        told.append(step_context().node)
        return value

    @act.undo
    async def unact(result: int, value: int) -> None:
        told.append(f"undo {step_context().node}")

    @workflow
    def nested() -> None:
        draw(act, 1)

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(nested)).outcome()
    assert isinstance(outcome, Failed)
    assert [(error.node, error.phase) for error in outcome.error.errors] == [(names[-1], "run")]
    assert told == [*names[:-1], *(f"undo {name}" for name in names[-2::-1])]


async def test_items_are_undone_in_the_order_of_their_completion(clock: MockClock) -> None:
    """R22: items side by side are undone last completion first, whatever their index; steps of two items may alternate."""
    told: list[str] = []

    async def wait(value: int) -> None:
        await clock.advance(value)

    act = acting(told, wait)

    @step
    async def less(value: int) -> int:
        return value - 1

    @workflow
    def items() -> None:
        values = each([5, 1, 3], lambda item: act(less(act(item))))
        striking(told, at=[0])(values[1])

    async with Runtime(clock=clock) as runtime:
        await (await runtime.start(items)).outcome()
    ran = [line for line in told if not line.startswith("undo ")]
    assert ran == ["each[1].act", "each[1].act_2", "each[2].act", "each[0].act", "each[2].act_2", "each[0].act_2"]
    assert undone(told) == ran[::-1]


async def test_finished_items_are_undone_when_another_fails(clock: MockClock) -> None:
    """R22: one item's failure rolls back all finished items, thousands of them."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1_500])

    @workflow
    def items() -> None:
        each(list(range(2_000)), lambda item: strike(act(item)), concurrency=1)

    async with Runtime(clock=clock, values="shared") as runtime:
        await (await runtime.start(items)).outcome()
    assert undone(told) == [f"each[{place}].act" for place in range(1_500, -1, -1)]


async def test_undoable_false_leaves_the_steps_of_a_composed_workflow_alone(clock: MockClock) -> None:
    """R22: `undoable=False` opts out, in whatever it is composed into."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def nested(value: int) -> int:
        return act(each([value], act)[0])

    @workflow
    def outer() -> None:
        value = act(nested.options(undoable=False)(1))
        striking(told, at=[1])(value)

    async with Runtime(clock=clock) as runtime:
        await (await runtime.start(outer)).outcome()
    assert [line for line in told if "nested" in line and "undo" not in line] == ["nested.each[0].act", "nested.act"]
    assert undone(told) == ["act"]


async def test_undos_inside_get_the_names_keys_and_values_of_their_own_steps(clock: MockClock) -> None:
    """R22: always with the same idempotency key, which differs from the step's; also where ranges of a run are used anew."""
    keys: dict[str, str] = {}
    undo_keys: dict[str, str] = {}

    @step
    async def act(value: int) -> int:
        keys[step_context().node] = step_context().idempotency_key
        return value

    @act.undo
    async def unact(result: int, value: int) -> None:
        assert keys[step_context().node] == step_context().step_key
        undo_keys[step_context().node] = step_context().idempotency_key

    @workflow
    def items() -> None:
        plain = each([1, 2, 3], ignores, concurrency=1)
        kept = each.options(after=[plain])([4, 5, 6], act, concurrency=1)
        striking([], at=[6])(kept[2])

    async with Runtime(clock=clock) as runtime:
        await (await runtime.start(items)).outcome()
    assert set(undo_keys) == set(keys) == {f"each_2[{place}].act" for place in range(3)}
    assert len({*keys.values(), *undo_keys.values()}) == 6
