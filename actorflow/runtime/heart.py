"""A thread that renews the lease whatever the loop does, and says which step blocks it (R55)."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from time import monotonic, process_time
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Final

import structlog

from actorflow.errors import StoreError
from actorflow.runtime import step_runner
from actorflow.runtime.row import Row

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from actorflow.store import Store

log = structlog.get_logger("actorflow")

BLOCKED: Final = 1.0
"""Seconds without an answer of the loop, from which on it counts as blocked."""
LOOKS_EVERY: Final = 0.5
IDLE: Final = 0.5
"""Which part of a time that went by unseen a process must have computed, at least, to count as having been awake in it."""
CODE_OF_STEPS: Final[frozenset[CodeType]] = frozenset({
    step_runner.run_attempt.__code__, step_runner.run_guards.__code__, step_runner.run_compensation.__code__,
    step_runner.run_undo.__code__, step_runner.StepRunner.run_inline.__code__,
})  # fmt: skip
"""What calls a step's own code; each of them knows the row and the node."""


class Heart(threading.Thread):
    """`beat` renews the lease on a store of this thread's own, every `interval` seconds. `stop` ends it."""

    def __init__(
        self, loop: AbstractEventLoop, store: Store, beat: Callable[[Store], Awaitable[bool]], interval: float
    ) -> None:
        super().__init__(name="actorflow heart", daemon=True)
        self.loop = loop
        self.store = store
        self.beat = beat
        self.interval = interval
        self.answered = monotonic()
        self.loop_thread = threading.get_ident()
        self.reported = False
        self._stopped = threading.Event()

    def run(self) -> None:
        asyncio.run(self.live())

    async def live(self) -> None:
        """It beats only while the loop is silent: else the loop renews the lease itself."""
        due = monotonic() + self.interval
        while not self.waited(min(LOOKS_EVERY, self.interval)):
            if not self.look():
                return
            if monotonic() >= due and monotonic() - self.answered >= self.interval:
                due = monotonic() + self.interval
                try:
                    async with self.store as store:
                        await self.beat(store)
                except StoreError as error:  # the next beat may do better; the lease allows for two that don't
                    log.warning("the lease couldn't be renewed", error=str(error))

    def waited(self, seconds: float) -> bool:
        """Whether it is to end. A loop doesn't answer while the whole process is frozen (`SIGSTOP`, a suspended machine): that counts for nothing."""
        began, used = monotonic(), process_time()
        is_stopped = self._stopped.wait(seconds)
        self.answered += frozen(monotonic() - began - seconds, process_time() - used)
        return is_stopped

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=5.0)

    # ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> bool:
        """False if the loop is closed, though nobody has left the runtime."""
        silent = monotonic() - self.answered
        if silent > BLOCKED and not self.reported:
            self.reported = True
            where = self.blocking_step()
            if where is not None:
                row, node = where
                log.warning("a step blocks the event loop", run=row.id, step=row.name(node), seconds=round(silent, 1))
        try:
            self.loop.call_soon_threadsafe(self.answer)
        except RuntimeError:
            return False
        return True

    def answer(self) -> None:
        self.answered = monotonic()
        self.reported = False

    def blocking_step(self) -> tuple[Row, int] | None:
        """The step whose code the loop's thread is in just now."""
        frame: FrameType | None = sys._current_frames().get(self.loop_thread)
        while frame is not None:
            if frame.f_code in CODE_OF_STEPS:
                row, found = frame.f_locals.get("row"), frame.f_locals.get("node")
                node = found if isinstance(found, int) else getattr(frame.f_locals.get("order"), "node", None)
                if isinstance(row, Row) and isinstance(node, int):
                    return row, node
            frame = frame.f_back
        return None


def frozen(late: float, used: float) -> float:
    """Seconds for which the process didn't run at all. `late`: by how much a wait has lasted longer than it was to; `used`: what the process has
    computed meanwhile, which is much if code that holds the interpreter's lock has kept the waiting thread from going on.
    """
    return late if late > 0.0 and used < late * IDLE else 0.0
