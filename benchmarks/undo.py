"""What does it cost to take a step back? A chain that fails at its end; CPU from the failure to the run's end, an undo.

An `async def` undo runs on the loop (`undo-async`), a plain `def` one in a thread (`undo-thread`), whatever its step does.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from functools import partial

from actorflow import Failed, Runtime, Workflow, step, workflow
from benchmarks import graphs, raw
from benchmarks.harness import Figure, Options, Repetition, compare, on_a_fresh_loop, per_step, verify


class Broken(Exception):
    """What the last step raises."""


class Rollback:
    """A chain of steps with undos, whose end fails and notes when."""

    def __init__(self, steps: int, *, inline: bool) -> None:
        self.steps = steps
        self.undone: list[int] = []
        self.failed_at = 0.0
        self.workflow = self.drawn_inline() if inline else self.drawn_async()

    def take_back(self, value: int) -> None:
        self.undone.append(value)

    def break_off(self) -> int:
        gc.collect()
        self.failed_at = time.process_time()
        raise Broken

    def drawn_async(self) -> Workflow[[], int]:
        @step
        async def count(before: int) -> int:
            return before + 1

        @count.undo
        async def uncount(value: int) -> None:
            self.take_back(value)

        @step
        async def end(_before: int) -> int:
            return self.break_off()

        @workflow
        def rollback_async() -> int:
            value = 0
            for _ in range(self.steps):
                value = count(value)
            return end(value)

        return rollback_async

    def drawn_inline(self) -> Workflow[[], int]:
        @step(mode="inline")
        def count(before: int) -> int:
            return before + 1

        @count.undo
        def uncount(value: int) -> None:
            self.take_back(value)

        @step(mode="inline")
        def end(_before: int) -> int:
            return self.break_off()

        @workflow
        def rollback_inline() -> int:
            value = 0
            for _ in range(self.steps):
                value = count(value)
            return end(value)

        return rollback_inline

    async def measure(self, runtime: Runtime) -> float:
        """Microseconds an undo, verified each time: all of them, in reverse order."""
        self.undone.clear()
        run = await runtime.start(self.workflow)
        outcome = await run.outcome()
        cost = (time.process_time() - self.failed_at) / self.steps * 1e6
        verify("rollback", isinstance(outcome, Failed) and outcome.rollback, "complete")
        verify("undos", self.undone, list(range(self.steps, 0, -1)))
        return cost


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure(options))


async def measure(options: Options) -> list[Figure]:
    steps = options.size(1000, 200)
    chain = raw.chain(steps)
    rollbacks = {"undo-async": Rollback(steps, inline=False), "undo-thread": Rollback(steps, inline=True)}
    async with Runtime() as runtime:
        variants: dict[str, Repetition] = {"raw": partial(per_step, graphs.raw_work(chain), steps)}
        for name, rollback in rollbacks.items():
            variants[name] = partial(rollback.measure, runtime)
        return await compare("undo", "chain", "µs/undo", variants, options)
