"""What all actors of one tree share."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, TypeAlias

from actorflow.facts import DeadLetter, Fact

from .timer import Timers

Publish: TypeAlias = Callable[[Fact], object]


class Kernel:
    """The loop, its timers, and where facts go. `publish` may be None: then no fact is built."""

    __slots__ = ("dead_letters", "loop", "publish", "timers")

    def __init__(self, loop: AbstractEventLoop, publish: Publish | None = None) -> None:
        self.loop = loop
        self.publish = publish
        self.timers = Timers(loop)
        self.dead_letters = 0

    def dead_letter(self, address: str, message: Any) -> None:
        """Counts a message that came for an actor that is gone, and shows it."""
        self.dead_letters += 1
        if self.publish is not None:
            self.tell(DeadLetter(address, self.loop.time(), message))

    def tell(self, fact: Fact) -> None:
        """Publishes a fact; a publisher that raises doesn't hurt the actors."""
        if self.publish is not None:
            try:
                self.publish(fact)
            except Exception as error:
                self.loop.call_exception_handler({"message": "publishing a fact failed", "exception": error})
