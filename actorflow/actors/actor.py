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

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actorflow.errors import InvalidState

from .ref import ActorRef, ref_of

if TYPE_CHECKING:
    from .task_cell import TaskCell

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
        return ref_of(_home(self))

    def stop(self) -> None:
        """Ends the actor after the message that it handles now."""
        _home(self).stop_next()

    def send_after(self, delay: float, message: M_contra, /) -> Callable[[], bool]:
        """Sends itself a message `delay` seconds from now, unless it ends before. Call what this gives to cancel it."""
        cell = _home(self)
        cell.accepts.check(message, cell.address)
        return cell.set_alarm(delay, message)


def _home(actor: Actor[Any]) -> TaskCell:
    if actor._cell is None:
        raise InvalidState(f"{type(actor).__qualname__} isn't spawned yet, so it has no address")
    return actor._cell


def settle(actor: Actor[Any], cell: TaskCell) -> None:
    """Gives an actor object its cell; it can have one only."""
    if actor._cell is not None:
        raise InvalidState(f"this {type(actor).__qualname__} was spawned already: make a new object for each spawn")
    actor._cell = cell
