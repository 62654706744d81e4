"""Actors that are sent what they don't take, and outcomes that are misread."""

import msgspec
from trip import Charge, Seat

from actorflow import Actor, ActorRef, Failed, Outcome, Recover, Runtime, StartRun, Succeeded, failure


class Seen(msgspec.Struct, frozen=True):
    city: str


class Counter(Actor[Seen]):
    async def receive(self, message: Seen, /) -> None: ...


async def main(runtime: Runtime) -> None:
    ref = runtime.spawn(Counter(), name="counter")
    ref.send("Oslo")  # BAD
    await ref.put(Seat("x"))  # BAD
    other: ActorRef[str] = runtime.spawn(Counter())  # BAD
    runtime.spawn(Counter(), mailbox="big")  # BAD
    StartRun.asking(name="book", inputs={})  # BAD
    print(other)


def read(outcome: Outcome[Charge]) -> None:
    print(outcome.value)  # BAD
    if isinstance(outcome, Failed):
        print(outcome.value)  # BAD
    if isinstance(outcome, Succeeded):
        print(outcome.value.code)  # BAD


r: Recover[Charge] = Recover(Seat("x"))  # BAD
failure(3)  # BAD
