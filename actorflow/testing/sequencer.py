"""Puts racing tasks in a stated order, so that a race is tested by its orders and never by sleeping.

After trio's `testing.Sequencer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from actorflow.errors import InvalidState


class Sequencer:
    """Numbered places in several tasks, gone through in order from 1.

        async def left() -> None:
            async with sequencer(1):
                ...  # first
            async with sequencer(3):
                ...  # last

        async def right() -> None:
            async with sequencer(2):
                ...  # between the two

    A number is used once. If a task that waits for its turn is cancelled, the order can't be kept any more: it's broken for all, and
    whoever waits or comes later gets `InvalidState` instead of waiting for ever.
    """

    def __init__(self) -> None:
        self._next = 1
        self._claimed: set[int] = set()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._broken_at: int | None = None

    @asynccontextmanager
    async def __call__(self, position: int) -> AsyncGenerator[None]:
        """Waits for the places before this one to be left; an error in the block counts as leaving it."""
        self._claim(position)
        if position != self._next:
            await self._turn(position)
        try:
            yield
        finally:
            self._pass_on()

    def _claim(self, position: int) -> None:
        if position < 1:
            raise InvalidState(f"a sequencer's places begin at 1, not {position!r}")
        if position in self._claimed:
            raise InvalidState(f"place {position} of the sequencer is used twice")
        self._refuse_if_broken()
        self._claimed.add(position)

    async def _turn(self, position: int) -> None:
        turn = self._waiting[position] = asyncio.get_running_loop().create_future()
        try:
            await turn
        except asyncio.CancelledError:
            self._break(position)
            raise
        finally:
            self._waiting.pop(position, None)
        self._refuse_if_broken()

    def _pass_on(self) -> None:
        self._next += 1
        turn = self._waiting.get(self._next)
        if turn is not None and not turn.done():
            turn.set_result(None)

    def _break(self, position: int) -> None:
        self._broken_at = position
        for turn in self._waiting.values():
            if not turn.done():
                turn.set_result(None)

    def _refuse_if_broken(self) -> None:
        if self._broken_at is not None:
            raise InvalidState(
                f"the sequencer is broken: the task that waited for place {self._broken_at} was cancelled"
            )
