"""Actors: somebody with state of their own who handles one message after the other (R33).

class Counter(Actor[Add | Read]):
    def __init__(self) -> None:
        self.total = 0

    async def receive(self, message: Add | Read, /) -> None:
        match message:
            case Add(amount):
                self.total += amount
            case Read(reply):
                reply(self.total)

async with ActorSystem() as system:
    counter = system.spawn(Counter())
    counter.send(Add(2))
    assert await counter.ask(asking(Read)) == 2
"""

from __future__ import annotations

from asyncio import CancelledError, Future, Task, sleep
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actorflow.errors import ActorFailed, InvalidState

from .accepts import Accepts, accepts_of
from .cell import BUDGET, Cell
from .envelope import STOP, Exit, ExitReason

if TYPE_CHECKING:
    from .ref import ActorRef

M_contra = TypeVar("M_contra", contravariant=True)


class Actor(Generic[M_contra]):
    """Derive from `Actor[Message]` and write `receive`. What it takes is the type parameter: a class, or a union of them.

    An exception in `receive` ends the actor: its supervisor decides what then; whoever asked gets `ActorFailed`.
    """

    _cell: TaskCell | None = None

    async def receive(self, message: M_contra, /) -> None:
        """Handles one message; the next one comes when this has returned."""
        raise NotImplementedError(f"{type(self).__qualname__} has no receive()")

    async def started(self) -> None:
        """Runs before the first message, after each start."""

    async def stopping(self) -> None:
        """Runs when the actor stops as it should; not when it failed or was cancelled."""

    @property
    def ref(self) -> ActorRef[M_contra]:
        """Its own address, to be given to others."""
        ref: ActorRef[M_contra] = _home(self).ref
        return ref

    def stop(self) -> None:
        """Ends the actor after the message that it handles now."""
        _home(self).stop_next()

    def send_after(self, delay: float, message: M_contra, /) -> Callable[[], bool]:
        """Sends itself a message `delay` seconds from now, unless it ends before. Call what this gives to cancel it."""
        cell = _home(self)
        cell.accepts.check(message, cell.address)
        return cell.set_alarm(delay, message)


def _kind(actor: object) -> Any:
    return type(actor)


_NO_START: Any = Actor[Any].started
_NO_STOP: Any = Actor[Any].stopping


def _home(actor: Actor[Any]) -> TaskCell:
    if actor._cell is None:
        raise InvalidState(f"{type(actor).__qualname__} isn't spawned yet, so it has no address")
    return actor._cell


def settle(actor: Actor[Any], cell: TaskCell) -> None:
    """Gives an actor object its cell; it can have one only."""
    if actor._cell is not None:
        raise InvalidState(f"this {type(actor).__qualname__} was spawned already: make a new object for each spawn")
    actor._cell = cell


def accepts_of_actor(cls: type) -> Accepts:
    return accepts_of(cls, Actor, "receive")


class TaskCell(Cell):
    """The home of an actor with an async `receive`: a task, made when there is something to do, parked on one future."""

    __slots__ = ("actor", "first", "task", "waiter")

    actor: Actor[Any] | None
    first: Actor[Any] | None
    """The object that was spawned, until the first start takes it."""
    task: Task[None] | None
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
            self.task = self.context.run(self.loop.create_task, self._run(), name=self.address)

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
