"""Mailboxes: a plain deque, or one with a bound at which senders wait in line."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections import deque
from typing import Any, TypeAlias

from actorflow.errors import ActorGone

from .envelope import refuse

Mailbox: TypeAlias = deque[Any]


class BoundedMailbox(deque[Any]):
    """A deque that lets the next one who waits in, as soon as a message is taken out."""

    __slots__ = ("bound", "waiting")

    def __init__(self, bound: int) -> None:
        super().__init__()
        self.bound = bound
        self.waiting: deque[tuple[Any, Future[None]]] = deque()

    def is_full(self) -> bool:
        """Whether a message has to wait: no room, or others wait already."""
        return len(self) >= self.bound or bool(self.waiting)

    def popleft(self) -> Any:
        message = super().popleft()
        if self.waiting:
            self.let_in()
        return message

    def let_in(self) -> None:
        """Moves messages in as there is room; those whose sender has gone away are forgotten."""
        while self.waiting and len(self) < self.bound:
            message, future = self.waiting.popleft()
            if not future.done():
                self.append(message)
                future.set_result(None)

    def wait_in_line(self, message: Any, loop: AbstractEventLoop) -> Future[None]:
        future: Future[None] = loop.create_future()
        self.waiting.append((message, future))
        return future

    def leave_line(self, future: Future[None]) -> None:
        """Forgets a sender that no longer waits, and its message."""
        self.waiting = deque(entry for entry in self.waiting if entry[1] is not future)

    def turn_away(self, address: str) -> None:
        """Tells all who wait that there is nobody left to take their message."""
        while self.waiting:
            refuse(self.waiting.popleft()[1], ActorGone(f"{address} ended before it had room for the message"))


def new_mailbox(bound: int | None) -> Mailbox:
    """A mailbox for at most `bound` messages (`None`: any number)."""
    if bound is None:
        return deque()
    if bound < 1:
        raise ValueError(f"a mailbox holds at least one message, not {bound}")
    return BoundedMailbox(bound)


def messages_in(mailbox: Mailbox) -> list[Any]:
    """All that lies in the mailbox or waits for room."""
    waiting = mailbox.waiting if isinstance(mailbox, BoundedMailbox) else ()
    return [*mailbox, *(message for message, _ in waiting)]
