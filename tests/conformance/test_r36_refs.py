"""R36: how actors are spoken to, and that nobody who asks ever waits for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actorflow import (
    Actor,
    ActorFailed,
    ActorflowError,
    ActorGone,
    ActorRef,
    AskTimeout,
    Event,
    InvalidMessage,
    MailboxFull,
    Reply,
    Runtime,
    WrongLoop,
    asking,
)
from actorflow.actors import ActorSystem
from actorflow.facts import DeadLetter
from actorflow.testing import MockClock
from tests.conformance.seen import forever


class Note(msgspec.Struct, frozen=True):
    text: str


class Ask(msgspec.Struct, frozen=True):
    reply: Reply[str]
    what: str = "answer"


class TooMuch(ActorflowError):
    """An error of the receiver's own."""


class Clerk(Actor[Note | Ask]):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.kept: list[Reply[str]] = []

    async def receive(self, message: Note | Ask, /) -> None:
        await self.go_on.wait()
        match message:
            case Note(text):
                self.notes.append(text)
            case Ask(reply, "answer"):
                reply(f"{len(self.notes)} notes")
            case Ask(reply, "refuse"):
                reply.refuse(TooMuch("not today"))
            case Ask(_, "fail"):
                raise ValueError("broken")
            case Ask(_, "stop"):
                self.stop()
            case Ask(reply, "keep"):
                self.kept.append(reply)
            case Ask(_, "hang"):
                await forever()
            case Ask():
                pass  # drops the question


async def test_send_does_not_wait(clock: MockClock) -> None:
    """R36: `ref.send(m)` is sync: the message is handled later."""
    clerk = Clerk()
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(clerk)
        ref.send(Note("a"))
        assert clerk.notes == []
        assert await ref.ask(asking(Ask)) == "1 notes"


async def test_send_to_a_full_mailbox_raises(clock: MockClock) -> None:
    """R36: `send` … raises `MailboxFull` on a bounded mailbox that is full."""
    clerk = Clerk()
    clerk.go_on.clear()
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(clerk, mailbox=2)
        ref.send(Note("in hand"))
        await asyncio.sleep(1.0)  # the mock clock's
        for text in ("a", "b"):
            ref.send(Note(text))
        with pytest.raises(MailboxFull, match="put"):
            ref.send(Note("c"))
        clerk.go_on.set()
        await ref.ask(asking(Ask))
    assert clerk.notes == ["in hand", "a", "b"]


async def test_put_waits_for_room(clock: MockClock) -> None:
    """R36: `await ref.put(m)` waits."""
    clerk = Clerk()
    clerk.go_on.clear()
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(clerk, mailbox=1)
        puts = [asyncio.ensure_future(ref.put(Note(text))) for text in "abcd"]
        await asyncio.sleep(1.0)  # the mock clock's
        assert not all(put.done() for put in puts)
        clerk.go_on.set()
        await asyncio.gather(*puts)
        await ref.ask(asking(Ask))
    assert clerk.notes == ["a", "b", "c", "d"]


async def test_a_message_to_an_actor_that_is_gone_is_a_dead_letter(clock: MockClock) -> None:
    """R36: a message to an actor that is gone is a dead letter: … visible."""
    events: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(events.append, DeadLetter)
        ref = runtime.spawn(Clerk(), name="clerk")
        ref.stop()
        await ref.ended()
        ref.send(Note("too late"))
    assert [(event.fact.actor, event.fact.message) for event in events] == [("clerk", Note("too late"))]


async def test_dead_letters_are_counted() -> None:
    """R36: … counted, those that lay in the mailbox too."""
    async with ActorSystem() as system:
        ref = system.spawn(Clerk())
        ref.send(Note("handled"))
        ref.stop()
        for text in "ab":
            ref.send(Note(text))
        await ref.ended()
        ref.send(Note("c"))
        assert system.dead_letters == 3


