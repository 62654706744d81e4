"""The evening of `__main__` once more, in an agency that is killed with SIGKILL now and then, and opened again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from examples.trip.agency import Ended
from examples.trip.booking import Trip
from examples.trip.branch import Branch
from examples.trip.client import Service


class Evening:
    """`kills` are how many trips have ended when the agency is killed."""

    def __init__(self, all_trips: Sequence[Trip], kills: Sequence[int], note: Callable[[str], None]) -> None:
        self.open = {trip.id: trip for trip in all_trips}
        self.kills = list(kills)
        self.note = note
        self.ended: Counter[str] = Counter()

    async def spend(self, store: str, running: Mapping[str, Service], at_once: int) -> Counter[str]:
        """Opens one agency after the other, until all trips have ended."""
        while self.open:
            branch = await Branch.open(store, running, "--at-once", str(at_once))
            try:
                if not await branch.is_ready():
                    raise RuntimeError("the agency couldn't be opened; see what it printed above")
                for trip in self.open.values():
                    branch.tell(trip)
                await self.listen(branch)
            finally:
                branch.kill()
                await branch.process.wait()
        return self.ended

    async def listen(self, branch: Branch) -> None:
        """Until all trips have ended, or the agency is killed."""
        async for ended in branch.heard():
            self.take(ended)
            if not self.open or (self.kills and self.ended.total() >= self.kills[0]):
                break
        if self.open and self.kills:
            self.kills.pop(0)

    def take(self, ended: Ended) -> None:
        if ended.how is None or ended.trip not in self.open:
            return
        del self.open[ended.trip]
        self.ended[ended.how] += 1
        self.note(ended.how)
