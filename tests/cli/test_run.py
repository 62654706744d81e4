"""`actorflow run` in a pipe: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from actorflow.cli import snapshots
from tests.cli.calls import FLOWS, Caller

TRIP = '{"city": "Oslo", "nights": 3}'
LONG_TRIP = '{"city": "Oslo", "nights": 30}'


def test_a_run_that_succeeds_prints_its_steps_and_its_value(call: Caller) -> None:
    said = call("run", f"{FLOWS}:book", "--input-trip", TRIP, "--run-id", "t-1")
    first, *steps, end, value = said.out.splitlines()
    assert first == "book begins, run t-1"
    assert [line.split("  ")[0] for line in steps] == ["✓ reserve", "✓ charge"]
    assert end.startswith("✓ book succeeded in ")
    assert value == "'Oslo-12A, 3 nights'"
    assert said.code == 0


def test_a_run_that_fails_tells_what_where_and_what_was_undone(call: Caller) -> None:
    said = call("run", f"{FLOWS}:book", "--input-trip", LONG_TRIP)
    assert said.code == 1
    assert "✗ charge  attempt 1 failed: NoMoney: 30 nights are too many" in said.out
    assert "↩ reserve  undone" in said.out
    assert "rollback complete" in said.out
    assert "charge · attempt 1 · called at flows.py:" in said.out
    assert "    return pay(nights)" in said.out
    assert "raise NoMoney(" in said.out
    assert "↩ undone, in this order: reserve" in said.out
    assert "/actorflow/runtime/" not in said.out
    assert "asyncio" not in said.out


def test_what_could_not_be_undone_is_told_with_its_reason(call: Caller) -> None:
    said = call("run", f"{FLOWS}:stuck")
    assert said.code == 1
    assert "rollback incomplete" in said.out
    assert "↻ drop  attempt 1 failed, again in " in said.out
    assert "✚ compensated: drop" in said.out
    assert "‼ not undone: clean · 5 tries" in said.out
    assert "OSError: the undo broke" in said.out
    assert "UndoFailed" not in said.out


def test_json_gives_a_line_per_event_and_the_outcome_last(call: Caller) -> None:
    said = call("run", f"{FLOWS}:book", "--input-trip", TRIP, "--run-id", "t-1", "--json")
    *events, outcome = map(json.loads, said.out.splitlines())
    assert [event["event"] for event in events if event["event"].startswith("Run")] == ["RunStarted", "RunEnded"]
    assert [event["node"] for event in events if event["event"] == "StepSucceeded"] == ["reserve", "charge"]
    assert [event["sequence"] for event in events if event["run_id"]] == list(
        range(1, len([event for event in events if event["run_id"]]) + 1)
    )
    assert {"time", "monotonic", "duration", "attempt"} <= events[0].keys()
    del outcome["duration"]
    assert outcome == {"outcome": "succeeded", "run_id": "t-1", "workflow": "book", "value": "Oslo-12A, 3 nights"}
    assert said.code == 0


def test_json_tells_errors_as_data(call: Caller) -> None:
    said = call("run", f"{FLOWS}:book", "--input-trip", LONG_TRIP, "--json")
    *events, outcome = map(json.loads, said.out.splitlines())
    (failed,) = [event for event in events if event["event"] == "AttemptFailed"]
    assert failed["error"] == {"error": f"{FLOWS}.NoMoney", "message": "30 nights are too many"}
    assert (outcome["outcome"], outcome["rollback"], outcome["undone"]) == ("failed", "complete", ["reserve"])
    (error,) = outcome["errors"]
    assert (error["node"], error["phase"], error["attempt"]) == ("charge", "run", 1)
    assert "in pay" in error["traceback"]
    assert said.code == 1


def test_json_shows_what_is_not_data_as_its_repr_and_keeps_prints_out(call: Caller) -> None:
    said = call("run", f"{FLOWS}:odd", "--json")
    outcome = json.loads(said.out.splitlines()[-1])
    assert "Unknown object" in json.dumps(outcome["value"])
    assert "a step prints" in said.err
    assert all(json.loads(line) for line in said.out.splitlines())


def test_a_halted_run_says_how_to_go_on_and_goes_on(call: Caller) -> None:
    said = call("run", f"{FLOWS}:paused", "--run-id", "p/1")
    assert said.code == 3
    assert "⏸ pause  asked for a halt" in said.out
    assert said.out.splitlines()[-1] == f"  actorflow resume {FLOWS}:paused p_1.snapshot"
    assert (call.folder / "p_1.snapshot").is_file()
    said = call("resume", f"{FLOWS}:paused", "p_1.snapshot")
    assert said.code == 0
    assert said.out.splitlines()[0] == "paused goes on, run p/1"
    assert said.out.splitlines()[-1] == "14"


def test_the_snapshot_goes_where_it_is_told_to(call: Caller, tmp_path: Path) -> None:
    place = tmp_path / "kept here.snap"
    said = call("run", f"{FLOWS}:paused", "--snapshot", str(place), "--runtime", f"{FLOWS}:lent")
    assert said.code == 3
    assert place.is_file()
    assert f"actorflow resume {FLOWS}:paused '{place}' --runtime {FLOWS}:lent" in said.out


def test_a_snapshot_that_cannot_be_written_where_it_should_goes_elsewhere(tmp_path: Path) -> None:
    kept = snapshots.write(tmp_path / "gone" / "p.snapshot", b"all there is")
    assert (
        kept.trouble
        == f"its snapshot couldn't be written to {tmp_path / 'gone' / 'p.snapshot'}: No such file or directory"
    )
    assert kept.place is not None
    assert kept.place.read_bytes() == b"all there is"
    shutil.rmtree(kept.place.parent)


def test_json_of_a_halt_names_the_snapshot_and_the_command(call: Caller) -> None:
    said = call("run", f"{FLOWS}:paused", "--run-id", "p", "--json")
    outcome = json.loads(said.out.splitlines()[-1])
    assert outcome["outcome"] == "halted"
    assert outcome["by"] == "pause"
    assert outcome["snapshot"] == "p.snapshot"
    assert outcome["resume"] == f"actorflow resume {FLOWS}:paused p.snapshot"


def test_a_halt_that_cannot_be_encoded_says_so(call: Caller) -> None:
    said = call("run", f"{FLOWS}:lost")
    assert said.code == 3
    assert "It can't be resumed" in said.out
    assert list(call.folder.iterdir()) == []


def test_a_run_that_takes_too_long_is_cancelled_or_halted(call: Caller) -> None:
    said = call("run", f"{FLOWS}:endless", "--timeout", "0.05")
    assert said.code == 1
    assert "cancelled" in said.out
    assert "↩ undone, in this order: first" in said.out
    options = ("--timeout", "0.05", "--on-timeout", "halt", "--runtime", f"{FLOWS}:quick")
    assert call("run", f"{FLOWS}:endless", *options).code == 3


@pytest.mark.parametrize(
    ("factory", "greeting"), [("lent", "hello"), ("lent_later", "later"), ("lent_a_while", "a while")]
)
def test_a_module_lends_its_runs_a_runtime(call: Caller, factory: str, greeting: str) -> None:
    said = call("run", f"{FLOWS}:greeted", "--runtime", f"{FLOWS}:{factory}")
    assert said.out.splitlines()[-1] == repr(greeting)
    assert said.code == 0
    if factory == "lent_a_while":
        assert said.err.split() == ["opened", "closed"]


def test_steps_at_once_are_bounded(call: Caller) -> None:
    for option in (("--max-concurrency", "1"), ("--sequential",)):
        said = call("run", f"{FLOWS}:book", "--input-trip", TRIP, *option)
        assert said.code == 0


# ── resolve ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def set_aside(call: Caller) -> Path:
    """The snapshot of a run whose irreversible step was interrupted."""
    options = ("--timeout", "0.02", "--on-timeout", "halt", "--runtime", f"{FLOWS}:quick")
    said = call("run", f"{FLOWS}:rocket", "--run-id", "r", *options)
    assert said.code == 3
    assert "--resolve launch=…" in said.out
    return call.folder / "r.snapshot"


def test_a_step_that_was_set_aside_must_be_resolved(call: Caller, set_aside: Path) -> None:
    said = call("resume", f"{FLOWS}:rocket", str(set_aside))
    assert said.code == 2
    assert "r.snapshot: run 'r' has irreversible steps that were interrupted: launch\n" in said.err
    assert "--resolve NODE=retry" in said.err


@pytest.mark.parametrize(("answer", "code", "told"), [('skip:"by hand"', 0, "'by hand'"), ("fail", 1, "launch")])
def test_resolve_skips_with_a_value_or_fails(call: Caller, set_aside: Path, answer: str, code: int, told: str) -> None:
    said = call("resume", f"{FLOWS}:rocket", str(set_aside), "--resolve", f"launch={answer}")
    assert said.code == code
    assert told in said.out


def test_what_may_have_acted_and_was_not_taken_back_is_named(call: Caller, set_aside: Path) -> None:
    """R54: nobody can say whether it did its work, and the rollback is incomplete."""
    said = call("resume", f"{FLOWS}:rocket", str(set_aside), "--resolve", "launch=fail")
    assert "rollback incomplete" in said.out
    assert said.out.endswith("‼ not taken back, as nobody knows whether it acted: launch\n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("launch", "expected NODE=retry"),
        ("launch=again", "not 'again'"),
        ("launch=skip:3", "expected str, got int"),
        ("launch=skip:{", "broken JSON at line 1, column 2"),
        ("lunch=retry", "did you mean 'launch'?"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(call: Caller, set_aside: Path, answer: str, why: str) -> None:
    said = call("resume", f"{FLOWS}:rocket", str(set_aside), "--resolve", answer)
    assert said.code == 2
    assert why in said.err


def test_a_snapshot_that_is_none_is_refused(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "no.snapshot").write_bytes(b"no snapshot")
    for file, why in (("no.snapshot", "no snapshot of a run"), ("nowhere", "can't be read")):
        said = call("resume", f"{FLOWS}:paused", file)
        assert said.code == 2
        assert why in said.err


def test_the_snapshot_of_another_workflow_is_refused(call: Caller) -> None:
    call("run", f"{FLOWS}:paused", "--run-id", "p")
    said = call("resume", f"{FLOWS}:book", "p.snapshot")
    assert said.code == 2
    assert "not of 'book'" in said.err
