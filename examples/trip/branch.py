"""An agency's process, seen from outside: started, told of trips, listened to, killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Self

import msgspec

from examples.trip.agency import READY, Ended
from examples.trip.booking import Trip
from examples.trip.client import Service


class Branch:
    """One process of `examples.trip.agency`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def open(cls, store: str, running: Mapping[str, Service], *options: str) -> Self:
        urls = [running[name].url for name in ("seats", "rooms", "cards")]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.trip.agency", store, *urls, *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # so that Ctrl-C is ours alone
        )
        return cls(process)

    async def is_ready(self) -> bool:
        """`False` if it ended before it was."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip() == READY

    def tell(self, trip: Trip) -> None:
        """Nothing is heard of it if the process is gone."""
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(trip) + b"\n")

    async def heard(self) -> AsyncIterator[Ended]:
        """Until it ends. A line that was cut off isn't heard."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            with contextlib.suppress(msgspec.DecodeError):
                yield msgspec.json.decode(line, type=Ended)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def close(self) -> int:
        """Lets it end what it has begun; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.process.wait()
