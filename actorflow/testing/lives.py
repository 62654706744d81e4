"""Runtimes that die in the middle, in a process that doesn't: each has a store of its own to write to, which is deaf once it has died."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from actorflow.runtime import Runtime, vanish
from actorflow.store import Append, Request, Store
from actorflow.testing.store_around import StoreAround

T = TypeVar("T")

LIVING: list[Life] = []
"""The runtimes of the process whose death is played."""


class ProcessDied(BaseException):
    """No `Exception`, and nobody's but ours: what a crash point raises, so that nothing follows in the same callback."""


class Death:
    """Whether it has come, for all that one process has."""

    has_come = False


class MortalStore(StoreAround):
    """A runtime's own view of a store. When it is dead nothing more gets through, and no call of it ever comes back.

    It enters and leaves the store that it shows. `hears` is told the turns that are stored, before the runtime is.
    """

    def __init__(
        self, store: Store, death: Death | None = None, *, hears: Callable[[bytes], None] | None = None
    ) -> None:
        super().__init__(store)
        self.death = death or Death()
        self.hears = hears

    @property
    def is_dead(self) -> bool:
        return self.death.has_come

    def beside(self) -> Self:
        """It dies with this one."""
        return type(self)(self.store.beside(), self.death)

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        await self.heard()
        try:
            answers = await super()._ask_all(requests)
        except Exception:
            await self.heard()
            raise
        if self.hears is not None:
            for request in requests:
                if isinstance(request, Append):
                    self.hears(request.turns)
        await self.heard()
        return answers

    async def heard(self) -> None:
        """Comes back unless it is dead."""
        if self.is_dead:
            await asyncio.get_running_loop().create_future()


class Life:
    """A runtime on a store, from its start until it is left, or dies: `async with Life(store, **options) as life:`.

    `options` are those of `Runtime`. What it was cut off from by its death never happens: nothing is recorded, its tasks are cancelled, and the
    store isn't told that it is gone.
    """

    def __init__(self, store: Store, *, hears: Callable[[bytes], None] | None = None, **options: Any) -> None:
        self.store = MortalStore(store, hears=hears)
        self.runtime = Runtime(store=self.store, **options)
        self.died = asyncio.Event()
        self._others: set[asyncio.Task[Any]] = set()
        self._is_entered = False

    @property
    def is_dead(self) -> bool:
        return self.store.is_dead

    def die(self) -> None:
        """From now on nothing more of it reaches the store."""
        self.store.death.has_come = True
        self.died.set()

    async def until_dead(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What comes of it, or `None` if the runtime dies before."""
        doing = asyncio.ensure_future(work)
        dying = asyncio.ensure_future(self.died.wait())
        try:
            await asyncio.wait({doing, dying}, return_when=asyncio.FIRST_COMPLETED)
            return None if self.is_dead else await doing
        except ProcessDied:
            return None
        finally:
            await end_all({doing, dying})

    async def __aenter__(self) -> Self:
        self._others = asyncio.all_tasks()
        LIVING.append(self)
        await self.until_dead(self._enter())
        return self

    async def _enter(self) -> None:
        await self.runtime.__aenter__()
        self._is_entered = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._is_entered and not self.is_dead:
                await self.until_dead(self.runtime.__aexit__(kind, error, traceback))
        finally:
            if self.is_dead or not self._is_entered:
                await self.bury()
            LIVING.remove(self)

    async def bury(self) -> None:
        """Ends what a process takes with it when it dies."""
        self.store.death.has_come = True
        machine = self.runtime._machine
        if machine is not None:
            await vanish(machine)
        await end_all(asyncio.all_tasks() - self._others - {asyncio.current_task()})
        self.runtime.clock.hold()  # a lease mustn't lapse because a file takes its time
        try:
            await self.store.__aexit__()
        finally:
            self.runtime.clock.release()


async def end_all(tasks: set[Any]) -> None:
    """Cancels tasks until they are done: what they do about it can't matter any more."""
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending)
    for task in tasks:
        if not task.cancelled():
            task.exception()


def ignore_deaths(loop: AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """The loop's exception handler while runtimes die: that they do is no news."""
    if not isinstance(context.get("exception"), ProcessDied):
        with suppress(ProcessDied):
            loop.default_exception_handler(dict(context))
