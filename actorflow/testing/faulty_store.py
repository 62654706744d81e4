"""A store with bad luck at chosen commits.

    store = FaultyStore(MemoryStore(clock=clock), clock=clock)
    store.at(2, raises=StoreBusy)                              # the second commit isn't made
    store.at(3, raises=CommitUnknown, when="after")            # the third one is, and nobody knows
    store.at(5, raises=StoreUnavailable, lasts=20.0)           # then it is gone for twenty seconds, for reading too
    store.at(9, raises=StoreReadOnly, times=None)              # from the ninth on for ever
    store.at(4, delay=3.0)                                     # slow

A commit is a transaction with turns in it; each try is one, and they are counted from 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from actorflow.clock import Clock
from actorflow.errors import InvalidState, StoreError
from actorflow.store import Append, Request, Store
from actorflow.testing.clock import MockClock
from actorflow.testing.store_around import StoreAround


@dataclass(slots=True, eq=False)
class StoreFault:
    """One fault, and how often it struck. `lasts` and `delay` are seconds."""

    commit: int
    raises: type[StoreError] | None
    when: Literal["before", "after"]
    times: int | None
    lasts: float
    delay: float
    hits: int = 0

    def strikes(self, commit: int) -> bool:
        return self.commit <= commit and (self.times is None or commit < self.commit + self.times)


class Luck:
    """What stores beside each other meet together."""

    def __init__(self) -> None:
        self.faults: list[StoreFault] = []
        self.commits = 0
        self.gone_until = 0.0
        self.error: type[StoreError] = StoreError


class FaultyStore(StoreAround):
    """Shows `store`, which it enters and leaves; `clock` is that of the runtime that uses it. `commits` counts the tries so far."""

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        super().__init__(store)
        self.clock = clock or Clock()
        self._luck = Luck()

    @property
    def commits(self) -> int:
        return self._luck.commits

    def beside(self) -> Self:
        """It meets the same faults."""
        other = type(self)(self.store.beside(), clock=self.clock)
        other._luck = self._luck
        return other

    def at(
        self,
        commit: int,
        *,
        raises: type[StoreError] | None = None,
        when: Literal["before", "after"] = "before",
        times: int | None = 1,
        lasts: float = 0.0,
        delay: float = 0.0,
    ) -> StoreFault:
        """Adds a fault.

        commit  the number of the first commit that it strikes
        raises  the error; what `when="before"` strikes isn't stored, what `when="after"` strikes is
        times   how many commits in a row; `None`: all from then on
        lasts   seconds for which everything raises the error from then on, reads too
        delay   seconds that the commit takes first

        Raises `InvalidState` for a fault that does nothing, or at no commit.
        """
        if commit < 1 or (raises is None and delay <= 0) or (raises is None and lasts > 0):
            raise InvalidState("a fault of a store is at a commit from 1 on, and raises a StoreError or has a delay")
        fault = StoreFault(commit, raises, when, times, lasts, delay)
        self._luck.faults.append(fault)
        return fault

    def clear(self) -> None:
        """From now on all goes well."""
        self._luck.faults.clear()
        self._luck.gone_until = 0.0

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        striking: list[StoreFault] = []
        if any(isinstance(request, Append) for request in requests):
            self._luck.commits += 1
            striking = [fault for fault in self._luck.faults if fault.strikes(self.commits)]
        for fault in striking:
            fault.hits += 1
            await self.strike(fault, "before")
        if self.clock.time() < self._luck.gone_until:
            raise self.error(self._luck.error)
        answers = await super()._ask_all(requests)
        for fault in striking:
            await self.strike(fault, "after")
        return answers

    async def strike(self, fault: StoreFault, when: str) -> None:
        if when == "before" and fault.delay:
            await self.wait(fault.delay)
        if fault.when == when and fault.raises is not None:
            if fault.lasts:
                self._luck.gone_until, self._luck.error = self.clock.time() + fault.lasts, fault.raises
            raise self.error(fault.raises)

    async def wait(self, seconds: float) -> None:
        """Who waits for a store holds the clock, so one that jumps is moved by hand."""
        if isinstance(self.clock, MockClock):
            await self.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    def error(self, kind: type[StoreError]) -> StoreError:
        return kind(repr(self), f"injected at commit {self.commits}")
