"""R8: a running step adds steps to its own run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    Failed,
    InvalidState,
    InvalidWorkflow,
    Limit,
    ResultGone,
    RunFailed,
    Runtime,
    TryAgain,
    each,
    emit,
    step,
    step_context,
    workflow,
)
from actorflow.facts import StepStarted, StepSucceeded
from actorflow.testing import MockClock
from tests.conformance.seen import History
from tests.conformance.telling import acting, undone

# ── planned when the step succeeds ────────────────────────────────────────────────────────────────────────────────────


async def test_emitted_steps_run_in_the_steps_own_run(clock: MockClock) -> None:
    """R8: a running step may add steps to its own run; the run ends when they have ended, too."""
    seen: list[str] = []

    @step
    async def store(page: str) -> None:
        seen.append(f"{step_context().node} {page}")

    @step
    async def fetch(pages: list[str]) -> int:
        for page in pages:
            emit(store(page))
        return len(pages)

    @workflow
    def crawl(pages: list[str]) -> int:
        return fetch(pages)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(crawl, ["a", "b"]) == 2
    assert seen == ["fetch.store a", "fetch.store_2 b"]


async def test_planned_when_the_step_succeeds_and_before_anything_else_is_dispatched(clock: MockClock) -> None:
    """R8: planned when it succeeds, before anything else is dispatched: its dependents come after what it has emitted."""
    emitted = asyncio.Event()

    @step
    async def store(page: str) -> None: ...

    @step
    async def fetch() -> str:
        emit(store("a"))
        emitted.set()
        await clock.advance(5)
        return "page"

    @step
    async def read(page: str) -> str:
        return page

    @workflow
    def crawl() -> str:
        return read(fetch())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, StepStarted, StepSucceeded)
        run = await runtime.start(crawl)
        await emitted.wait()
        assert [line[:2] for line in history.lines] == [("StepStarted", "fetch")]
        assert await run.result() == "page"
    assert [node for kind, node, _ in history.lines if kind == "StepStarted"] == ["fetch", "fetch.store", "read"]


async def test_what_a_failed_attempt_has_emitted_is_gone(clock: MockClock) -> None:
    """R8: planned when it succeeds: the attempts before have added nothing."""
    seen: list[int] = []

    @step
    async def store(attempt: int) -> None:
        seen.append(attempt)

    @step
    async def fetch() -> None:
        emit(store(step_context().attempt))
        if step_context().attempt < 3:
            raise TryAgain

    @workflow
    def crawl() -> None:
        fetch()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(crawl)
    assert seen == [3]


@pytest.mark.parametrize("mode", ["auto", "inline", "thread"])
async def test_whatever_mode_the_step_has(clock: MockClock, mode: Any) -> None:
    """R8 and R9: steps on the loop, in the executor's turn and in threads emit alike."""
    seen: list[str] = []

    @step(mode="inline")
    def store(page: str) -> None:
        seen.append(page)

    async def awaited() -> None:
        emit(store("a"))

    def called() -> None:
        emit(store("a"))

    fetch = step(mode=mode, name="fetch")(awaited if mode == "auto" else called)

    @workflow
    def crawl() -> None:
        fetch()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(crawl)
    assert seen == ["a"]


async def test_emitted_workflows_and_combinators_run_like_drawn_ones(clock: MockClock) -> None:
    """R8: a call is that of a step, a workflow or a combinator; emitted calls may take each other's results."""
    told: list[str] = []
    act = acting(told)

    @step
    async def total(values: list[int], more: int) -> int:
        told.append(f"{step_context().node} {sum(values) + more}")
        return sum(values) + more

    @workflow
    def twice(value: int) -> int:
        return act(act(value))

    @step
    async def fetch() -> None:
        emit(total(each([1, 2], act), twice(5)))

    @workflow
    def crawl() -> None:
        fetch()

    async with Runtime(clock=clock) as runtime:
        await runtime.run(crawl)
    assert sorted(told) == [
        "fetch.each[0].act",
        "fetch.each[1].act",
        "fetch.total 8",
        "fetch.twice.act",
        "fetch.twice.act_2",
    ]


