"""A saga that goes through as many runtimes as it takes, each of which dies where it is told; see `everywhere`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from actorflow import crash_points
from actorflow.errors import InvalidState, RecordNotFound
from actorflow.outcome import Outcome
from actorflow.runtime import Runtime, step_context
from actorflow.store import MemoryStore, Store, decode_turns
from actorflow.testing.checking import InvariantBroken, check_store, steps_completed
from actorflow.testing.clock import MockClock
from actorflow.testing.lives import LIVING, Life, ProcessDied, end_all, ignore_deaths
from actorflow.testing.told import entries
from actorflow.workflow import Workflow

CRASH_POINTS: Final[Mapping[str, str]] = crash_points.POINTS
"""The places by name, each with what has and hasn't happened there."""

Strikes: TypeAlias = Callable[[str, int], bool]
"""Whether to crash at a point (its name, and how many were reached so far, itself included)."""


class Crashes:
    """Counts the points that are reached, and has the process die at some. `points` are all that were reached, in order, but for those after a death."""

    def __init__(self, strikes: Strikes, looks: Callable[[str], None] | None = None) -> None:
        self.strikes = strikes
        self.looks = looks
        self.points: list[str] = []
        self.deaths: list[int] = []
        self.is_down = False

    def reached(self, point: str) -> None:
        if point not in CRASH_POINTS:
            raise AssertionError(f"{point!r} is no crash point: CRASH_POINTS doesn't list it")
        if not self.is_down:
            self.points.append(point)
            if self.looks is not None:
                self.looks(point)
            if not self.strikes(point, len(self.points)):
                return
            self.deaths.append(len(self.points))
            self.is_down = True
            for life in LIVING:
                life.die()
        if (task := asyncio.current_task()) is not None:
            task.add_done_callback(nobody_asks)
        raise ProcessDied(point)

    @contextmanager
    def listening(self) -> Generator[Crashes]:
        """One at a time."""
        if crash_points.listener is not None:
            raise InvalidState("somebody listens to the crash points already\nUse one crash_at() at a time.")
        crash_points.listener = self.reached
        try:
            yield self
        finally:
            crash_points.listener = None


def nobody_asks(task: asyncio.Task[Any]) -> None:
    """What a task came to that has died: it is no news, so nobody is told."""
    if not task.cancelled():
        task.exception()


@contextmanager
def crash_at(point: str, hit: int = 1) -> Generator[Crashes]:
    """Every open `Life` dies when the point is reached for the `hit`-th time.

    with crash_at("commit.stored", hit=2):
        async with Life(store, clock=clock) as life:
            await life.until_dead(life.runtime.run(book_trip, trip))

    Raises `InvalidState` for a point that isn't one of `CRASH_POINTS`.
    """
    if point not in CRASH_POINTS:
        raise InvalidState(f"there is no crash point {point!r}\nThere are: {', '.join(CRASH_POINTS)}.")
    crashes = Crashes(lambda name, count: name == point and crashes.points.count(point) == hit)
    with crashes.listening():
        yield crashes


# ── sagas that survive ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Saga:
    """What is run again and again, from the start each time.

    options  of `Runtime`: workflows, resources, values, …
    asked    options of the run: `reversible`, `max_concurrency`, …
    world    what the test wants to look at afterwards: where the steps leave their effects
    outside  what people and other services do meanwhile, with a store on the same records; none of them dies
    """

    workflow: Workflow[..., Any]
    inputs: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    world: Any = None
    outside: Callable[[Store], Coroutine[Any, Any, None]] | None = None


@dataclass(frozen=True)
class Story:
    """What became of a saga: all points that were reached, and where among them (from 1) its process died."""

    saga: Saga
    run_id: str
    outcome: Outcome[Any]
    points: Sequence[str]
    deaths: Sequence[int]
    lives: int

    def __str__(self) -> str:
        died = ", ".join(f"{self.points[death - 1]} ({death})" for death in self.deaths)
        return f"{self.saga.workflow.name}, which died at {died}" if died else f"{self.saga.workflow.name}, undisturbed"


BEGINNINGS: Final[Mapping[str, str]] = {
    "step.entering": "StepStarted",
    "compensate.entering": "CompensationStarted",
    "undo.entering": "UndoStarted",
}
"""What has to be stored before each."""
KINDS: Final = frozenset(BEGINNINGS.values())


