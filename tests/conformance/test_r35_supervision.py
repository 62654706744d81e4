"""R35: supervisors start again what failed, and a fault in one run's turn is that run's alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Actor,
    ActorFailed,
    ActorRef,
    Event,
    Failed,
    Limit,
    OutcomeUnknown,
    Rate,
    RunFailed,
    Runtime,
    RuntimeFault,
    step,
    workflow,
)
from actorflow.actors import ActorSystem, ChildSpec, Supervisor, SupervisorSpec
from actorflow.clock import Clock
from actorflow.facts import ActorRestarted
from actorflow.testing import MockClock
from tests.conformance.seen import forever

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


class Worker(Actor[str]):
    def __init__(self, name: str) -> None:
        self.name = name

    async def started(self) -> None:
        SEEN.append(f"+{self.name}")

    async def stopping(self) -> None:
        SEEN.append(f"-{self.name}")

    async def receive(self, message: str, /) -> None:
        if message == "stop":
            self.stop()
        else:
            raise ValueError(message)


def child(name: str, **options: Any) -> ChildSpec:
    return ChildSpec(factory=lambda: Worker(name), name=name, **options)


def ref(supervisor: Supervisor, name: str) -> ActorRef[str]:
    found = supervisor.child(name)
    assert isinstance(found, ActorRef)
    return found


async def until(done: Callable[[], bool]) -> None:
    for _ in range(1000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError(SEEN)


# ── who is started again ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", ["+b"]),
        ("one_for_all", ["-c", "-a", "+a", "+b", "+c"]),
        ("rest_for_one", ["-c", "+b", "+c"]),
    ],
)
async def test_a_supervisor_restarts_by_strategy(strategy: Any, expected: list[str]) -> None:
    """R35: a supervisor restarts by strategy (one-for-one, one-for-all, rest-for-one)."""
    spec = SupervisorSpec(name="three", strategy=strategy, children=(child("a"), child("b"), child("c")))
    async with ActorSystem() as system:
        supervisor = system.supervise(spec)
        await until(lambda: len(SEEN) == 3)
        SEEN.clear()
        ref(supervisor, "b").send("broken")
        await until(lambda: len(SEEN) >= len(expected))
        assert SEEN == expected


@pytest.mark.parametrize(
    ("restart", "message", "again"),
    [
        ("permanent", "stop", True),
        ("permanent", "broken", True),
        ("transient", "stop", False),
        ("transient", "broken", True),
        ("temporary", "stop", False),
        ("temporary", "broken", False),
    ],
)
async def test_children_are_permanent_transient_or_temporary(restart: Any, message: str, *, again: bool) -> None:
    """R35: … permanent, transient, temporary children."""
    async with ActorSystem() as system:
        worker = system.start_child(child("a", restart=restart))
        worker.send(message)
        if again:
            await until(lambda: SEEN.count("+a") == 2)
            assert worker.is_alive
        else:
            await worker.ended()
            assert SEEN.count("+a") == 1


async def test_children_are_stopped_youngest_first() -> None:
    """R35: a supervisor stops its children in the reverse order of their start: who came later may lean on those before."""
    async with ActorSystem() as system:
        system.supervise(SupervisorSpec(name="two", children=(child("a"), child("b"))))
        system.start_child(child("c"))
        await until(lambda: len(SEEN) == 3)
        SEEN.clear()
    assert SEEN == ["-c", "-b", "-a"]


async def test_restarts_are_bounded_then_the_supervisor_fails_upward() -> None:
    """R35: … at most `max_restarts` within `within` seconds, then fails upward."""
    inner = SupervisorSpec(name="inner", max_restarts=2, within=5.0, children=(child("a"),))
    outer = SupervisorSpec(name="outer", max_restarts=0, restart="temporary", children=(inner,))
    async with ActorSystem() as system:
        supervisor = system.supervise(outer)
        below = supervisor.child("inner")
        assert isinstance(below, Supervisor)
        for starts in (2, 3):
            ref(below, "a").send("broken")
            await until(lambda starts=starts: SEEN.count("+a") == starts)  # type: ignore[misc]
        ref(below, "a").send("broken")
        await until(lambda: supervisor.exit is not None)
        assert SEEN.count("+a") == 3
        exit = supervisor.exit
        assert exit is not None
        assert isinstance(exit.error, ActorFailed)
        assert isinstance(exit.error.__cause__, ActorFailed)


async def test_restarts_long_ago_do_not_count(clock: MockClock) -> None:
    """R35: … within `within` seconds: what was longer ago is forgotten."""
    async with ActorSystem(SupervisorSpec(max_restarts=1, within=5.0)) as system:
        worker = system.start_child(child("a"))
        for starts in range(2, 6):
            worker.send("broken")
            await until(lambda starts=starts: SEEN.count("+a") == starts)  # type: ignore[misc]
            await asyncio.sleep(6.0)  # the mock clock's
        assert worker.is_alive


# ── faults of the runtime ─────────────────────────────────────────────────────────────────────────────────────────────


class Faulty(Clock):
    """A clock that fails as often as it's told to: the way into the runtime's own turns that a user has."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = 0

    def time(self) -> float:
        return self.clock.time()

    def monotonic(self) -> float:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError("the clock is broken")
        return self.clock.monotonic()

    def hold(self) -> None:
        self.clock.hold()

    def release(self) -> None:
        self.clock.release()