async def test_ask_gives_the_reply(clock: MockClock) -> None:
    """R36: `ask(…)` gives the reply."""
    async with Runtime(clock=clock) as runtime:
        assert await runtime.spawn(Clerk()).ask(asking(Ask), timeout=5.0) == "0 notes"


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("refuse", TooMuch),
        ("fail", ActorFailed),
        ("stop", ActorGone),
        ("drop", ActorFailed),
        ("hang", AskTimeout),
        ("keep", AskTimeout),
    ],
)
async def test_ask_raises_and_never_hangs(clock: MockClock, what: str, error: type[ActorflowError]) -> None:
    """R36: `ask(…, timeout=…)` … raises the error that the receiver refused with, `AskTimeout`, `ActorGone` or
    `ActorFailed`: never a hang."""
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(Clerk())
        with pytest.raises(error) as caught:
            await ref.ask(asking(Ask, what), timeout=5.0)
        if what == "fail":
            assert isinstance(caught.value.__cause__, ValueError)
        if error is AskTimeout:
            assert clock.monotonic() == 5.0


async def test_a_question_that_an_actor_failed_on_is_answered_though_it_starts_again(clock: MockClock) -> None:
    """R36: … `ActorFailed`: of an actor that is started again, too; what lies in its mailbox is still answered."""
    async with ActorSystem() as system:
        ref = system.spawn(Clerk(), factory=Clerk)
        failed = asyncio.ensure_future(ref.ask(asking(Ask, "fail"), timeout=5.0))
        answered = asyncio.ensure_future(ref.ask(asking(Ask), timeout=5.0))
        with pytest.raises(ActorFailed) as caught:
            await failed
        assert isinstance(caught.value.__cause__, ValueError)
        assert await answered == "0 notes"
    assert clock.monotonic() < 5.0


@pytest.mark.parametrize("what", ["drop", "fail", "stop", "refuse"])
async def test_ask_without_a_timeout_does_not_hang_either(clock: MockClock, what: str) -> None:
    """R36: never a hang, with a timeout or without: an answer that can't come any more is told."""
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(ActorflowError):
            await runtime.spawn(Clerk()).ask(asking(Ask, what))


async def test_whoever_asked_is_told_when_the_runtime_is_left(clock: MockClock) -> None:
    """R36: never a hang: not when the actor ends before it has answered either."""
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(Clerk())
        kept = asyncio.ensure_future(ref.ask(asking(Ask, "keep")))
        await asyncio.sleep(0)
    with pytest.raises(ActorGone):
        await kept
    with pytest.raises(ActorGone):
        await ref.ask(asking(Ask))


@pytest.mark.parametrize("wrong", ["a note", None, {"text": "a"}, Note])
async def test_a_message_of_another_type_is_refused_at_send(clock: MockClock, wrong: Any) -> None:
    """R36: a message of a type the actor doesn't take is refused at `send` with `InvalidMessage`."""
    async with Runtime(clock=clock) as runtime:
        ref: ActorRef[Any] = runtime.spawn(Clerk())
        for way in (ref, ref.from_thread()):
            with pytest.raises(InvalidMessage, match="Note or Ask"):
                way.send(wrong)
            with pytest.raises(InvalidMessage, match="Note or Ask"):
                await way.put(wrong)
            with pytest.raises(InvalidMessage, match="Note or Ask"):
                await way.ask(lambda reply: wrong)
        assert await ref.ask(asking(Ask)) == "0 notes"


async def test_refs_are_for_their_loop(clock: MockClock) -> None:
    """R36: refs are for their loop."""
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(Clerk())

        def in_thread() -> None:
            with pytest.raises(WrongLoop, match="from_thread"):
                ref.send(Note("a"))

        async def in_another_loop() -> None:
            with pytest.raises(WrongLoop, match="from_thread"):
                await ref.ask(asking(Ask))

        await asyncio.to_thread(in_thread)
        await asyncio.to_thread(asyncio.run, in_another_loop())
        assert await ref.ask(asking(Ask)) == "0 notes"


async def test_from_thread_is_for_others(clock: MockClock) -> None:
    """R36: `ref.from_thread()` is for others: threads, and loops in them."""
    async with Runtime(clock=clock) as runtime:
        ref = runtime.spawn(Clerk()).from_thread()

        async def in_another_loop() -> str:
            ref.send(Note("a"))
            await ref.put(Note("b"))
            return await ref.ask(asking(Ask), timeout=60.0)

        assert await asyncio.to_thread(asyncio.run, in_another_loop()) == "2 notes"
