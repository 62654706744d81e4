"""Refs: how an actor is spoken to. Whoever has one may send; nothing else of the actor can be reached."""

from __future__ import annotations

import asyncio
from asyncio import current_task, get_running_loop
from asyncio.events import _get_running_loop as running_loop  # pyright: ignore[reportPrivateUsage] - in their __all__
from collections.abc import Callable, Coroutine
from math import inf
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actorflow.errors import ActorGone, AskTimeout, InvalidMessage, InvalidState, WrongLoop, brief

from .envelope import Answer, Down, Exit, Reply, refuse

if TYPE_CHECKING:
    from .cell import Cell

M_contra = TypeVar("M_contra", contravariant=True)
T = TypeVar("T")


class ActorRef(Generic[M_contra]):
    """The address of an actor. It stays the same when the actor is started again.

    For the loop of the actor only; `from_thread()` gives one for other threads and loops.
    """

    __slots__ = ("_cell", "_check", "_known", "_loop")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._loop = cell.loop
        self._known = cell.accepts.known
        self._check = cell.accepts.check

    @property
    def address(self) -> str:
        """Its name below its supervisors, as in `pool/worker-2`."""
        return self._cell.address

    @property
    def is_alive(self) -> bool:
        """Whether it takes messages: it hasn't ended for good."""
        return self._cell.exit is None

    def send(self, message: M_contra, /) -> None:
        """Sends, and doesn't wait. To an actor that is gone it's a dead letter.

        Raises `InvalidMessage`, `MailboxFull` if a bounded mailbox has no room, `WrongLoop`.
        """
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        if type(message) not in self._known:
            self._check(message, self._cell.address)
        cell = self._cell
        if not cell.open:
            cell.take(message)
            return
        cell.mailbox.append(message)
        if cell.idle:
            cell.wake()

    async def put(self, message: M_contra, /) -> None:
        """Sends as soon as there is room. Raises `ActorGone` if the actor has ended, or ends meanwhile."""
        self._admit(message)
        await self._cell.take_or_wait(message)

    async def ask(self, question: Callable[[Reply[T]], M_contra], /, *, timeout: float | None = None) -> T:
        """Sends what `question` makes of a reply, and waits for the answer, at most `timeout` seconds.

        Raises what the actor refused with; `ActorFailed` if it failed on the question or dropped it; `ActorGone` if it
        ended before it answered; `AskTimeout`; `InvalidState` if the actor asks itself. It never waits for nobody.
        """
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        cell = self._cell
        if cell.exit is not None:
            raise ActorGone(f"{cell.address} has ended")
        if cell.task is not None and cell.task is current_task():
            raise _asked_itself(cell)
        if timeout is not None:
            _check_timeout(timeout)
        future = self._loop.create_future()
        try:
            message = question(Answer(future, self._loop, cell.address))
            if type(message) not in self._known:
                self._check(message, cell.address)
        except BaseException:
            future.cancel()  # nobody waits: the reply that is dropped has nothing to say
            _check_question(question)
            raise
        cell.asks[future] = id(message)
        if timeout is not None:
            cell.kernel.timers.after(timeout, future, lambda: refuse(future, _too_late(cell, timeout)))
        try:
            if cell.open:
                cell.mailbox.append(message)
                if cell.idle:
                    cell.wake()
            else:
                await self._queue(future, message)
            del message  # the actor alone decides how long it lives
            return await future  # type: ignore[no-any-return]
        finally:
            cell.asks.pop(future, None)
            if timeout is not None:
                cell.kernel.timers.cancel(future)

    def stop(self) -> None:
        """Has the actor end when it has handled what lies in its mailbox now. A permanent child is started again."""
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        self._cell.ask_to_stop()

    async def ended(self) -> Exit:
        """Waits until it has ended for good, and tells how."""
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        cell = self._cell
        if cell.exit is not None:
            return cell.exit
        future: asyncio.Future[Exit] = self._loop.create_future()
        if cell.ends is None:
            cell.ends = []
        cell.ends.append(future)
        return await future

    def monitor(self, listener: ActorRef[Down] | Callable[[Down], object], /) -> Callable[[], None]:
        """Has `listener` told of each end of the actor (R34), at once if it's gone. Call what this gives to take it back."""
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        if not isinstance(listener, ActorRef):
            return self._cell.watch(listener)
        listener._check(Down(self.address, Exit("stopped")), listener.address)
        return self._cell.watch(listener.hear)

    def hear(self, message: Down, /) -> None:
        """Takes what monitors are told, which no bound keeps out."""
        self._cell.push(message)

    def from_thread(self) -> ActorRef[M_contra]:
        """A ref for other threads, and for other loops in them."""
        return ThreadRef(self._cell)

    def _admit(self, message: Any) -> None:
        if running_loop() is not self._loop:
            raise self._wrong_loop()
        if type(message) not in self._known:
            self._check(message, self._cell.address)

    async def _queue(self, future: asyncio.Future[Any], message: Any) -> None:
        """Puts a question in line for room, but no longer than its asker waits for the answer."""
        putting = asyncio.ensure_future(self._cell.take_or_wait(message))
        try:
            await asyncio.wait({putting, future}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not putting.done():
                putting.cancel()
                await asyncio.wait({putting})
        if not putting.cancelled():
            putting.result()

    def _wrong_loop(self) -> WrongLoop:
        return WrongLoop(
            f"the ref of {self._cell.address} is for its own event loop\nUse ref.from_thread() from other threads and loops."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._cell.address}>"


class ThreadRef(ActorRef[M_contra]):
    """A ref that may be used from any thread; `put`, `ask` and `ended` from any loop of asyncio's."""

    __slots__ = ()

    def send(self, message: M_contra, /) -> None:
        """As `ActorRef.send`. Threads that send at the same moment may go over the bound, by a message each."""
        self._check(message, self._cell.address)
        if self._cell.exit is None and not self._cell.open:
            self._cell.check_room()
        try:
            self._loop.call_soon_threadsafe(self._cell.push, message)
        except RuntimeError:  # the loop is closed: nobody is there any more
            self._cell.kernel.dead_letters += 1

    async def put(self, message: M_contra, /) -> None:
        self._check(message, self._cell.address)
        await self._at_home(self._cell.take_or_wait(message))

    async def ask(self, question: Callable[[Reply[T]], M_contra], /, *, timeout: float | None = None) -> T:
        return await self._at_home(ActorRef[M_contra](self._cell).ask(question, timeout=timeout))

    async def ended(self) -> Exit:
        return await self._at_home(ActorRef[M_contra](self._cell).ended())

    def hear(self, message: Down, /) -> None:
        self._loop.call_soon_threadsafe(self._cell.push, message)

    def stop(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._cell.ask_to_stop)
        except RuntimeError:  # the loop is closed: it has stopped
            return

    def monitor(self, listener: ActorRef[Down] | Callable[[Down], object], /) -> Callable[[], None]:
        raise WrongLoop(f"{self._cell.address} can be monitored from its own event loop only")

    async def _at_home(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in the actor's own loop, and waits for it here."""
        try:
            here = get_running_loop()
            if here is self._loop:
                return await work
            future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except RuntimeError:
            work.close()
            raise ActorGone(f"{self._cell.address} has ended: its event loop is closed") from None
        return await future


def ref_of(cell: Cell) -> ActorRef[Any]:
    """The actor's own ref, the same as long as it lives."""
    ref: ActorRef[Any] = cell.ref or ActorRef(cell)
    return ref


def _check_question(question: object) -> None:
    if not callable(question):
        raise InvalidMessage(
            f"a question is a function from a reply to a message, not {brief(question)}\nUse asking(Message, …)."
        ) from None


def _check_timeout(timeout: object) -> None:
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or not 0 <= timeout < inf:
        raise InvalidState(f"a timeout is a number of seconds, 0 or more, not {brief(timeout)}")


def _too_late(cell: Cell, timeout: float) -> AskTimeout:
    return AskTimeout(f"{cell.address} didn't answer within {timeout:g} s")


def _asked_itself(cell: Cell) -> InvalidState:
    return InvalidState(
        f"{cell.address} can't ask itself: it takes the next message when it's done with this one, so the answer would never come\n"
        "Call its own method instead, or send itself a message."
    )
