"""Ctrl-C and SIGTERM while a run goes on: installed here and nowhere else (R38)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

from actorflow.errors import InvalidState
from actorflow.runtime import Run


class Interrupts:
    """Once halts the run, twice cancels it and takes it back; a rollback isn't interrupted. SIGTERM halts, however often it comes."""

    def __init__(self, run: Run[Any], say: Callable[[str], None], patience: float) -> None:
        self._run = run
        self._say = say
        self._patience = patience
        self._halting = False
        self._cancelled = False
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def installed(self) -> Generator[None]:
        """Listens to the signals within the `with`; then they do what they did before."""
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        loop.add_signal_handler(signal.SIGINT, self.interrupt)
        loop.add_signal_handler(signal.SIGTERM, self.terminate)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def interrupt(self) -> None:
        """Ctrl-C."""
        if self._is_going_back():
            self._say(
                f"Ctrl-C: what was done is being taken back, which isn't interrupted. To leave it as it is: kill -9 {os.getpid()}"
            )
        elif self._halting:
            self._cancelled = True
            self._say("Ctrl-C again: cancelling the run, and taking back what was done.")
            self._do(self._run.cancel("Ctrl-C"))
        else:
            self._halting = True
            self._say(
                f"Ctrl-C: halting the run; steps in flight have {self._patience:g} s to end. Again: cancel it and take it back."
            )
            self._do(self._halt("Ctrl-C"))

    def terminate(self) -> None:
        """SIGTERM."""
        if not self._halting and not self._is_going_back():
            self._halting = True
            self._say(f"SIGTERM: halting the run; steps in flight have {self._patience:g} s to end.")
            self._do(self._halt("SIGTERM"))

    def _is_going_back(self) -> bool:
        return self._cancelled or self._run.status() == "rolling_back"

    async def _halt(self, why: str) -> None:
        try:
            await self._run.halt(why)
        except InvalidState as error:  # it has ended, or has begun to roll back, meanwhile
            self._say(str(error))

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
