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
    """Once halts the run, twice cancels it and takes it back; a rollback isn't interrupted. SIGTERM halts, however often it comes.

    Before there is a run, each of them ends the command.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._run: Run[Any] | None = None
        self._patience = 0.0
        self._halting = False
        self._cancelled = False
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, run: Run[Any], patience: float) -> None:
        """There is a run now; `patience` are the seconds that its steps have to end when it's halted."""
        self._run = run
        self._patience = patience

    @contextmanager
    def installed(self) -> Generator[None]:
        """Listens to the signals within the `with`; then they do what they did before."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number, act in ((signal.SIGINT, self._interrupt), (signal.SIGTERM, self._terminate)):
            loop.add_signal_handler(number, self._act, act, task)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def _act(self, act: Callable[[Run[Any]], None], task: asyncio.Task[Any]) -> None:
        if self._run is None:
            task.cancel()
        else:
            act(self._run)

    def _interrupt(self, run: Run[Any]) -> None:
        """Ctrl-C."""
        if self._is_going_back(run):
            self._say(
                f"Ctrl-C: what was done is being taken back, which isn't interrupted. To leave it as it is: kill -9 {os.getpid()}"
            )
        elif self._halting:
            self._cancelled = True
            self._say("Ctrl-C again: cancelling the run, and taking back what was done.")
            self._do(run.cancel("Ctrl-C"))
        else:
            self._halt(run, "Ctrl-C", " Again: cancel it and take it back.")

    def _terminate(self, run: Run[Any]) -> None:
        """SIGTERM."""
        if not self._halting and not self._is_going_back(run):
            self._halt(run, "SIGTERM", "")

    def _halt(self, run: Run[Any], why: str, then: str) -> None:
        self._halting = True
        self._say(f"{why}: halting the run; steps in flight have {self._patience:g} s to end.{then}")
        self._do(self._halted(run, why))

    def _is_going_back(self, run: Run[Any]) -> bool:
        return self._cancelled or run.status() == "rolling_back"

    async def _halted(self, run: Run[Any], why: str) -> None:
        try:
            await run.halt(why)
        except InvalidState as error:  # it has ended, or has begun to roll back, meanwhile
            self._say(str(error))

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
