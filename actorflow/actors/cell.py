"""What stays of an actor when it is started again: its address, its mailbox, those who wait for it and watch it.

An actor object lives in a cell from one start to the next end. `TaskCell` (in `task_cell.py`) runs actors with an async `receive`, one task
each (made when the first message comes); `TurnCell` (in `turn.py`) those that are a callback.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from asyncio import Future, Task
from collections.abc import Callable, Hashable
from typing import Any, Final, Protocol

from actorflow.errors import ActorFailed, ActorGone, MailboxFull, describe
from actorflow.facts import ActorRestarted, ActorSpawned, ActorStopped

from .accepts import Accepts
from .child import Child, ChildSpec, Restart
from .envelope import STOP, Down, Exit, ExitReason, refuse
from .kernel import Kernel
from .mailbox import BoundedMailbox, messages_in, new_mailbox

BUDGET: Final = range(256)
"""Messages that an actor handles before it lets others have a turn."""

GRACE: Final = 1.0
"""Seconds that a cancelled actor has to end before it's abandoned."""

_log = logging.getLogger("actorflow.actors")


class Parent(Protocol):
    """What a cell asks of its supervisor."""

    def judge(self, child: Child, reason: ExitReason, error: BaseException | None) -> bool:
        """Whether a child that has just ended is to be started again; counts it."""
        ...

    def recover(self, child: Child, error: BaseException | None) -> None:
        """Starts it again, and those that go with it."""

    def forget(self, child: Child) -> None:
        """It has ended for good."""


