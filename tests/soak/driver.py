"""Keeps two agencies busy, kills or freezes the one, watches the other, and restarts the server below them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter, deque
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from examples.trip.agency import NO_STORE, Ended
from examples.trip.booking import Trip
from examples.trip.branch import Branch
from examples.trip.client import Service
from examples.trip.faults import scenario
from examples.trip.servants import order_faults
from tests.soak.watched import Watched
from tests.store.servers import Server

BATCH = 100
"""Trips for which faults are dealt together."""
AT_ONCE = 20
"""Trips under way in each agency."""
RESTART_EVERY = 4
"""Kills for each restart of the server."""
FREEZE_EVERY = 4
"""Kills for each time that a process is frozen before it is killed, until its lease has lapsed."""
LEASE = 2.0
LAST = 120.0
"""Seconds for what is under way when time is over."""
LOOKS = 0.5
CITIES = ("Oslo", "Rome", "Porto", "Ghent", "Riga", "Cork")


class Plan(NamedTuple):
    store: str
    server: Server | None
    seconds: float
    kill_every: float


class Driver:
    """`hows` says of each trip how it ended, as the agencies told; `open` are trips under way."""

    def __init__(self, plan: Plan, running: Mapping[str, Service]) -> None:
        self.plan = plan
        self.running = running
        self.random = Random(0)
        self.open: dict[str, Trip] = {}
        self.coming: deque[Trip] = deque()
        self.batches = 0
        self.hows: dict[str, str] = {}
        self.ended: Counter[str] = Counter()
        self.told: dict[Branch, dict[str, Trip]] = {}
        self.waiting: deque[Trip] = deque()
        self.kills = self.freezes = self.restarts = self.again = self.no_store = 0
        self.lost_sight: Counter[str] = Counter()
        self.problems: list[str] = []
        self.watched = Watched()
        self.until = 0.0
        self.changed = asyncio.Event()

    @property
    def is_time(self) -> bool:
        return time.monotonic() < self.until

    async def drive(self) -> None:
        self.until = time.monotonic() + self.plan.seconds
        try:
            async with asyncio.timeout(self.plan.seconds + LAST), asyncio.TaskGroup() as tasks:
                tasks.create_task(self.never_kill())
                tasks.create_task(self.kill_often())
        except TimeoutError:
            self.problems.append(f"these haven't ended {LAST:.0f} s after the last kill: {sorted(self.open)}")

    # ── the one that isn't killed ─────────────────────────────────────────────────────────────────────────────────

    async def never_kill(self) -> None:
        """Until nothing is under way anywhere. With the server away it may have to be opened more than once at first."""
        branch = await self.opened()
        looking = asyncio.create_task(self.look(branch.process.pid))
        listening = asyncio.create_task(self.listen(branch))
        try:
            while self.is_time or self.open or self.waiting:
                self.changed.clear()
                if listening.done():
                    self.problems.append(f"the one that isn't killed ended: {await branch.process.wait()}")
                    return
                await self.give(branch)
                await self.any_change()
            if (code := await branch.close()) != 0:
                self.problems.append(f"the one that isn't killed ended with {code}")
        finally:
            looking.cancel()
            branch.kill()
            await asyncio.wait({looking, listening, asyncio.create_task(branch.process.wait())})

    async def look(self, pid: int) -> None:
        while True:
            await asyncio.sleep(LOOKS)
            self.watched.look(pid, self.ended.total())

    # ── the one that is killed ────────────────────────────────────────────────────────────────────────────────────

    async def kill_often(self) -> None:
        while self.is_time:
            branch = await self.opened()
            listening = asyncio.create_task(self.listen(branch))
            await self.keep_busy(branch, listening)
            if self.plan.server is not None and self.kills % RESTART_EVERY == 1:
                await self.restart(self.plan.server)
            if self.kills % FREEZE_EVERY == FREEZE_EVERY // 2:
                await self.freeze(branch)
                await self.keep_busy(branch, listening)
            branch.kill()
            self.kills += 1
            await branch.process.wait()
            await listening

    async def keep_busy(self, branch: Branch, listening: asyncio.Task[None]) -> None:
        """For as long as this process may live."""
        dies = time.monotonic() + self.plan.kill_every * self.random.uniform(0.4, 1.6)
        while time.monotonic() < dies and not listening.done():
            self.changed.clear()
            await self.give(branch)
            await self.any_change(dies - time.monotonic())

    async def freeze(self, branch: Branch) -> None:
        """The other one takes its runs meanwhile, unless it was frozen with the lock of a SQLite file."""
        branch.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE * self.random.uniform(1.5, 2.5))
        branch.process.send_signal(signal.SIGCONT)
        self.freezes += 1

    async def restart(self, server: Server) -> None:
        """What is in the middle of something then may be of either agency."""
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(self.random.uniform(0.0, 2.0))
        await asyncio.to_thread(server.start)
        self.restarts += 1

    # ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def opened(self) -> Branch:
        while True:
            branch = await Branch.open(self.plan.store, self.running, "--lease", str(LEASE))
            if await branch.is_ready():
                self.told[branch] = {}
                return branch
            code = await branch.process.wait()
            if code != NO_STORE:
                raise RuntimeError(f"an agency couldn't be opened: {code}")
            self.no_store += 1

    async def listen(self, branch: Branch) -> None:
        """Until the process has ended; others are told of the trips whose end it didn't say."""
        told = self.told[branch]
        async for ended in branch.heard():
            self.take(told, ended)
            self.changed.set()
        self.again += len(told)
        self.waiting.extend(self.told.pop(branch).values())
        self.changed.set()

    def take(self, told: dict[str, Trip], ended: Ended) -> None:
        trip = told.pop(ended.trip)
        if ended.how is None:
            self.lost_sight[ended.words.replace(trip.id, "…").partition("\n")[0]] += 1
            asyncio.get_running_loop().call_later(LOOKS, self.waiting.append, trip)
            return
        if self.hows.setdefault(ended.trip, ended.how) != ended.how:
            self.problems.append(f"{ended.trip} was {self.hows[ended.trip]}, and is {ended.how} now")
        if ended.how == "stopped" or (ended.how == "given back") > trip.withdrawn:
            self.problems.append(f"{ended.trip}: {ended.how}: {ended.words}")
        if self.open.pop(ended.trip, None) is not None:
            self.ended[ended.how] += 1

    async def give(self, branch: Branch) -> None:
        """Keeps it busy, with trips that others have left first."""
        told = self.told.get(branch)
        while told is not None and len(told) < AT_ONCE and (trip := await self.next()) is not None:
            told[trip.id] = trip
            branch.tell(trip)

    async def next(self) -> Trip | None:
        if self.waiting:
            return self.waiting.popleft()
        if not self.is_time or len(self.open) >= 2 * AT_ONCE:
            return None
        if not self.coming:
            await self.deal()
        trip = self.coming.popleft()
        self.open[trip.id] = trip
        return trip

    async def deal(self) -> None:
        """Another batch of trips, and the faults that they meet."""
        batch, self.batches = self.batches, self.batches + 1
        plan = scenario(BATCH, batch)
        names = [f"trip-{batch * BATCH + number:06}" for number in range(BATCH)]
        await order_faults(self.running, [(names[n], fault) for n, hand in plan.faults.items() for fault in hand])
        self.coming.extend(Trip(name, CITIES[n % 6], n in plan.withdrawn) for n, name in enumerate(names))

    async def any_change(self, timeout: float = LOOKS) -> None:
        try:
            async with asyncio.timeout(min(LOOKS, max(timeout, 0.01))):
                await self.changed.wait()
        except TimeoutError:
            return
