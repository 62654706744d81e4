"""R10: context variables, and what travels with a run."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest

from actorflow import Halt, Halted, RunFailed, Runtime, Skip, TryAgain, step, step_context, workflow
from actorflow.testing import MockClock
from tests.conformance import worker_steps

WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture
def seen() -> list[Any]:
    return []


async def test_variables_of_the_starter_are_visible_everywhere(clock: MockClock, seen: list[Any]) -> None:
    """R10: context variables set where the run was started are visible in every step, undo and compensation."""

    def guard(value: str) -> Skip[str] | None:
        seen.append(("guard", WHO.get()))
        return None

    @step(guards=[guard])
    async def on_the_loop(value: str) -> str:
        return WHO.get()

    @on_the_loop.undo
    def undo(value: str) -> None:
        seen.append(("undo", WHO.get()))

    @step
    def in_a_thread(value: str) -> str:
        return WHO.get()

    @in_a_thread.undo
    async def undo_on_the_loop(value: str) -> None:
        seen.append(("undo on the loop", WHO.get()))

    @step(mode="inline")
    def inline(value: str) -> str:
        return WHO.get()

    @step
    async def fail(*values: str) -> None:
        seen.append(values)
        raise ValueError

    @fail.compensate
    async def settle(error: Exception, *values: str) -> None:
        seen.append(("compensation", WHO.get()))

    @workflow
    def everywhere() -> None:
        first = on_the_loop("")
        second = in_a_thread(first)
        fail(first, second, inline(second))

    async with Runtime(clock=clock) as runtime:
        WHO.set("starter")
        run = await runtime.start(everywhere)
        WHO.set("somebody else")
        with pytest.raises(RunFailed):
            await run.result()
    assert seen == [
        ("guard", "starter"),
        ("starter", "starter", "starter"),
        ("compensation", "starter"),
        ("undo on the loop", "starter"),
        ("undo", "starter"),
    ]


async def test_a_worker_process_sees_none_of_them(clock: MockClock) -> None:
    """R10: … in this process, except in worker processes."""

    @workflow
    def elsewhere() -> str:
        return worker_steps.whose_context()

    async with Runtime(clock=clock) as runtime:
        worker_steps.WHO.set("starter")
        assert await runtime.run(elsewhere) == "nobody"


async def test_a_change_inside_a_step_stays_inside_it(clock: MockClock, seen: list[Any]) -> None:
    """R10: a change made inside a step stays inside it: no later step, attempt or handler sees it, nor the starter."""

    @step
    async def change(value: str) -> str:
        seen.append(WHO.get())
        WHO.set("changed")
        if step_context().attempt == 1:
            raise TryAgain(after=0.0)
        return value

    @change.undo
    async def undo(value: str) -> None:
        seen.append(WHO.get())

    @step
    def change_in_a_thread(value: str) -> str:
        seen.append(WHO.get())
        WHO.set("changed")
        return value

    @step(mode="inline")
    def change_inline(value: str) -> str:
        seen.append(WHO.get())
        WHO.set("changed")
        return value

    @step
    async def fail(value: str) -> None:
        seen.append(WHO.get())
        raise ValueError

    @workflow
    def changing() -> None:
        fail(change_inline(change_in_a_thread(change("x"))))

    async with Runtime(clock=clock) as runtime:
        WHO.set("starter")
        with pytest.raises(RunFailed):
            await runtime.run(changing)
        assert WHO.get() == "starter"
    assert seen == ["starter"] * 6


async def test_what_must_travel_goes_into_the_runs_context(clock: MockClock, seen: list[Any]) -> None:
    """R10: what must travel goes into the run's `context`, a mapping read as `step_context().context`."""

    @step
    async def on_the_loop() -> str:
        user: str = step_context().context["user"]
        return user

    @on_the_loop.undo
    def undo(value: str) -> None:
        seen.append(step_context().context["user"])

    @step
    def fail(value: str) -> None:
        seen.append(step_context().context["user"])
        raise ValueError

    @workflow
    def carrying() -> None:
        fail(on_the_loop())

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.options(context={"user": "ann"}).run(carrying)
    assert seen == ["ann", "ann"]


async def test_a_run_without_a_context_has_an_empty_one(clock: MockClock) -> None:
    """R10: `context` is a mapping, also where none was given."""

    @step
    async def look() -> dict[str, Any]:
        return dict(step_context().context)

    @workflow
    def bare() -> dict[str, Any]:
        return look()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(bare) == {}


async def test_a_resumed_run_keeps_its_context_and_not_its_variables(clock: MockClock) -> None:
    """R10: `context` is stored with the run: a snapshot carries it. Variables are those of who resumes it."""

    @step
    async def pause() -> None:
        raise Halt

    @step
    async def look() -> tuple[str, str]:
        return WHO.get(), step_context().context["user"]

    @workflow
    def halting() -> tuple[str, str]:
        return look.options(after=[pause()])()

    async with Runtime(clock=clock) as runtime:
        WHO.set("starter")
        halted = await (await runtime.options(context={"user": "ann"}).start(halting)).outcome()
        assert isinstance(halted, Halted)
        assert halted.snapshot is not None
    async with Runtime(clock=clock) as runtime:
        WHO.set("resumer")
        run = await runtime.resume(halting, halted.snapshot)
        assert await run.result() == ("resumer", "ann")
