"""A service process among others: `python -m tests.durable.replica STORE MARK EFFECTS LEASE`.

It is told by lines: `start RUN`, and `go RUN`, which lets the run's step go on that waits in this process. It says by lines: `ready`; `holds RUN`, when that
step waits here; `stopped RUN`, if it was interrupted; `ended RUN VALUE`, to who started the run here. What steps do in the world is appended to the file
EFFECTS, as `MARK RUN EFFECT`: the lines of all processes are in the order in which they did it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio import Event
from collections import defaultdict
from typing import ClassVar

import structlog

from actorflow import PostgresStore, Runtime, SQLiteStore, Store, step, step_context, workflow


class Here:
    """This process."""

    mark = ""
    effects = -1
    gates: ClassVar[defaultdict[str, Event]] = defaultdict(Event)


def act(effect: str) -> str:
    os.write(Here.effects, f"{Here.mark} {step_context().run_id} {effect}\n".encode())
    return Here.mark


def say(line: str) -> None:
    print(line, flush=True)


@step
async def before(name: str) -> str:
    return act("before")


@before.undo
async def take_back(mark: str, name: str) -> None:
    act("take_back")


@step
async def held(first: str) -> str:
    run_id = step_context().run_id
    act("held")
    say(f"holds {run_id}")
    try:
        await Here.gates[run_id].wait()
    except asyncio.CancelledError:
        say(f"stopped {run_id}")
        raise
    act("went on")
    return f"{first}{Here.mark}"


@step
async def after(both: str) -> str:
    return both + act("after")


@workflow
def chain(name: str) -> str:
    return after(held(before(name)))


def store_of(name: str) -> Store:
    return PostgresStore(name) if name.startswith("postgresql://") else SQLiteStore(name)


async def see_to(runtime: Runtime, run_id: str) -> None:
    say(f"ended {run_id} {await runtime.options(run_id=run_id).run(chain, run_id)}")


async def serve(store: Store, lease: float) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with (
        Runtime(workflows=[chain], store=store, lease=lease, drain_timeout=0.0) as runtime,
        asyncio.TaskGroup() as callers,
    ):
        say("ready")
        while line := (await reader.readline()).decode().split():
            match line:
                case ["start", run_id]:
                    callers.create_task(see_to(runtime, run_id))
                case ["go", run_id]:
                    Here.gates[run_id].set()
                case _:
                    raise ValueError(line)


def main(store: str, mark: str, effects: str, lease: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    Here.mark = mark
    Here.effects = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    asyncio.run(serve(store_of(store), float(lease)))


if __name__ == "__main__":
    main(*sys.argv[1:])