class Crashing:
    """Runs a saga on a store, through as many runtimes as it takes.

    store      makes a store on the same records each time it's called; its times are those of `clock`
    lease      seconds; the clock jumps past it when a runtime has died
    asks       whether who has started the run asks for it again, by its id, as soon as there is another runtime; else it is taken over unasked
    """

    run_id = "saga"
    most_lives = 1000

    def __init__(
        self,
        saga: Saga,
        *,
        clock: MockClock,
        store: Callable[[], Store] | None = None,
        lease: float = 30.0,
        asks: bool = False,
    ) -> None:
        memory = MemoryStore(clock=clock)
        self.saga = saga
        self.clock = clock
        self.store = store or (lambda: memory)
        self.lease = lease
        self.asks = asks
        self.completed: frozenset[str] = frozenset()
        self.begun: set[tuple[str, str]] = set()
        self.is_strict = saga.options.get("durability", "strict") == "strict"
        self.problems: list[str] = []

    async def run(self, strikes: Strikes) -> Story:
        """Until the run has ended, and whoever started it knows how. Raises `InvariantBroken`, and `AssertionError` if the run doesn't move any more."""
        crashes = Crashes(strikes, self.look)
        loop = asyncio.get_running_loop()
        handler = loop.get_exception_handler()
        loop.set_exception_handler(ignore_deaths)
        try:
            with crashes.listening():
                async with self.outside():
                    outcome, lives = await self.live(crashes)
        finally:
            loop.set_exception_handler(handler)
        story = Story(self.saga, self.run_id, outcome, crashes.points, crashes.deaths, lives)
        if self.problems:
            raise InvariantBroken([f"{story}: {problem}" for problem in self.problems])
        async with self.store() as store:
            await check_store(store)
        return story

    @asynccontextmanager
    async def outside(self) -> AsyncGenerator[None]:
        """What goes on outside, meanwhile. Its store is its own: it enters and leaves it."""
        if self.saga.outside is None:
            yield
            return
        acting = asyncio.ensure_future(self.saga.outside(self.store().beside()))
        try:
            yield
            await acting
        except Exception as error:
            if acting.done() and (why := acting.exception()) is not None:
                raise why from error
            raise
        finally:
            await end_all({acting})

    async def live(self, crashes: Crashes) -> tuple[Outcome[Any], int]:
        for number in range(1, self.most_lives):
            crashes.is_down = False
            outcome = await self.live_once()
            if outcome is not None:
                return outcome, number
            await self.let_lapse()
        raise AssertionError(f"{self.most_lives} runtimes have died, and the run hasn't ended")

    async def live_once(self) -> Outcome[Any] | None:
        """`None` if it has died, even if it was after the run's end."""
        self.completed = await self.stored()
        options: dict[str, Any] = {
            "workflows": [self.saga.workflow],
            "seed": 0,
            "lease": self.lease,
            **self.saga.options,
        }
        outcome = None
        async with Life(self.store(), hears=self.hears, clock=self.clock, **options) as life:
            if not life.is_dead:
                outcome = await life.until_dead(self.outcome(life))
        return None if life.is_dead else outcome

    async def outcome(self, life: Life) -> Outcome[Any]:
        if not self.asks:
            await self.until_ended(life)
        run = await self.start(life.runtime)
        outcome: Outcome[Any] = await run.outcome()
        return outcome

    async def start(self, runtime: Runtime) -> Any:
        """The run that is there, if there is one."""
        return await runtime.options(run_id=self.run_id, **self.saga.asked).start(self.saga.workflow, *self.saga.inputs)

    async def until_ended(self, life: Life) -> None:
        """Waits for a run that somebody has started before; for nothing, if none is stored."""
        for _ in range(self.most_lives):
            try:
                record = await life.store.get_run(self.run_id)
            except RecordNotFound:
                return
            if record.problem is not None:
                raise AssertionError(f"the run was left alone: {record.problem}")
            if record.ended is not None:
                return
            await asyncio.sleep(2.0)
        raise AssertionError("the run was taken over by nobody, or doesn't move")

    async def let_lapse(self) -> None:
        """Time passes until nobody is thought to be alive."""
        async with self.store() as store:
            ends = [runtime.expires for runtime in await store.runtimes()]
        await self.clock.advance(max([0.0, *(end - self.clock.time() for end in ends)]) + 1.0)

    # ── what is looked at meanwhile ───────────────────────────────────────────────────────────────────────────────────

    async def stored(self) -> frozenset[str]:
        """The names of the steps that are recorded as completed now."""
        async with self.store() as store:
            try:
                return await steps_completed(store, self.run_id)
            except RecordNotFound:
                return frozenset()

    def look(self, point: str) -> None:
        """R50: a step whose completion was stored when the runtime began isn't entered again. R48: nothing is entered before that is stored."""
        kind = BEGINNINGS.get(point)
        if kind is None:
            return
        here = step_context()
        if point == "step.entering" and here.node in self.completed:
            self.problems.append(f"step {here.node!r} ran again, though its completion is stored")
        if self.is_strict and (kind, here.node) not in self.begun:
            self.problems.append(
                f"{point} of step {here.node!r}, attempt {here.attempt}, and that it begins isn't stored"
            )

    def hears(self, turns: bytes) -> None:
        """Which beginnings are stored."""
        self.begun.update((entry.kind, entry.step) for entry in entries([decode_turns(turns)]) if entry.kind in KINDS)
