"""A copy of the code and its tests, in which one mutant at a time is tried.

What is imported there is the copy: it is asked for in each process, with `inside.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.mutants.inside import LAST_TEST
from tests.mutants.mutant import ROOT, Mutant

COPIED = ("actorflow", "tests", "pyproject.toml")
CONFORMANCE = "tests/conformance"
PATIENCE = 60.0
"""Seconds for which a mutant may keep the simulation; then it hangs, and that kills it, too."""
TESTS_PATIENCE = 600.0
"""Seconds for all conformance tests, which watch each test by themselves."""
HANGS = "it hangs"
TEST_PATIENCE = 6
"""Seconds for a test; most take hundredths, the longest one or two."""

_SEED = re.compile(r"repeat it with: python -m tests\.simulation\.world (\d+)")


class Kill(NamedTuple):
    """What told a mutant: the simulation, with the seed of the world, or a conformance test, by its id."""

    by: str
    why: str

    @property
    def is_test(self) -> bool:
        return "::" in self.by


class Sandbox:
    """`where` is an empty folder."""

    def __init__(self, where: Path, worlds: int) -> None:
        self.where = where
        self.worlds = worlds
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(source, where / name)

    def try_out(self, mutant: Mutant) -> Kill | None:
        """Asks the simulation, where it can tell, the tests that the mutant names, then the conformance tests. None: it survives."""
        path = self.where / mutant.path
        original = path.read_text()
        self._write(path, mutant.applied(self.where))
        try:
            killed = self.simulate() if mutant.is_simulated else None
            killed = killed or self.check(mutant.tests.split())
            return killed or self.check(self._tests(mutant, named=True)) or self.check(self._tests(mutant, named=False))
        finally:
            self._write(path, original)

    def simulate(self) -> Kill | None:
        output = self._run(["-m", "tests.mutants.simulated", str(self.worlds)])
        if output is None:
            return None
        seed = _SEED.search(output)
        if seed is not None:
            return Kill(f"simulation, seed {seed[1]}", output)
        if not output.endswith(HANGS):
            raise RuntimeError(f"the simulation can't be run:\n{output}")
        return Kill(f"simulation: {HANGS}", output)

    def check(self, tests: Sequence[str]) -> Kill | None:
        """Runs conformance tests up to the first that fails. One that hangs takes its process with it."""
        if not tests:
            return None
        patience = [f"--timeout={TEST_PATIENCE}", "--timeout-method=thread"]
        plugins = ["-p", "no:cacheprovider", "-p", "tests.mutants.inside"]
        output = self._run(["-m", "pytest", "-x", "-q", "--tb=line", *patience, *plugins, *tests], TESTS_PATIENCE)
        if output is None:
            return None
        last = self.where / LAST_TEST
        if not last.exists():
            raise RuntimeError(f"the conformance tests can't be run:\n{output}")
        return Kill(last.read_text(), output)

    def _tests(self, mutant: Mutant, *, named: bool) -> list[str]:
        """The conformance tests of the rules that the mutant breaks, or all others."""
        rules = tuple(f"test_r{int(rule.removeprefix('R')):02}_" for rule in mutant.rules.split())
        files = sorted(path.name for path in (self.where / CONFORMANCE).glob("test_*.py"))
        return [f"{CONFORMANCE}/{name}" for name in files if name.startswith(rules) == named]

    def _write(self, path: Path, text: str) -> None:
        """The compiled file goes, too: it is told from its source by a time and a size only."""
        path.write_text(text)
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()

    def _run(self, arguments: Sequence[str], patience: float = PATIENCE) -> str | None:
        """What a process said that failed or had to be killed. None: all is well."""
        said = self.where / ".said"
        with said.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.where,
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        hangs = ""
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            hangs = f"\n{HANGS}"
        finally:
            with suppress(ProcessLookupError):  # with all that it has left behind
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        return said.read_text() + hangs if status else None

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "PYTHONPATH": str(self.where)}
        for name in ("CI", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH"):
            environment.pop(name, None)
        return environment
