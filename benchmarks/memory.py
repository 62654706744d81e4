"""How much memory does a sleeping step take, and the plan of a million nodes? Each measured in a fresh process.

Growth of the process's resident memory. The plan's nodes have two edges each; its figures also say how long it took to
build, and what a full pass of the garbage collector costs while it lives.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from actorflow import Cancelled, Plan, Runtime, WorkflowBuilder, step
from benchmarks import graphs, raw
from benchmarks.harness import Figure, Options, verify

FOREVER = 3600.0


def run(options: Options) -> Iterator[Figure]:
    sleepers = options.size(10_000, 1_000)
    sleeping = {name: repeat(name, sleepers, options.rounds) for name in ("sleeping-raw", "sleeping-ours")}
    base = sleeping["sleeping-raw"]["bytes"]
    for name, measured in sleeping.items():
        each = measured["bytes"] / sleepers / 1024
        variant = name.removeprefix("sleeping-").replace("ours", "async-0")
        yield Figure("memory", f"sleeping-{sleepers}", variant, each, "KiB/step", measured["bytes"] / base)
    nodes = options.size(1_000_000, 50_000)
    plan = repeat("plan", nodes, 5)
    yield Figure("memory", f"plan-{nodes}", "memory", plan["bytes"] / nodes, "B/node")
    yield Figure("memory", f"plan-{nodes}", "build", plan["seconds"] / nodes * 1e6, "µs/node")
    yield Figure("memory", f"plan-{nodes}", "gc-pass", plan["gc"] * 1000, "ms")


def repeat(what: str, size: int, rounds: int) -> Mapping[str, float]:
    """The medians of so many fresh processes."""
    results = [in_a_fresh_process(what, size) for _ in range(rounds)]
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def in_a_fresh_process(what: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", what, str(size)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"benchmarks.memory {what} failed:\n{finished.stderr}")
    return msgspec.json.decode(finished.stdout, type=dict[str, float])


def resident() -> int:
    """Bytes of this process's memory that are in RAM now (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Asleep:
    """A body that says when the last of them sleeps."""

    def __init__(self, expected: int) -> None:
        self.left = expected
        self.all = asyncio.Event()

    async def sleep(self) -> int:
        self.left -= 1
        if not self.left:
            self.all.set()
        await asyncio.sleep(FOREVER)
        return 1


async def sleeping_raw(size: int) -> dict[str, float]:
    graph, asleep = [()] * size, Asleep(size)

    async def body(*_results: int) -> int:
        return await asleep.sleep()

    before = resident()
    running = asyncio.ensure_future(raw.run(raw.Plan(graph), body))
    await asleep.all.wait()
    after = resident()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return {"bytes": after - before}


async def sleeping_ours(size: int) -> dict[str, float]:
    asleep = Asleep(size)

    @step
    async def sleeper() -> int:
        return await asleep.sleep()

    wired = graphs.drawn([()] * size, sleeper)
    async with Runtime() as runtime:
        before = resident()
        run = await runtime.start(wired)
        await asleep.all.wait()
        after = resident()
        await run.cancel()
        verify("outcome", isinstance(await run.outcome(), Cancelled), expected=True)
    return {"bytes": after - before}


@step
async def add(a: int, b: int) -> int:
    return a + b


def plan_of(size: int) -> Plan:
    builder = WorkflowBuilder("million").add_input("start", int)
    for number in range(size):
        before = f"n{number - 1}" if number else "start"
        halfway = f"n{number // 2}" if number > 1 else "start"
        builder.add_step(f"n{number}", add, arguments={"a": before, "b": halfway})
    return builder.returns(f"n{size - 1}").build().compile()


async def plan(size: int) -> dict[str, float]:
    before = resident()
    began = time.perf_counter()
    compiled = plan_of(size)
    built = time.perf_counter() - began
    after = resident()
    began = time.perf_counter()
    gc.collect()
    pass_of_gc = time.perf_counter() - began
    del compiled
    return {"bytes": after - before, "seconds": built, "gc": pass_of_gc}


MEASURES: Mapping[str, Callable[[int], Coroutine[Any, Any, dict[str, float]]]] = {
    "sleeping-raw": sleeping_raw,
    "sleeping-ours": sleeping_ours,
    "plan": plan,
}

if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(MEASURES[sys.argv[1]](int(sys.argv[2])))).decode())
