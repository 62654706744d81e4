"""R38: a runtime belongs to one loop in one process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actorflow import Run, Runtime, RuntimeClosed, WrongLoop
from actorflow.testing import MockClock
from tests.conformance import own_process
from tests.conformance.own_process import empty, hangs, looks

ROOT = Path(__file__).parents[2]


async def test_use_from_another_loop_raises_wrong_loop(clock: MockClock) -> None:
    """R38: a runtime belongs to the loop that entered it; use from elsewhere raises `WrongLoop`."""
    async with Runtime(clock=clock, on_exit="cancel") as runtime:
        run = await runtime.start(hangs)

        async def elsewhere() -> None:
            for request in requests(runtime, run):
                with pytest.raises(WrongLoop):
                    await request()

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert await runtime.run(empty) == "nothing"


async def test_use_from_a_thread_raises_wrong_loop(clock: MockClock) -> None:
    """R38: … from a thread as well, with a word on what to do instead."""
    async with Runtime(clock=clock) as runtime:

        def in_thread() -> None:
            for request in (
                lambda: runtime.executor,
                lambda: runtime.subscribe(print),
                lambda: runtime.limit("any", at_most=2),
            ):
                with pytest.raises(WrongLoop, match="from_thread"):
                    request()

        await asyncio.to_thread(in_thread)


def requests(runtime: Runtime, run: Run[None]) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: runtime.start(empty),
        lambda: runtime.run(empty),
        lambda: runtime.options(run_id="r").run(empty),
        lambda: runtime.resume(empty, run.id),
        lambda: runtime.undo(run.id),
        run.halt,
        run.cancel,
        run.undo,
    ]


async def test_a_runtime_that_was_never_entered_says_so() -> None:
    """R38: a runtime belongs to the loop that entered it: before that, to none."""
    runtime = Runtime()
    with pytest.raises(RuntimeClosed, match="async with"):
        await runtime.run(empty)


def test_trio_is_refused() -> None:
    """R38: (asyncio or uvloop; trio is refused with a clear error): where no loop of asyncio runs, entering says so."""
    entering = Runtime().__aenter__()
    with pytest.raises(WrongLoop, match="not on trio"):
        entering.send(None)


def test_each_loop_may_have_its_own() -> None:
    """R38: one loop after the other, a new runtime each."""

    async def serve() -> str:
        async with Runtime() as runtime:
            return await runtime.run(empty)

    assert [asyncio.run(serve()) for _ in range(2)] == ["nothing", "nothing"]


def test_it_refuses_to_work_after_a_fork() -> None:
    """R38: it refuses to work after a fork; the parent's goes on."""
    program = [sys.executable, "-m", "tests.conformance.own_process", "fork"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split() == ["6", "nothing"], done.stderr


async def test_it_spawns_its_worker_processes() -> None:
    """R38: it … spawns its worker processes: they have nothing of their parent's memory, whatever the default method is."""
    own_process.INHERITED.append("by a fork")
    method = multiprocessing.get_start_method(allow_none=True)
    try:
        async with Runtime() as runtime:
            pid, inherited = await runtime.run(looks)
    finally:
        own_process.INHERITED.clear()
    assert pid != os.getpid()
    assert inherited == []
    assert multiprocessing.get_start_method(allow_none=True) == method


async def test_it_installs_no_signal_handlers(clock: MockClock) -> None:
    """R38: it … installs no signal handlers."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    async with Runtime(clock=clock) as runtime:
        await runtime.run(empty)
        assert {number: signal.getsignal(number) for number in signal.valid_signals()} == handlers
    inside = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(inside)
    assert inside == wakeup
