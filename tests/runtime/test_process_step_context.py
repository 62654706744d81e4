"""What a step can ask for in a worker process (R9, R10)."""

from __future__ import annotations

from typing import Any

import pytest

from actorflow import (
    Event,
    Failed,
    InvalidState,
    NotSerializable,
    Runtime,
    StepContext,
    Workflow,
    step,
    step_context,
    workflow,
)
from actorflow.facts import StepEntered, StepHeartbeat, StepProgressed, StepSucceeded
from actorflow.ids import step_key
from actorflow.testing import MockClock
from tests.runtime import steps_in_workers as steps


async def failed(runtime: Runtime, flow: Workflow[[], Any]) -> BaseException | None:
    outcome = await (await runtime.start(flow)).outcome()
    assert isinstance(outcome, Failed)
    return outcome.error.__cause__


@workflow
def place() -> dict[str, Any]:
    return steps.tell_place.options(name="here")()


async def test_it_tells_where_the_step_stands(clock: MockClock) -> None:
    async with Runtime(clock=clock) as runtime:
        told = await runtime.options(run_id="r1", context={"user": "ann", "roles": [1]}).run(place)
    assert told == {
        "run": "r1",
        "node": "here",
        "attempt": 1,
        "key": step_key("r1", "here"),
        "step key": step_key("r1", "here"),
        "context": {"user": "ann", "roles": [1]},
        "cancelled": False,
    }


async def test_a_run_without_a_context_has_an_empty_one(clock: MockClock) -> None:
    async with Runtime(clock=clock) as runtime:
        assert (await runtime.run(place))["context"] == {}


async def test_a_context_that_cant_be_encoded_is_missed_only_by_who_asks(clock: MockClock) -> None:
    """R10: what travels is plain data."""

    @workflow
    def quiet() -> None:
        steps.log_something("hello")

    async with Runtime(clock=clock) as runtime:
        runs = runtime.options(context={"client": object()})
        await runs.run(quiet)
        outcome = await (await runs.start(place)).outcome()
    assert isinstance(outcome, Failed)
    error = outcome.error.__cause__
    assert isinstance(error, NotSerializable)
    assert "the run's context" in str(error)
    assert "client" in str(error)


async def test_it_logs_with_the_names_of_run_and_node(clock: MockClock, capfd: pytest.CaptureFixture[str]) -> None:
    @workflow
    def logging() -> None:
        steps.log_something("hello")

    async with Runtime(clock=clock) as runtime:
        await runtime.options(run_id="r1").run(logging)
    line = capfd.readouterr().out
    assert all(part in line for part in ("hello", "r1", "log_something", "attempt"))


# ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_progress_and_heartbeats_become_facts(clock: MockClock) -> None:
    @workflow
    def telling() -> None:
        steps.tell_progress()

    seen: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(seen.append, StepEntered, StepProgressed, StepHeartbeat, StepSucceeded)
        await runtime.run(telling)
    assert {(event.node, event.attempt) for event in seen} == {("tell_progress", 1)}
    facts = [event.fact for event in seen]
    assert [type(fact) for fact in facts] == [
        StepEntered,
        StepProgressed,
        StepHeartbeat,
        StepProgressed,
        StepHeartbeat,
        StepSucceeded,
    ]
    assert [(fact.done, fact.total) for fact in facts if isinstance(fact, StepProgressed)] == [(1, 3), (2, None)]
    assert [fact.details for fact in facts if isinstance(fact, StepHeartbeat)] == [{"page": 7}, None]


async def test_what_nobody_listens_to_is_dropped(clock: MockClock) -> None:
    @workflow
    def telling() -> None:
        steps.tell_progress()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(telling)


async def test_details_that_cant_be_encoded_are_refused_where_they_are_given(clock: MockClock) -> None:
    @workflow
    def telling() -> None:
        steps.tell_what_cant_be_sent()

    async with Runtime(clock=clock) as runtime:
        error = await failed(runtime, telling)
    assert isinstance(error, NotSerializable)
    assert "details of a heartbeat" in str(error)


async def test_a_step_that_has_ended_is_not_heard(clock: MockClock) -> None:
    """A thread that a step left behind doesn't speak for the next step of its worker."""

    @workflow
    def speaking() -> bool:
        return steps.speak_for_another(steps.leave_context_behind())

    seen: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(seen.append, StepProgressed)
        assert await runtime.run(speaking)
    assert seen == []


# ── what isn't there ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_child_runs_are_refused(clock: MockClock) -> None:
    """R30: a run is started where the runtime is."""

    @workflow
    def starting() -> list[str]:
        return steps.start_children()

    async with Runtime(clock=clock) as runtime:
        refused = await runtime.run(starting)
    assert len(refused) == 3
    assert all(text.startswith("child runs can't be started from a worker process\n") for text in refused)


async def test_what_a_step_sets_isnt_there_in_the_next_call_of_its_worker(clock: MockClock) -> None:
    """R10: a change made inside a step stays inside it."""

    @workflow
    def changing() -> list[str]:
        first = steps.change_variable()
        return [first, steps.change_variable.options(after=[first])()]

    async with Runtime(clock=clock) as runtime:
        first, second = await runtime.run(changing)
    assert first == second
    assert first.startswith("nobody in ")


async def test_resources_stay_in_the_runtimes_process(clock: MockClock) -> None:
    @workflow
    def using() -> str:
        return steps.use_resource()

    @workflow
    def using_its_own() -> str:
        return steps.use_own_resource()

    async with Runtime(clock=clock, resources=[steps.CARDS.provide("here")]) as runtime:
        error = await failed(runtime, using)
        assert await runtime.run(using_its_own) == "of its own"
    assert isinstance(error, InvalidState)
    assert str(error) == (
        "resource 'cards' isn't provided in a worker process"
        "\nResources stay in the runtime's own: use another mode, or make what the step needs inside the step."
    )


async def test_one_class_for_both(clock: MockClock) -> None:
    @step
    def in_a_thread() -> bool:
        return isinstance(step_context(), StepContext)

    @workflow
    def both() -> list[bool]:
        return [in_a_thread(), steps.has_a_context()]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(both) == [True, True]
