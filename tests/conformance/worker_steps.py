"""What the tests of R9 to R15 have executed in worker processes, which find it by module and name."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextvars import ContextVar

import msgspec

from actorflow import Retry, TryAgain, failure, step

WHO: ContextVar[str] = ContextVar("who", default="nobody")
STARTED: list[str] = []
"""What this very process has put here: a forked worker would have its parent's."""


class Parcel(msgspec.Struct):
    items: list[int]
    weight: float = 0.0


@failure
class Registered(Exception):
    """Comes back from a worker process as it was raised."""


class Unregistered(Exception):
    """Comes back as a `RecordedFailure`."""


@step(mode="process")
def whose_context() -> str:
    return WHO.get()


@step(mode="process")
def who_am_i() -> tuple[int, bool, list[str]]:
    return os.getpid(), threading.current_thread() is threading.main_thread(), STARTED


@step(mode="process")
def add_item(parcel: Parcel) -> Parcel:
    parcel.items.append(len(parcel.items))
    return parcel


@step(mode="process")
def fail_in_worker(text: str, registered: bool) -> None:
    error = Registered(text) if registered else Unregistered(text)
    error.add_note("a note")
    raise error


class Odd(BaseException):
    """Not an `Exception`."""


@step(mode="process")
def raise_what_is_no_exception(cancelled: bool) -> None:
    raise asyncio.CancelledError if cancelled else Odd("odd")


@step(mode="process", retry=Retry(attempts=3, on=(Unregistered,)))
def fail_often(text: str) -> None:
    raise Unregistered(text)


@step(mode="process", retry=Retry(attempts=3))
def ask_again(text: str) -> None:
    raise TryAgain(text, after=0.0)


@step(mode="process", timeout=5.0)
def wait_for_ever(path: str) -> None:
    """Says its process id over the socket, and waits for an answer that doesn't come."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        channel.sendall(str(os.getpid()).encode())
        channel.recv(1)
