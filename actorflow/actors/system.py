"""The root of a tree of actors."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Task
from collections.abc import Callable
from types import TracebackType
from typing import Self

import anyio

from actorflow.errors import WrongLoop

from .child import SupervisorSpec
from .envelope import Exit
from .kernel import Kernel, Publish
from .supervisor import Supervisor


class ActorSystem(Supervisor):
    """A supervisor with nobody above it, and the loop that all below it live on.

        async with ActorSystem() as system:
            counter = system.spawn(Counter())

    Leaving it stops all actors, the youngest first; no task, timer or waiting asker is left behind. If it gave up, because
    its children failed too often, `on_failure` is called, and leaving raises the `ActorFailed` that says why.

    `publish` takes the facts of the actors (`ActorSpawned`, `ActorStopped`, `ActorRestarted`, `DeadLetter`).
    """

    def __init__(
        self,
        spec: SupervisorSpec | None = None,
        *,
        publish: Publish | None = None,
        on_failure: Callable[[BaseException], object] | None = None,
    ) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise WrongLoop(
                "an actor system belongs to a running event loop of asyncio\nMake it inside of one."
            ) from None
        super().__init__(Kernel(loop, publish), spec or SupervisorSpec())
        self._on_failure = on_failure
        self._stopping: Task[None] | None = None
        self.start()

    @property
    def dead_letters(self) -> int:
        """How many messages came for actors that were gone."""
        return self.kernel.dead_letters

    @property
    def failure(self) -> BaseException | None:
        """Why the system gave up, if it did."""
        return self._given_up.error if self._given_up is not None else None

    async def stop(self) -> None:
        """Stops all actors. Being cancelled meanwhile doesn't stop that; it's told afterwards."""
        if self._stopping is None:
            self._stopping = self.kernel.loop.create_task(self._stop_all(), name="actor system: stop")
        cancelled: CancelledError | None = None
        while not self._stopping.done():
            try:
                await asyncio.wait({self._stopping})
            except CancelledError as error:
                cancelled = error
        self._stopping.result()
        if cancelled is not None:
            raise cancelled

    async def _stop_all(self) -> None:
        await self.halt(keep=False)
        self.kernel.timers.close()

    def gave_up(self, exit: Exit) -> None:
        if self._on_failure is not None and exit.error is not None:
            self._on_failure(exit.error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.stop()
        if self.failure is not None and error is None:
            raise self.failure