class Cell:
    """One address, over all restarts of its actor."""

    __slots__ = (
        "accepts",
        "address",
        "alarms",
        "asks",
        "context",
        "ends",
        "exit",
        "factory",
        "halted",
        "idle",
        "is_down",
        "keeps",
        "kernel",
        "loop",
        "mailbox",
        "monitors",
        "name",
        "open",
        "parent",
        "ref",
        "restart",
        "shutdown",
        "stop_asked",
        "task",
        "urgent",
    )  # fmt: skip

    def __init__(
        self, kernel: Kernel, parent: Parent, spec: ChildSpec, name: str, address: str, accepts: Accepts
    ) -> None:
        self.kernel = kernel
        self.loop = kernel.loop
        self.parent = parent
        self.name = name
        self.address = address
        self.accepts = accepts
        self.factory = spec.factory
        self.ref: Any = None  # while it lives
        self.restart: Restart = spec.restart
        self.shutdown = spec.shutdown
        self.mailbox = new_mailbox(spec.mailbox)
        self.context = contextvars.copy_context()
        self.open = spec.mailbox is None  # sends need no look at the state
        self.idle = False  # the next message must wake the actor
        self.is_down = False
        self.exit: Exit | None = None
        self.asks: dict[Future[Any], int] = {}  # who waits for an answer, and the id of the question
        self.ends: list[Future[Exit]] | None = None
        self.monitors: list[Callable[[Down], object]] | None = None
        self.alarms: set[Hashable] | None = None
        self.halted: Future[None] | None = None
        self.task: Task[None] | None = None  # what it executes in, if it does in one of its own
        self.keeps = False
        self.stop_asked = False
        self.urgent = False

    # what its two kinds do

    def start(self, error: BaseException | None = None) -> None:
        raise NotImplementedError

    def wake(self) -> None:
        """Has the actor look into its mailbox."""
        raise NotImplementedError

    def kill(self) -> None:
        """Cancels the actor in the middle of what it does."""
        raise NotImplementedError

    def is_bare(self) -> bool:
        """Whether it can be ended here and now: it is doing nothing, and nothing of its own has to run."""
        raise NotImplementedError

    def in_hand(self, message: Any) -> set[int]:
        """Ids of the questions that go unanswered when the actor fails on `message`."""
        raise NotImplementedError

    # messages

    def take(self, message: Any) -> None:
        """The way in for a mailbox with a bound, or one that is gone."""
        if self.exit is not None:
            self.kernel.dead_letter(self.address, message)
        else:
            self.check_room()
            self.push(message)

    def check_room(self) -> None:
        """Raises `MailboxFull` if there is a bound, and no room."""
        if isinstance(self.mailbox, BoundedMailbox) and self.mailbox.is_full():
            raise MailboxFull(f"{self.address} has {len(self.mailbox)} messages waiting\nUse `await ref.put(message)`.")

    def push(self, message: Any) -> None:
        """Puts a message in, over the bound if need be; a dead letter if the actor is gone."""
        if self.exit is not None:
            self.kernel.dead_letter(self.address, message)
            return
        self.mailbox.append(message)
        if self.idle:
            self.wake()

    async def take_or_wait(self, message: Any) -> None:
        """Puts a message in as soon as there is room."""
        if self.exit is not None:
            raise ActorGone(f"{self.address} has ended")
        mailbox = self.mailbox
        if not isinstance(mailbox, BoundedMailbox) or not mailbox.is_full():
            self.push(message)
            return
        future = mailbox.wait_in_line(message, self.loop)
        try:
            await future
        except asyncio.CancelledError:
            mailbox.leave_line(future)
            raise
        if self.idle:
            self.wake()

    # ending

    def ask_to_stop(self) -> None:
        """Has it end after what lies in its mailbox now."""
        if self.exit is None and not self.stop_asked:
            self.stop_asked = True
            if self.idle and not self.mailbox and self.is_bare():
                self.finish("stopped")
            else:
                self.push(STOP)

    def stop_next(self) -> None:
        """Has it end after the message that it handles now."""
        if self.exit is not None or self.urgent or self.is_down:
            return
        if self.idle and self.is_bare():
            self.finish("stopped")
            return
        self.urgent = True
        self.mailbox.appendleft(STOP)
        if self.idle:
            self.wake()

    async def halt(self, *, keep: bool) -> None:
        """Stops it within its time, cancels it then, and abandons it with an error if that doesn't help."""
        if self.exit is not None or self.is_down:
            if not keep:
                self.end(Exit("stopped"))
            return
        self.keeps = keep
        halted = self.halted = self.loop.create_future()
        self.stop_next()
        if not halted.done():
            await asyncio.wait({halted}, timeout=self.shutdown)
        if not halted.done():
            self.kill()
            await asyncio.wait({halted}, timeout=GRACE)
        if not halted.done():
            self.keeps = False  # there is never a second one beside one that goes on
            self.finish("killed", ActorFailed(f"{self.address} went on though it was cancelled, and was abandoned"))

    def finish(self, reason: ExitReason, error: BaseException | None = None, message: Any = None) -> None:
        """The actor object has ended. Says so to all whom it concerns, and whether it's started again."""
        self.idle = False
        self._tidy()
        halted, self.halted = self.halted, None
        again = self.keeps if halted is not None else self.parent.judge(self, reason, error)
        exit = Exit(reason, error, again)
        if again:
            self.is_down = True
            self._refuse_asks(exit, self.in_hand(message) if reason == "failed" else self._not_in_mailbox())
            self._tell_monitors(exit)
        else:
            self.end(exit)
        if halted is not None:
            halted.set_result(None)
        elif again:
            self.parent.recover(self, error)
        else:
            self.parent.forget(self)

    def end(self, exit: Exit) -> None:
        """It has ended for good: whoever waits is told, what lies in the mailbox is dead letters."""
        if self.exit is not None:
            return
        self.exit = exit
        self.open = self.is_down = self.idle = False
        if self.asks:
            self._refuse_asks(exit, set(self.asks.values()))
        if self.mailbox:
            self._bury()
        if isinstance(self.mailbox, BoundedMailbox):
            self.mailbox.turn_away(self.address)
        if self.kernel.publish is not None:
            self.kernel.tell(ActorStopped(self.address, self.loop.time(), exit.error))
        elif exit.error is not None and not self.monitors:
            _log.error("%s %s: %s", self.address, exit.reason, describe(exit.error), exc_info=exit.error)
        if self.monitors:
            self._tell_monitors(exit)
        for future in self.ends or ():
            if not future.done():
                future.set_result(exit)
        self.ends = self.ref = None  # no circles are left for the garbage collector

    def watch(self, listener: Callable[[Down], object]) -> Callable[[], None]:
        """Tells `listener` of each end; gives what takes that back."""
        if self.exit is not None:
            return self.loop.call_soon(listener, Down(self.address, self.exit)).cancel
        if self.monitors is None:
            self.monitors = []
        monitors = self.monitors
        monitors.append(listener)
        return lambda: monitors.remove(listener) if listener in monitors else None

    def spawned(self, error: BaseException | None, *, first: bool) -> None:
        """Publishes that it has been started."""
        if self.kernel.publish is not None:
            now = self.loop.time()
            self.kernel.tell(ActorSpawned(self.address, now) if first else ActorRestarted(self.address, now, error))

    def _tidy(self) -> None:
        """Takes out what belonged to this actor object alone: its alarms, its own wish to stop."""
        if self.alarms:
            for key in self.alarms:
                self.kernel.timers.cancel(key)
            self.alarms = None
        if self.urgent and self.mailbox and self.mailbox[0] is STOP:
            self.mailbox.popleft()
        self.urgent = self.stop_asked = False

    def _not_in_mailbox(self) -> set[int]:
        waiting = {id(message) for message in messages_in(self.mailbox)}
        return {question for question in self.asks.values() if question not in waiting}

    def _refuse_asks(self, exit: Exit, questions: set[int]) -> None:
        waiting = set(map(id, messages_in(self.mailbox)))
        for future, question in list(self.asks.items()):
            if question in questions:
                refuse(future, _unanswered(self.address, exit, was_taken=question not in waiting))

    def _bury(self) -> None:
        for message in self.mailbox:
            if message is not STOP:
                self.kernel.dead_letter(self.address, message)
        self.mailbox.clear()

    def _tell_monitors(self, exit: Exit) -> None:
        for listener in list(self.monitors or ()):
            try:
                listener(Down(self.address, exit))
            except Exception as error:
                self.loop.call_exception_handler({"message": "a monitor of an actor failed", "exception": error})


def _unanswered(address: str, exit: Exit, *, was_taken: bool) -> Exception:
    if exit.reason == "failed" and was_taken:
        failed = ActorFailed(f"{address} failed before it answered: {describe(exit.error) if exit.error else ''}")
        failed.__cause__ = exit.error
        return failed
    return ActorGone(f"{address} ended ({exit.reason}) before it answered")
