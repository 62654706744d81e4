"""What does it cost that runs survive? Each step is on disk before anything depends on it; beside bare inserts of the same rows, and DBOS.

Wall-clock time, as a disk is waited for. `bare group` and `bare single` are the yardstick: one insert per step, committed in groups by a thread, or
one by one on the loop's thread. DBOS is measured if it is installed, and not with `--quick`. How long it takes to go on with runs that a process has left, and
what a store with a million of runs costs beside an empty one, is measured in fresh processes and files.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import archive, left_runs
from benchmarks.bare_inserts import Group, Single
from benchmarks.dbos_runs import dbos_runs, is_here
from benchmarks.durable import Place, cost_of_a_step, nowhere, on_disk, on_server, runs_a_second
from benchmarks.harness import Figure, Options, Repetition, compare, figures, interleave, on_a_fresh_loop
from benchmarks.servers import some_server
from benchmarks.yardsticks import bare, bare_postgres, bare_postgres_runs, bare_runs

STEP = "µs/step"
STEPS_OF_A_WORKFLOW = 5


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(many_at_once(options))
    yield from on_a_fresh_loop(one_chain(options))
    yield from on_a_fresh_loop(write_behind(options))
    yield from workflows_in_sqlite(options)
    with some_server() as dsn:
        yield from on_a_fresh_loop(many_in_postgres(dsn, options))
        yield from workflows_in_postgres(dsn, options)
    yield from left_runs.figures(options)
    yield from on_a_fresh_loop(archive.measure(options))


# ── a step ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def many_at_once(options: Options) -> list[Figure]:
    runs = options.size(100, 20)
    variants: dict[str, Repetition] = {
        "bare group": partial(bare, Group, runs, runs, 20),
        "sqlite": partial(cost_of_a_step, on_disk, runs, runs, 20),
    }
    return await compare("store", f"{runs} runs at once", STEP, variants, options, "bare group")


async def one_chain(options: Options) -> list[Figure]:
    steps = options.size(100, 20)
    variants: dict[str, Repetition] = {
        "bare single": partial(bare, Single, 1, 1, steps),
        "bare group": partial(bare, Group, 1, 1, steps),
        "sqlite": partial(cost_of_a_step, on_disk, 1, 1, steps),
    }
    return await compare("store", "one chain", STEP, variants, options, "bare single")


async def write_behind(options: Options) -> list[Figure]:
    """The end of a run waits for its commit all the same, so the runs are longer here."""
    runs, steps = options.size(100, 20), options.size(100, 50)
    variants: dict[str, Repetition] = {
        "no store": partial(cost_of_a_step, nowhere, runs, runs, steps),
        "sqlite": partial(cost_of_a_step, on_disk, runs, runs, steps, "write_behind"),
    }
    costs = await interleave(variants, options.rounds)
    over = statistics.median(ours - none for ours, none in zip(costs["sqlite"], costs["no store"], strict=True))
    found = list(figures("store", "write-behind", STEP, costs, "no store"))
    return [*found, Figure("store", "write-behind", "over no store", over, STEP)]


async def many_in_postgres(dsn: str, options: Options) -> list[Figure]:
    runs = options.size(100, 20)
    variants: dict[str, Repetition] = {
        "bare group": partial(bare_postgres, dsn, runs, runs, 20),
        "postgres": partial(cost_of_a_step, partial(on_server, dsn), runs, runs, 20),
    }
    return await compare("store", f"postgres, {runs} runs at once", STEP, variants, options, "bare group")


# ── workflows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def workflows_in_sqlite(options: Options) -> Iterator[Figure]:
    for at_once, kind in ((1, Single), (20, Group)):
        runs = options.size(200, 40)
        with tempfile.TemporaryDirectory() as folder:
            database = f"sqlite:///{Path(folder) / 'dbos.sqlite'}"
            raw = partial(bare_runs, kind, runs, at_once, STEPS_OF_A_WORKFLOW)
            yield from on_a_fresh_loop(workflows("sqlite", on_disk, raw, database, at_once, runs, options))


def workflows_in_postgres(dsn: str, options: Options) -> Iterator[Figure]:
    for at_once in (1, 20):
        runs = options.size(200, 40)
        raw = partial(bare_postgres_runs, dsn, runs, at_once, STEPS_OF_A_WORKFLOW)
        database = f"{dsn.rpartition('/')[0]}/dbos"
        place = partial(on_server, dsn)
        yield from on_a_fresh_loop(workflows("postgres", place, raw, database, at_once, runs, options))


async def workflows(
    name: str, place: Place, raw: Repetition, database: str, at_once: int, runs: int, options: Options
) -> list[Figure]:
    """Five steps each; runs a second."""
    ours = partial(runs_a_second, place, runs, at_once, STEPS_OF_A_WORKFLOW)
    variants: dict[str, Repetition] = {"bare": raw, "runtime": ours}
    if not options.quick and is_here():
        variants["dbos"] = partial(dbos_runs, database, 20 if at_once == 1 else 60, at_once)
    elif not options.quick:
        print("DBOS isn't installed: pip install -r benchmarks/requirements.txt", file=sys.stderr)
    costs = await interleave(variants, options.rounds)
    workload = f"{name}, {at_once} at once"
    return [*figures("store", workload, "runs/s", costs, "bare"), *beside_dbos(workload, costs)]


def beside_dbos(workload: str, costs: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    if "dbos" in costs:
        times = statistics.median(ours / theirs for ours, theirs in zip(costs["runtime"], costs["dbos"], strict=True))
        yield Figure("store", workload, "runtime ÷ dbos", times, "×")
