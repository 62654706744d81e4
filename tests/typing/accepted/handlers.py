"""Handlers: `def` or `async def`; the value alone, or the step's parameters too."""

from typing import Any

from actorflow import Recover, Retry, TryAgain, step


@step
def book(room: int, *, nights: int = 1) -> str:
    return f"{room}-{nights}"


@book.undo(retry=Retry(attempts=3), timeout=5, unknown=True)
def cancel(booking: str, room: int, *, nights: int = 1) -> None: ...


@book.compensate(timeout=5)
def recover(error: Exception, room: int, *, nights: int = 1) -> Recover[str] | None:
    if isinstance(error, ConnectionError):
        raise TryAgain(error, after=1.5)
    return None


@step
async def nothing() -> None: ...


@nothing.undo
async def undo_nothing(value: None) -> None: ...


@nothing.compensate
async def always(error: Exception) -> Recover[None]:
    return Recover(None)


@step
async def anything(value: str) -> str:
    return value


@anything.undo
async def note(value: Any, *args: Any, **kwargs: Any) -> None: ...
