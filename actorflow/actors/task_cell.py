"""The home of an actor with an async `receive`."""

from __future__ import annotations

from asyncio import CancelledError, Future, sleep
from collections.abc import Callable
from typing import Any

from actorflow.errors import ActorFailed

from .accepts import Accepts, accepts_of
from .actor import Actor, settle
from .cell import BUDGET, Cell
from .envelope import STOP, Exit, ExitReason


def _kind(actor: object) -> Any:
    return type(actor)


_NO_START: Any = Actor[Any].started
_NO_STOP: Any = Actor[Any].stopping


def accepts_of_actor(cls: type) -> Accepts:
    return accepts_of(cls, Actor, "receive")


class TaskCell(Cell):
    """A task, made when there is something to do, parked on one future."""

    __slots__ = ("actor", "first", "waiter")

    actor: Actor[Any] | None
    first: Actor[Any] | None
    """The object that was spawned, until the first start takes it."""
    waiter: Future[None] | None

    def start(self, error: BaseException | None = None) -> None:
        """Takes the actor object of the first start, or has a new one made; runs its `started` at once if it has one."""
        first = self.first is not None
        actor: Any = self.first if first else self.factory()
        self.first = None
        settle(actor, self)
        self.actor = actor
        self.task = self.waiter = None
        self.is_down = False
        if self.kernel.publish is not None:
            self.spawned(error, first=first)
        self.idle = True
        if self.mailbox or _kind(actor).started is not _NO_START:
            self.wake()

    def wake(self) -> None:
        self.idle = False
        if self.waiter is not None:
            if not self.waiter.done():
                self.waiter.set_result(None)
        elif self.task is None:
            self.task = self.loop.create_task(self._run(), name=self.address, context=self.context.copy())

    def kill(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def is_bare(self) -> bool:
        return self.task is None and self.actor is not None and type(self.actor).stopping is _NO_STOP

    def in_hand(self, message: Any) -> set[int]:
        """All that it took: what it kept to answer later is lost with it."""
        return self._not_in_mailbox()

    def set_alarm(self, delay: float, message: Any) -> Callable[[], bool]:
        key = object()
        alarms = self.alarms = self.alarms or set()
        alarms.add(key)

        def ring() -> None:
            alarms.discard(key)
            self.push(message)

        def cancel() -> bool:
            alarms.discard(key)
            return self.kernel.timers.cancel(key)

        self.kernel.timers.after(delay, key, ring)
        return cancel

    def finish(self, reason: ExitReason, error: BaseException | None = None, message: Any = None) -> None:
        self.actor = self.task = self.waiter = None
        super().finish(reason, error, message)

    def end(self, exit: Exit) -> None:
        task, self.actor = self.task, None
        super().end(exit)
        if task is not None:  # it was never asked to stop: its supervisor couldn't be started
            task.cancel()

    async def _run(self) -> None:
        """Lives one life of the actor."""
        actor = self.actor
        assert actor is not None
        try:
            kind: Any = type(actor)
            if kind.started is not _NO_START:
                await actor.started()
            await self._handle_all(actor)
            if kind.stopping is not _NO_STOP and self.actor is actor:
                await actor.stopping()
        except GeneratorExit:  # the loop is closed over its head
            raise
        except CancelledError:
            self._was_cancelled(actor)
        except Exception as error:
            self._has_ended(actor, "failed", error)
        except BaseException as error:
            self._has_ended(actor, "failed", error)
            raise
        else:
            self._has_ended(actor, "stopped")

    async def _handle_all(self, actor: Actor[Any]) -> None:
        receive, mailbox = actor.receive, self.mailbox
        next_message = mailbox.popleft
        while True:
            for _ in BUDGET:
                if not mailbox:
                    break
                message = next_message()
                if message is STOP:
                    return
                await receive(message)
            message = None  # its reply, if it has one, isn't kept alive while waiting
            if mailbox:
                await sleep(0)
            elif self.actor is not actor:  # it was abandoned, and comes back after all
                return
            else:
                self.waiter = self.loop.create_future()
                self.idle = True
                await self.waiter

    def _was_cancelled(self, actor: Actor[Any]) -> None:
        """Cancelled from outside it is killed; a `CancelledError` of its own making is a failure."""
        if self.task is not None and self.task.cancelling():
            self._has_ended(actor, "killed", ActorFailed(f"{self.address} was cancelled"))
        else:
            self._has_ended(actor, "failed", ActorFailed(f"{self.address} raised CancelledError, uncalled for"))

    def _has_ended(self, actor: Actor[Any], reason: ExitReason, error: BaseException | None = None) -> None:
        if self.actor is actor:
            self.finish(reason, error)
