"""Messages: their order, what is taken, bounds, other threads (R33, R36, R38)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Generic, TypeVar

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.actors import Actor, ActorRef, ActorSystem, Reply, asking
from actorflow.errors import ActorGone, InvalidMessage, InvalidState, MailboxFull, WrongLoop

T = TypeVar("T")


class Note(msgspec.Struct, frozen=True):
    sender: int
    number: int


class Look(msgspec.Struct, frozen=True):
    reply: Reply[int]


class Notebook(Actor[Note | Look]):
    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.inside = 0

    async def receive(self, message: Note | Look, /) -> None:
        self.inside += 1
        assert self.inside == 1, "R33: one message at a time"
        await self.gate.wait()
        if isinstance(message, Note):
            self.notes.append(message)
        else:
            message.reply(len(self.notes))
        self.inside -= 1


async def turns(count: int = 8) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@given(
    plan=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["send", "put", "turn"])), max_size=80),
    bound=st.none() | st.integers(1, 4),
)
def test_r33_nothing_is_lost_and_each_senders_messages_arrive_in_order(
    plan: list[tuple[int, str]], bound: int | None
) -> None:
    async def sender(ref: ActorRef[Note | Look], who: int) -> int:
        sent = 0
        for other, how in plan:
            if how == "turn":
                await asyncio.sleep(0)
            elif other == who and how == "send" and bound is None:
                ref.send(Note(who, sent))
                sent += 1
            elif other == who:
                await ref.put(Note(who, sent))
                sent += 1
        return sent

    async def main() -> None:
        async with ActorSystem() as system:
            book = Notebook()
            ref = system.spawn(book, mailbox=bound)
            sent = await asyncio.gather(*(sender(ref, who) for who in range(4)))
            assert await ref.ask(asking(Look)) == sum(sent)
            for who in range(4):
                assert [note.number for note in book.notes if note.sender == who] == list(range(sent[who]))

    asyncio.run(main())


async def test_more_messages_than_a_budget_let_others_have_a_turn() -> None:
    async with ActorSystem() as system:
        book = Notebook()
        ref = system.spawn(book)
        for number in range(600):
            ref.send(Note(0, number))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert 0 < len(book.notes) < 600
        assert await ref.ask(asking(Look)) == 600


async def test_r36_a_message_of_another_type_is_refused_where_it_is_sent() -> None:
    async with ActorSystem() as system:
        ref: ActorRef[Any] = system.spawn(Notebook())
        with pytest.raises(InvalidMessage, match=r"takes no str\nIt takes Note or Look"):
            ref.send("hello")
        with pytest.raises(InvalidMessage):
            await ref.put(3)
        with pytest.raises(InvalidMessage):
            await ref.ask(lambda reply: "what?")
        with pytest.raises(InvalidMessage):
            ref.from_thread().send(None)


class ByAnnotation(Actor):  # type: ignore[type-arg]
    async def receive(self, message: int | str, /) -> None: ...


class Middle(Actor[T], Generic[T]):
    async def receive(self, message: T, /) -> None: ...


class Inherited(Middle[bytes]): ...


class Further(Inherited): ...


class Open(Middle[T], Generic[T]): ...


class Quoted(Actor["Note | None"]):
    async def receive(self, message: Note | None, /) -> None: ...


class Numbers(Actor[float]):
    async def receive(self, message: float, /) -> None: ...


class Anything(Actor[Any]):
    async def receive(self, message: Any, /) -> None: ...


@pytest.mark.parametrize(
    ("actor", "good", "bad"),
    [
        (ByAnnotation, [1, "x", True], [b"", None]),
        (Inherited, [b"x"], ["x"]),
        (Further, [b"x"], ["x"]),
        (Open, [1, "x", None], []),
        (Quoted, [None, Note(0, 0)], ["x"]),
        (Numbers, [1, 2.5], ["x"]),
        (Anything, [1, "x", None, object()], []),
    ],
)
async def test_r36_what_is_taken_comes_from_the_type_parameter_or_the_annotation(
    actor: Any, good: list[Any], bad: list[Any]
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(actor())
        for message in good * 2:
            ref.send(message)
        for message in bad:
            with pytest.raises(InvalidMessage):
                ref.send(message)


async def test_r36_a_bounded_mailbox_that_is_full_refuses_send_and_lets_put_wait() -> None:
    async with ActorSystem() as system:
        book = Notebook()
        book.gate.clear()
        ref = system.spawn(book, mailbox=2)
        ref.send(Note(0, 0))
        await turns()  # in hand now
        ref.send(Note(0, 1))
        ref.send(Note(0, 2))
        with pytest.raises(MailboxFull, match="put"):
            ref.send(Note(0, 3))
        with pytest.raises(MailboxFull):
            ref.from_thread().send(Note(0, 3))
        putting = asyncio.create_task(ref.put(Note(0, 4)))
        await turns()
        assert not putting.done()
        book.gate.set()
        await putting
        assert await ref.ask(asking(Look)) == 4


async def test_a_put_that_is_cancelled_leaves_no_message() -> None:
    async with ActorSystem() as system:
        book = Notebook()
        book.gate.clear()
        ref = system.spawn(book, mailbox=1)
        ref.send(Note(0, 0))
        await turns()
        ref.send(Note(0, 1))
        with anyio.move_on_after(0) as scope:
            await ref.put(Note(0, 2))
        assert scope.cancelled_caught
        book.gate.set()
        assert await ref.ask(asking(Look)) == 2


async def test_put_to_an_actor_that_ends_meanwhile_raises_actor_gone() -> None:
    async with ActorSystem() as system:
        book = Notebook()
        book.gate.clear()
        ref = system.spawn(book, mailbox=1, shutdown=0)
        ref.send(Note(0, 0))
        await turns()
        ref.send(Note(0, 1))
        putting = asyncio.create_task(ref.put(Note(0, 2)))
        await turns()
        await system.stop()
        with pytest.raises(ActorGone):
            await putting
        with pytest.raises(ActorGone):
            await ref.put(Note(0, 3))


def test_r38_a_ref_used_from_another_loop_or_thread_says_so() -> None:
    async def main() -> None:
        async with ActorSystem() as system:
            ref = system.spawn(Notebook())

            async def elsewhere() -> None:
                with pytest.raises(WrongLoop, match="from_thread"):
                    ref.send(Note(0, 0))
                for attempt in (ref.put(Note(0, 0)), ref.ask(asking(Look)), ref.ended()):
                    with pytest.raises(WrongLoop):
                        await attempt

            def no_loop() -> None:
                with pytest.raises(WrongLoop):
                    ref.send(Note(0, 0))

            await asyncio.to_thread(no_loop)
            await asyncio.to_thread(asyncio.run, elsewhere())

    asyncio.run(main())
    with pytest.raises(WrongLoop):
        ActorSystem()


async def test_r36_a_thread_ref_sends_puts_and_asks_from_another_loop() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Notebook()).from_thread()

        async def elsewhere() -> int:
            ref.send(Note(0, 0))
            await ref.put(Note(0, 1))
            return await ref.ask(asking(Look), timeout=5)

        assert await asyncio.to_thread(lambda: asyncio.run(elsewhere())) == 2
        assert await ref.ask(asking(Look)) == 2


def test_a_thread_ref_of_a_closed_loop_counts_dead_letters_and_raises_actor_gone() -> None:
    refs: list[ActorRef[Note | Look]] = []
    systems: list[ActorSystem] = []

    async def main() -> None:
        async with ActorSystem() as system:
            systems.append(system)
            refs.append(system.spawn(Notebook()).from_thread())

    asyncio.run(main())
    refs[0].send(Note(0, 0))
    refs[0].stop()
    assert systems[0].dead_letters == 1

    async def ask() -> None:
        with pytest.raises(ActorGone):
            await refs[0].ask(asking(Look))

    asyncio.run(ask())


async def test_replies_may_be_given_from_a_thread() -> None:
    class Threaded(Actor[Look]):
        async def receive(self, message: Look, /) -> None:
            threading.Thread(target=message.reply, args=(7,)).start()

    async with ActorSystem() as system:
        assert await system.spawn(Threaded()).ask(asking(Look)) == 7


async def test_an_actor_object_has_one_home() -> None:
    async with ActorSystem() as system:
        book = Notebook()
        with pytest.raises(InvalidState, match="isn't spawned"):
            book.stop()
        ref = system.spawn(book, name="book")
        assert book.ref is ref and ref.address == "book"
        with pytest.raises(InvalidState, match="already"):
            system.spawn(book)
        with pytest.raises(InvalidState, match="already"):
            system.spawn(Notebook(), name="book")
        assert system.names() == ["book"]