@pytest.fixture
def faulty(clock: MockClock) -> Faulty:
    return Faulty(clock)


@step
async def take(name: str) -> str:
    SEEN.append(f"take {name}")
    return name


@take.undo
async def untake(value: str, name: str) -> None:
    SEEN.append(f"untake {name}")


@step
async def nap(name: str) -> str:
    await asyncio.sleep(1.0)  # the mock clock's
    return name


@workflow
def rest(name: str) -> str:
    return nap(take(name))


async def test_a_fault_in_one_runs_turn_fails_that_run_alone(faulty: Faulty) -> None:
    """R35: a fault in one run's turn fails that run alone, with `RuntimeFault`: rolled back if its row is sound."""

    @step(mode="inline")
    def breaks(value: str) -> str:
        faulty.faults = 1  # what the step returns is lost
        return value

    @breaks.compensate
    async def compensate(error: Exception, value: str) -> None:
        SEEN.append(f"compensate {type(error).__name__}")

    @workflow
    def broken() -> str:
        taken = take("seat")
        nap(taken)
        return breaks(taken)

    with capture_logs() as logs:
        async with Runtime(clock=faulty) as runtime:
            other = await runtime.start(rest, "other")
            run = await runtime.start(broken)
            outcome = await run.outcome()
            assert await other.result() == "other"
            assert await runtime.run(rest, "later") == "later"
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, RuntimeFault)
    assert isinstance(outcome.error.__cause__.__cause__, ZeroDivisionError)
    assert outcome.rollback == "complete"
    assert [name for name in SEEN if "seat" in name or "compensate" in name] == [
        "take seat",
        "compensate OutcomeUnknown",
        "untake seat",
    ]
    assert [line["run"] for line in logs if line["log_level"] == "error"] == [run.id]


async def test_what_was_lost_with_the_turn_is_told(faulty: Faulty) -> None:
    """R35, R54: a step whose answer was lost with the turn may have acted: with nobody to ask, the rollback is incomplete."""

    @step(mode="inline")
    def breaks(value: str) -> str:
        faulty.faults = 1
        return value

    @step
    async def slow(value: str) -> str:
        await asyncio.sleep(3.0)  # the mock clock's
        return value

    @slow.undo
    async def unslow(value: str) -> None:
        SEEN.append("unslow")

    @workflow
    def broken() -> str:
        taken = take("seat")
        slow(taken)
        return breaks(taken)

    with capture_logs():
        async with Runtime(clock=faulty) as runtime:
            with pytest.raises(RunFailed) as caught:
                await runtime.run(broken)
    assert caught.value.rollback == "incomplete"
    assert [(error.node, type(error.error)) for error in caught.value.errors] == [
        ("", RuntimeFault),
        ("breaks", OutcomeUnknown),
    ]
    assert SEEN == ["take seat", "unslow", "untake seat"]


async def test_a_run_whose_row_is_not_sound_is_ended_at_once(faulty: Faulty) -> None:
    """R35: … else … ended as failed at once with rollback `incomplete`: a second fault says that the row isn't sound."""

    @step
    async def begin() -> str:
        while "waits" not in SEEN:
            await asyncio.sleep(0)
        return "begun"

    @step(mode="inline")
    def ready(value: str) -> str:
        return value

    @step(mode="inline")
    def breaks(value: str) -> str:
        faulty.faults = 1
        return value

    @step
    async def waits() -> None:
        SEEN.append("waits")
        try:
            await forever()
        finally:
            SEEN.append("stopped")

    @workflow
    def broken() -> None:
        waits()
        begun = begin()
        first, second = ready(begun), ready(begun)
        breaks(first)
        breaks(second)

    with capture_logs() as logs:
        async with Runtime(clock=faulty) as runtime:
            run = await runtime.start(broken)
            outcome = await run.outcome()
            assert await runtime.run(rest, "later") == "later"
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, RuntimeFault)
    assert outcome.rollback == "incomplete"
    assert SEEN == ["waits", "stopped", "take later"]
    assert len([line for line in logs if line["log_level"] == "error"]) == 2


async def test_the_pool_restarts_on_the_same_table(faulty: Faulty) -> None:
    """R35: tables of … permits belong to the runtime, not to an actor: pool … actors restart on the same tables."""
    slow = Limit("slow", rate=Rate(1, per=1.0))
    events: list[Event] = []

    @step(limit=slow)
    async def pass_through(number: int) -> int:
        SEEN.append(f"{number} at {faulty.clock.monotonic():g}")
        return number

    @workflow
    def queue() -> None:
        for number in range(4):
            pass_through(number)

    async with Runtime(clock=faulty) as runtime:
        runtime.subscribe(events.append, ActorRestarted)
        run = await runtime.start(queue)
        await asyncio.sleep(0.5)  # the mock clock's
        faulty.faults = 1  # meets the pool when the window of its rate moves on
        await run.result()
    assert SEEN == ["0 at 0", "1 at 1", "2 at 2", "3 at 3"]
    assert [event.fact.actor for event in events] == ["pool"]
