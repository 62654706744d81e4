"""R22 and `around`: entered before the first inner step, left once they have settled and before the first undo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    RunFailed,
    Runtime,
    around,
    each,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.telling import acting, striking


class Tool:
    """Can be used while it is lent; it can't be encoded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_lent = False

    def __reduce__(self) -> str:
        raise AssertionError("a tool was to be stored")


class Shed:
    """Lends tools, and tells of it."""

    def __init__(self, told: list[str]) -> None:
        self.told = told
        self.count = 0

    @asynccontextmanager
    async def lends(self, name: str = "tool") -> AsyncGenerator[Tool]:
        self.count += 1
        tool = Tool(name)
        tool.is_lent = True
        self.told.append(f"enter {name}")
        why = ""
        try:
            yield tool
        except BaseException as error:
            why = f" with {type(error).__name__}"
            raise
        finally:
            tool.is_lent = False
            self.told.append(f"leave {name}{why}")


@step
async def use(tool: Tool, value: int) -> int:
    assert tool.is_lent
    return value


async def test_entered_before_the_first_inner_step_and_left_after_the_last(clock: MockClock) -> None:
    """`around`: entered before the first inner step, left when the body has ended, before anything that waits for it."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)

    @workflow
    def outer() -> int:
        return act(around(lambda: shed.lends(), lambda tool: act(use(tool, act(1)))))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(outer) == 1
    assert told == ["enter tool", "around.act", "around.act_2", "leave tool", "act"]


async def test_an_inner_step_that_needs_nothing_of_it_starts_after_the_entry_too(clock: MockClock) -> None:
    """`around`: a body is a bracket: whatever its steps use, none starts before the entry."""
    told: list[str] = []
    act = acting(told)

    @asynccontextmanager
    async def slow() -> AsyncGenerator[None]:
        await clock.advance(5)
        told.append("enter")
        yield
        told.append("leave")

    @workflow
    def outer() -> int:
        return around(slow, lambda _: act(1))

    async with Runtime(clock=clock) as runtime:
        await runtime.run(outer)
    assert told == ["enter", "around.act", "leave"]


async def test_left_with_the_failure_in_hand_and_before_the_first_undo(clock: MockClock) -> None:
    """R21 and R22: it is left once its steps have settled, with the failure in hand; undos come after, and don't use it."""
    told: list[str] = []
    act, strike, shed = acting(told), striking(told, at=[1]), Shed(told)

    @step
    async def slow() -> None:
        await clock.advance(3)
        told.append("settled")

    @workflow
    def outer() -> None:
        act(2)
        around(lambda: shed.lends(), lambda tool: [slow(), strike(use(tool, act(1)))])

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(outer)
    assert told[0] == "act"
    assert told[1:] == [
        "enter tool",
        "around.act",
        "settled",
        "leave tool with ValueError",
        "undo around.act",
        "undo act",
    ]


async def test_a_failure_elsewhere_leaves_it_too(clock: MockClock) -> None:
    """R21: … with the failure in hand, also when that isn't one of its own steps'."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)
    inside = asyncio.Event()

    @step
    async def tell(tool: Tool) -> None:
        inside.set()
        await clock.advance(1)
        told.append("inside")

    @step
    async def fail() -> None:
        await inside.wait()
        raise KeyError

    @workflow
    def outer() -> None:
        around(lambda: shed.lends(), lambda tool: act.options(after=[tell(tool)])(1))
        fail()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(outer)
    assert told == ["enter tool", "inside", "leave tool with KeyError"]


async def test_arounds_are_left_from_the_inside_out(clock: MockClock) -> None:
    """`around` in `around`: entered and left like brackets."""
    told: list[str] = []
    strike, shed = striking(told, at=[1]), Shed(told)

    @workflow
    def outer() -> None:
        around(
            lambda: shed.lends("first"),
            lambda _: around(lambda: shed.lends("second"), lambda tool: strike(use(tool, 1))),
        )

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(outer)
    assert told == ["enter first", "enter second", "leave second with ValueError", "leave first with ValueError"]


async def test_cancel_leaves_it_without_a_failure_in_hand(clock: MockClock) -> None:
    """R25: what is in flight is cancelled, then it is left, then what was done is undone."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)
    waiting = asyncio.Event()

    @step
    async def wait(value: int) -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("stopped")

    @workflow
    def outer() -> None:
        around(lambda: shed.lends(), lambda tool: wait(use(tool, act(1))))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(outer)
        await waiting.wait()
        await run.cancel("enough")
        await run.outcome()
    assert told == ["enter tool", "around.act", "stopped", "leave tool", "undo around.act"]


