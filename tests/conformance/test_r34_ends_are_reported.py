"""R34: nothing dies silently."""

from __future__ import annotations

import asyncio
import logging

import pytest

from actorflow import Actor, ActorFailed, ActorRef, Down, Event, Exit, Runtime
from actorflow.actors import ActorSystem, ChildSpec, SupervisorSpec
from actorflow.facts import ActorStopped
from actorflow.testing import MockClock


class Worker(Actor[str]):
    async def receive(self, message: str, /) -> None:
        match message:
            case "stop":
                self.stop()
            case "cancel":
                raise asyncio.CancelledError
            case _:
                raise ValueError(message)


class Watcher(Actor[Down]):
    def __init__(self) -> None:
        self.heard: list[Down] = []

    async def receive(self, message: Down, /) -> None:
        self.heard.append(message)


@pytest.mark.parametrize(
    ("message", "reason", "error"),
    [("stop", "stopped", None), ("broken", "failed", ValueError), ("cancel", "failed", ActorFailed)],
)
async def test_all_who_monitor_an_actor_are_told_how_it_ended(
    clock: MockClock, message: str, reason: str, error: type[Exception] | None
) -> None:
    """R34: an actor that ends, for whatever reason, is reported … to all who monitor it, with the reason."""
    heard: list[Down] = []
    watcher = Watcher()
    async with Runtime(clock=clock) as runtime:
        worker = runtime.spawn(Worker(), name="worker")
        worker.monitor(heard.append)
        worker.monitor(runtime.spawn(watcher))
        worker.send(message)
        exit = await worker.ended()
        await asyncio.sleep(0.1)  # the mock clock's
    assert exit.reason == reason
    assert type(exit.error) is (error or type(None))
    assert heard == watcher.heard == [Down("worker", exit)]


async def test_whoever_monitors_one_that_has_ended_is_told_at_once(clock: MockClock) -> None:
    """R34: … also one who comes too late."""
    heard: list[Down] = []
    async with Runtime(clock=clock) as runtime:
        worker = runtime.spawn(Worker(), name="worker")
        worker.send("stop")
        await worker.ended()
        worker.monitor(heard.append)
        await asyncio.sleep(0)
    assert heard == [Down("worker", Exit("stopped"))]


async def test_an_actor_that_ends_is_reported_to_its_supervisor() -> None:
    """R34: … to its supervisor, who starts it again or not."""
    made: list[Worker] = []
    heard: list[Down] = []

    def make() -> Worker:
        made.append(Worker())
        return made[-1]

    async with ActorSystem() as system:
        kept = system.start_child(ChildSpec(factory=make, name="kept", restart="permanent"))
        kept.monitor(heard.append)
        kept.send("broken")
        while len(made) < 2:
            await asyncio.sleep(0)
    assert [(down.exit.reason, down.exit.restarts) for down in heard] == [("failed", True), ("stopped", False)]


async def test_the_end_of_an_actor_is_an_event(clock: MockClock) -> None:
    """R34: nothing dies silently: each end is told to telemetry, with the error."""
    events: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(events.append, ActorStopped)
        for name, message in (("one", "stop"), ("two", "broken")):
            worker = runtime.spawn(Worker(), name=name)
            worker.send(message)
            await worker.ended()
        await asyncio.sleep(0.1)  # the mock clock's
        told = [(event.fact.actor, repr(event.fact.error)) for event in events]
    assert told == [("one", "None"), ("two", "ValueError('broken')")]


async def test_a_failure_that_nobody_is_told_of_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """R34: nothing dies silently: with nobody there to be told, it's logged as an error."""
    async with ActorSystem() as system:
        worker = system.spawn(Worker(), name="worker")
        worker.send("broken")
        await worker.ended()
    assert [(line.levelno, "ValueError: broken" in line.message) for line in caplog.records] == [(logging.ERROR, True)]


async def test_a_supervisor_that_gives_up_is_reported_to_its_own() -> None:
    """R34: a supervisor is an actor to its supervisor."""
    spec = SupervisorSpec(name="inner", max_restarts=0, restart="temporary", children=(ChildSpec(factory=Worker),))
    async with ActorSystem() as system:
        supervisor = system.supervise(spec)
        (name,) = supervisor.names()
        worker = supervisor.child(name)
        assert isinstance(worker, ActorRef)
        worker.send("broken")
        while supervisor.exit is None:
            await asyncio.sleep(0)
        assert supervisor.exit.reason == "failed"
        assert isinstance(supervisor.exit.error, ActorFailed)
        assert isinstance(supervisor.exit.error.__cause__, ValueError)
        assert system.names() == []
