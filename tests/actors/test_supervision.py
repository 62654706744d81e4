"""How actors end, who is told, and who starts them again (R34, R35, R37, R40)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    ChildSpec,
    Down,
    Supervisor,
    SupervisorSpec,
    TurnActor,
)
from actorflow.errors import ActorFailed, InvalidMessage, InvalidState
from actorflow.facts import ActorRestarted, ActorSpawned, ActorStopped, DeadLetter, Fact


class Worker(Actor[str]):
    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.let_go = asyncio.Event()

    async def started(self) -> None:
        self.log.append(f"+{self.name}")

    async def stopping(self) -> None:
        self.log.append(f"-{self.name}")

    async def receive(self, message: str, /) -> None:
        match message:
            case "fail":
                raise ValueError(self.name)
            case "stop":
                self.stop()
            case "hang":
                await asyncio.Event().wait()
            case "cling":
                while not self.let_go.is_set():
                    try:
                        await self.let_go.wait()
                    except asyncio.CancelledError:
                        self.log.append("clings")
            case _:
                self.log.append(f"{self.name}:{message}")


def worker(name: str, log: list[str]) -> Callable[[], Worker]:
    return lambda: Worker(name, log)


def spec(name: str, log: list[str], **options: Any) -> ChildSpec:
    return ChildSpec(factory=worker(name, log), name=name, **options)


def ref(supervisor: Supervisor, name: str) -> ActorRef[str]:
    child = supervisor.child(name)
    assert isinstance(child, ActorRef)
    return child


async def turns(count: int = 60) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("message", "reason"), [("stop", "stopped"), ("fail", "failed")])
async def test_r34_monitors_are_told_how_an_actor_ended(message: str, reason: str) -> None:
    async with ActorSystem(publish=lambda fact: None) as system:
        one = system.spawn(Worker("a", []), name="a")
        downs: list[Down] = []
        one.monitor(downs.append)
        one.monitor(downs.append)()  # taken back
        one.send(message)
        exit = await one.ended()
        assert downs == [Down("a", exit)] and exit.reason == reason and not exit.restarts
        assert isinstance(exit.error, ValueError if message == "fail" else type(None))
        one.monitor(downs.append)
        await turns()
        assert downs == [Down("a", exit)] * 2, "also of one that is gone already"


async def test_r34_an_actor_may_be_the_monitor() -> None:
    class Watcher(Actor[Down]):
        def __init__(self) -> None:
            self.seen: list[str] = []

        async def receive(self, message: Down, /) -> None:
            self.seen.append(message.address)

    async with ActorSystem() as system:
        watcher = Watcher()
        one = system.spawn(Worker("a", []), name="a")
        one.monitor(system.spawn(watcher))
        one.stop()
        await turns()
        assert watcher.seen == ["a"]
        bad: Any = one
        with pytest.raises(InvalidMessage):
            system.spawn(Worker("b", [])).monitor(bad)


async def test_stop_comes_after_what_lies_in_the_mailbox_and_self_stop_before() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        first, second = system.spawn(Worker("a", log)), system.spawn(Worker("b", log))
        first.send("1")
        first.stop()
        first.stop()
        first.send("2")
        for message in ("1", "stop", "2"):
            second.send(message)
        await asyncio.gather(first.ended(), second.ended())
        assert [entry for entry in log if "a" in entry] == ["+a", "a:1", "-a"]
        assert [entry for entry in log if "b" in entry] == ["+b", "b:1", "-b"]
        assert system.dead_letters == 2


async def test_r36_dead_letters_are_counted_and_shown_and_never_raise() -> None:
    facts: list[Fact] = []
    async with ActorSystem(publish=facts.append) as system:
        one = system.spawn(Worker("a", []), name="a")
        one.stop()
        await one.ended()
        assert not one.is_alive
        one.send("x")
        assert system.dead_letters == 1
        assert [(fact.actor, fact.message) for fact in facts if isinstance(fact, DeadLetter)] == [("a", "x")]


async def test_r40_the_life_of_an_actor_as_facts() -> None:
    facts: list[Fact] = []
    async with ActorSystem(publish=facts.append) as system:
        one = system.spawn(Worker("a", []), factory=worker("a", []), name="a")
        one.send("fail")
        await turns()
    assert [type(fact) for fact in facts] == [ActorSpawned, ActorRestarted, ActorStopped]


async def test_a_failure_that_nobody_is_told_of_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with ActorSystem() as system:
        one = system.spawn(Worker("a", []), name="a")
        one.send("fail")
        await one.ended()
    assert caplog.messages == ["a failed: ValueError: a"]


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_children_stop_in_reverse_order_of_start() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        system.start_child(spec("a", log))
        system.supervise(SupervisorSpec(name="s", children=(spec("b", log), spec("c", log))))
        system.spawn(Worker("d", log))
        await turns()
    assert log == ["+a", "+b", "+c", "+d", "-d", "-c", "-b", "-a"]
    with pytest.raises(InvalidState, match="has stopped"):
        system.spawn(Worker("e", log))


@pytest.mark.parametrize("message", ["hang", "cling"])
async def test_r37_one_that_does_not_stop_in_its_time_is_cancelled_and_reported(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actorflow.actors.cell.GRACE", 0)
    facts: list[Fact] = []
    log: list[str] = []
    before = asyncio.all_tasks()
    async with ActorSystem(publish=facts.append) as system:
        actor = Worker("a", log)
        one = system.spawn(actor, shutdown=0)
        one.send(message)
        one.send("left")
        await turns()
    assert (await one.ended()).reason == "killed"
    assert [type(fact) for fact in facts] == [ActorSpawned, DeadLetter, ActorStopped]
    assert len(asyncio.all_tasks() - before) == (message == "cling")
    actor.let_go.set()
    await turns()
    assert asyncio.all_tasks() == before, "one that comes back after all just ends"
    assert "-a" not in log


async def test_r37_leaving_cancelled_still_stops_all() -> None:
    log: list[str] = []
    inside = asyncio.Event()

    async def main() -> None:
        async with ActorSystem() as system:
            system.spawn(Worker("a", log))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(main())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["+a", "-a"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_alarms_of_an_actor_go_with_it() -> None:
    class Sleeper(Actor[str]):
        def __init__(self) -> None:
            self.heard: list[str] = []

        async def receive(self, message: str, /) -> None:
            self.heard.append(message)
            if message == "start":
                self.send_after(0, "now")
                self.send_after(3600, "later")
                assert self.send_after(3600, "never")()
            elif message == "now":
                self.stop()

    async with ActorSystem() as system:
        sleeper = Sleeper()
        one = system.spawn(sleeper)
        one.send("start")
        await one.ended()
        assert sleeper.heard == ["start", "now"]
        assert len(system.kernel.timers) == 0


# ── restarts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("restart", "message", "again"),
    [
        ("permanent", "fail", True),
        ("permanent", "stop", True),
        ("transient", "fail", True),
        ("transient", "stop", False),
        ("temporary", "fail", False),
        ("temporary", "stop", False),
    ],
)
async def test_r35_who_is_started_again(restart: Any, message: str, again: bool) -> None:
    log: list[str] = []
    async with ActorSystem(publish=lambda fact: None) as system:
        one = system.start_child(spec("a", log, restart=restart))
        downs: list[Down] = []
        one.monitor(downs.append)
        one.send(message)
        one.send("kept")
        await turns()
        assert one.is_alive is again
        assert [down.exit.restarts for down in downs] == [again]
        assert ("a:kept" in log) is again, "the mailbox is kept, the message that it failed on isn't there again"
        assert system.names() == (["a"] if again else [])


async def test_r35_too_many_restarts_fail_upward_to_the_root() -> None:
    log: list[str] = []
    told: list[BaseException] = []
    root = SupervisorSpec(max_restarts=1)
    with pytest.raises(ActorFailed, match="the actor system gave up") as caught:
        async with ActorSystem(root, on_failure=told.append, publish=lambda fact: None) as system:
            inner = SupervisorSpec(name="s", max_restarts=0, children=(spec("a", log), spec("b", log)))
            supervisor = system.supervise(inner)
            other = system.spawn(Worker("x", log))
            one = ref(supervisor, "a")
            await turns()
            one.send("fail")  # the supervisor gives up, and is started again with both
            await turns()
            assert one.is_alive and log == ["+a", "+b", "+x", "-b", "+a", "+b"]
            one.send("fail")  # now the root has had enough
            await turns()
            assert (await one.ended()).reason == "failed" and not other.is_alive
    assert told == [caught.value]


async def test_r35_a_factory_that_raises_counts_as_a_failure() -> None:
    made: list[int] = []

    def factory() -> Worker:
        made.append(1)
        raise OSError("no more")

    with pytest.raises(ActorFailed, match="no more"):
        async with ActorSystem(SupervisorSpec(max_restarts=3), publish=lambda fact: None) as system:
            one = system.spawn(Worker("a", []), factory=factory)
            one.send("fail")
            assert isinstance((await one.ended()).error, OSError)
    assert len(made) == 3


async def test_r35_a_stop_in_the_middle_of_a_recovery_wins() -> None:
    log: list[str] = []
    async with ActorSystem(SupervisorSpec(strategy="one_for_all"), publish=lambda fact: None) as system:
        system.start_child(spec("a", log))
        one = system.start_child(spec("b", log))
        one.send("fail")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert log.count("+a") == log.count("-a") and not one.is_alive
    assert asyncio.all_tasks() == {asyncio.current_task()}


@given(
    strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
    kinds=st.lists(st.sampled_from(["permanent", "transient", "temporary"]), min_size=1, max_size=5),
    moves=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["fail", "stop", "note"])), max_size=12),
)
def test_r35_any_strategy_any_failures_against_a_model(
    strategy: Any, kinds: list[Any], moves: list[tuple[int, str]]
) -> None:
    """Who lives, and how often each was started, is what a few lines of plain Python say."""

    async def main() -> None:
        log: list[str] = []
        living = list(range(len(kinds)))
        starts = [1] * len(kinds)
        root = SupervisorSpec(strategy=strategy, max_restarts=100)
        async with ActorSystem(root, publish=lambda fact: None) as system:
            refs = [system.start_child(spec(str(index), log, restart=kind)) for index, kind in enumerate(kinds)]
            for which, message in moves:
                if which >= len(kinds):
                    continue
                refs[which].send(message)
                await turns()
                if which not in living or message == "note":
                    continue
                if kinds[which] == "temporary" or (kinds[which] == "transient" and message == "stop"):
                    living.remove(which)
                    continue
                group = {"one_for_one": [which], "one_for_all": living, "rest_for_one": living[living.index(which) :]}
                for index in list(group[strategy]):
                    if kinds[index] == "temporary":
                        living.remove(index)
                    else:
                        starts[index] += 1
                assert system.names() == [str(index) for index in living]
            await turns()
            assert [one.is_alive for one in refs] == [index in living for index in range(len(kinds))]
            assert [log.count(f"+{index}") for index in range(len(kinds))] == starts
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


# ── turn actors ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Summing(TurnActor[int]):
    def __init__(self, table: list[Any]) -> None:
        super().__init__("summing")
        self.table = table

    def handle(self, message: int, /) -> None:
        if message < 0:
            raise ValueError(message)
        self.table.append(message)
        if message == 7:
            self.post(8)

    def turn_ended(self) -> None:
        self.table.append("turn")


async def test_a_turn_actor_alone_handles_what_has_come_in_one_turn_and_goes_on_after_a_failure() -> None:
    failures: list[Any] = []

    class Alone(Summing):
        budget = 4

        def failed(self, error: Exception, message: int | None) -> None:
            failures.append(message)

    table: list[Any] = []
    actor = Alone(table)
    for number in (7, 1, -1, 2):
        actor.post(number)
    await turns(1)
    await turns()
    assert table == [7, 1, "turn", 2, 8, "turn"]
    assert failures == [-1]
    for number in range(5):
        actor.post(number)
    await turns()
    assert table[6:] == [0, 1, 2, 3, "turn", 4, "turn"]


async def test_r35_a_supervised_turn_actor_is_started_again_on_its_mailbox_and_its_table() -> None:
    table: list[Any] = []
    async with ActorSystem(publish=lambda fact: None) as system:
        first = Summing(table)
        one = system.spawn(first, factory=lambda: Summing(table), name="sum")
        downs: list[Down] = []
        one.monitor(downs.append)
        for number in (1, -1, 2):
            first.post(number)
        one.send(3)
        await turns()
        first.post(4)  # by the former object: passed on
        await turns()
        assert [entry for entry in table if entry != "turn"] == [1, 2, 3, 4]
        assert [down.exit.restarts for down in downs] == [True]
        one.stop()
        await turns()
        assert one.is_alive, "a permanent one is started again, whatever it ended by"
    first.post(5)
    await turns()
    assert system.dead_letters == 1