# ── halts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_left_on_halt_and_entered_again_if_a_step_is_still_to_run(clock: MockClock) -> None:
    """R16: it is left on halt, and entered again on resume; its steps get the new value."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)

    @step
    async def pause(value: int) -> int:
        told.append("halt")
        raise Halt(value)

    @workflow
    def outer() -> int:
        return around(lambda: shed.lends(), lambda tool: act(use(tool, pause(act(1)))))

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(outer)).outcome()
        assert isinstance(halted, Halted)
        assert told == ["enter tool", "around.act", "halt", "leave tool"]
        told.clear()
        assert await (await runtime.resume(outer, halted.run_id)).result() == 1
    assert told == ["enter tool", "around.act_2", "leave tool"]


async def test_not_entered_again_if_no_step_is_still_to_run(clock: MockClock) -> None:
    """R16: on resume it is entered again only if an inner step is still to run."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)

    @step
    async def pause(value: int) -> int:
        raise Halt(value)

    @workflow
    def outer() -> int:
        return act(around(lambda: shed.lends(), lambda tool: pause(use(tool, act(1)))))

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(outer)).outcome()
        assert isinstance(halted, Halted)
        assert await (await runtime.resume(outer, halted.run_id)).result() == 1
    assert told == ["enter tool", "around.act", "leave tool", "act"]
    assert shed.count == 1


async def test_not_entered_again_for_a_value_from_around_it_that_is_late(clock: MockClock) -> None:
    """R16: a body that waits only for what it gives, and that comes from elsewhere, has no step to run."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)

    @step
    async def pause(value: int) -> int:
        raise Halt(value)

    @workflow
    def outer() -> list[int]:
        late = act(pause(act(1)))
        return around(lambda: shed.lends(), lambda tool: [use(tool, 2), late])

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(outer)).outcome()
        assert isinstance(halted, Halted)
        assert await (await runtime.resume(outer, halted.run_id)).result() == [2, 1]
    assert shed.count == 1


async def test_leaving_needs_no_step_of_max_steps(clock: MockClock) -> None:
    """R31: `max_steps` bounds the attempts started; what a combinator decides for itself is none."""
    told: list[str] = []
    act, shed = acting(told), Shed(told)

    @workflow
    def outer() -> int:
        return around(lambda: shed.lends(), lambda tool: act(use(tool, 1)))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(max_steps=2, on_timeout="cancel").run(outer) == 1
        run = await runtime.options(max_steps=1, on_timeout="cancel").start(outer)
        assert isinstance(await run.outcome(), Cancelled)
    assert told == ["enter tool", "around.act", "leave tool", "enter tool", "leave tool"]


async def test_nothing_inside_starts_before_it_has_been_entered_again(clock: MockClock) -> None:
    """R16: a resume's entry is awaited like the first one, by steps that use nothing of it too."""
    told: list[str] = []
    act = acting(told)

    @asynccontextmanager
    async def slow() -> AsyncGenerator[None]:
        await clock.advance(5)
        told.append("enter")
        yield
        told.append("leave")

    @step
    async def pause() -> int:
        raise Halt(1)

    @workflow
    def outer() -> list[int]:
        return around(slow, lambda _: each([pause()], lambda item: act(item)))

    async with Runtime(clock=clock) as runtime:
        halted = await (await runtime.start(outer)).outcome()
        assert isinstance(halted, Halted)
        assert await (await runtime.resume(outer, halted.run_id)).result() == [1]
    assert told == ["enter", "leave", "enter", "around.each[0].act", "leave"]


