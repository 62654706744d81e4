"""Turn actors: an actor that is a callback of the loop, not a task. The runtime's own actors are of this kind.

It handles in one turn of the loop what has come, up to a budget, and lets others have a turn then. `handle` is sync. What it
posts to itself while it handles is handled in the same turn.
"""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from actorflow.errors import InvalidState

from .accepts import Accepts, accepts_of
from .cell import Cell
from .envelope import STOP, ExitReason

M = TypeVar("M")


class TurnActor(Generic[M]):
    """Derive from `TurnActor[Message]` and write `handle`. Works by itself, and as a supervised child.

    An exception in `handle` never stops the mailbox from being drained: alone, the actor reports it to `failed` and goes on;
    supervised, it is started again on the same mailbox. An object that has a successor passes on what is posted to it.
    """

    budget = 256
    """Messages handled in one turn."""

    def __init__(self, name: str = "", *, loop: AbstractEventLoop | None = None) -> None:
        self.name = name or type(self).__name__
        self.loop = loop or asyncio.get_running_loop()
        self.mailbox: deque[M] = deque()
        self._context = contextvars.copy_context()
        self._awake = False
        self._cell: TurnCell | None = None
        self._next: Callable[[], None] | None = None  # has its successor look into the mailbox

    def handle(self, message: M, /) -> None:
        """Handles one message."""
        raise NotImplementedError(f"{type(self).__qualname__} has no handle()")

    def turn_ended(self) -> None:
        """Runs after each drain of the mailbox, after one with a failure too."""

    def started(self) -> None:
        """Runs before the first message, after each start by a supervisor."""

    def stopping(self) -> None:
        """Runs when a supervised actor stops as it should."""

    def failed(self, error: Exception, message: M | None) -> None:
        """Takes the failures of one that isn't supervised (`message` is None: in `turn_ended`)."""
        self.loop.call_exception_handler(
            {"message": f"{self.name} failed on {type(message).__name__}", "exception": error}
        )

    def post(self, message: M, /) -> None:
        """Sends it a message, the cheapest way: nothing is checked. For its own loop and thread only."""
        self.mailbox.append(message)
        if not self._awake:
            self._awake = True
            self.loop.call_soon(self._drain, context=self._context)

    def wake(self) -> None:
        """Has it look into its mailbox in the next turn of the loop."""
        if not self._awake:
            self._awake = True
            self.loop.call_soon(self._drain, context=self._context)

    def _drain(self) -> None:
        if self._next is not None:
            self._awake = False
            self._next()
            return
        mailbox, handle = self.mailbox, self.handle
        message: Any = None
        try:
            for _ in range(self.budget):
                if not mailbox:
                    break
                message = mailbox.popleft()
                if message is STOP:
                    break
                handle(message)
            else:
                message = None
        except Exception as error:
            self._end_turn(error, message)
        else:
            self._end_turn(None, message)

    def _end_turn(self, error: Exception | None, message: Any) -> None:
        stops = message is STOP and error is None
        try:
            self.turn_ended()
        except Exception as other:
            if error is None:
                error, message = other, None
        finally:
            self._awake = False
            if self.mailbox and not stops:
                self.wake()
        if error is not None:
            self._report(error, message)
        elif stops and self._cell is not None:
            self._cell.stop_now()

    def _report(self, error: Exception, message: Any) -> None:
        if self._cell is None:
            self.failed(error, message)
        else:
            self._cell.finish("failed", error, message)


def settle(actor: TurnActor[Any], cell: TurnCell) -> None:
    """Gives a turn actor its cell, whose mailbox becomes its own."""
    if actor._cell is not None or actor._next is not None:
        raise InvalidState(f"this {actor.name} was spawned already: make a new object for each spawn")
    actor._cell = cell
    cell.mailbox.extend(actor.mailbox)
    actor.mailbox = cell.mailbox


def retire(actor: TurnActor[Any], cell: TurnCell) -> None:
    """Takes a turn actor out of its cell; what is still posted to it goes to the cell."""
    actor._cell = None
    actor._next = cell.look


def accepts_of_turn_actor(cls: type) -> Accepts:
    return accepts_of(cls, TurnActor, "handle")


class TurnCell(Cell):
    """The home of a turn actor."""

    __slots__ = ("actor", "first")

    actor: TurnActor[Any] | None
    first: TurnActor[Any] | None

    def start(self, error: BaseException | None = None) -> None:
        first = self.first is not None
        actor: Any = self.first if first else self.factory()
        self.first = None
        settle(actor, self)
        self.actor = actor
        self.is_down = False
        self.idle = True
        self.spawned(error, first=first)
        try:
            actor.started()
        except Exception as failure:
            self.finish("failed", failure)
            return
        if self.mailbox:
            self.wake()

    def wake(self) -> None:
        if self.actor is not None:
            self.actor.wake()

    def look(self) -> None:
        """Something was posted to a former actor object of this cell."""
        if self.exit is not None:
            self._bury()
        elif self.actor is not None:
            self.actor.wake()

    def kill(self) -> None:
        """Nothing to cancel: it is never in the middle of something when others run."""

    def is_bare(self) -> bool:
        return False

    def stop_next(self) -> None:
        if self.actor is not None and self.exit is None:
            self.stop_now()

    def stop_now(self) -> None:
        actor = self.actor
        if actor is not None:
            try:
                actor.stopping()
            except Exception as error:
                self.finish("failed", error)
            else:
                self.finish("stopped")

    def in_hand(self, message: Any) -> set[int]:
        """The one it failed on: what it kept to answer later lies in a table that outlives it."""
        return {id(message)}

    def finish(self, reason: ExitReason, error: BaseException | None = None, message: Any = None) -> None:
        actor, self.actor = self.actor, None
        if actor is not None:
            retire(actor, self)
        super().finish(reason, error, message)
