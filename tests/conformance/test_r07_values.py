"""R7: how long values are kept, and that they are shared."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from weakref import ref

import msgspec
import pytest

from actorflow import Retry, RunFailed, Runtime, TryAgain, step, workflow
from actorflow.testing import MockClock


class Thing:
    """A value that can be watched going away."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        THINGS.append(ref(self))


THINGS: list[ref[Thing]] = []


def alive() -> list[int]:
    """The numbers of the things that are still kept by somebody."""
    gc.collect()
    return sorted(thing.number for each in THINGS if (thing := each()) is not None)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    THINGS.clear()


@step
async def make(number: int) -> Thing:
    return Thing(number)


@step
async def grow(thing: Thing) -> Thing:
    return Thing(thing.number + 1)


@step
async def look(thing: Any = None) -> list[int]:
    await asyncio.sleep(1.0)  # the mock clock's: whoever has a value in hand lets go of it
    return alive()


async def test_an_intermediate_value_is_dropped(clock: MockClock) -> None:
    """R7: an intermediate value is kept only while something may still need it. Then it's dropped."""

    @step
    async def use(thing: Thing) -> int:
        return thing.number

    @workflow
    def passing() -> list[int]:
        return look.options(after=[use(make(1))])()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing) == []


async def test_a_value_that_nobody_takes_is_dropped_at_once(clock: MockClock) -> None:
    """R7: … only while something may still need it: nothing may need what nobody takes."""

    @workflow
    def passing() -> list[int]:
        return look.options(after=[make(1)])()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing) == []


async def test_a_dependent_keeps_a_value(clock: MockClock) -> None:
    """R7: … a dependent."""

    @step
    async def use(thing: Thing, seen: list[int]) -> list[int]:
        return [thing.number, *seen]

    @workflow
    def passing() -> list[int]:
        thing = make(1)
        return use(thing, look.options(after=[thing])())

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing) == [1, 1]


async def test_the_return_value_keeps_a_value(clock: MockClock) -> None:
    """R7: … the return value."""

    @workflow
    def passing() -> Any:
        thing = make(1)
        return thing, look.options(after=[thing])()

    async with Runtime(clock=clock) as runtime:
        thing, seen = await runtime.run(passing)
        assert thing.number == 1
        assert seen == [1]


async def test_an_undo_keeps_a_value(clock: MockClock) -> None:
    """R7: … an undo: its step's value, and its arguments if it takes them."""
    undone = []

    @step
    async def change(thing: Thing) -> Thing:
        return Thing(thing.number + 1)

    @change.undo
    async def change_back(value: Thing, thing: Thing) -> None:
        undone.append((value.number, thing.number))

    @step
    async def fail(seen: list[int]) -> None:
        assert seen == [1, 2]
        raise ValueError

    @workflow
    def passing() -> None:
        fail(look.options(after=[change(make(1))])())

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(passing)
    assert isinstance(caught.value.__cause__, ValueError)
    assert undone == [(2, 1)]


async def test_an_undo_that_takes_the_value_alone_keeps_no_arguments(clock: MockClock) -> None:
    """R7: … only while something may still need it: an undo of the value alone doesn't need the arguments."""

    @step
    async def change(thing: Thing) -> Thing:
        return Thing(thing.number + 1)

    @change.undo
    async def change_back(value: Thing) -> None: ...

    @workflow
    def passing() -> list[int]:
        return look.options(after=[change(make(1))])()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing) == [2]


async def test_a_compensation_keeps_a_value(clock: MockClock) -> None:
    """R7: … a compensation: the arguments are there, though its step waited for another attempt meanwhile."""
    compensated = []

    @step(retry=Retry(attempts=2))
    async def change(thing: Thing) -> None:
        raise TryAgain(after=1000.0)

    @change.compensate
    async def settle(error: Exception, thing: Thing) -> None:
        compensated.append(thing.number)

    @step
    async def fail(seen: list[int]) -> None:
        assert seen == [1]
        raise ValueError

    @workflow
    def passing() -> None:
        change(make(1))
        fail(look.options(after=[make(2)])())

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(passing)
    assert compensated == [1]


async def test_a_node_can_keep_its_value(clock: MockClock) -> None:
    """R7: … or `keep=True` on its node."""

    @workflow
    def passing() -> list[int]:
        return look.options(after=[make.options(keep=True)(1), make(2)])()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing) == [1]


@pytest.mark.parametrize("length", [10, 200])
async def test_a_long_chain_holds_a_constant_number_of_values(clock: MockClock, length: int) -> None:
    """R7: a long chain holds a constant number of values."""
    most = 0

    @step
    async def grow_and_count(thing: Thing) -> Thing:
        nonlocal most
        most = max(most, sum(each() is not None for each in THINGS))
        return Thing(thing.number + 1)

    @workflow
    def chain() -> int:
        thing = make(0)
        for _ in range(length):
            thing = grow_and_count(thing)
        return thing.number

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(chain) == length
    assert most <= 3


async def test_values_are_shared_by_reference(clock: MockClock) -> None:
    """R7: values are shared by reference."""

    @step
    async def itself(thing: Thing) -> Thing:
        return thing

    @workflow
    def passing(given: Thing) -> list[Thing]:
        return [itself(given), itself(itself(given))]

    given = Thing(1)
    async with Runtime(clock=clock) as runtime:
        assert all(thing is given for thing in await runtime.run(passing, given))


class Box(msgspec.Struct):
    items: list[int]


async def test_values_can_be_passed_through_the_codec(clock: MockClock) -> None:
    """R7: `Runtime(values="decoded")` passes every value through the codec: mutation and identity show."""

    objects = []

    @step
    async def fill(box: Box) -> Box:
        box.items.append(1)
        objects.append(box)
        return box

    @workflow
    def passing(box: Box) -> Any:
        filled = fill(box)
        again = fill.options(after=[filled])(box)
        return filled, again, fill(again), box

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(passing, Box([])) == (Box([1, 1, 1]),) * 4
        assert len({id(each) for each in objects}) == 1
    objects.clear()
    async with Runtime(clock=clock, values="decoded") as runtime:
        given = Box([])
        assert await runtime.run(passing, given) == (Box([1]), Box([1]), Box([1, 1]), Box([]))
        assert given == Box([])
        assert len({id(each) for each in objects}) == 3


async def test_the_testing_kit_passes_them_through_the_codec(runtime: Runtime) -> None:
    """R7: … the default in the testing kit."""

    @step
    async def fill(box: Box) -> Box:
        box.items.append(1)
        return box

    @workflow
    def passing(box: Box) -> list[Box]:
        return [fill(fill(box)), box]

    given = Box([])
    assert await runtime.run(passing, given) == [Box([1, 1]), Box([])]
    assert given == Box([])


async def test_decoded_values_are_those_of_undo_and_compensation_too(clock: MockClock) -> None:
    """R7: … every value: what a step did to its argument isn't what its undo or compensation is given."""
    seen: list[Any] = []

    @step
    async def fill(box: Box) -> Box:
        box.items.append(1)
        return Box([*box.items, 2])

    @fill.undo
    async def empty(value: Box, box: Box) -> None:
        seen.append((value, box))

    @step
    async def spoil(box: Box) -> None:
        box.items.clear()
        raise ValueError

    @spoil.compensate
    async def settle(error: Exception, box: Box) -> None:
        seen.append(("compensated", box))

    @workflow
    def passing(box: Box) -> None:
        spoil(fill(box))

    async with Runtime(clock=clock, values="decoded") as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(passing, Box([]))
    assert seen == [("compensated", Box([1, 2])), (Box([1, 2]), Box([]))]
