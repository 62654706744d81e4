"""Who is supervised how: plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from .envelope import Exit

if TYPE_CHECKING:
    from .actor import Actor
    from .turn import TurnActor

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
"""`permanent`: always started again; `transient`: when it ended otherwise than it should; `temporary`: never."""

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Who is started again with one that failed: nobody else, all, or those that were started after it."""


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An actor to be supervised. `factory` makes a new one for each start.

    `shutdown` is how many seconds it has to stop before it is cancelled; `mailbox` is the bound of its mailbox.
    """

    factory: Callable[[], Actor[Any] | TurnActor[Any]]
    name: str = ""
    restart: Restart = "permanent"
    shutdown: float = 5.0
    mailbox: int | None = None


class SupervisorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A supervisor and its children, started in this order and stopped in reverse.

    More than `max_restarts` restarts within `within` seconds, and it stops its children and fails upward (R35).
    """

    name: str = ""
    children: tuple[ChildSpec | SupervisorSpec, ...] = ()
    strategy: Strategy = "one_for_one"
    max_restarts: int = 3
    within: float = 5.0
    restart: Restart = "permanent"


class Child(Protocol):
    """What a supervisor sees of a child: an actor, or a supervisor."""

    name: str
    restart: Restart
    exit: Exit | None
    """How it ended for good; None while it lives, or is to be started again."""
    is_down: bool
    """It has ended, and is to be started again."""

    def start(self, error: BaseException | None = None) -> None:
        """Starts it, again after `error` perhaps. What the factory raises goes through."""

    def end(self, exit: Exit) -> None:
        """It won't be started again: whoever waits is told."""

    async def halt(self, *, keep: bool) -> None:
        """Stops it, and returns when it has stopped; `keep`: to be started again."""
