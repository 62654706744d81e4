"""What travels beside the messages: replies, how an actor ended, who is told of it."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

import msgspec

from actorflow.errors import ActorFailed, ActorflowError

P = ParamSpec("P")
M = TypeVar("M")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

ExitReason: TypeAlias = Literal["stopped", "failed", "killed"]


class _Stop:
    def __repr__(self) -> str:
        return "STOP"


STOP: Final[Any] = _Stop()
"""In a mailbox: the actor ends when it comes to this."""


class Exit(msgspec.Struct, frozen=True):
    """How an actor ended: `stopped` as it should, `failed` with an error, or `killed` (cancelled, or didn't stop in time).

    `restarts`: its supervisor starts it again, under the same address.
    """

    reason: ExitReason
    error: BaseException | None = None
    restarts: bool = False


class Down(msgspec.Struct, frozen=True):
    """What monitors get: the actor at `address` has ended (R34)."""

    address: str
    exit: Exit


class Reply(Protocol[T_contra]):
    """Where an answer goes: call it with the answer, or `refuse` with an error. The first one counts."""

    def __call__(self, message: T_contra, /) -> None: ...

    def refuse(self, error: ActorflowError, /) -> None: ...


def asking(
    message: Callable[Concatenate[Reply[T], P], M], /, *args: P.args, **kwargs: P.kwargs
) -> Callable[[Reply[T]], M]:
    """A question for `ActorRef.ask`, from a message class whose first field is the reply: `asking(Deposit, amount=5)`.

    Both type checkers infer the reply's type from it, which they don't from a lambda.
    """

    def question(reply: Reply[T]) -> M:
        return message(reply, *args, **kwargs)

    return question


class Answer(Generic[T_contra]):
    """The reply that `ask` hands out. It may be used from any thread.

    One that is dropped unanswered tells its asker so: whoever asks never waits for nobody (R36).
    """

    __slots__ = ("_address", "_future", "_loop")

    def __init__(self, future: Future[Any], loop: AbstractEventLoop, address: str) -> None:
        self._future = future
        self._loop = loop
        self._address = address

    def __call__(self, message: T_contra, /) -> None:
        if _is_running(self._loop):
            if not self._future.done():
                self._future.set_result(message)
        else:
            _from_elsewhere(self._loop, _answer, self._future, message)

    def refuse(self, error: ActorflowError, /) -> None:
        if _is_running(self._loop):
            refuse(self._future, error)
        else:
            _from_elsewhere(self._loop, refuse, self._future, error)

    def __del__(self) -> None:
        if not self._future.done():  # in the next turn: if its actor is just ending, that is the better reason
            _from_elsewhere(self._loop, _refuse_dropped, self._future, self._address)

    def __repr__(self) -> str:
        return f"<reply of {self._address}, {'answered' if self._future.done() else 'open'}>"


def refuse(future: Future[Any], error: BaseException) -> None:
    """Ends a wait with an error, if it still is one."""
    if not future.done():
        future.set_exception(error)


def _answer(future: Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def _refuse_dropped(future: Future[Any], address: str) -> None:
    refuse(future, ActorFailed(f"{address} dropped the question without an answer"))


def _is_running(loop: AbstractEventLoop) -> bool:
    try:
        return get_running_loop() is loop
    except RuntimeError:  # no loop runs in this thread
        return False


def _from_elsewhere(loop: AbstractEventLoop, callback: Callable[[Future[Any], Any], None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:  # the loop is closed, and the asker with it
        return
