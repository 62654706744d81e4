"""A process that claims steps: `python -m tests.store.claimant STORE STEPS`. It says `ready`, waits for a line, and says which steps it executes."""

from __future__ import annotations

import asyncio
import sys

from actorflow.store import PostgresStore, SQLiteStore, Store

RUN = "run"
AT_ONCE = 8


def store_of(where: str) -> SQLiteStore | PostgresStore:
    return PostgresStore(where) if where.startswith("postgresql:") else SQLiteStore(where, synchronous="NORMAL")


async def claims(store: Store, steps: list[str]) -> None:
    for step in steps:
        claim = await store.begin_step(RUN, step, b"in")
        if claim.decision == "execute":
            print(step, flush=True)


async def main(where: str, steps: int) -> None:
    async with store_of(where) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        names = [f"step-{number}" for number in range(steps)]
        await asyncio.gather(*(claims(store, names) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
