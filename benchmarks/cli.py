"""How long does `actorflow --help` take, and what does the live tree cost a run of 1,000 steps of 10 ms, a hundred at once?"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.console import Console

from actorflow import Runtime
from actorflow.cli.ledger import TAKEN, Ledger
from actorflow.cli.live import LiveTree
from actorflow.cli.output import Output
from actorflow.cli.running import listener
from benchmarks import graphs, raw
from benchmarks.harness import (
    Clock,
    Figure,
    Options,
    Work,
    compare,
    figures,
    interleave,
    on_a_fresh_loop,
    settle,
    timed,
    verify,
)
from benchmarks.io import AT_ONCE, napping


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure_help(options))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        yield from on_a_fresh_loop(measure_tree(options, nowhere))


# ── help ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure_help(options: Options) -> list[Figure]:
    variants = {
        "raw": partial(seconds, "-c", "import typer, rich"),
        "--help": partial(seconds, "-m", "actorflow.cli", "--help"),
    }
    return list(figures("cli", "help", "s", await interleave(variants, 2 * options.rounds + 1)))


async def seconds(*arguments: str) -> float:
    """What a command takes from its start to its end."""
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL)
    verify("exit code", await child.wait(), 0)
    return time.perf_counter() - began


# ── the live tree ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure_tree(options: Options, nowhere: TextIO) -> list[Figure]:
    """All that the tree does, its first and last drawing too, into a terminal of 120 × 40 that costs nothing itself."""
    wired = graphs.drawn(raw.fan(options.size(1000, 300)), napping)
    plan = wired.compile()
    console = Console(file=nowhere, force_terminal=True, width=120, height=40, highlight=False)
    async with Runtime() as runtime:
        bare = runtime.options(max_concurrency=AT_ONCE)

        async def watched() -> list[int]:
            tree = LiveTree(Output(nowhere), console)
            subscription = runtime.subscribe(listener(tree, Ledger()), *tree.taken, *TAKEN, buffer=100_000)
            started = await bare.start(wired)
            tree.begin(started.id, plan, resumed=False)
            result = await started.result()
            await settle()
            tree.stop()
            subscription.close()
            verify("steps seen", tree.tree.root.count("succeeded"), len(plan))
            return result

        works: dict[str, Work] = {"raw": partial(bare.run, wired), "tree": watched}
        wall = {name: partial(milliseconds, work, time.perf_counter) for name, work in works.items()}
        cpu = {name: partial(milliseconds, work, time.process_time) for name, work in works.items()}
        found = await compare("cli", "live tree", "ms wall", wall, options)
        return found + await compare("cli", "live tree, CPU", "ms CPU", cpu, options)


async def milliseconds(work: Work, clock: Clock) -> float:
    spent, _ = await timed(work, clock)
    return spent * 1000
