"""An ask has an end, whatever becomes of the actor (R36)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import msgspec
import pytest

from actorflow.actors import Actor, ActorRef, ActorSystem, Reply, TurnActor, asking
from actorflow.errors import ActorFailed, ActorGone, AskTimeout, InvalidState


class Do(msgspec.Struct, frozen=True):
    reply: Reply[str]
    what: str


class Clerk(Actor[Do]):
    def __init__(self) -> None:
        self.kept: list[Do] = []
        self.inside = asyncio.Event()
        self.gate = asyncio.Event()

    async def receive(self, message: Do, /) -> None:
        match message.what:
            case "answer":
                message.reply("yes")
                message.reply("no")
            case "refuse":
                message.reply.refuse(InvalidState("not today"))
            case "fail":
                raise ValueError("broken")
            case "keep":
                self.kept.append(message)
            case "drop":
                pass
            case "stop":
                self.stop()
            case "leak a cancel":
                raise asyncio.CancelledError
            case "wait":
                self.inside.set()
                await self.gate.wait()
                message.reply("at last")
            case _:
                raise AssertionError(message.what)


def do(what: str) -> Callable[[Reply[str]], Do]:
    return asking(Do, what)


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("refuse", InvalidState),
        ("fail", ActorFailed),
        ("drop", ActorFailed),
        ("stop", ActorGone),
        ("leak a cancel", ActorFailed),
    ],
)
@pytest.mark.parametrize("supervised", [False, True])
async def test_r36_what_an_ask_raises(what: str, error: type[Exception], supervised: bool) -> None:
    async with ActorSystem() as system:
        clerk = system.spawn(Clerk(), factory=Clerk if supervised else None)
        assert await clerk.ask(do("answer")) == "yes"
        with pytest.raises(error) as caught:
            await clerk.ask(do(what))
        if what == "fail":
            assert isinstance(caught.value.__cause__, ValueError)
        if supervised:
            assert await clerk.ask(do("answer")) == "yes"


async def test_an_ask_times_out_and_leaves_nothing_behind() -> None:
    async with ActorSystem() as system:
        clerk = Clerk()
        ref = system.spawn(clerk)
        with pytest.raises(AskTimeout, match="clerk-1 didn't answer within 0 s"):
            await ref.ask(do("keep"), timeout=0)
        clerk.kept.pop().reply("too late")
        assert await ref.ask(do("answer"), timeout=60) == "yes"
        assert len(system.kernel.timers) == 0


@pytest.mark.parametrize("ends", ["fails", "stops", "is stopped"])
async def test_asks_in_hand_and_in_the_mailbox_end_with_the_actor(ends: str) -> None:
    async with ActorSystem() as system:
        clerk = Clerk()
        ref = system.spawn(clerk, shutdown=0)
        kept = asyncio.create_task(ref.ask(do("keep")))
        waits = asyncio.create_task(ref.ask(do("wait")))
        await clerk.inside.wait()
        last = asyncio.create_task(ref.ask(do("fail" if ends == "fails" else "stop")))
        behind = asyncio.create_task(ref.ask(do("answer")))
        await asyncio.sleep(0)
        if ends == "is stopped":
            await system.stop()
        else:
            clerk.gate.set()
        results = await asyncio.gather(kept, waits, last, behind, return_exceptions=True)
        gone, failed = (ActorGone, ActorFailed)
        expected: dict[str, list[Any]] = {
            "fails": [failed, str, failed, gone],
            "stops": [gone, str, gone, gone],
            "is stopped": [gone, gone, gone, gone],
        }
        assert [type(result) for result in results] == expected[ends]
        with pytest.raises(ActorGone):
            await ref.ask(do("answer"))


async def test_r35_asks_in_the_mailbox_survive_a_restart() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Clerk(), factory=Clerk)
        kept, failed, behind = (asyncio.create_task(ref.ask(do(what))) for what in ("keep", "fail", "answer"))
        results = await asyncio.gather(kept, failed, behind, return_exceptions=True)
        assert [type(result) for result in results] == [ActorFailed, ActorFailed, str]


async def test_an_ask_waits_for_room_no_longer_than_its_timeout() -> None:
    async with ActorSystem() as system:
        clerk = Clerk()
        ref = system.spawn(clerk, mailbox=1, shutdown=0)
        waits = asyncio.create_task(ref.ask(do("wait")))
        await clerk.inside.wait()
        queued = asyncio.create_task(ref.ask(do("answer")))
        await asyncio.sleep(0)
        with pytest.raises(AskTimeout):
            await ref.ask(do("answer"), timeout=0)
        patient = asyncio.create_task(ref.ask(do("answer")))
        await asyncio.sleep(0)
        clerk.gate.set()
        assert list(await asyncio.gather(waits, queued, patient)) == ["at last", "yes", "yes"]


async def test_an_asker_may_be_cancelled_by_anyio_and_the_actor_goes_on() -> None:
    async with ActorSystem() as system:
        clerk = Clerk()
        ref = system.spawn(clerk)
        with anyio.move_on_after(0) as scope:
            await ref.ask(do("wait"))
        assert scope.cancelled_caught
        clerk.gate.set()
        assert await ref.ask(do("answer")) == "yes"


async def test_anyio_may_be_used_freely_in_receive() -> None:
    class Scoped(Actor[Do]):
        async def receive(self, message: Do, /) -> None:
            with anyio.move_on_after(0) as scope:
                await anyio.sleep_forever()
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 0)
            message.reply("cancelled" if scope.cancelled_caught else "went on")

    async with ActorSystem() as system:
        ref = system.spawn(Scoped())
        assert [await ref.ask(do("")) for _ in range(3)] == ["cancelled"] * 3


async def test_turn_actors_answer_and_keep_what_they_hold_over_a_restart() -> None:
    """R35: replies in a table outlive the actor that works on the table; only the question it failed on is failed."""
    table: list[Do] = []

    class Desk(TurnActor[Do]):
        def handle(self, message: Do, /) -> None:
            if message.what == "keep":
                table.append(message)
            elif message.what == "fail":
                raise ValueError("broken")
            elif message.what == "answer":
                for kept in table:
                    kept.reply("kept")
                message.reply("yes")

    async with ActorSystem() as system:
        ref = system.spawn(Desk(), factory=Desk)
        asks = [asyncio.create_task(ref.ask(do(what))) for what in ("keep", "drop", "fail", "answer")]
        results = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(result) for result in results] == [str, ActorFailed, ActorFailed, str]


class Selfish(Actor[Do]):
    """Asks itself, at once or through a ref for other threads."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    async def receive(self, message: Do, /) -> None:
        ref = self.ref.from_thread() if message.what == "from thread" else self.ref
        try:
            await ref.ask(do("answer"), timeout=30 if message.what == "in time" else None)
        except InvalidState as error:
            self.errors.append(error)
        message.reply(message.what)


@pytest.mark.parametrize("how", ["at once", "in time", "from thread"])
async def test_r36_an_actor_that_asks_itself_is_told_so_at_once(how: str) -> None:
    async with ActorSystem() as system:
        selfish = Selfish()
        ref = system.spawn(selfish, name="selfish")
        assert await ref.ask(do(how)) == how
        (error,) = selfish.errors
        assert str(error).startswith("selfish can't ask itself")


async def test_r36_two_actors_may_ask_each_other_in_turn() -> None:
    class Relay(Actor[Do]):
        def __init__(self, other: ActorRef[Do]) -> None:
            self.other = other

        async def receive(self, message: Do, /) -> None:
            message.reply(await self.other.ask(do(message.what)))

    async with ActorSystem() as system:
        relay = system.spawn(Relay(system.spawn(Clerk())))
        assert await relay.ask(do("answer")) == "yes"