# ── what they take ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_they_take_values_of_the_emitting_step_and_results_that_are_kept(clock: MockClock) -> None:
    """R8: they may take values that the emitting step has, and results of nodes with `keep=True`, however long ago."""

    @step
    async def seat(city: str) -> str:
        return f"seat in {city}"

    @step
    async def between(seat: str) -> str:
        return "between"

    @step
    async def note(seat: str, mine: str) -> tuple[str, str]:
        return seat, mine

    @step
    async def late(before: str) -> tuple[str, str]:
        emit(note.options(name="late")(step_context().result("seat"), before))
        return "", ""

    @workflow
    def book() -> tuple[str, str]:
        return late(between(seat.options(keep=True)("Oslo")))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(book) == ("seat in Oslo", "between")


async def test_a_result_inside_the_same_body_is_named_from_there(clock: MockClock) -> None:
    """R8: by the name of a node beside the step, or by its whole path."""

    @step
    async def seat(city: str) -> str:
        return f"seat in {city}"

    @step
    async def late(before: str) -> tuple[str, str]:
        result = step_context().result
        return result("seat"), result("each[0].seat")

    @workflow
    def book() -> list[tuple[str, str]]:
        return each(["Oslo", "Rome"], lambda city: late(seat.options(keep=True)(city)), concurrency=1)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(book) == [("seat in Oslo", "seat in Oslo"), ("seat in Rome", "seat in Oslo")]


async def test_naming_a_dropped_result_raises(clock: MockClock) -> None:
    """R8: naming a dropped one raises `ResultGone`; one that isn't there yet, or isn't at all, `InvalidState`."""
    caught: list[Exception] = []

    @step
    async def seat() -> str:
        return "seat"

    @step
    async def between(seat: str) -> str:
        return "between"

    @step
    async def late(before: str) -> None:
        for name in ("seat", "never", "seta"):
            try:
                step_context().result(name)
            except (ResultGone, InvalidState) as error:
                caught.append(error)

    @workflow
    def book() -> None:
        done = late(between(seat()))
        between.options(name="never", after=[done])("x")

    async with Runtime(clock=clock) as runtime:
        await runtime.run(book)
    assert [type(error) for error in caught] == [ResultGone, InvalidState, InvalidState]
    assert "'seat'" in str(caught[2])


# ── replacing itself ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_node_with_the_steps_own_name_replaces_it(clock: MockClock) -> None:
    """R8: a new node with the emitting step's own name replaces it: those who wait for the step get its result, and wait for it."""
    seen: list[str] = []

    @step
    async def rest(page: int) -> str:
        await clock.advance(5)
        seen.append(step_context().node)
        return f"page {page}"

    @step
    async def fetch() -> str:
        seen.append(step_context().node)
        emit(rest.options(name="fetch")(2))
        return "page 1"

    @step
    async def read(page: str) -> str:
        seen.append(step_context().node)
        return page.upper()

    @workflow
    def crawl() -> tuple[str, str]:
        page = fetch()
        return page, read(page)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(crawl) == ("page 2", "PAGE 2")
    assert seen == ["fetch", "fetch[2]", "read"]


async def test_recursion_goes_as_deep_as_it_likes_and_all_of_it_is_undone(clock: MockClock) -> None:
    """R8 and R22: one may replace itself again and again; each has acted, so each is undone, with its own value, last one first."""
    told: list[str] = []

    @step
    async def fetch(page: int) -> list[int]:
        told.append(step_context().node)
        if page < 10:
            emit(fetch.options(name="fetch")(page + 1))
        return [page]

    @fetch.undo
    async def unfetch(result: list[int], page: int) -> None:
        assert result == [page]
        told.append(f"undo {step_context().node}")

    @step
    async def fail(pages: list[int]) -> None:
        raise ValueError(f"after page {pages[0]}")

    @workflow
    def crawl() -> None:
        fail(fetch(1))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(crawl)).outcome()
    assert isinstance(outcome, Failed)
    assert str(outcome.error.__cause__) == "after page 10"
    names = ["fetch", *(f"fetch[{page}]" for page in range(2, 11))]
    assert told == [*names, *(f"undo {name}" for name in reversed(names))]


