"""R33: actors share nothing and speak only by typed messages, one after the other."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actorflow import (
    Actor,
    ActorRef,
    CancelRun,
    HaltRun,
    InvalidMessage,
    Reply,
    ResumeRun,
    Runtime,
    Started,
    StartRun,
    UndoRun,
    asking,
)
from actorflow.testing import MockClock


class Note(msgspec.Struct, frozen=True):
    sender: str
    number: int


class Read(msgspec.Struct, frozen=True):
    reply: Reply[list[Note]]


class Notebook(Actor[Note | Read]):
    """Takes its time over each message, so that others could come in between."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.inside = 0
        self.most_inside = 0

    async def receive(self, message: Note | Read, /) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await asyncio.sleep(0)
        match message:
            case Note():
                self.notes.append(message)
            case Read(reply):
                reply(list(self.notes))
        self.inside -= 1


async def test_an_actor_is_spoken_to_by_messages_of_its_types(clock: MockClock) -> None:
    """R33: actors … speak only by typed messages: others are refused."""
    async with Runtime(clock=clock) as runtime:
        notebook = runtime.spawn(Notebook())
        notebook.send(Note("a", 1))
        anybody: ActorRef[Any] = notebook
        with pytest.raises(InvalidMessage):
            anybody.send("a note")
        assert await notebook.ask(asking(Read)) == [Note("a", 1)]


async def test_actors_share_nothing(clock: MockClock) -> None:
    """R33: actors share nothing: what they are reached through shows nothing of their state."""
    async with Runtime(clock=clock) as runtime:
        notebook = runtime.spawn(Notebook())
        for name in ("notes", "inside", "receive"):
            assert not hasattr(notebook, name)


@pytest.mark.parametrize("message", [StartRun, HaltRun, ResumeRun, CancelRun, UndoRun, Started])
def test_messages_are_immutable(message: type[msgspec.Struct]) -> None:
    """R33: messages are `msgspec.Struct`, immutable."""
    assert issubclass(message, msgspec.Struct)
    assert message.__struct_config__.frozen


async def test_messages_of_one_sender_arrive_in_order(clock: MockClock) -> None:
    """R33: from one sender to one receiver they arrive in order, whoever else sends."""
    async with Runtime(clock=clock) as runtime:
        notebook = runtime.spawn(Notebook(), mailbox=5)

        async def send(name: str) -> None:
            for number in range(20):
                await notebook.put(Note(name, number))

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(send(name))
        notes = await notebook.ask(asking(Read))
    assert [[note.number for note in notes if note.sender == name] for name in "abc"] == [list(range(20))] * 3


async def test_messages_of_a_thread_arrive_in_order(clock: MockClock) -> None:
    """R33: … and from wherever it sends."""
    async with Runtime(clock=clock) as runtime:
        notebook = runtime.spawn(Notebook())
        ref = notebook.from_thread()

        def send() -> None:
            for number in range(50):
                ref.send(Note("thread", number))

        await asyncio.to_thread(send)
        notes = await notebook.ask(asking(Read))
    assert [note.number for note in notes] == list(range(50))


async def test_an_actor_handles_one_message_at_a_time(clock: MockClock) -> None:
    """R33: an actor handles one message at a time."""
    actor = Notebook()
    async with Runtime(clock=clock) as runtime:
        notebook = runtime.spawn(actor)
        for number in range(10):
            notebook.send(Note("a", number))
        await notebook.ask(asking(Read))
    assert actor.most_inside == 1
    assert len(actor.notes) == 10


async def test_the_executor_is_an_actor_with_typed_messages(clock: MockClock) -> None:
    """R33: a runtime is spoken to by messages too, and only by those that it takes."""
    async with Runtime(clock=clock) as runtime:
        executor: ActorRef[Any] = runtime.executor
        with pytest.raises(InvalidMessage, match="StartRun"):
            executor.send({"workflow": "book_trip"})
