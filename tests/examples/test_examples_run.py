"""The examples run as their readers run them: as commands, with an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_trips_are_booked_or_given_back_whatever_goes_wrong(tmp_path: Path) -> None:
    said = run("examples.trip", "--trips", "120", "--keep", str(tmp_path / "files"))
    assert "180 faults met, on 30 trips" in said
    assert "VERDICT: all is well. 105 trips are booked" in said
    assert {file.name for file in (tmp_path / "files").glob("*.db")} == {"seats.db", "rooms.db", "cards.db"}


def test_scientific_workflows_run_as_their_graphs_say() -> None:
    said = run("examples.wfcommons", "--tasks", "60", "--seconds", "0.1")
    assert "Montage" in said
    assert "its smallest graph has more than 60 tasks" in said
