"""R44: middleware wraps a run: it hears of its start and its end, may change both, and carries context into steps."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    Middleware,
    Retry,
    RunFailed,
    RunInfo,
    Runtime,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock

SEEN: list[str] = []
TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


class Watch(Middleware):
    """Tells what it hears, and breaks where it's told to."""

    def __init__(self, name: str, breaks: str = "") -> None:
        self.name = name
        self.breaks = breaks

    def hear(self, what: str) -> None:
        SEEN.append(f"{self.name} {what}")
        if what.split(maxsplit=1)[0] == self.breaks:
            raise ZeroDivisionError(self.name)

    async def init(self, run: RunInfo, *, resumed: bool) -> None:
        self.hear("init resumed" if resumed else "init")

    async def complete(self, run: RunInfo, value: Any) -> Any:
        self.hear(f"complete {value}")
        return value

    async def error(self, run: RunInfo, error: RunFailed) -> None:
        self.hear(f"error {error.__cause__}")

    async def halt(self, run: RunInfo) -> None:
        self.hear("halt")


@step
async def take(name: str) -> str:
    SEEN.append(f"take {name}")
    return name


@take.undo
async def untake(value: str, name: str) -> None:
    SEEN.append(f"untake {name}")


@step
async def fail(value: str) -> str:
    raise ValueError("no")


@step
async def pause(value: str) -> str:
    raise Halt(value)


@workflow
def trip(name: str) -> str:
    return take(name)


@workflow
def nested(name: str) -> str:
    return trip(trip(name))


@workflow
def fails(name: str) -> str:
    return fail(take(name))


@workflow
def pauses(name: str) -> str:
    return pause(take(name))


# ── what it hears ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_wraps_a_run_that_succeeds(clock: MockClock) -> None:
    """R44: async `init(resumed)`, `complete`, …"""
    async with Runtime(clock=clock, middleware=[Watch("m")]) as runtime:
        await runtime.run(trip, "a")
    assert SEEN == ["m init", "take a", "m complete a"]


async def test_it_wraps_a_run_that_fails(clock: MockClock) -> None:
    """R44: … `error`: when the run has failed and was rolled back."""
    async with Runtime(clock=clock, middleware=[Watch("m")]) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(fails, "a")
    assert SEEN == ["m init", "take a", "untake a", "m error no"]


async def test_it_wraps_a_run_that_halts_and_is_resumed(clock: MockClock) -> None:
    """R44: … `halt`; `init(resumed)` says whether the run is resumed."""
    async with Runtime(clock=clock, middleware=[Watch("m")]) as runtime:
        run = await runtime.start(pauses, "a")
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert await (await runtime.resume(pauses, run.id)).result() == "a"
    assert SEEN == ["m init", "take a", "m halt", "m init resumed", "m complete a"]


async def test_it_wraps_a_run_not_each_composed_workflow(clock: MockClock) -> None:
    """R44: middleware wraps a run, not each composed workflow."""
    async with Runtime(clock=clock, middleware=[Watch("m")]) as runtime:
        await runtime.run(nested, "a")
    assert [line for line in SEEN if line.startswith("m")] == ["m init", "m complete a"]


async def test_a_workflow_may_bring_its_own(clock: MockClock) -> None:
    """R44: `@workflow(middleware=…)` wraps the runs of that workflow, inside those of the runtime."""

    @workflow(middleware=[Watch("own")])
    def watched(name: str) -> str:
        return take(name)

    async with Runtime(clock=clock, middleware=[Watch("all")]) as runtime:
        await runtime.run(watched, "a")
        await runtime.run(trip, "b")
    assert SEEN == [
        "all init",
        "own init",
        "take a",
        "own complete a",
        "all complete a",
        "all init",
        "take b",
        "all complete b",
    ]


