"""How long does it take to go on with the runs that a process has left behind, and how much memory?

`python -m benchmarks.left_runs leave PATH RUNS` starts runs of five steps, and dies when all of them stand in their third. `… recover PATH RUNS` takes them
over in a fresh process, and prints the seconds from entering the runtime until all have succeeded, and the bytes that it grew by at its peak.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actorflow import Runtime, step, workflow
from actorflow.store import SQLiteStore
from benchmarks.bare_inserts import VALUE
from benchmarks.harness import Figure, Options, verify

LEASE = 1.0
"""Seconds; the second process begins when it's over."""


def figures(options: Options) -> Iterator[Figure]:
    runs = options.size(10_000, 300)
    found = [in_fresh_processes(runs) for _ in range(options.size(3, 1))]
    workload = f"{runs} runs left"
    yield Figure("store", workload, "recovered", statistics.median(one["seconds"] for one in found), "s")
    yield Figure("store", workload, "memory", statistics.median(one["bytes"] for one in found) / 2**20, "MiB")


def in_fresh_processes(runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "left.sqlite")
        called("leave", path, runs)
        return msgspec.json.decode(called("recover", path, runs).splitlines()[-1], type=dict[str, float])


def called(what: str, path: str, runs: int) -> str:
    command = [sys.executable, "-m", "benchmarks.left_runs", what, path, str(runs)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"benchmarks.left_runs {what} failed:\n{finished.stderr}")
    return finished.stdout


# ── in the child ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Gate:
    """What the third step waits at. It says when so many wait there."""

    def __init__(self) -> None:
        self.is_open = False
        self.expected = 0
        self.all = asyncio.Event()
        self.opened = asyncio.Event()

    async def passed(self) -> None:
        if not self.is_open:
            self.expected -= 1
            if not self.expected:
                self.all.set()
            await self.opened.wait()


GATE = Gate()


@step
async def carry(value: bytes) -> bytes:
    return value


@step
async def hold(value: bytes) -> bytes:
    await GATE.passed()
    return value


@workflow
def left(value: bytes) -> bytes:
    return carry(carry(hold(carry(carry(value)))))


async def leave(path: str, runs: int) -> None:
    GATE.expected = runs
    async with Runtime(workflows=[left], store=SQLiteStore(path), lease=LEASE) as runtime:
        await asyncio.gather(*(runtime.start(left, VALUE) for _ in range(runs)))
        await GATE.all.wait()
        os._exit(0)


async def recover(path: str, runs: int) -> dict[str, float]:
    GATE.is_open = True
    left.compile()
    await asyncio.sleep(LEASE * 1.1)
    before, began = peak(), time.perf_counter()
    async with Runtime(workflows=[left], store=SQLiteStore(path)) as runtime:
        while len(runtime.list_runs()) < min(runs, runtime.config.keep_finished) or runtime._open().rows:
            await asyncio.sleep(0.02)
        took, grown = time.perf_counter() - began, peak() - before
    async with SQLiteStore(path) as store:
        verify("runs", await store.count_runs(), {"succeeded": runs})
    return {"seconds": took, "bytes": grown}


def peak() -> float:
    """Bytes of RAM that this process has taken at most (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    if sys.argv[1] == "leave":
        asyncio.run(leave(sys.argv[2], int(sys.argv[3])))
    else:
        print(msgspec.json.encode(asyncio.run(recover(sys.argv[2], int(sys.argv[3])))).decode())
