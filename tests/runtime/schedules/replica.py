"""A service process among others: `python -m tests.runtime.schedules.replica STORE`.

It has a schedule that is due often, and prints the due times of the runs whose step executes here, until its input ends.
"""

from __future__ import annotations

import asyncio
import sys

import structlog

from actorflow import Every, PostgresStore, Runtime, SQLiteStore, Store, step, step_context, workflow

PACE = 0.1


@step
async def say() -> None:
    print(step_context().context["due"], flush=True)


@workflow
def tick() -> None:
    say()


def store_of(name: str) -> Store:
    return PostgresStore(name) if name.startswith("postgresql://") else SQLiteStore(name, synchronous="NORMAL")


async def serve(store: Store) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with Runtime(workflows=[tick], store=store, lease=2.0) as runtime:
        runtime.schedule("tick", Every(PACE, missed="all", overlap="allow"), tick)
        await reader.read()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(serve(store_of(sys.argv[1])))
