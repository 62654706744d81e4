"""Tries the mutants, and tells by what each is killed. Fails if one survives.

    python -m tests.mutants [NAME…] [--report FILE] [--jobs N] [--worlds N]

Each is tried in a copy of the code: first by the simulated worlds, if it is one of the engine or of plans; then by the conformance
tests, those of the rules that it breaks first. In the end, the tests that killed mutants must pass on the code as it is.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.sandbox import Kill, Sandbox


class Trial(NamedTuple):
    mutant: Mutant
    kill: Kill | None
    seconds: float

    def __str__(self) -> str:
        verdict = f"killed by {self.kill.by}" if self.kill else f"SURVIVES ({self.mutant.rules}, {self.mutant.path})"
        return f"{self.seconds:5.1f} s  {self.mutant.name:45} {verdict}"


def main(arguments: list[str]) -> int:
    options = parsed(arguments)
    chosen = [mutant for mutant in MUTANTS if not options.names or mutant.name in options.names]
    unknown = set(options.names) - {mutant.name for mutant in chosen}
    if unknown:
        print(f"no mutant is named {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    began = time.monotonic()
    with TemporaryDirectory(prefix="mutants-") as folder:
        sandboxes = [Sandbox(new_folder(Path(folder), n), options.worlds) for n in range(options.jobs)]
        trials = try_all(chosen, sandboxes)
        broken = still_broken(sandboxes[0], trials)
    if options.report:
        Path(options.report).write_text(as_table(trials))
    return verdict(trials, broken, time.monotonic() - began)


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Tries the mutants.")
    parser.add_argument("names", nargs="*", help="which mutants; all unless given")
    parser.add_argument("--report", help="writes a table of who was killed by what to this file")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried at once")
    parser.add_argument("--worlds", type=int, default=4000, help="how many simulated worlds are played")
    return parser.parse_args(arguments)


def new_folder(parent: Path, number: int) -> Path:
    folder = parent / str(number)
    folder.mkdir()
    return folder


def try_all(mutants: list[Mutant], sandboxes: list[Sandbox]) -> list[Trial]:
    free: SimpleQueue[Sandbox] = SimpleQueue()
    for sandbox in sandboxes:
        free.put(sandbox)

    def tried(mutant: Mutant) -> Trial:
        sandbox, began = free.get(), time.monotonic()
        try:
            trial = Trial(mutant, sandbox.try_out(mutant), time.monotonic() - began)
        finally:
            free.put(sandbox)
        print(trial, flush=True)
        return trial

    with ThreadPoolExecutor(len(sandboxes)) as threads:
        return list(threads.map(tried, mutants))


def still_broken(sandbox: Sandbox, trials: list[Trial]) -> Kill | None:
    """A test that fails on the code as it is kills nothing."""
    tests = sorted({trial.kill.by for trial in trials if trial.kill and trial.kill.is_test})
    simulated = any(trial.mutant.is_simulated for trial in trials)
    return (sandbox.simulate() if simulated else None) or sandbox.check(tests)


def as_table(trials: list[Trial]) -> str:
    lines = ["| mutant | breaks | killed by | seconds |", "| --- | --- | --- | --- |"]
    for mutant, kill, seconds in trials:
        by = f"`{kill.by}`" if kill and kill.is_test else kill.by if kill else "nothing: it survives"
        lines.append(f"| {mutant.name} | {mutant.rules} | {by} | {seconds:.1f} |")
    return "\n".join(lines) + "\n"


def verdict(trials: list[Trial], broken: Kill | None, seconds: float) -> int:
    survivors = [trial.mutant.name for trial in trials if trial.kill is None]
    simulated = sum(trial.kill is not None and not trial.kill.is_test for trial in trials)
    print(f"\n{len(trials)} mutants in {seconds:.0f} s: {simulated} killed by simulation, "
          f"{len(trials) - simulated - len(survivors)} by conformance, {len(survivors)} survive")  # fmt: skip
    if survivors:
        print("survivors:", *survivors)
    if broken:
        print(f"{broken.by} fails without any mutant, too: {broken.why}")
    return 1 if survivors or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
