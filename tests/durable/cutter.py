"""A wire to a Postgres server that is cut at a chosen packet: just before the server gets it, or once it has done what the packet asks for."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter, Task
from pathlib import Path
from typing import Self

SOCKET = ".s.PGSQL.5432"
MOST = 1 << 16


class Cutter:
    """Listens in `folder`, for the server whose socket is in `server`. Packets to the server are counted over all connections, from 1."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.dsn = f"postgresql://postgres@/postgres?host={folder}"
        self.packets = 0
        self.cut_at = 0
        self.is_done = False
        self.cuts = 0
        self.wires: set[Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.listening = await asyncio.start_unix_server(self.connect, self.folder / SOCKET)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.listening.close()
        for wire in self.wires:
            wire.cancel()
        await asyncio.gather(*self.wires, return_exceptions=True)
        await self.listening.wait_closed()

    def cut(self, at: int, *, is_done: bool) -> None:
        """`is_done`: whether the server does what the packet asks for, and nobody hears of it. 0 cuts nowhere."""
        self.packets, self.cut_at, self.is_done = 0, at, is_done

    async def connect(self, client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.wires.add(task)
        try:
            server, to_server = await asyncio.open_unix_connection(self.server / SOCKET)
            try:
                await self.carry(client, to_client, server, to_server)
            finally:
                await end(to_server)
        except OSError:
            return
        finally:
            await end(to_client)
            self.wires.discard(task)

    async def carry(
        self, client: StreamReader, to_client: StreamWriter, server: StreamReader, to_server: StreamWriter
    ) -> None:
        """Until one of the two has closed it, or it is cut."""
        answers = asyncio.create_task(pour(server, to_client))
        asks = asyncio.create_task(self.ask(client, to_server, answers, server))
        try:
            await asyncio.wait({asks, answers}, return_when=asyncio.FIRST_COMPLETED)
            if answers.cancelled():
                await asks
        finally:
            asks.cancel()
            answers.cancel()
            await asyncio.gather(asks, answers, return_exceptions=True)

    async def ask(
        self, client: StreamReader, to_server: StreamWriter, answers: Task[None], server: StreamReader
    ) -> None:
        while data := await client.read(MOST):
            self.packets += 1
            is_cut = self.packets == self.cut_at
            if is_cut and self.is_done:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
            if not is_cut or self.is_done:
                to_server.write(data)
                await to_server.drain()
            if is_cut:
                self.cuts += 1
                if self.is_done:
                    await server.read(MOST)
                return


async def pour(source: StreamReader, into: StreamWriter) -> None:
    while data := await source.read(MOST):
        into.write(data)
        await into.drain()


async def end(writer: StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return
