"""Actors of the user's own."""

from typing import assert_type

import msgspec

from actorflow import Actor, ActorRef, Runtime


class Seen(msgspec.Struct, frozen=True):
    city: str


class Counter(Actor[Seen]):
    async def receive(self, message: Seen, /) -> None: ...


async def main(runtime: Runtime) -> None:
    ref = runtime.spawn(Counter(), name="counter", mailbox=100)
    assert_type(ref, ActorRef[Seen])
    ref.send(Seen("Oslo"))
    await ref.put(Seen("Rome"))
    ref.from_thread().send(Seen("Bonn"))
