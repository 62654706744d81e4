"""Runs real scientific workflows with their recorded times scaled down, and says how near to the best possible that comes.

`python -m examples.wfcommons [--tasks N …] [--seconds S]`. The best possible is the critical path: the makespan of a machine
without bounds and without overhead. That each task ran once, after all that it waits for, is checked in every run.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Console

from actorflow import Resource, Runtime, Workflow, WorkflowBuilder, step, step_context
from examples.wfcommons.graphs import RECIPES, TaskGraph, generate

SEED = 1
console = Console(highlight=False)
COLUMNS = f"{'workflow':<14}{'tasks':>8}{'edges':>8}{'at once':>9}{'critical path':>15}{'makespan':>12}{'ratio':>8}"


class Journal:
    """When each task began and ended, in seconds of the loop's clock."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.twice: list[str] = []

    def complaints(self, graph: TaskGraph) -> Iterator[str]:
        """What didn't run as the graph says."""
        yield from (f"{task} ran twice" for task in self.twice)
        yield from (f"{task} didn't run" for task in graph.seconds.keys() - self.ended.keys())
        for task, needed in graph.needs.items():
            for other in needed:
                if self.began.get(task, 0.0) < self.ended.get(other, 0.0):
                    yield f"{task} began before {other} had ended"


JOURNAL = Resource[Journal]("journal")


@step
async def compute(seconds: float) -> None:
    """Stands for a task: takes its time, and notes it."""
    journal, task, loop = JOURNAL.get(), step_context().node, asyncio.get_running_loop()
    if task in journal.began:
        journal.twice.append(task)
    journal.began[task] = loop.time()
    await asyncio.sleep(seconds)
    journal.ended[task] = loop.time()


def build(graph: TaskGraph) -> Workflow[[], None]:
    """The graph as a workflow. Tasks hand each other files, so they wait for each other without taking values."""
    builder = WorkflowBuilder(graph.name)
    for task, needed in graph.needs.items():
        builder.add_step(task, compute, arguments={"seconds": graph.seconds[task]}, after=needed)
    return builder.build()


class Result(msgspec.Struct, frozen=True):
    graph: TaskGraph
    makespan: float
    complaints: Sequence[str]

    def row(self) -> str:
        graph, shortest = self.graph, self.graph.critical_path()
        return (
            f"{graph.name:<14}{len(graph.seconds):>8,}{graph.edges:>8,}{graph.work / shortest:>9.1f}"
            f"{shortest:>13.2f} s{self.makespan:>10.2f} s{self.makespan / shortest:>8.2f}"
        )


async def run(graph: TaskGraph) -> Result:
    journal = Journal()
    workflow = build(graph)
    workflow.compile()
    async with Runtime(resources=[JOURNAL.provide(journal)]) as runtime:
        began = time.perf_counter()
        await runtime.run(workflow)
        makespan = time.perf_counter() - began
    return Result(graph, makespan, list(journal.complaints(graph)))


def run_all(sizes: Sequence[int], seconds: float) -> bool:
    """Prints a line for each graph as it's done; whether all ran as they should."""
    console.print(
        f"recorded times scaled so that each critical path takes {seconds} s\n{COLUMNS}\n{'─' * len(COLUMNS)}"
    )
    well = True
    for size in sizes:
        for name in RECIPES:
            graph = generate(name, size, SEED)
            if graph is None:
                console.print(f"{name:<14}{'–':>8}  its smallest graph has more than {size} tasks")
                continue
            result = asyncio.run(run(graph.scaled(seconds)))
            console.print(result.row())
            for complaint in result.complaints[:10]:
                console.print(f"  {complaint}")
            well = well and not result.complaints
    return well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.wfcommons", description=__doc__)
    parser.add_argument(
        "--tasks", type=int, nargs="+", default=[110, 1_000, 10_000], metavar="N", help="sizes of graphs"
    )
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="what each critical path takes")
    asked = parser.parse_args()
    return 0 if run_all(asked.tasks, asked.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