# ── exits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Exit:
    """Leaves as it is told."""

    def __init__(self, *, raises: bool = False, hides: bool = False) -> None:
        self.raises = raises
        self.hides = hides

    async def __aenter__(self) -> Exit:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self.raises:
            raise ConnectionError("the exit")
        return self.hides

    def __reduce__(self) -> str:
        raise AssertionError("a resource was to be stored")


async def test_an_exit_that_raises_fails_the_run(clock: MockClock) -> None:
    """An exit that raises fails the run, and rolls it back, the steps inside included."""
    told: list[str] = []
    act = acting(told)

    @workflow
    def outer() -> int:
        return around(lambda: Exit(raises=True), lambda _: act(1))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(outer)).outcome()
    assert isinstance(outcome, Failed)
    assert [(error.node, type(error.error)) for error in outcome.error.errors] == [("around", ConnectionError)]
    assert told == ["around.act", "undo around.act"]


async def test_an_exit_that_raises_in_a_rollback_is_one_more_error(clock: MockClock) -> None:
    """R24: the run's error carries all of them; the first failure stays the cause."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])

    @workflow
    def outer() -> int:
        return around(lambda: Exit(raises=True), lambda _: strike(act(1)))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(outer)).outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, ValueError)
    assert [type(error.error) for error in outcome.error.errors] == [ValueError, ConnectionError]
    assert told == ["around.act", "undo around.act"]


async def test_a_true_return_hides_no_failure(clock: MockClock) -> None:
    """A true return of the exit doesn't hide the failure."""
    told: list[str] = []
    act, strike = acting(told), striking(told, at=[1])

    @workflow
    def outer() -> int:
        return around(lambda: Exit(hides=True), lambda _: strike(act(1)))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(outer)
    assert isinstance(failed.value.__cause__, ValueError)
    assert told == ["around.act", "undo around.act"]


async def test_an_entry_that_raises_fails_the_run_and_there_is_nothing_to_leave(clock: MockClock) -> None:
    """A factory or an entry that raises fails the around like a step: the run is rolled back."""
    told: list[str] = []
    act = acting(told)

    @asynccontextmanager
    async def broken() -> AsyncGenerator[None]:
        told.append("enter")
        if told:
            raise ConnectionError
        yield
        told.append("leave")

    @workflow
    def outer() -> int:
        return around.options(after=[act(1)])(broken, lambda _: act(2))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(outer)).outcome()
    assert isinstance(outcome, Failed)
    assert [(error.node, type(error.error)) for error in outcome.error.errors] == [("around", ConnectionError)]
    assert told == ["act", "enter", "undo act"]


async def test_an_entry_that_is_cancelled_leaves_nothing_open(clock: MockClock) -> None:
    """R25: an around that is being entered is told to stop like a step."""
    told: list[str] = []
    entering = asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncGenerator[None]:
        entering.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("stopped")
            raise
        yield

    @workflow
    def outer() -> int:
        return around(slow, lambda _: acting(told)(2))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(outer)
        await entering.wait()
        await run.cancel("enough")
        await run.outcome()
    assert told == ["stopped"]


async def test_a_step_whose_undo_takes_the_arguments_may_not_take_the_value(clock: MockClock) -> None:
    """Undos mustn't use it: an undo that takes the arguments is refused where one of them is lent; the value alone is fine."""
    told: list[str] = []

    @step
    async def take(tool: Tool) -> int:
        return 1

    @take.undo
    async def untake(result: int) -> None:
        told.append(step_context().node)

    @workflow
    def outer() -> None:
        shed = Shed([])
        striking([], at=[1])(around(lambda: shed.lends(), lambda tool: take(tool)))

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(outer)
    assert told == ["around.take"]
