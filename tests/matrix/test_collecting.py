"""`each(on_error="collect")` around and inside of every combinator: an item that fails is taken back by itself, and the others stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actorflow import Cancelled, Failed, Outcome, Succeeded, each, step
from actorflow.facts import ItemEnded
from tests.matrix.shapes import SHAPES, Shape, add, leaf, plain, spread, work, workflow_of
from tests.matrix.tale import TALE
from tests.matrix.witness import ITEM, START, Flow, MakeRuntime, Played, has_failed_with, names, play, play_halted

KINDS = [pytest.param(name, id=name) for name in SHAPES]
LOST = 1000
"""What an item counts for that has failed."""


@step
async def settle(outcomes: list[Any]) -> int:
    return int(await TALE.get().runs(sum(worth(outcome) for outcome in outcomes)))


def worth(outcome: Outcome[int]) -> int:
    if isinstance(outcome, Succeeded):
        return outcome.value
    assert isinstance(outcome, Failed)
    return LOST


def gathered(inner: Shape, **options: Any) -> Shape:
    """As `each`, but each item has an outcome."""

    def draw(value: Any) -> Any:
        items = each.options(name="gather")(
            spread(value), lambda item: add(inner.draw(work(item)), value), on_error="collect", **options
        )
        return settle(items)

    return Shape(draw, lambda value: sum(inner.gives(item + 1) + value for item in (value, value + 1)))


def around_all(name: str) -> Shape:
    """The combinator in the items."""
    return gathered(SHAPES[name](leaf()))


def inside_of(name: str) -> Shape:
    """The items in the combinator."""
    return SHAPES[name](gathered(leaf()))


def cell_of(shape: Shape) -> Flow:
    return workflow_of("cell", lambda value: plain(shape.draw(work(value))))


class Collected(Played):
    """What was undone is the item's own part."""

    def undone_by_the_rule(self) -> list[str]:
        if not isinstance(self.outcome, Succeeded):
            return super().undone_by_the_rule()
        item = self.part_of(self.tale.struck)
        return [node for node in reversed(self.completed()) if item and node.startswith(item)]

    def undoes_last(self) -> None:
        """Before the outcome of the item is given; the rest of the run goes on meanwhile."""
        if not isinstance(self.outcome, Succeeded):
            super().undoes_last()


@pytest.mark.parametrize("make", [around_all, inside_of])
@pytest.mark.parametrize("name", KINDS)
async def test_all_succeed(make_runtime: MakeRuntime, name: str, make: Any):
    """Outcomes go through the codec as well."""
    shape = make(name)
    played = await play(make_runtime, cell_of(shape))
    assert isinstance(played.outcome, Succeeded), played.outcome
    assert played.outcome.value == 2 * shape.gives(START + 1)
    played.keeps_its_promises()


@pytest.mark.parametrize("values", ["shared", "decoded"])
@pytest.mark.parametrize("make", [around_all, inside_of])
@pytest.mark.parametrize("name", KINDS)
async def test_an_item_fails(make_runtime: MakeRuntime, name: str, make: Any, values: str):
    """Its own finished steps are undone in reverse, and no other; outside of the items a failure takes all back."""
    shape = make(name)
    cell = cell_of(shape)
    steps = (await play(make_runtime, cell)).tale.count
    for strike in range(1, steps + 1):
        played = await collected(make_runtime, cell, strike, values)
        if ITEM.search(played.tale.struck):
            assert isinstance(played.outcome, Succeeded), played.outcome
            assert len(names(played.events, ItemEnded)) == 1
        else:
            assert isinstance(played.outcome, Failed)
            assert has_failed_with(played.outcome, played.tale.struck)
        played.keeps_its_promises()


async def collected(make_runtime: MakeRuntime, cell: Flow, strike: int, values: str) -> Played:
    return await play(make_runtime, cell, "fails", strike, values=values, played=Collected)


@pytest.mark.parametrize("name", KINDS)
async def test_the_other_items_stand(make_runtime: MakeRuntime, name: str):
    """An item that fails counts as lost; the value of the others is as ever."""
    inner = SHAPES[name](leaf())
    cell = cell_of(gathered(inner))
    steps = (await play(make_runtime, cell)).tale.count
    value = START + 1
    for strike in range(1, steps + 1):
        played = await collected(make_runtime, cell, strike, "shared")
        for number, item in enumerate((value, value + 1)):
            if played.tale.struck.startswith(f"gather[{number}]."):
                other = value + 1 if item == value else value
                assert isinstance(played.outcome, Succeeded)
                assert played.outcome.value == 2 * (LOST + inner.gives(other + 1) + value)


@pytest.mark.parametrize("make", [around_all, inside_of])
@pytest.mark.parametrize("name", KINDS)
async def test_a_halt_in_an_item_halts_the_run(make_runtime: MakeRuntime, name: str, make: Any):
    shape = make(name)
    cell = cell_of(shape)
    for strike in strikes((await play(make_runtime, cell)).tale.count):
        played = await play_halted(make_runtime, cell, strike)
        assert isinstance(played.outcome, Succeeded), played.outcome
        assert played.outcome.value == 2 * shape.gives(START + 1)
        played.keeps_its_promises()


@pytest.mark.parametrize("make", [around_all, inside_of])
@pytest.mark.parametrize("name", KINDS)
async def test_an_item_fails_after_a_halt(make_runtime: MakeRuntime, name: str, make: Any):
    """What it had done before the halt is undone with it."""
    cell = cell_of(make(name))
    steps = (await play(make_runtime, cell)).tale.count
    for strike in strikes(steps):
        for later in range(1, steps - strike, 3):
            played = await play_halted(make_runtime, cell, strike, "fails", later, played=Collected)
            if ITEM.search(played.tale.struck):
                assert isinstance(played.outcome, Succeeded), played.outcome
            played.keeps_its_promises()


@pytest.mark.parametrize("make", [around_all, inside_of])
@pytest.mark.parametrize("name", KINDS)
async def test_a_cancel_takes_all_items_back(make_runtime: MakeRuntime, name: str, make: Any):
    cell = cell_of(make(name))
    for strike in strikes((await play(make_runtime, cell)).tale.count):
        played = await play(make_runtime, cell, "waits", strike, values="shared")
        assert isinstance(played.outcome, Cancelled)
        played.keeps_its_promises()


def strikes(steps: int) -> Iterator[int]:
    yield from range(1, steps + 1, 2)
