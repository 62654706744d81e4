"""One small HTTP service, which takes something for a trip (a seat, a room, money) and gives it back.

It keeps an append-only ledger in a SQLite file of its own, does each idempotency key's work once, and can be told to
misbehave: `PUT /faults`. It's started as `python -m examples.trip.service seats seats.db`, prints its address, and
stops on SIGTERM, or when its input is closed, that is, with whoever started it.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections import defaultdict, deque

from aiohttp import web

from examples.trip.faults import OPERATIONS, Fault

SLOW = 2.0
"""Seconds: longer than the steps' timeout."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY, trip TEXT NOT NULL, operation TEXT NOT NULL,
    amount INTEGER NOT NULL, idempotency_key TEXT NOT NULL UNIQUE
);
CREATE INDEX IF NOT EXISTS ledger_of_trip ON ledger (trip);
"""


class Ledger:
    """Who has what: +1 for taking, -1 for giving back, 0 for giving back what was never taken."""

    def __init__(self, service: str, path: str) -> None:
        self.service = service
        self.takes, self.gives_back = OPERATIONS[service]
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    def work(self, operation: str, trip: str, key: str) -> str | None:
        """Does it, once for each key, and gives its number; `None` if it's refused."""
        done = self.database.execute("SELECT number FROM ledger WHERE idempotency_key = ?", (key,)).fetchone()
        if done:
            return self.named(done[0])
        amount = self.amount(operation, trip)
        if amount is None:
            return None
        entry = self.database.execute(
            "INSERT INTO ledger (trip, operation, amount, idempotency_key) VALUES (?, ?, ?, ?)",
            (trip, operation, amount, key),
        )
        return self.named(entry.lastrowid)

    def amount(self, operation: str, trip: str) -> int | None:
        """A trip takes once. What was given back stays so, even if a belated request to take it comes after."""
        rows = self.database.execute("SELECT amount FROM ledger WHERE trip = ?", (trip,))
        entries: list[int] = [amount for (amount,) in rows]
        if operation == self.takes:
            return None if entries else 1
        return -sum(entries)

    def find(self, trip: str) -> str | None:
        query = "SELECT max(number) FROM ledger WHERE trip = ? GROUP BY trip HAVING sum(amount) > 0"
        row = self.database.execute(query, (trip,)).fetchone()
        return self.named(row[0]) if row else None

    def close(self) -> None:
        """Leaves one whole file, without a write-ahead log beside it."""
        self.database.execute("PRAGMA journal_mode = DELETE")
        self.database.close()

    def named(self, number: object) -> str:
        return f"{self.service}-{number}"


class Misbehaviour:
    """The faults that are still to come, by trip and operation, and those that were met."""

    def __init__(self) -> None:
        self.coming: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)
        self.met: list[Fault] = []

    def next(self, trip: str, operation: str) -> Fault | None:
        coming = self.coming[trip, operation]
        return coming.popleft() if coming else None

    async def happen(self, fault: Fault | None, moment: str, request: web.Request) -> None:
        if fault is None or fault.moment != moment:
            return
        self.met.append(fault)
        if fault.kind == "fail":
            raise web.HTTPServiceUnavailable(text="on purpose")
        if fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
            raise web.HTTPServiceUnavailable(text="nobody gets this")
        await asyncio.sleep(SLOW)


def application(ledger: Ledger) -> web.Application:
    misbehaviour = Misbehaviour()

    async def operate(request: web.Request) -> web.Response:
        operation: str = request.match_info["operation"]
        trip: str = (await request.json())["trip"]
        fault = misbehaviour.next(trip, operation)
        await misbehaviour.happen(fault, "before", request)
        number = ledger.work(operation, trip, request.headers["Idempotency-Key"])
        await misbehaviour.happen(fault, "after", request)
        return web.json_response({"number": number}) if number else web.Response(status=409, text="taken before")

    async def find(request: web.Request) -> web.Response:
        number = ledger.find(request.match_info["trip"])
        return web.json_response({"number": number}) if number else web.Response(status=404)

    async def be_told(request: web.Request) -> web.Response:
        for trip, *fault in await request.json():
            told = Fault(*fault)
            misbehaviour.coming[trip, told.operation].append(told)
        return web.Response()

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response(misbehaviour.met)

    app = web.Application()
    app.router.add_post(f"/{{operation:{ledger.takes}|{ledger.gives_back}}}", operate)
    app.router.add_get("/trips/{trip}", find)
    app.router.add_put("/faults", be_told)
    app.router.add_get("/faults", tell)
    return app


async def serve(service: str, path: str) -> None:
    ledger = Ledger(service, path)
    runner = web.AppRunner(application(ledger), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        print(f"http://{host}:{port}", flush=True)
        await until_told_to_stop()
    finally:
        await runner.cleanup()
        ledger.close()


async def until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin, stop.set)
    await stop.wait()
    loop.remove_reader(sys.stdin)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:3]))
