"""R9: where a step executes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from actorflow import InvalidStep, RunFailed, Runtime, Skip, step, transform, workflow
from actorflow.testing import MockClock
from tests.conformance import worker_steps
from tests.conformance.worker_steps import Parcel, add_item, who_am_i


def thread() -> str:
    return "loop" if threading.current_thread() is threading.main_thread() else threading.current_thread().name


# ── async def ──


async def test_an_async_step_is_an_actor_of_its_own_on_the_loop(clock: MockClock) -> None:
    """R9: an `async def` step runs as an actor of its own on the loop: beside the others, not one after the other."""
    tasks = []
    both = asyncio.Barrier(2)

    @step
    async def meet() -> str:
        tasks.append(asyncio.current_task())
        await both.wait()
        return thread()

    @workflow
    def meeting() -> list[str]:
        return [meet(), meet()]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(meeting) == ["loop", "loop"]
    assert len({*tasks, asyncio.current_task()}) == 3


@pytest.mark.parametrize("length", [1, 5])
async def test_an_async_step_starts_eagerly(clock: MockClock, length: int) -> None:
    """R9: from Python 3.12 on it starts eagerly: a chain of steps that don't suspend lets nothing else in between."""
    order: list[Any] = []

    @step
    async def note(number: int) -> int:
        if number == 0:
            asyncio.get_running_loop().call_soon(order.append, "the loop")
        order.append(number)
        return number + 1

    @workflow
    def chain() -> int:
        number = note(0)
        for _ in range(length):
            number = note(number)
        return number

    async with Runtime(clock=clock) as runtime:
        await runtime.run(chain)
    assert [each for each in order if each != "the loop"] == list(range(length + 1))
    assert sys.version_info < (3, 12) or order[-1] == "the loop"


# ── def ──


async def test_a_plain_step_runs_in_a_thread_of_the_runtimes_own(clock: MockClock) -> None:
    """R9: a plain `def` step runs in a thread of the runtime's own pool."""

    @step
    def where() -> str:
        return thread()

    @workflow
    def one() -> str:
        return where()

    async with Runtime(clock=clock) as runtime:
        assert (await runtime.run(one)).startswith("actorflow")


async def most_at_once(runtime: Runtime, bound: int) -> int:
    """How many threads work at once, of ten more steps than the bound."""
    here, most = 0, 0
    lock, full, go_on = threading.Lock(), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @step
    def enter() -> None:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
            if here == bound:
                loop.call_soon_threadsafe(full.set)
        assert go_on.wait(10)
        with lock:
            here -= 1

    @workflow
    def wide() -> None:
        for _ in range(bound + 10):
            enter()

    run = await runtime.start(wide)
    await full.wait()
    go_on.set()
    await run.result()
    return most


@pytest.mark.parametrize("bound", [1, 3])
async def test_the_pool_of_threads_has_a_bound(clock: MockClock, bound: int) -> None:
    """R9: … (`threads=`)."""
    async with Runtime(clock=clock, threads=bound) as runtime:
        assert await most_at_once(runtime, bound) == bound


async def test_there_are_forty_threads_unless_told(clock: MockClock) -> None:
    """R9: … 40 unless told."""
    async with Runtime(clock=clock) as runtime:
        assert await most_at_once(runtime, 40) == 40


# ── inline ──


async def test_an_inline_step_runs_in_the_executors_own_turn(clock: MockClock) -> None:
    """R9: `mode="inline"` runs in the executor's own turn: no task, no thread, nothing in between."""
    order: list[Any] = []

    @step(mode="inline")
    def note(number: int) -> int:
        if number == 0:
            asyncio.get_running_loop().call_soon(order.append, "the loop")
        order.append((number, thread(), asyncio.current_task()))
        return number + 1

    @workflow
    def chain() -> int:
        return note(note(note(0)))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(chain) == 3
    assert order == [(0, "loop", None), (1, "loop", None), (2, "loop", None), "the loop"]


def test_only_a_plain_step_without_a_timeout_can_be_inline() -> None:
    """R9: … (`def` only, no timeout)."""

    async def waits() -> None: ...

    def quick() -> None: ...

    with pytest.raises(InvalidStep, match="async def"):
        step(mode="inline")(waits)
    with pytest.raises(InvalidStep, match="timeout"):
        step(mode="inline", timeout=1.0)(quick)


