"""Steps of worker processes and programs of their own, for the tests of R38 and R39."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from actorflow import Runtime, StartRun, WrongLoop, step, workflow

INHERITED: list[str] = []
"""What a test puts in here is there in a forked process, and not in a spawned one."""


@step(mode="process")
def look() -> tuple[int, list[str]]:
    return os.getpid(), INHERITED


@step(mode="process")
def leave() -> None:
    raise SystemExit(3)


@step
async def nothing() -> str:
    return "nothing"


@workflow
def looks() -> tuple[int, list[str]]:
    return look()


@step
async def hang() -> None:
    await asyncio.get_running_loop().create_future()


@workflow
def empty() -> str:
    return nothing()


@workflow
def hangs() -> None:
    hang()


# ── programs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def fork() -> None:
    """A forked child uses its parent's runtime; the parent waits for it, and its runtime works as before."""
    async with Runtime(workflows=[empty], on_exit="cancel") as runtime:
        run = await runtime.start(hangs)
        child = os.fork()
        if child == 0:
            os._exit(await refusals(runtime, run))
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222 - nothing else is to go on meanwhile
        print(os.waitstatus_to_exitcode(status), await runtime.run(empty))


async def refusals(runtime: Runtime, run: Any) -> int:
    """How many of these say that the runtime belongs to another process."""
    requests = [
        lambda: runtime.start(empty),
        lambda: runtime.options(run_id="r").start(empty),
        lambda: runtime.executor.ask(StartRun.asking(workflow="empty", inputs={})),
        run.halt,
        run.cancel,
        run.undo,
    ]
    refused = 0
    for request in requests:
        try:
            await request()
        except WrongLoop:
            refused += 1
    return refused


if __name__ == "__main__":
    asyncio.run({"fork": fork}[sys.argv[1]]())
