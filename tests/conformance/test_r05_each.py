"""R5: how what is inside combinators is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from actorflow import (
    InvalidValue,
    RunFailed,
    Runtime,
    each,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock


@step(mode="inline")
def charge(amount: int) -> str:
    return step_context().node


@step(mode="inline")
def numbers(count: int) -> list[int]:
    return list(range(100, 100 + count))


async def test_items_are_named_by_their_index_in_the_source(clock: MockClock) -> None:
    """R5: items of an `each` are `each[17].charge`, by index in the source, from 0."""

    @workflow
    def charges() -> list[str]:
        return each(numbers(3), charge)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(charges) == ["each[0].charge", "each[1].charge", "each[2].charge"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_index_goes_on_over_batches(clock: MockClock, is_async: bool) -> None:
    """R5: … the index in the source, not in the batch that was pulled."""

    @step(mode="inline")
    def lazily() -> Iterator[int]:
        return iter(range(5))

    @step(mode="inline")
    def async_lazily() -> AsyncIterator[int]:
        async def items() -> AsyncIterator[int]:
            for item in range(5):
                yield item

        return items()

    source: Callable[[], Iterator[int]] = async_lazily if is_async else lazily  # type: ignore[assignment]

    @workflow
    def charges() -> list[str]:
        return each(source(), charge, batch_size=2)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(charges) == [f"each[{place}].charge" for place in range(5)]


async def test_items_are_named_by_their_key(clock: MockClock) -> None:
    """R5: … or its `key=`."""

    @workflow
    def charges() -> list[str]:
        return each(numbers(2), charge, key=lambda number: f"no. {number}")

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(charges) == ["each[no. 100].charge", "each[no. 101].charge"]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda number: "same", id="two alike"),
        pytest.param(lambda number: number, id="no text"),
        pytest.param(lambda number: f"a[{number}]", id="brackets"),
        pytest.param(lambda number: "", id="empty"),
    ],
)
async def test_a_key_that_cant_be_a_name_fails_the_each(clock: MockClock, key: Callable[[int], str]) -> None:
    """R5: a key is a part of names, so it's text without brackets, and no other item's."""

    @workflow
    def charges() -> list[str]:
        return each(numbers(2), charge, key=key)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(charges)
    assert isinstance(failed.value.__cause__, InvalidValue)
    assert [error.node for error in failed.value.errors] == ["each"]


async def test_a_name_says_where_its_step_is_at_any_depth(clock: MockClock) -> None:
    """R5: the parts of a name are joined by dots; a scope called twice, or with a name of its own, is named as a step is."""

    @workflow
    def book(amount: int) -> list[str]:
        return [charge(amount), charge(amount)]

    @workflow
    def trips() -> list[list[list[str]]]:
        first = each(numbers(1), lambda leg: each(numbers(1), lambda seat: book(seat)))
        again = each.options(name="again")(numbers(1), lambda leg: each(numbers(1), lambda seat: book(leg)))
        return [first[0], again[0]]

    names = [["each[0].each[0].book.charge", "each[0].each[0].book.charge_2"]]
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trips) == [
            names,
            [[f"again{name.removeprefix('each')}" for name in one] for one in names],
        ]
