"""Where the nodes of a run stand, from its events: through real runs, as their drawings show them."""

from __future__ import annotations

from typing import Any

import pytest

from actorflow import (
    Event,
    Halt,
    Recover,
    Retry,
    Runtime,
    Skip,
    TryAgain,
    Workflow,
    choose,
    each,
    emit,
    group,
    repeat,
    step,
    step_context,
    workflow,
)
from actorflow.engine.state import STATUS_NAMES
from actorflow.facts import RunEnded, RunResumed
from actorflow.plan.colours import COLOURS, known_status
from actorflow.telemetry import statuses_of, update_statuses
from actorflow.telemetry.statuses import STATUSES
from tests.plan.languages import read_mermaid


@step
async def seat(city: str) -> str:
    return f"{city}-12A"


@seat.undo
async def release(code: str) -> None:
    if code.startswith("Stuck"):
        raise ConnectionError


@step(guards=[lambda code: Skip(None) if code.startswith("Oslo") else None])
async def insure(code: str) -> None: ...


@step(retry=Retry(attempts=2))
async def charge(code: str) -> int:
    if step_context().attempt == 1:
        raise TryAgain
    if code.startswith("Halt"):
        raise Halt(1)
    if not code.startswith("Oslo"):
        raise ValueError(code)
    return 1


@charge.compensate
async def settle(error: Exception, code: str) -> Recover[int] | None:
    if code.startswith("Sad"):
        raise ConnectionError
    return Recover(0) if code.startswith("Luck") else None


@step
async def post(amount: int) -> None: ...


@workflow
def trip(city: str) -> None:
    code = seat(city)
    insure(code)
    post(charge(code))


async def events_of(runtime: Runtime, workflow: Workflow[..., Any], *inputs: Any) -> list[Event]:
    """All events of a run of the workflow, however it ends."""
    events: list[Event] = []
    async with runtime.subscribe() as told:
        await runtime.start(workflow, *inputs)
        async for event in told:
            events.append(event)
            if isinstance(event.fact, RunEnded):
                break
    return events


@pytest.mark.parametrize(
    ("city", "expected"),
    [
        ("Oslo", {"seat": "completed", "insure": "skipped", "charge": "completed", "post": "completed"}),
        ("Luck", {"seat": "completed", "insure": "completed", "charge": "completed", "post": "completed"}),
        ("Rome", {"seat": "undone", "insure": "completed", "charge": "compensated"}),
        ("Sad", {"seat": "undone", "insure": "completed", "charge": "compensation_failed"}),
        ("Stuck", {"seat": "undo_failed", "insure": "completed", "charge": "compensated"}),
        ("Halt", {"seat": "completed", "insure": "completed", "charge": "completed", "post": "pending"}),
    ],
)
async def test_a_run_colours_the_drawing_of_its_plan(runtime: Runtime, city: str, expected: dict[str, str]) -> None:
    statuses = statuses_of(await events_of(runtime, trip, city))
    assert statuses == expected
    plan = trip.compile()
    graph = read_mermaid(plan.mermaid(status=statuses))
    shown = {graph.boxes[id].partition("\n")[0]: style for id, style in graph.classes.items()}
    assert shown == {name: expected.get(name, "pending") for name in plan.names}


async def test_the_statuses_go_along_with_the_run(runtime: Runtime) -> None:
    statuses: dict[str, str] = {}
    told: list[str] = []
    for event in await events_of(runtime, trip, "Luck"):
        update_statuses(statuses, event)
        if event.node == "charge" and [statuses["charge"]] != told[-1:]:
            told.append(statuses["charge"])
    assert told == ["pending", "running", "failed", "waiting", "running", "failed", "compensating", "completed"]


async def test_the_items_of_an_each_have_statuses_of_their_own_and_one_box(runtime: Runtime) -> None:
    """The scope was open when the run failed: it is halted."""

    @step
    async def check(code: str) -> str:
        if code.startswith("Rome"):
            raise ValueError
        return code

    @workflow
    def all_trips(cities: list[str]) -> list[str]:
        return each(cities, lambda city: check(seat(city)), concurrency=1)

    statuses = statuses_of(await events_of(runtime, all_trips, ["Oslo", "Rome", "Bern"]))
    assert statuses["each"] == "halted"
    assert (statuses["each[0].seat"], statuses["each[1].check"]) == ("undone", "failed")
    graph = read_mermaid(all_trips.compile().mermaid(status=statuses))
    assert graph.classes == {"n0": "halted", "n0b0_n0": "undone", "n0b0_n1": "failed"}
    folded = read_mermaid(all_trips.compile().mermaid(status=statuses, expand=False))
    assert folded.classes == {"n0": "failed"}


async def test_names_at_any_depth_find_their_boxes(runtime: Runtime) -> None:
    """Items by key, branches, groups, composed workflows, passes, and a step that was added by another one."""

    @step
    async def add(number: int) -> int:
        return number + 1

    @step
    async def tell(number: int) -> int:
        emit(add.options(name="again")(number))
        return number

    @workflow
    def twice(number: int) -> int:
        return add(add(number))

    @workflow
    def whole(numbers: list[int]) -> list[int]:
        def body(number: int) -> int:
            branch = group(lambda: twice(number), after=lambda made: tell(made))
            return choose(branch, {3: lambda: repeat(twice, number, at_most=2)}, default=lambda: add(number))

        return each(numbers, body, key=lambda number: f"no.{number}")

    statuses = statuses_of(await events_of(runtime, whole, [1]))
    assert {name for name in statuses if name.endswith(("again", "add_2"))} == {
        "each[no.1].group.twice.add_2",
        "each[no.1].group.tell.again",
        "each[no.1].choose[3].repeat[1].add_2",
        "each[no.1].choose[3].repeat[2].add_2",
    }
    graph = read_mermaid(whole.compile().mermaid(status=statuses))
    shown = {id: style for id, style in graph.classes.items() if style != "completed"}
    assert {id: graph.boxes[id] for id in shown} == {"n0b0_n1b1_n0": "add"}, "only the branch that wasn't chosen"


def test_what_was_halted_waits_when_the_run_goes_on() -> None:
    statuses = {"charge": "halted", "seat": "completed"}
    update_statuses(statuses, Event(RunResumed("t", 1.0), "t", 9, "", 0, 0.0, 1.0))
    assert statuses == {"charge": "waiting", "seat": "completed"}


async def test_one_run_is_picked_out_of_several(runtime: Runtime) -> None:
    events = [*await events_of(runtime, trip, "Oslo"), *await events_of(runtime, trip, "Rome")]
    assert statuses_of(events)["seat"] == "undone"
    assert statuses_of(events, run_id=events[0].run_id)["seat"] == "completed"
    assert statuses_of(events, run_id="nobody's") == {}


def test_drawings_know_all_statuses() -> None:
    """Those that events make, and those that the engine names."""
    assert set(STATUSES.values()) <= COLOURS.keys()
    assert {known_status(name) for name in STATUS_NAMES if name} <= COLOURS.keys()
