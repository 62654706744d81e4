"""A service outside: what was done there stays done, once for each idempotency key, whoever dies."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from actorflow.failures import failure

SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY, thing TEXT NOT NULL, amount INTEGER NOT NULL, key TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS refusals (number INTEGER PRIMARY KEY, key TEXT NOT NULL);
"""


@failure
class Refused(Exception):
    """The service doesn't, this time."""


class Line(NamedTuple):
    thing: str
    amount: int
    key: str


class Ledger:
    """+1 for what was taken, -1 for what was given back, 0 for giving back what was never taken. It outlives those who use it."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.database.executescript("PRAGMA synchronous = OFF;" + SCHEMA)
        self.lock = threading.RLock()  # a thread of a runtime that has died may still be here

    def take(self, thing: str, key: str, *, refuses: int = 0) -> str:
        """Takes it, once for the key. Raises `Refused` the first times that it is asked for."""
        with self.lock:
            self.refuse(key, refuses)
            self.enter(thing, 1, key)
        return f"{thing} taken"

    def give_back(self, thing: str, key: str, *, refuses: int = 0) -> None:
        with self.lock:
            self.refuse(key, refuses)
            (held,) = self.database.execute(
                "SELECT coalesce(sum(amount), 0) FROM ledger WHERE thing = ?", (thing,)
            ).fetchone()
            self.enter(thing, -held, key)

    def holds(self, thing: str) -> bool:
        query = "SELECT coalesce(sum(amount), 0) FROM ledger WHERE thing = ?"
        return bool(self.database.execute(query, (thing,)).fetchone() == (1,))

    def enter(self, thing: str, amount: int, key: str) -> None:
        insert = "INSERT OR IGNORE INTO ledger (thing, amount, key) VALUES (?, ?, ?)"
        self.database.execute(insert, (thing, amount, key))

    def refuse(self, key: str, times: int) -> None:
        (asked,) = self.database.execute("SELECT count(*) FROM refusals WHERE key = ?", (key,)).fetchone()
        if asked < times:
            self.database.execute("INSERT INTO refusals (key) VALUES (?)", (key,))
            raise Refused(f"not yet: {times - asked} to go")

    # ── afterwards ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def lines(self) -> Sequence[Line]:
        found = self.database.execute("SELECT thing, amount, key FROM ledger ORDER BY number")
        return [Line(*line) for line in found]

    @property
    def held(self) -> set[str]:
        """What is held now; more than one of a thing, or less than none, isn't possible."""
        query = "SELECT thing, sum(amount) FROM ledger GROUP BY thing"
        balance: dict[str, int] = dict(self.database.execute(query))
        assert set(balance.values()) <= {0, 1}, balance
        return {thing for thing, amount in balance.items() if amount}

    @property
    def taken(self) -> list[str]:
        return [line.thing for line in self.lines if line.amount == 1]

    @property
    def given_back(self) -> list[str]:
        return [line.thing for line in self.lines if line.amount == -1]

    def close(self) -> None:
        self.database.close()
