"""The heart tells a loop that is blocked from a process that was frozen (R55)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from structlog.testing import capture_logs

from actorflow import MemoryStore
from actorflow.runtime import heart
from actorflow.runtime.heart import Heart, frozen
from actorflow.runtime.row import Row


class Process:
    """Its clocks: `during` says what each wait of the heart's thread does to them."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.during: Callable[[float], None] = self.passes

    def passes(self, seconds: float, used: float = 0.0) -> None:
        self.now += seconds
        self.used += used

    def wait(self, seconds: float) -> bool:
        self.during(seconds)
        return False


class Named:
    """Stands for a row."""

    id = "r"

    def name(self, node: int) -> str:
        return "busy"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    process = Process()
    monkeypatch.setattr(heart, "monotonic", lambda: process.now)
    monkeypatch.setattr(heart, "process_time", lambda: process.used)
    return process


@pytest.fixture
async def beating(process: Process, monkeypatch: pytest.MonkeyPatch) -> Heart:
    async def beat(store: object) -> bool:
        return True

    made = Heart(asyncio.get_running_loop(), MemoryStore(), beat, 10.0)
    monkeypatch.setattr(made._stopped, "wait", process.wait)
    monkeypatch.setattr(made, "blocking_step", lambda: (cast("Row", Named()), 0))
    return made


def warnings(beating: Heart, looks: int) -> int:
    """How often it warns in so many looks at a loop that doesn't answer."""
    with capture_logs() as logs:
        for _ in range(looks):
            beating.waited(0.5)
            beating.look()
    return len(logs)


async def test_a_loop_that_does_not_answer_is_blocked(beating: Heart) -> None:
    """R55: it is told once."""
    assert warnings(beating, 10) == 1


async def test_a_process_that_was_frozen_had_no_blocked_loop(beating: Heart, process: Process) -> None:
    """After SIGCONT nobody has answered for a long time, and nobody could."""
    process.during = lambda seconds: process.passes(60.0)
    assert warnings(beating, 1) == 0
    process.during = process.passes
    assert warnings(beating, 1) == 0, "the loop has had half a second to answer"
    assert warnings(beating, 10) == 1, "it is blocked all the same"


async def test_code_that_holds_the_lock_of_the_interpreter_blocks(beating: Heart, process: Process) -> None:
    """It keeps the heart from looking, but it computes."""
    process.during = lambda seconds: process.passes(60.0, used=55.0)
    assert warnings(beating, 1) == 1


@pytest.mark.parametrize(
    ("late", "used", "seconds"), [(-0.1, 0.0, 0.0), (0.0, 0.0, 0.0), (3.0, 0.1, 3.0), (3.0, 2.9, 0.0), (3.0, 8.0, 0.0)]
)
def test_what_counts_as_frozen(late: float, used: float, seconds: float) -> None:
    assert frozen(late, used) == seconds


def test_a_loop_that_is_closed_ends_it() -> None:
    """Nobody has left the runtime: there is nothing to renew a lease for, and nothing to say."""
    loop = asyncio.new_event_loop()

    async def beat(store: object) -> bool:
        raise AssertionError("there is no runtime")

    made = Heart(loop, MemoryStore(), beat, 0.01)
    loop.close()
    made.start()
    made.join(timeout=10.0)
    assert not made.is_alive()
