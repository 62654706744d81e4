"""What runs are asked by people and other processes: messages in the store, which the runtime that has the run hands to its engine.

1. Whoever asks leaves a message for the run, and a note of it, in one transaction. That is the acceptance.
2. The runtime that has the run looks for messages every second. It hands one over as a request, like any other.
3. The turn in which it is decided takes it out of the store, in the same commit: so it counts exactly once, whatever dies when.

A run that nobody has finds its messages when it is taken over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import structlog

from actorflow import crash_points
from actorflow.engine import ENDED, Cancel, Pause, Request
from actorflow.errors import StoreError
from actorflow.runtime.signals import signals

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.row import Row
    from actorflow.store import RunMessage

log = structlog.get_logger("actorflow")

EVERY: Final = 1.0
"""Seconds between two looks for messages, at most."""
OFTEN: Final = 30
"""How many looks in a row may find nothing before they become rare, where time jumps."""
A_DAY: Final = 86_400.0


class Command(msgspec.Struct, frozen=True):
    """The data of a `cancel` or `halt` message, as JSON."""

    reason: str = ""
    who: str = ""


def command_data(reason: str, who: str) -> bytes:
    return msgspec.json.encode(Command(reason, who))


def read_command(message: RunMessage) -> Command:
    try:
        return msgspec.json.decode(message.data, type=Command)
    except msgspec.MsgspecError:
        return Command()


Delivery: TypeAlias = "Callable[[Row, RunMessage, float], Request | None]"
"""What a message asks of the run's engine, at this monotonic time; `None` if it can't be taken in yet."""


def cancels(row: Row, message: RunMessage, now: float) -> Request | None:
    return Cancel(row.id, now, read_command(message).reason)


def halts(row: Row, message: RunMessage, now: float) -> Request | None:
    """One that comes when the run is being taken back means nothing any more: the engine passes it over."""
    return Pause(row.id, now, read_command(message).reason)


DELIVERIES: Final[dict[str, Delivery]] = {"cancel": cancels, "halt": halts, "signal": signals}
"""How each kind of message is handed over. A kind that isn't here stays in the store."""
OVERTAKEN: Final = frozenset({"cancel", "halt"})
"""Kinds that mean nothing once the run has ended: who resumes it doesn't want what was asked before."""


class Mail:
    """Of one runtime: looks for messages for the runs that it has."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.handed: dict[int, Row] = {}  # messages that were handed over, and aren't known to be consumed

    async def listen(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(self.wait_after(looks))
            try:
                looks = 0 if await self.look() else looks + 1
            except StoreError as error:
                log.debug("the store can't be asked for messages", error=str(error))
            except Exception as error:  # a fault of ours: later messages must come through
                log.error("a fault of the runtime", exc_info=error)

    def wait_after(self, looks: int) -> float:
        """Seconds to the next look; see `Keeper.wait_after`."""
        wait = min(EVERY, self.keeper.lease)
        if self.keeper.machine.services.clock.linger or looks < OFTEN:
            return wait
        return min(wait * 2.0 ** min(looks - OFTEN, 32), A_DAY)

    async def look(self) -> bool:
        """Hands over what has come. Answers whether there was anything new."""
        keeper = self.keeper
        if not keeper.machine.rows:
            return False
        messages = await keeper.held(keeper.store.messages(owner=keeper.owner))
        waiting = {message.number for message in messages}
        self.handed = {number: row for number, row in self.handed.items() if number in waiting}
        return sum(map(self.hand_over, messages)) > 0

    def hand_over(self, message: RunMessage) -> bool:
        machine = self.keeper.machine
        row = machine.rows.get(message.run_id)
        if row is None or not takes_messages(row) or self.handed.get(message.number) is row:
            return False
        delivery = DELIVERIES.get(message.kind)
        request = delivery(row, message, machine.now()) if delivery is not None else None
        if request is None:
            return False
        assert row.journal is not None
        if crash_points.listener is not None:
            crash_points.listener("message.found")
        row.journal.arriving[id(request)] = (request, message.number)
        self.handed[message.number] = row
        machine.post(request)
        return True


def takes_messages(row: Row) -> bool:
    """Not while middleware is asked whether it may go on, nor when it has ended and its end is on its way to the store."""
    waits = row.handle is not None and row.handle._status == "waiting"
    return row.journal is not None and not waits and row.state.phase != ENDED


async def overtaken(keeper: Keeper, run_id: str) -> list[int]:
    """The messages of a run that has ended, and which nobody will want to count when it goes on."""
    found = await keeper.held(keeper.store.messages(run_id=run_id))
    return [message.number for message in found if message.kind in OVERTAKEN]
