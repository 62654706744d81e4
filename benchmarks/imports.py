"""How long does `import actorflow` take, against importing its three dependencies? Each in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import Figure, Options, figures, interleave, on_a_fresh_loop

PROGRAM = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
VARIANTS = {"raw": "anyio, msgspec, structlog", "actorflow": "actorflow"}


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure(options))


async def measure(options: Options) -> list[Figure]:
    async def milliseconds(names: str) -> float:
        command = [sys.executable, "-c", PROGRAM.format(names)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout) * 1000

    variants = {name: lambda names=names: milliseconds(names) for name, names in VARIANTS.items()}
    return list(figures("imports", "import", "ms", await interleave(variants, 2 * options.rounds + 1)))
