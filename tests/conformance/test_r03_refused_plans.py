"""R3: a plan that can't run is refused when it's compiled, with all problems, each with its node and the user's own line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actorflow import InvalidWorkflow, Runtime, WorkflowBuilder, step, workflow
from actorflow.testing import MockClock


@step
async def reserve(city: str) -> str:
    return city


@step
async def charge(seat: str, nights: int = 1) -> int:
    return nights


@step
async def untyped(value):
    return value


def problems(draw: Callable[[], object]) -> tuple[str, ...]:
    with pytest.raises(InvalidWorkflow) as caught:
        draw()
    return caught.value.problems


def place(marker: str) -> str:
    """`file.py:17`: where the marker stands in this file."""
    lines = Path(__file__).read_text().splitlines()
    return f"{Path(__file__).name}:{1 + next(i for i, line in enumerate(lines) if line.endswith(f'# {marker}'))}"


async def test_a_bad_plan_is_refused_before_anything_runs(clock: MockClock) -> None:
    """R3: a plan that can't run is refused when it's compiled, with `InvalidWorkflow`."""
    ran = []

    @step
    async def act() -> str:
        ran.append("act")
        return "x"

    @workflow
    def bad() -> int:
        return charge(act(), "two")  # type: ignore[arg-type]

    with pytest.raises(InvalidWorkflow):
        bad.compile()
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(InvalidWorkflow):
            await runtime.start(bad)
        assert runtime.list_runs() == []
    assert ran == []


def test_all_problems_are_listed_each_with_its_node_and_line() -> None:
    """R3: … listing all problems, each with its node and the user's own line."""

    @workflow
    def bad(city: str) -> int:
        seat = reserve(42)  # type: ignore[arg-type] # first
        reserve.options(name="twice")(city)
        reserve.options(name="twice")(city)  # second
        return charge(seat, "two")  # type: ignore[arg-type] # third

    found = problems(bad.compile)
    assert len(found) == 3
    for node, marker in (("'reserve'", "first"), ("'twice'", "second"), ("'charge'", "third")):
        (problem,) = [each for each in found if place(marker) in each]
        assert node in problem


def test_a_cycle_is_refused() -> None:
    """R3: a cycle."""
    builder = WorkflowBuilder("loop")
    builder.add_step("one", reserve, arguments={"city": "two"})
    builder.add_step("two", reserve, arguments={"city": "one"})
    (problem,) = problems(builder.build)
    assert "one" in problem
    assert "two" in problem


def test_a_reference_to_something_that_isnt_there_is_refused() -> None:
    """R3: a reference to something that isn't there (nearest name suggested)."""
    builder = WorkflowBuilder("lost").add_input("city", str)
    builder.add_step("seat", reserve, arguments={"city": "city"})
    builder.add_step("charge", charge, arguments={"seat": "saet"})  # lost
    (problem,) = problems(builder.build)
    assert "'charge'" in problem
    assert "'saet'" in problem
    assert "did you mean 'seat'?" in problem
    assert place("lost") in problem


def test_two_explicit_names_alike_are_refused() -> None:
    """R3: two explicit names alike."""

    @workflow
    def bad(city: str) -> str:
        reserve.options(name="seat")(city)
        return reserve.options(name="seat")(city)  # alike

    (problem,) = problems(bad.compile)
    assert "'seat'" in problem
    assert place("alike") in problem


def test_a_return_annotation_without_a_returned_value_is_refused() -> None:
    """R3: a return annotation without a returned value."""

    @workflow
    def bad(city: str) -> str:  # type: ignore[return]
        reserve(city)

    (problem,) = problems(bad.compile)
    assert "return" in problem
    assert Path(__file__).name in problem


def test_a_branch_on_a_promise_is_refused() -> None:
    """R3: a branch on a promise."""

    @workflow
    def bad(city: str) -> str:
        seat = reserve(city)
        if seat:  # branch
            return seat
        return city

    found = problems(bad.compile)
    assert len(found) == 1
    assert "if reserve" in found[0]
    assert place("branch") in found[0]


def test_a_branch_that_python_decides_by_itself_is_refused_too() -> None:
    """R3: a branch on a promise: `is` asks the promise nothing, so the source is read."""

    @workflow
    def bad(city: str) -> str:
        seat = reserve(city)
        return seat if seat is not None else city  # type: ignore[redundant-expr] # is

    (problem,) = problems(bad.compile)
    assert "seat is not None" in problem
    assert place("is") in problem


def test_an_argument_that_surely_doesnt_fit_is_refused() -> None:
    """R3: an argument whose annotated type surely can't take the producing step's."""

    @workflow
    def bad(city: str) -> str:
        return reserve(charge(city))  # type: ignore[arg-type] # surely

    (problem,) = problems(bad.compile)
    assert "'reserve_2'" in problem or "'reserve'" in problem
    assert "int" in problem
    assert "str" in problem
    assert place("surely") in problem


async def test_types_that_cant_be_decided_pass_with_a_note(clock: MockClock) -> None:
    """R3: types that can't be decided pass, with a note."""

    @step
    async def either(city: str) -> str | int:
        return city

    @workflow
    def unsure(city: str) -> int:
        return charge(either(city))  # type: ignore[arg-type]

    notes = unsure.compile().notes
    assert len(notes) == 1
    assert "'charge'" in notes[0]
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(unsure, "Oslo") == 1


async def test_what_has_no_types_passes(clock: MockClock) -> None:
    """R3: types that can't be decided pass: where there is no annotation nothing is refused."""

    @workflow
    def loose(value: Any) -> Any:
        return untyped(untyped(value))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(loose, 3) == 3
