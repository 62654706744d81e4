"""The examples run through the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cli.calls import ROOT, command, environment

TRIP = ("examples.trip.booking:book_trip", "--runtime")
OSLO = {"id": "t-1", "city": "Oslo"}


def run(*arguments: str, folder: Path = ROOT, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        command("run", *arguments), cwd=folder, env=environment(**more), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_trip_is_booked(tmp_path: Path) -> None:
    code, said = run(*TRIP, "examples.trip.lent:runtime", "--input-trip", json.dumps(OSLO), folder=tmp_path)
    assert code == 0
    assert said.splitlines()[-1].startswith("Ticket(trip='t-1', seat=Seat(number='seats-1')")


def test_a_trip_that_meets_faults_is_given_back(tmp_path: Path) -> None:
    withdrawn = json.dumps({**OSLO, "withdrawn": True})
    code, said = run(*TRIP, "examples.trip.lent:flaky", "--input-trip", withdrawn, TRIP_FOLDER=str(tmp_path))
    assert code == 1
    assert "↻ reserve_seat  attempt 2 failed" in said
    assert "✓ charge_card  recovered by its compensation" in said
    assert "examples.trip.booking.TravellerWithdrew: t-1" in said
    assert "↩ undone, in this order: charge_card, reserve_room, reserve_seat" in said
    assert (tmp_path / "cards.db").is_file()


def test_a_scientific_workflow_runs() -> None:
    flows = "examples.wfcommons.flows"
    code, said = run(f"{flows}:blast", "--runtime", f"{flows}:runtime", WFCOMMONS_TASKS="50")
    assert code == 0
    assert "✓ BLAST succeeded in 1." in said
    assert said.count("✓") > 40
