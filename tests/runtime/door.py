"""A door that code in a worker process waits at, by the path of a socket, until a test lets it go on."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path


class Door:
    """`async with Door(path)`: `there` is set when somebody has knocked, `said` is what it said. One at a time."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.there = asyncio.Event()
        self.said = ""
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Door:
        self._server = await asyncio.start_unix_server(self._arrived, self.path)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for writer in self._writers:
            writer.close()
        self._server.close()
        await self._server.wait_closed()

    async def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.said = (await reader.readline()).decode().strip()
        self.there.set()

    def open(self, saying: str = "open") -> None:
        self._writers[-1].write(saying.encode())


def knock(path: str, saying: str = "") -> str:
    """Waits at the door; what the test writes comes back, nothing if it goes away."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        channel.sendall(f"{saying}\n".encode())
        return channel.recv(100).decode()
