"""The same graphs for the raw executor and for ours, drawn from `raw.py`'s own lists, and the proof that each step ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, TypeAlias

from actorflow import Runtime, Step, Workflow, step, step_context, workflow
from benchmarks import raw
from benchmarks.harness import Work, verify

OneStep: TypeAlias = Step[..., int, Any]
Drawn: TypeAlias = Workflow[[], list[int]]

_numbers = count(1)
"""A runtime refuses two workflows of one name (R4)."""


DRAWINGS = count(1)


@step
async def one(*_results: int) -> int:
    """The body that `raw.one` has."""
    return 1


@step(mode="inline")
def one_inline(*_results: int) -> int:
    return 1


def sinks(graph: raw.Graph) -> list[int]:
    """The steps that nobody takes a result from: what a run gives."""
    taken = {other for needed in graph for other in needed}
    return [number for number in range(len(graph)) if number not in taken]


def drawn(graph: raw.Graph, body: OneStep) -> Drawn:
    """The workflow of a graph, with one and the same step at every node, under a name that no other has."""

    @workflow(name=f"graph-{next(DRAWINGS)}")
    def wired() -> list[int]:
        results: list[int] = []
        for needed in graph:
            results.append(body(*[results[other] for other in needed]))
        return [results[number] for number in sinks(graph)]

    wired.compile()
    return wired


def counting(seen: Counter[str], *, inline: bool) -> OneStep:
    """A step like `one` that notes which node it ran as."""

    def note() -> int:
        seen[step_context().node] += 1
        return 1

    if inline:

        @step(name="one", mode="inline")
        def counted_inline(*_results: int) -> int:
            return note()

        return counted_inline

    @step(name="one")
    async def counted(*_results: int) -> int:
        return note()

    return counted


async def verify_ours(graph: raw.Graph, runtime: Runtime, *, inline: bool) -> None:
    """One run outside of the timed rounds: every node exactly once, and the right results."""
    seen: Counter[str] = Counter()
    results = await runtime.run(drawn(graph, counting(seen, inline=inline)))
    verify("results", results, [1] * len(sinks(graph)))
    verify("nodes that ran", len(seen), len(graph))
    verify("runs of each node", set(seen.values()), {1})


async def verify_raw(graph: raw.Graph, *, eager: bool) -> None:
    calls = 0

    async def counted(*_results: int) -> int:
        nonlocal calls
        calls += 1
        return 1

    verify("raw results", await raw.run(raw.Plan(graph), counted, eager=eager), [1] * len(graph))
    verify("raw steps", calls, len(graph))


def raw_work(graph: raw.Graph, body: raw.Body = raw.one, *, eager: bool = False) -> Work:
    plan = raw.Plan(graph)
    return lambda: raw.run(plan, body, eager=eager)


def our_work(run: Callable[[Drawn], Awaitable[list[int]]], wired: Drawn) -> Work:
    """A run of the workflow; `run` is a runtime's, or that of its options."""
    return lambda: run(wired)
