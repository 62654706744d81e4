"""How long does `import actorflow` take, against importing its three dependencies? Each in fresh processes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.harness import Figure, Options, Repetition, figures, interleave, on_a_fresh_loop

PROGRAM = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
VARIANTS = {"raw": "anyio, msgspec, structlog", "actorflow": "actorflow"}


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure(options))


async def measure(options: Options) -> list[Figure]:
    async def milliseconds(names: str) -> float:
        program = PROGRAM.format(names)
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        printed, _ = await child.communicate()
        return float(printed) * 1000

    variants: dict[str, Repetition] = {name: partial(milliseconds, names) for name, names in VARIANTS.items()}
    return list(figures("imports", "import", "ms", await interleave(variants, 2 * options.rounds + 1)))
