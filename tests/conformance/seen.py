"""What the conformance tests look with: facts as they came, and code that goes on until it is stopped."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from actorflow import Event, Runtime
from actorflow.facts import Fact

Line = tuple[str, str, int]
"""The name of a fact's type, its node, its attempt."""


class History:
    """The facts of a runtime's runs, in order. All are there when the runtime has been left."""

    def __init__(self, runtime: Runtime, *kinds: type[Fact]) -> None:
        self.events: list[Event] = []
        runtime.subscribe(self.events.append, *kinds)

    @property
    def lines(self) -> list[Line]:
        return [(type(event.fact).__name__, event.node, event.attempt) for event in self.events]

    @property
    def facts(self) -> list[Fact]:
        return [event.fact for event in self.events]


async def forever() -> NoReturn:
    """Waits until it is cancelled."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody ends this wait")
