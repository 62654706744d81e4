"""R2: inputs are checked before anything runs: Python values as they are, plain data by strict conversion."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actorflow import InvalidInput, Runtime, StartRun, step, workflow
from actorflow.testing import MockClock


class Leg(msgspec.Struct):
    city: str
    nights: int


class Trip(msgspec.Struct):
    name: str
    legs: list[Leg]


RAN: list[Any] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    RAN.clear()


@step(mode="inline")
def take(trip: Trip, price: float) -> list[Any]:
    RAN.append(trip)
    return [trip, price]


@workflow
def book(trip: Trip, price: float = 1.5) -> list[Any]:
    return take(trip, price)


def trip() -> Trip:
    return Trip("north", [Leg("Oslo", 2), Leg("Bergen", 1)])


async def refused(runtime: Runtime, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        await runtime.start(book, *args, **kwargs)
    return str(caught.value)


async def test_a_missing_input_is_named_before_anything_runs(clock: MockClock) -> None:
    """R2: a missing input fails the request with `InvalidInput`, naming it."""
    async with Runtime(clock=clock) as runtime:
        assert "'trip'" in await refused(runtime)
        assert runtime.list_runs() == []
    assert RAN == []


async def test_an_unknown_input_is_named_before_anything_runs(clock: MockClock) -> None:
    """R2: so does an unknown one."""
    async with Runtime(clock=clock) as runtime:
        assert "'prize'" in await refused(runtime, trip(), prize=2.0)
        assert "2 inputs" in await refused(runtime, trip(), 2.0, 3.0)
        assert runtime.list_runs() == []
    assert RAN == []


async def test_a_wrongly_typed_input_is_named_before_anything_runs(clock: MockClock) -> None:
    """R2: so does a wrongly typed one."""
    async with Runtime(clock=clock) as runtime:
        assert "input price" in await refused(runtime, trip(), "cheap")
        assert runtime.list_runs() == []
    assert RAN == []


async def test_the_path_inside_a_wrong_input_is_named(clock: MockClock) -> None:
    """R2: … naming the input and the path inside it. Python values are checked deeply."""
    wrong: Any = trip()
    wrong.legs[1].nights = "two"
    async with Runtime(clock=clock) as runtime:
        assert "trip.legs[1].nights" in await refused(runtime, wrong)
    assert RAN == []


async def test_python_values_are_neither_copied_nor_converted(clock: MockClock) -> None:
    """R2: Python values are neither copied nor converted: the step gets the very objects."""
    given, price = trip(), 2  # an int where a float is expected is fine, and stays one
    async with Runtime(clock=clock) as runtime:
        value = await runtime.run(book, given, price)
    assert value[0] is given
    assert value[1] == 2
    assert type(value[1]) is int


async def test_python_values_of_a_message_are_not_taken_for_what_they_could_become(clock: MockClock) -> None:
    """R2: a Python value isn't converted, so a dict isn't a struct when it comes as a Python value."""
    plain: Any = {"name": "north", "legs": []}
    async with Runtime(clock=clock) as runtime:
        assert "input trip" in await refused(runtime, plain)


async def test_inputs_of_a_message_are_converted(clock: MockClock) -> None:
    """R2: inputs that come as a message are converted, by the workflow's annotations."""
    inputs = {"trip": {"name": "north", "legs": [{"city": "Oslo", "nights": 2}]}, "price": 2.0}
    async with Runtime(workflows=[book], clock=clock) as runtime:
        await runtime.executor.ask(StartRun.asking(workflow="book", inputs=inputs, run_id="r"))
        assert await runtime.get("r").result() == [Trip("north", [Leg("Oslo", 2)]), 2.0]


async def test_inputs_of_a_message_are_converted_strictly(clock: MockClock) -> None:
    """R2: … strictly: text isn't taken for a number, and the path of what is wrong is named."""
    inputs = {"trip": {"name": "north", "legs": [{"city": "Oslo", "nights": "2"}]}}
    async with Runtime(workflows=[book], clock=clock) as runtime:
        with pytest.raises(InvalidInput, match=r"trip\.legs\[0\]\.nights"):
            await runtime.executor.ask(StartRun.asking(workflow="book", inputs=inputs))
        assert runtime.list_runs() == []
    assert RAN == []


@pytest.mark.parametrize(
    ("inputs", "named"),
    [({}, "'trip'"), ({"trip": {"name": "n", "legs": []}, "prize": 1}, "'prize'"), ({"trip": 3}, "input trip")],
)
async def test_a_message_is_told_what_is_wrong(clock: MockClock, inputs: dict[str, Any], named: str) -> None:
    """R2: a missing, unknown or wrongly typed input fails the request: that of a message, too."""
    async with Runtime(workflows=[book], clock=clock) as runtime:
        with pytest.raises(InvalidInput, match=named):
            await runtime.executor.ask(StartRun.asking(workflow="book", inputs=inputs))
    assert RAN == []


async def test_defaults_of_parameters_apply(clock: MockClock) -> None:
    """R2: defaults of parameters apply, to calls and to messages."""
    plain = {"trip": {"name": "north", "legs": []}}
    async with Runtime(workflows=[book], clock=clock) as runtime:
        assert (await runtime.run(book, trip()))[1] == 1.5
        assert (await runtime.run(book, trip(), price=3.0))[1] == 3.0
        await runtime.executor.ask(StartRun.asking(workflow="book", inputs=plain, run_id="r"))
        assert (await runtime.get("r").result())[1] == 1.5
