"""Worker processes: calls, answers, errors as records, lost and killed workers, the main program (R9, R12, R13, R39)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorflow.clock import Clock
from actorflow.errors import NotSerializable, RecordedFailure, RuntimeClosed, WorkerLost
from actorflow.failures import failed_with
from actorflow.runtime.process_frames import (
    AskedAgain,
    Failure,
    Frames,
    HaltAsked,
    Main,
    Returned,
    encode_arguments,
    frame,
)
from actorflow.runtime.processes import Interrupted, Lost, Processes, ProcessWork
from actorflow.store import Codec
from tests.runtime import process_functions
from tests.runtime.door import Door
from tests.runtime.process_functions import Trip, spec_of

CODEC = Codec()


class CountingClock(Clock):
    def __init__(self) -> None:
        self.held = 0

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.held -= 1


class Call:
    """One submitted call and what came of it."""

    def __init__(self, processes: Processes, name: str, *args: Any) -> None:
        spec = spec_of(lambda *args: None, Any, Any)
        self.ended = asyncio.get_running_loop().create_future()
        self.entered = asyncio.Event()
        self.began: float | None = None
        self.work = ProcessWork(
            "tests.runtime.process_functions",
            name,
            encode_arguments(spec, args),
            ended=self._ended,
            entered=lambda at: self.entered.set(),
            label=name,
        )
        processes.submit(self.work)

    def _ended(self, result: Any, began: float | None, at: float) -> None:
        self.began = began
        self.ended.set_result(result)

    async def value(self) -> Any:
        result = await self.ended
        assert isinstance(result, Returned), result
        return CODEC.decode(result.data)

    async def failure(self) -> Failure:
        result = await self.ended
        assert isinstance(result, Failure), result
        return result

    async def lost(self) -> str:
        result = await self.ended
        assert isinstance(result, Lost), result
        return str(result.error)


def descriptors() -> set[str]:
    """The open descriptors, where the system lists them."""
    listed = Path("/proc/self/fd")
    return {path.name for path in listed.iterdir()} if listed.exists() else set()


def has_no_child() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


@pytest.fixture
async def processes(clock: CountingClock) -> AsyncIterator[Processes]:
    before = descriptors()
    processes = Processes(asyncio.get_running_loop(), clock, size=1)
    yield processes
    await processes.close(10)
    assert clock.held == 0
    assert has_no_child()
    assert descriptors() <= before


async def test_calls_one_after_the_other_in_one_worker(processes: Processes) -> None:
    """R9"""
    ids = [Call(processes, "process_id") for _ in range(3)]
    first, second, third = [await call.value() for call in ids]
    assert first == second == third != os.getpid()
    assert await Call(processes, "add", 1, 2).value() == 3
    assert await Call(processes, "in_worker").value() is True


async def test_arguments_and_result_go_by_the_annotated_types_of_the_step(processes: Processes) -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    payload = encode_arguments(process_functions.SPEC, [Trip("Oslo", start), 1, 2, "late"], ("note",))
    processes.submit(
        ProcessWork("tests.runtime.process_functions", "postpone", payload, ended=lambda *it: done.set_result(it[0]))
    )
    result = await done
    assert isinstance(result, Returned), result
    assert CODEC.decode(result.data, Trip) == Trip("Oslo late", start.replace(day=4))


async def test_entered_is_told_before_the_end(processes: Processes, tmp_path: Path) -> None:
    """R11: the deadline runs from here."""
    async with Door(tmp_path / "door") as door:
        call = Call(processes, "wait_at", door.path)
        await call.entered.wait()
        await door.there.wait()
        assert not call.ended.done()
        door.open()
        assert await call.value() == "open"
        assert call.began is not None


async def test_print_goes_to_standard_output(processes: Processes, capfd: pytest.CaptureFixture[str]) -> None:
    await Call(processes, "say", "hello").value()
    assert capfd.readouterr().out == "hello\n"


async def test_big_values_pass(processes: Processes) -> None:
    data = "x" * 3_000_000
    assert await Call(processes, "echo", data).value() == data


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_exception_comes_as_a_record(processes: Processes) -> None:
    """R13"""
    error = (await Call(processes, "fail", "gone").failure()).rebuild()
    assert isinstance(error, ConnectionResetError)
    assert (error.args, error.__notes__) == (("gone",), ["a note"])


async def test_an_exception_of_an_unknown_class_comes_as_a_recorded_failure(processes: Processes) -> None:
    """R13"""
    error = (await Call(processes, "fail_oddly", "gone").failure()).rebuild()
    assert isinstance(error, RecordedFailure)
    assert (error.type, error.message) == ("tests.runtime.process_functions.Odd", "gone")
    assert failed_with(error, LookupError)
    assert "in fail_oddly" in error.traceback


async def test_a_group_comes_with_its_leaves(processes: Processes) -> None:
    """R14"""
    error = (await Call(processes, "fail_together").failure()).rebuild()
    assert isinstance(error, ExceptionGroup)
    one, within = error.exceptions
    assert isinstance(one, ConnectionResetError)
    assert isinstance(within, ExceptionGroup)
    assert isinstance(within.exceptions[0], BrokenPipeError)


async def test_try_again_comes_over_as_such(processes: Processes) -> None:
    """R14"""
    assert await Call(processes, "ask_again", 2.5).ended == AskedAgain("busy", 2.5)
    assert await Call(processes, "ask_again_together").ended == AskedAgain("later", 5)
    asked = await Call(processes, "ask_again_because").ended
    assert isinstance(asked, AskedAgain)
    again = asked.rebuild()
    assert isinstance(again.reason, ConnectionResetError)


async def test_halt_comes_over_with_its_value(processes: Processes) -> None:
    """R16"""
    assert await Call(processes, "halt", 7).ended == HaltAsked(CODEC.encode(7))
    assert await Call(processes, "halt", None).ended == HaltAsked(None)


async def test_a_result_that_cannot_be_encoded_is_a_failure(processes: Processes) -> None:
    failure = await Call(processes, "not_encodable").failure()
    assert isinstance(failure.rebuild(), NotSerializable)


async def test_a_function_that_is_not_there_is_a_failure_before_it_began(processes: Processes) -> None:
    call = Call(processes, "nowhere")
    assert isinstance((await call.failure()).rebuild(), AttributeError)
    assert call.began is None


# ── workers that end ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "ended with exit code 3"),
        ("kill", "was killed by SIGKILL"),
        ("SystemExit", "ended with exit code 4"),
        ("KeyboardInterrupt", "'leave' ended with exit code 130"),
    ],
)
async def test_a_lost_worker_is_told_and_the_next_call_gets_a_fresh_one(
    processes: Processes, how: str, told: str
) -> None:
    """R39"""
    first = await Call(processes, "process_id").value()
    call, after = Call(processes, "leave", how), Call(processes, "process_id")
    assert told in await call.lost()
    assert call.began is not None
    assert await after.value() != first
    assert isinstance((await call.ended).error, WorkerLost)


async def test_a_worker_that_dies_idle_takes_no_call_with_it(processes: Processes) -> None:
    first = await Call(processes, "process_id").value()
    os.kill(first, signal.SIGKILL)
    assert await Call(processes, "process_id").value() != first


async def test_cancelled_while_it_runs_its_worker_is_killed(processes: Processes, tmp_path: Path) -> None:
    """R12"""
    async with Door(tmp_path / "door") as door:
        call = Call(processes, "wait_at", door.path)
        await door.there.wait()
        assert call.work.cancel() is False
        assert await call.ended == Interrupted()
        assert await Call(processes, "add", 1, 1).value() == 2


async def test_cancelled_in_line_it_never_begins(processes: Processes, tmp_path: Path) -> None:
    async with Door(tmp_path / "door") as door:
        running, waiting = Call(processes, "wait_at", door.path), Call(processes, "process_id")
        assert waiting.work.cancel() is True
        assert await waiting.ended == Interrupted()
        assert waiting.began is None
        await door.there.wait()
        door.open()
        assert await running.value() == "open"


async def test_close_kills_what_runs_and_refuses_what_waits(clock: CountingClock, tmp_path: Path) -> None:
    """R37"""
    processes = Processes(asyncio.get_running_loop(), clock, size=1)
    async with Door(tmp_path / "door") as door:
        running, waiting = Call(processes, "wait_at", door.path), Call(processes, "process_id")
        await door.there.wait()
        await processes.close(10)
        assert "SIGTERM" in await running.lost()
        assert isinstance((await waiting.ended).error, RuntimeClosed)
        with pytest.raises(RuntimeClosed):
            Call(processes, "process_id")
    assert clock.held == 0


async def test_an_interrupt_from_the_terminal_is_left_to_the_runtime(processes: Processes) -> None:
    assert await Call(processes, "interrupted_and_well").value() == "well"


# ── the main program ──────────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
import asyncio, sys
from actorflow.clock import Clock
from actorflow.failures import failed_with
from actorflow.runtime.process_frames import PIPE, encode_arguments
from actorflow.runtime.processes import Processes, ProcessWork
from tests.runtime.process_functions import spec_of

class Odd(Exception): pass

def where(text): return f"{text} in {__name__}"

def odd(text): raise Odd(text)

async def call(processes, name):
    done = asyncio.get_running_loop().create_future()
    payload = encode_arguments(spec_of(where, str, str), ["called"])
    processes.submit(ProcessWork("__main__", name, payload, ended=lambda *it: done.set_result(it[0])))
    return await done

async def main():
    processes = Processes(asyncio.get_running_loop(), Clock(), 1)
    print(PIPE.decode((await call(processes, "where")).data))
    print(failed_with((await call(processes, "odd")).rebuild(), Odd))
    await processes.close()

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("as_module", [False, True])
def test_functions_of_the_main_program_are_found(tmp_path: Path, as_module: bool) -> None:
    """R9: the main program runs again as `__mp_main__`."""
    (tmp_path / "booking.py").write_text(PROGRAM)
    how = ["-m", "booking"] if as_module else [str(tmp_path / "booking.py")]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", *how],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("called in __mp_main__\nTrue\n", "")


# ── frames ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_frames_are_whole_however_the_stream_is_cut() -> None:
    stream = b"".join(frame(Main(None, "p" * n)) for n in (0, 1, 300))
    for size in (1, 7, len(stream)):
        frames = Frames()
        cut = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert b"".join(b"".join(frames.feed(part)) for part in cut) == b"".join(
            frame(Main(None, "p" * n))[8:] for n in (0, 1, 300)
        )