async def test_what_it_is_told_of_a_run(clock: MockClock) -> None:
    """R44: each hook gets the run: its id, workflow, inputs, context and labels."""
    infos: list[RunInfo] = []

    class Look(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            infos.append(run)

        async def complete(self, run: RunInfo, value: Any) -> Any:
            infos.append(run)
            return value

    async with Runtime(clock=clock, middleware=[Look()]) as runtime:
        await runtime.options(run_id="r", context={"user": 7}, labels={"tenant": "north"}).run(trip, name="a")
    assert infos == [RunInfo("r", "trip", {"name": "a"}, {"user": 7}, {"tenant": "north"})] * 2


# ── init ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_init_may_change_the_context(clock: MockClock) -> None:
    """R44: `init` may change the context."""

    class Sign(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any]:
            return {**run.context, "signed": [*run.context.get("signed", ()), run.workflow]}

    @step
    async def look() -> dict[str, Any]:
        return dict(step_context().context)

    @workflow
    def looks() -> dict[str, Any]:
        return look()

    async with Runtime(clock=clock, middleware=[Sign(), Sign()]) as runtime:
        assert await runtime.options(context={"user": 7}).run(looks) == {"user": 7, "signed": ["looks", "looks"]}


async def test_init_may_refuse_the_run(clock: MockClock) -> None:
    """R44: … or refuse the run: nothing of it is begun."""

    class Refuse(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            raise PermissionError("not you")

    async with Runtime(clock=clock, middleware=[Refuse()]) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip, "a")
    assert isinstance(caught.value.__cause__, PermissionError)
    assert caught.value.rollback == "none"
    assert SEEN == []


async def test_those_inside_of_one_that_refuses_hear_nothing(clock: MockClock) -> None:
    """R44: in the order given, unwound in reverse: those that were entered hear of the error, the others nothing."""
    middleware = [Watch("a"), Watch("b", breaks="init"), Watch("c")]
    async with Runtime(clock=clock, middleware=middleware) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(trip, "a")
    assert SEEN == ["a init", "b init", "a error b"]


async def test_a_resume_that_is_refused_takes_the_run_back(clock: MockClock) -> None:
    """R44: one that raises fails the run going forward: a halted run that mustn't go on is rolled back."""

    class Refuse(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            if resumed:
                raise PermissionError("not you")

    async with Runtime(clock=clock, middleware=[Watch("m"), Refuse()]) as runtime:
        run = await runtime.start(pauses, "a")
        await run.outcome()
        outcome = await (await runtime.resume(pauses, run.id)).outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, PermissionError)
    assert outcome.rollback == "complete"
    assert SEEN == ["m init", "take a", "m halt", "m init resumed", "untake a", "m error not you"]


async def test_a_run_may_be_cancelled_before_its_middleware_has_let_it_begin(clock: MockClock) -> None:
    """R44, R25: a run that waits for `init` is a run already."""

    class Slow(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            await asyncio.sleep(2.0)

    async with Runtime(clock=clock, middleware=[Slow()]) as runtime:
        starting = asyncio.ensure_future(runtime.options(run_id="r").start(trip, "a"))
        await asyncio.sleep(1.0)
        await runtime.get("r").cancel("rain")
        run = await starting
        assert isinstance(await run.outcome(), Cancelled)
        assert run.status() == "cancelled"
    assert SEEN == []


async def test_a_resume_may_be_cancelled_before_its_middleware_has_let_it_go_on(clock: MockClock) -> None:
    """R44, R25: … and so is one that waits for it again."""

    class Slow(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            await asyncio.sleep(2.0 * resumed)

    async with Runtime(clock=clock, middleware=[Slow()]) as runtime:
        run = await runtime.start(pauses, "a")
        await run.outcome()
        resuming = asyncio.ensure_future(runtime.resume(pauses, run.id))
        await asyncio.sleep(1.0)
        await runtime.get(run.id).cancel("rain")
        outcome = await (await resuming).outcome()
    assert isinstance(outcome, Cancelled)
    assert (outcome.reason, outcome.rollback) == ("rain", "complete")
    assert SEEN == ["take a", "untake a"]


async def test_init_is_waited_for(clock: MockClock) -> None:
    """R44: async `init`: the run begins when all have let it."""

    class Slow(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            await asyncio.sleep(2.0)  # the mock clock's

    async with Runtime(clock=clock, middleware=[Slow(), Slow()]) as runtime:
        starting = asyncio.ensure_future(runtime.options(run_id="r").start(trip, "a"))
        await asyncio.sleep(3.0)
        assert SEEN == []
        assert runtime.get("r").status() == "waiting"
        await (await starting).result()
    assert clock.monotonic() == 4.0


# ── complete ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_complete_may_change_the_result(clock: MockClock) -> None:
    """R44: `complete` may change the result."""

    class Wrap(Middleware):
        def __init__(self, with_: str) -> None:
            self.with_ = with_

        async def complete(self, run: RunInfo, value: Any) -> Any:
            return f"{self.with_}{value}{self.with_}"

    async with Runtime(clock=clock, middleware=[Wrap("-"), Wrap("*")]) as runtime:
        assert await runtime.run(trip, "a") == "-*a*-"


async def test_complete_may_turn_the_result_into_a_failure(clock: MockClock) -> None:
    """R44: … or turn it into a failure (which rolls back)."""
    async with Runtime(clock=clock, middleware=[Watch("m", breaks="complete")]) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip, "a")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.rollback == "complete"
    assert SEEN == ["m init", "take a", "m complete a", "untake a", "m error m"]


async def test_a_run_can_still_be_cancelled_while_it_is_completed(clock: MockClock) -> None:
    """R44, R25: a run hasn't ended before its middleware is content."""

    class Slow(Middleware):
        async def complete(self, run: RunInfo, value: Any) -> Any:
            await asyncio.sleep(5.0)
            return value

    async with Runtime(clock=clock, middleware=[Slow()]) as runtime:
        run = await runtime.start(trip, "a")
        await asyncio.sleep(1.0)
        assert run.status() == "running"
        await run.cancel("rain")
        assert isinstance(await run.outcome(), Cancelled)
    assert SEEN == ["take a", "untake a"]


# ── error and halt ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_error_may_change_the_error(clock: MockClock) -> None:
    """R44: `error` may change the error."""

    class Translate(Middleware):
        async def error(self, run: RunInfo, error: RunFailed) -> BaseException:
            return LookupError(f"translated {error.__cause__}")

    async with Runtime(clock=clock, middleware=[Translate(), Translate()]) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(fails, "a")
    assert isinstance(caught.value.__cause__, LookupError)
    assert str(caught.value.__cause__) == "translated translated no"
    assert [type(error.error) for error in caught.value.errors] == [ValueError]


async def test_several_are_called_in_order_and_unwound_in_reverse(clock: MockClock) -> None:
    """R44: in the order given, unwound in reverse."""
    async with Runtime(clock=clock, middleware=[Watch("a"), Watch("b")]) as runtime:
        await runtime.run(trip, "x")
        await (await runtime.start(fails, "y")).outcome()
        await (await runtime.start(pauses, "z")).outcome()
    assert [line for line in SEEN if line[:2] in ("a ", "b ")] == [
        "a init",
        "b init",
        "b complete x",
        "a complete x",
        "a init",
        "b init",
        "b error no",
        "a error no",
        "a init",
        "b init",
        "b halt",
        "a halt",
    ]


@pytest.mark.parametrize("where", ["error", "halt"])
async def test_one_that_raises_later_is_only_reported(clock: MockClock, where: str) -> None:
    """R44: one that raises fails the run going forward, and is only reported during rollback."""
    with capture_logs() as logs:
        async with Runtime(clock=clock, middleware=[Watch("a"), Watch("b", breaks=where)]) as runtime:
            outcome = await (await runtime.start(fails if where == "error" else pauses, "x")).outcome()
    match outcome:
        case Failed(error, rollback):
            assert [each.node for each in error.errors] == ["fail"]
            assert rollback == "complete"
        case Halted(by=by):
            assert by == "pause"
        case _:
            raise AssertionError(outcome)
    assert SEEN[-1].startswith("a ")
    assert [line["middleware"] for line in logs if line["event"] == "middleware failed"] == ["Watch"]


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Carry(Middleware):
    """Sets a context variable around each step."""

    def step(self, run: RunInfo) -> AbstractContextManager[None]:
        return self.carry(run)

    @contextmanager
    def carry(self, run: RunInfo) -> Generator[None]:
        token = TENANT.set(run.labels["tenant"])
        SEEN.append(f"+{run.workflow}")
        try:
            yield
        finally:
            TENANT.reset(token)
            SEEN.append(f"-{run.workflow}")


@pytest.mark.parametrize("kind", ["async", "inline", "thread"])
async def test_it_carries_context_into_steps(clock: MockClock, kind: str) -> None:
    """R44: … and carrying context into steps, wherever they run; each attempt of its own."""

    def look() -> str:
        SEEN.append(f"look {step_context().attempt}")
        if step_context().attempt == 1:
            raise ConnectionError
        return TENANT.get()

    async def look_async() -> str:
        return look()

    retry = Retry(on=(ConnectionError,))
    looking: Any = step(name="look", retry=retry, mode="inline" if kind == "inline" else "auto")(
        look_async if kind == "async" else look
    )

    @workflow
    def looks() -> str:
        tenant: str = looking()
        return tenant

    async with Runtime(clock=clock, middleware=[Carry()]) as runtime:
        assert await runtime.options(labels={"tenant": "north"}).run(looks) == "north"
    assert TENANT.get() == "nobody"
    assert SEEN == ["+looks", "look 1", "-looks", "+looks", "look 2", "-looks"]


async def test_it_carries_context_into_guards_and_handlers(clock: MockClock) -> None:
    """R44, R10: what a step sees its guards, its undo and its compensation see."""
    told: list[str] = []

    def guard() -> None:
        told.append(f"guard {TENANT.get()}")

    @step(guards=[guard])
    async def first() -> None: ...

    @first.undo
    async def undo_first(value: None) -> None:
        told.append(f"undo {TENANT.get()}")

    @step
    def second() -> None:
        raise ConnectionError

    @second.compensate
    def settle(error: Exception) -> None:
        told.append(f"compensate {TENANT.get()}")

    @workflow
    def both() -> None:
        second.options(after=[first()])()

    async with Runtime(clock=clock, middleware=[Carry()]) as runtime:
        with pytest.raises(RunFailed):
            await runtime.options(labels={"tenant": "north"}).run(both)
    assert told == ["guard north", "compensate north", "undo north"]


@pytest.mark.parametrize("where", ["before", "after"])
async def test_one_that_fails_around_a_handler_is_only_reported(clock: MockClock, where: str) -> None:
    """R44: … and is only reported during rollback: an undo is called, and counts, whatever middleware does around it."""
    undone: list[str] = []

    class Breaks(Middleware):
        @contextmanager
        def step(self, run: RunInfo) -> Generator[None]:
            taking_back = bool(ready)
            if taking_back and where == "before":
                raise LookupError(where)
            yield
            if taking_back and where == "after":
                raise LookupError(where)

    ready: list[bool] = []

    @step
    async def first() -> str:
        return "seat"

    @first.undo
    async def undo_first(value: str) -> None:
        undone.append(value)

    @step
    async def second() -> None:
        ready.append(True)
        raise ConnectionError

    @workflow
    def both() -> None:
        second.options(after=[first()])()

    with capture_logs() as logs:
        async with Runtime(clock=clock, middleware=[Breaks()]) as runtime:
            with pytest.raises(RunFailed) as caught:
                await runtime.run(both)
    assert undone == ["seat"]
    assert all(error.phase == "run" for error in caught.value.errors)
    assert [line["middleware"] for line in logs if line["event"] == "middleware failed"] == ["Breaks"]


async def test_a_refused_run_that_is_waited_for_isn_t_logged(clock: MockClock) -> None:
    """R32, R44: whoever calls `run` waits for it, even where it never started."""

    class Refuses(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            raise LookupError

    with capture_logs() as logs:
        async with Runtime(clock=clock, middleware=[Refuses()]) as runtime:
            with pytest.raises(RunFailed):
                await runtime.run(trip, "a")
            await runtime.start(trip, "b")
            await asyncio.sleep(0)
    assert [line["event"] for line in logs].count("run failed, and nobody waits for it") == 1


async def test_one_that_fails_around_a_step_fails_the_step(clock: MockClock) -> None:
    """R44: one that raises fails the run going forward: around a step it's the step that fails."""
    async with Runtime(clock=clock, middleware=[Carry()]) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip, "a")
    assert isinstance(caught.value.__cause__, KeyError)
    assert [error.node for error in caught.value.errors] == ["take"]
    assert SEEN == []
