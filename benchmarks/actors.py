"""What does an actor cost beside a bare task on an `asyncio.Queue`? CPU a message, an answer, a spawn with its stop.

`raw` is the least that does the same: a task that loops over a queue, answers a future, and is ended by a message.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Queue
from collections.abc import Awaitable, Callable

import msgspec

from actorflow.actors import Actor, ActorSystem, Reply, asking
from benchmarks.harness import Figure, Options, Repetition, compare, on_a_fresh_loop, per_step, verify

BURST = 100


class Add(msgspec.Struct, frozen=True):
    amount: int


class Read(msgspec.Struct, frozen=True):
    reply: Reply[int]


class Counter(Actor[Add | Read]):
    def __init__(self) -> None:
        self.total = 0

    async def receive(self, message: Add | Read, /) -> None:
        if isinstance(message, Add):
            self.total += message.amount
        else:
            message.reply(self.total)


class RawRead(msgspec.Struct, frozen=True):
    future: Future[int]


class RawCounter:
    """The same without actors. `None` ends it."""

    def __init__(self) -> None:
        self.total = 0
        self.queue: Queue[Add | RawRead | None] = Queue()
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        while (message := await self.queue.get()) is not None:
            if isinstance(message, Add):
                self.total += message.amount
            else:
                message.future.set_result(self.total)

    async def ask(self) -> int:
        future: Future[int] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait(RawRead(future))
        return await future

    async def stop(self) -> None:
        self.queue.put_nowait(None)
        await self.task


def send(messages: int) -> dict[str, Repetition]:
    """Bursts of messages, each handled before the next burst."""
    message = Add(1)

    async def raw() -> float:
        counter = RawCounter()

        async def work() -> None:
            put = counter.queue.put_nowait
            for _ in range(messages // BURST):
                for _ in range(BURST):
                    put(message)
                await asyncio.sleep(0)

        cost = await per_step(work, messages)
        verify("raw messages", await counter.ask(), messages)
        await counter.stop()
        return cost

    async def actor() -> float:
        async with ActorSystem() as system:
            counter = system.spawn(Counter())

            async def work() -> None:
                send = counter.send
                for _ in range(messages // BURST):
                    for _ in range(BURST):
                        send(message)
                    await asyncio.sleep(0)

            cost = await per_step(work, messages)
            verify("messages", await counter.ask(asking(Read)), messages)
            return cost

    return {"raw": raw, "actor": actor}


def ask(questions: int) -> dict[str, Repetition]:
    """One question after the other."""

    async def raw() -> float:
        counter = RawCounter()
        cost = await per_step(lambda: repeat(counter.ask, questions), questions)
        await counter.stop()
        return cost

    async def actor() -> float:
        async with ActorSystem() as system:
            counter = system.spawn(Counter())
            return await per_step(lambda: repeat(lambda: counter.ask(asking(Read)), questions), questions)

    async def actor_timeout() -> float:
        async with ActorSystem() as system:
            counter = system.spawn(Counter())
            return await per_step(lambda: repeat(lambda: counter.ask(asking(Read), timeout=5), questions), questions)

    return {"raw": raw, "actor": actor, "actor, with timeout": actor_timeout}


def spawn_and_stop(times: int, *, messages: int) -> dict[str, Repetition]:
    """Made, sent some messages, stopped by a message, awaited; one after the other."""
    message = Add(1)

    async def raw() -> float:
        async def once() -> None:
            counter = RawCounter()
            for _ in range(messages):
                counter.queue.put_nowait(message)
            await counter.stop()
            verify("raw messages", counter.total, messages)

        return await per_step(lambda: repeat(once, times), times)

    async def actor() -> float:
        async with ActorSystem() as system:

            async def once() -> None:
                counter = Counter()
                ref = system.spawn(counter)
                for _ in range(messages):
                    ref.send(message)
                ref.stop()
                await ref.ended()
                verify("messages", counter.total, messages)

            return await per_step(lambda: repeat(once, times), times)

    return {"raw": raw, "actor": actor}


async def repeat(once: Callable[[], Awaitable[object]], times: int) -> None:
    for _ in range(times):
        await once()


def run(options: Options) -> list[Figure]:
    size = options.size(20_000, 2_000)
    workloads = {
        "send": send(size),
        "ask": ask(size),
        "spawn and stop": spawn_and_stop(size // 4, messages=0),
        "spawn, send and stop": spawn_and_stop(size // 4, messages=1),
    }
    found: list[Figure] = []
    for workload, variants in workloads.items():
        unit = "µs/message" if workload == "send" else "µs/answer" if workload == "ask" else "µs/actor"
        found += on_a_fresh_loop(compare("actors", workload, unit, variants, options))
    return found