async def test_a_step_that_is_replaced_has_given_its_permits_back(clock: MockClock) -> None:
    """R8 and R29: its own code has ended, so the step that stands for it can have the permits that both need."""
    gateway = Limit("gateway", at_most=1)

    @step(limit=gateway)
    async def fetch(page: int) -> int:
        if page < 3:
            emit(fetch.options(name="fetch")(page + 1))
        return page

    @workflow
    def crawl() -> int:
        return fetch(1)

    async with Runtime(clock=clock) as runtime:
        async with asyncio.timeout(100):
            assert await runtime.run(crawl) == 3


# ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_emitted_steps_are_undone_like_any_other(clock: MockClock) -> None:
    """R22: in the one reverse order of completion, those that emitted steps have emitted among them."""
    told: list[str] = []
    act = acting(told)

    @step
    async def fetch(depth: int) -> int:
        told.append(step_context().node)
        emit(act(depth))
        if depth:
            emit(fetch.options(name="deeper")(depth - 1))
        return depth

    @fetch.undo
    async def unfetch(result: int) -> None:
        told.append(f"undo {step_context().node}")

    @step
    async def fail(value: int) -> None:
        raise ValueError

    @workflow
    def crawl() -> None:
        fail.options(after=[act(9)])(fetch(2))

    async with Runtime(clock=clock, values="shared") as runtime:
        run = await runtime.start(crawl)
        await run.outcome()
    done = [line for line in told if not line.startswith("undo ")]
    assert undone(told) == done[::-1]
    assert {"fetch", "fetch.act"} <= set(done)


async def test_what_emitted_steps_have_emitted_is_undone_too(clock: MockClock) -> None:
    """R8 and R22: emission out of an emitted step, at any depth."""
    told: list[str] = []

    @step
    async def fetch(depth: int) -> int:
        told.append(step_context().node)
        if depth == 0:
            raise ValueError
        emit(fetch(depth - 1))
        return depth

    @fetch.undo
    async def unfetch(result: int) -> None:
        told.append(f"undo {step_context().node}")

    @workflow
    def crawl() -> None:
        fetch(3)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(crawl)
    names = ["fetch", "fetch.fetch", "fetch.fetch.fetch", "fetch.fetch.fetch.fetch"]
    assert told == [*names, *(f"undo {name}" for name in names[2::-1])]


# ── what can't be planned ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_that_cant_be_planned_fails_the_run(clock: MockClock) -> None:
    """R8: one that can't be planned fails the run and rolls it back, the emitting step included."""
    told: list[str] = []
    act = acting(told)

    @step
    async def take(text: str) -> None: ...

    @step
    async def fetch(value: int) -> int:
        emit(take(act(value)))  # type: ignore[arg-type]
        return value

    @fetch.undo
    async def unfetch(result: int) -> None:
        told.append("undo fetch")

    @workflow
    def crawl() -> None:
        fetch(act(1))

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(crawl)).outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, InvalidWorkflow)
    assert outcome.rollback == "complete"
    assert [(error.node, error.phase) for error in outcome.error.errors] == [("fetch", "run")]
    assert told == ["act", "undo fetch", "undo act"]


async def test_the_failure_is_that_of_the_item_in_which_it_was_emitted(clock: MockClock) -> None:
    """R8 and R5: in a run that nobody listens to, too, where an item takes the place of the one before."""

    @step
    async def take(text: str) -> None: ...

    @step
    async def fetch(value: int) -> int:
        if value == 2:
            emit(take(value))  # type: ignore[arg-type]
        return value

    @workflow
    def crawl() -> None:
        each([1, 2, 3, 4], fetch, concurrency=1)

    async with Runtime(clock=clock, values="shared") as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(crawl)
    assert [(error.node, type(error.error)) for error in failed.value.errors] == [("each[1].fetch", InvalidWorkflow)]


async def test_a_call_that_is_never_emitted_fails_the_attempt(clock: MockClock) -> None:
    """R8: a step called inside a running step, and not emitted, is a mistake that says so."""

    @step
    async def store() -> None: ...

    @step
    async def fetch() -> None:
        store()

    @workflow
    def crawl() -> None:
        fetch()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(crawl)
    assert isinstance(failed.value.__cause__, InvalidState)
    assert "not emitted" in str(failed.value.__cause__)