async def test_a_transform_is_an_inline_node_like_any_other(clock: MockClock) -> None:
    """R9: `transform` is an inline node like any other: named, ordered by its data, and its failure rolls back."""
    undone = []

    @step
    async def count(text: str) -> int:
        return len(text)

    @count.undo
    async def uncount(value: int) -> None:
        undone.append(value)

    def where(value: int) -> tuple[int, str]:
        return value, thread()

    def divide(value: int) -> float:
        return 1 / (value - 3)

    @workflow
    def fine(text: str) -> tuple[int, str]:
        return transform(count(text), where)

    @workflow
    def failing(text: str) -> float:
        return transform(count(text), divide)

    assert fine.compile().names == ("count", "where")
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(fine, "abc") == (3, "loop")
        with pytest.raises(RunFailed) as caught:
            await runtime.run(failing, "abc")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert [error.node for error in caught.value.errors] == ["divide"]
    assert undone == [3]


# ── worker processes ──


async def test_a_process_step_runs_in_a_spawned_worker(clock: MockClock) -> None:
    """R9: `mode="process"` runs in a spawned worker process, which has nothing of this one's memory."""

    @workflow
    def elsewhere() -> tuple[int, bool, list[str]]:
        return who_am_i()

    worker_steps.STARTED.append("here")
    try:
        async with Runtime(clock=clock) as runtime:
            pid, is_main_thread, started = await runtime.run(elsewhere)
    finally:
        worker_steps.STARTED.clear()
    assert pid != os.getpid()
    assert is_main_thread
    assert started == []


async def test_values_are_encoded_on_their_way(clock: MockClock) -> None:
    """R9: … values msgspec-encoded: they come back as their annotated types, and this process's are left alone."""

    @workflow
    def packing(parcel: Parcel) -> list[Parcel]:
        packed = add_item(parcel)
        return [packed, add_item(packed)]

    given = Parcel([], 1.5)
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(packing, given) == [Parcel([0], 1.5), Parcel([0, 1], 1.5)]
    assert given == Parcel([], 1.5)


def test_what_cant_be_sent_is_refused_at_definition() -> None:
    """R9: what can't be sent (a lambda, a local) is refused at definition."""

    def local() -> None: ...

    with pytest.raises(InvalidStep, match="inside a function"):
        step(mode="process")(local)
    with pytest.raises(InvalidStep, match="lambda"):
        step(name="named", mode="process")(lambda: None)
    with pytest.raises(InvalidStep, match="async def"):
        step(mode="process")(most_at_once)


def test_a_notebooks_function_is_refused_at_definition() -> None:
    """R9: … a notebook's function: what has no file to be imported from."""
    program = "from actorflow import step\ndef here() -> None: ...\nstep(mode='process')(here)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "InvalidStep" in done.stderr
    assert "notebook" in done.stderr


def test_values_that_cant_be_encoded_are_refused_at_definition() -> None:
    """R9: values are msgspec-encoded, so types that surely can't be are refused at definition as well."""
    with pytest.raises(InvalidStep, match="encoded"):
        step(mode="process")(takes_a_lock)


def takes_a_lock(lock: asyncio.Lock) -> None: ...


# ── handlers and guards ──


async def test_handlers_and_guards_execute_as_their_own_kind_says(clock: MockClock) -> None:
    """R9: `undo`, `compensate` and guards may each be `def` or `async def`, and execute as their own kind says."""
    seen: dict[str, str] = {}

    def plain_guard(value: int) -> Skip[int] | None:
        seen["plain guard"] = thread()
        return None

    async def async_guard(value: int) -> Skip[int] | None:
        seen["async guard"] = thread()
        return None

    def plain_where(value: int) -> bool:
        seen["plain where"] = thread()
        return True

    @step(guards=[plain_guard, async_guard], where=plain_where)
    async def on_the_loop(value: int) -> int:
        return value

    @on_the_loop.undo
    def plain_undo(value: int) -> None:
        seen["plain undo"] = thread()

    @step
    def in_a_thread(value: int) -> int:
        return value

    @in_a_thread.undo
    async def async_undo(value: int) -> None:
        seen["async undo"] = thread()

    @step
    async def fail_on_the_loop(value: int) -> None:
        raise ValueError

    @fail_on_the_loop.compensate
    def plain_compensation(error: Exception, value: int) -> None:
        seen["plain compensation"] = thread()

    @step(mode="inline")
    def fail_inline(value: int) -> None:
        raise ValueError

    @fail_inline.compensate
    async def async_compensation(error: Exception, value: int) -> None:
        seen["async compensation"] = thread()

    @workflow
    def mixed() -> None:
        ready = on_the_loop(in_a_thread(1))
        fail_inline(ready)
        fail_on_the_loop(ready)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(mixed)
    on_loop = {name for name, where in seen.items() if where == "loop"}
    assert on_loop == {"async guard", "async undo", "async compensation"}
    assert {name for name in seen if name not in on_loop} == {
        "plain guard",
        "plain where",
        "plain undo",
        "plain compensation",
    }
