"""`actorflow runs`, `db` and `doctor`: runs of a store, looked at and looked after from a terminal."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from actorflow import Runtime, SQLiteStore, Workflow
from tests.cli.calls import Caller
from tests.cli.flows import Trip, book, paused, sold, stuck

FLOWS = "tests.cli.flows"
STORE = "sqlite:runs.db"

Recorded = Callable[[], None]


def recorded(folder: Path, *wanted: tuple[Workflow[..., Any], str, tuple[Any, ...]]) -> None:
    """Runs them to their ends, on the file `runs.db`."""

    async def main() -> None:
        async with Runtime(store=SQLiteStore(folder / "runs.db")) as runtime:
            for workflow, run_id, inputs in wanted:
                run = await runtime.options(run_id=run_id, labels={"team": "travel"}).start(workflow, *inputs)
                await run.outcome()

    asyncio.run(main())


def on_file(folder: Path, act: Callable[[SQLiteStore], Coroutine[Any, Any, Any]]) -> Any:
    async def main() -> Any:
        async with SQLiteStore(folder / "runs.db") as store:
            return await act(store)

    return asyncio.run(main())


@pytest.fixture
def folder(call: Caller, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With one run that succeeded, one that failed, and one that was halted."""
    monkeypatch.setenv("ACTORFLOW_STORE", STORE)
    recorded(call.folder, (book, "good", (Trip("Oslo"),)), (book, "bad", (Trip("Rome", 20),)), (paused, "held", ()))
    return call.folder


def unfinished(folder: Path, run_id: str = "left", workflow: str = "book") -> None:
    """A run that was begun, and that nobody has."""

    async def act(store: SQLiteStore) -> None:
        from actorflow import NewRun

        owner = await store.join("gone:1", lease=60)
        await store.open_run(NewRun(run_id, workflow, b"\x90"), owner=owner)
        await store.leave(owner)

    on_file(folder, act)


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_are_listed_newest_first(call: Caller, folder: Path) -> None:
    said = call("runs", "list")
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "LABELS"]
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("held", "paused", "halted"), ("bad", "book", "failed"), ("good", "book", "succeeded"),
    ]  # fmt: skip
    assert "team=travel" in said.out


def test_lists_are_filtered_and_paged(call: Caller, folder: Path) -> None:
    def listed(*options: str) -> list[str]:
        return [json.loads(line)["run_id"] for line in call("runs", "list", "--json", *options).out.splitlines()]

    assert listed("--status", "failed", "--status", "halted") == ["held", "bad"]
    assert listed("--workflow", "book") == ["bad", "good"]
    assert listed("--label", "team=travel", "--limit", "1") == ["held"]
    assert listed("--label", "team=other") == []
    assert listed("--since", "1h") == ["held", "bad", "good"]
    assert listed("--until", "1h") == []
    page = call("runs", "list", "--limit", "2")
    after = page.out.splitlines()[-1].rpartition(" ")[2]
    assert listed("--after", after) == ["good"]
    assert call("runs", "list", "--workflow", "none").out == "no runs\n"


def test_a_run_is_shown_without_its_workflow(call: Caller, folder: Path) -> None:
    said = call("runs", "show", "bad")
    assert said.code == 0
    assert "✗ book failed in" in said.out
    assert "rollback complete  run bad" in said.out
    lines = [line.split() for line in said.out.splitlines()]
    assert ["reserve", "↩", "undone"] in [line[:3] for line in lines]
    assert "charge   ✗ failed" in said.out
    assert "NoMoney: 20 nights are too many" in said.out
    assert "Traceback" in said.out
    values = call("runs", "show", "good", "--values").out
    assert "input 1: {'city': 'Oslo', 'nights': 1}" in values
    assert "result: 'Oslo-12A, 1 nights'" in values


def test_a_run_is_shown_to_machines(call: Caller, folder: Path) -> None:
    view = json.loads(call("runs", "show", "good", "--json").out)
    assert (view["run_id"], view["status"], view["inputs"]) == ("good", "succeeded", None)
    assert [step["name"] for step in view["steps"]] == ["reserve", "charge"]
    told = json.loads(call("runs", "explain", "held", "--json").out)
    assert told["reasons"][0]["kind"] == "halted"


def test_why_a_run_isnt_further_is_said_with_the_command_that_helps(call: Caller, folder: Path) -> None:
    said = call("runs", "explain", "held")
    assert said.out.splitlines()[0] == "run held of paused: halted"
    assert "`actorflow runs resume held` goes on with it" in said.out


def test_what_a_run_did_is_told_line_by_line(call: Caller, folder: Path) -> None:
    lines = [line[21:] for line in call("runs", "tail", "bad").out.splitlines()]
    assert lines == [
        "● book begins", "● reserve  started", "✓ reserve  succeeded", "● charge  started",
        "✗ charge  failed: NoMoney: 20 nights are too many", "✗ charge  its failure stands", "↩ rolling back",
        "↩ reserve  undoing", "↩ reserve  undone", "✗ failed, rollback complete",
    ]  # fmt: skip
    entries = [json.loads(line) for line in call("runs", "tail", "bad", "--json", "--no-follow").out.splitlines()]
    assert entries[0]["kind"] == "RunStarted"


def test_unknown_runs_and_stores_are_refused(call: Caller, folder: Path) -> None:
    for command in ("show", "explain", "tail", "cancel", "halt", "delete"):
        said = call("runs", command, "nobody")
        assert (said.code, said.out) == (2, "")
        assert "the store has no run 'nobody'" in said.err
    assert "there is no file none.db" in call("runs", "list", "--store", "sqlite:none.db").err
    assert not (folder / "none.db").exists()
    for wrong in ("mysql://x", "runs.db", "sqlite:"):
        assert "expected sqlite:PATH or postgres://" in call("runs", "list", "--store", wrong).err
    assert "no store is given" in call("runs", "list", "--store", "").err
    assert "expected an age" in call("runs", "purge", "--older-than", "long").err
    assert "expected a date" in call("runs", "list", "--since", "yesterday").err
    assert "expected NAME=VALUE" in call("runs", "list", "--label", "team").err


def test_a_file_of_something_else_is_refused(call: Caller, folder: Path) -> None:
    (folder / "notes.db").write_text("not a database at all, but long enough to be looked at as one" * 20)
    said = call("runs", "list", "--store", "sqlite:notes.db")
    assert said.code == 2
    assert "notes.db" in said.err


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cancel_is_posted_and_noted(call: Caller, folder: Path) -> None:
    unfinished(folder)
    said = call("runs", "cancel", "left", "--reason", "enough", "--who", "ann")
    assert said.out == "run left: asked to cancel; nobody has it now, whoever takes it over will\n"
    assert "✎" in call("runs", "show", "left").out
    assert "ann  cancel: enough" in call("runs", "show", "left").out
    assert "it was asked to cancel" in call("runs", "explain", "left").out
    (message,) = on_file(folder, lambda store: store.messages(run_id="left"))
    assert (message.kind, json.loads(message.data)) == ("cancel", {"reason": "enough", "who": "ann"})


def test_a_run_that_has_ended_isnt_cancelled_nor_halted(call: Caller, folder: Path) -> None:
    """R25."""
    assert call("runs", "cancel", "good").out == "run good: asked to cancel (it has ended: succeeded)\n"
    said = call("runs", "halt", "good")
    assert (said.code, "has ended (succeeded), and can't be halted" in said.err) == (2, True)
    halted = call("runs", "cancel", "held")
    assert (halted.code, "is halted, so nobody has it" in halted.err, "--app MODULE" in halted.err) == (2, True, True)


def test_signals_and_approvals_are_posted_as_json(call: Caller, folder: Path) -> None:
    unfinished(folder)
    assert call("runs", "signal", "left", "paid", '{"amount": 7}').code == 0
    assert call("runs", "approve", "left", "discount", "--who", "ann", "--why", "old customer").code == 0
    assert call("runs", "reject", "left", "refund", "--who", "bob").code == 0
    messages = on_file(folder, lambda store: store.messages(run_id="left"))
    assert [(one.kind, json.loads(one.data)) for one in messages] == [
        ("signal", {"name": "paid", "value": {"amount": 7}}),
        ("signal", {"name": "discount", "value": {"approved": True, "who": "ann", "why": "old customer"}}),
        ("signal", {"name": "refund", "value": {"approved": False, "who": "bob", "why": ""}}),
    ]
    assert "isn't JSON" in call("runs", "signal", "left", "paid", "yes").err
    assert "waits for nothing" in call("runs", "signal", "good", "paid").err
    assert "waits for nothing" in call("runs", "approve", "good", "discount").err


@pytest.fixture
def waiting(call: Caller, folder: Path) -> Path:
    """With one that waits for an approval and a payment, and that nobody has: its runtime was left at once."""

    async def main() -> None:
        async with Runtime(store=SQLiteStore(folder / "runs.db"), rest_after=0) as runtime:
            await runtime.options(run_id="asks").start(sold, "shoe")
            while len(left := (await runtime.inspect("asks")).steps) < 2 or not all(step.signal for step in left):
                await asyncio.sleep(0)

    asyncio.run(main())
    return folder


def test_what_a_run_waits_for_is_said_with_the_command_that_ends_it(call: Caller, waiting: Path) -> None:
    said = call("runs", "explain", "asks").out
    assert "step 'approval' waits for approval by ann, bob" in said
    assert "`actorflow runs approve asks approval --who NAME` ends that, or `reject`." in said
    assert "step 'wait_for_signal' waits for signal 'paid'" in said
    assert "`actorflow runs signal asks paid JSON` ends that." in said
    shown = call("runs", "show", "asks").out
    assert "waiting for approval" in shown and "'Sell it?' by ann, bob" in shown
    assert "waiting for a signal" in shown and "for 'paid'" in shown
    tail = call("runs", "tail", "asks", "--no-follow").out
    assert "◌ approval  asks: Sell it?" in tail
    assert "◌ wait_for_signal  waits for signal 'paid' until " in tail


def test_an_approval_is_answered_by_who_may(call: Caller, waiting: Path) -> None:
    """Checked as `Operator.approve` does: the only one needs no name, and what is no approval isn't taken for one."""
    assert (
        "eve may not answer 'approval' of run 'asks'; it waits for ann, bob"
        in call("runs", "approve", "asks", "--who", "eve").err
    )
    wrong = call("runs", "approve", "asks", "paid", "--who", "ann")
    assert (wrong.code, wrong.err) == (2, (
        "actorflow: step 'wait_for_signal' of run 'asks' waits for signal 'paid', not for an approval"
        "\n`actorflow runs signal RUN paid JSON` ends that.\n"
    ))  # fmt: skip
    said = call("runs", "reject", "asks", "--who", "bob", "--why", "too cheap")
    assert said.out == "run asks: it is rejected; nobody has it now, whoever takes it over will\n"
    (message,) = on_file(waiting, lambda store: store.messages(run_id="asks"))
    answer = {"approved": False, "who": "bob", "why": "too cheap"}
    assert (message.kind, json.loads(message.data)) == ("signal", {"name": "approval", "value": answer})
    assert "bob  reject approval: too cheap" in call("runs", "show", "asks").out
    lines = [json.loads(line) for line in call("runs", "tail", "asks", "--no-follow", "--json").out.splitlines()]
    assert [(line["kind"], line["who"], line["what"]) for line in lines[-1:]] == [("Note", "bob", "reject approval")]
    assert "✎ bob  reject approval: too cheap" in call("runs", "tail", "asks", "--no-follow").out


def test_a_signal_is_looked_at_first_where_the_code_is_known(call: Caller, waiting: Path) -> None:
    def sent(name: str, value: str) -> str:
        said = call("runs", "signal", "asks", name, value, "--app", FLOWS)
        return said.out + said.err

    assert "workflow 'sold' has nothing that waits for signal 'payd'\nIt waits for approval, paid." in sent("payd", "7")
    assert "signal paid: expected" in sent("paid", '"much"') and "The run waits for int." in sent("paid", '"much"')
    assert "signal paid is sent" in sent("paid", "7")
    (message,) = on_file(waiting, lambda store: store.messages(run_id="asks"))
    assert json.loads(message.data) == {"name": "paid", "value": 7}


def test_text_needs_no_quotes_where_the_code_is_known(call: Caller, folder: Path) -> None:
    unfinished(folder, workflow="called")
    assert call("runs", "signal", "left", "name", "Ann", "--app", FLOWS).code == 0
    (message,) = on_file(folder, lambda store: store.messages(run_id="left"))
    assert json.loads(message.data) == {"name": "name", "value": "Ann"}


def test_labels_are_set_and_taken_away(call: Caller, folder: Path) -> None:
    assert call("runs", "label", "good", "case=17", "team=").out == "run good: labelled\n"
    assert json.loads(call("runs", "show", "good", "--json").out)["labels"] == {"case": "17"}


def test_runs_are_deleted_and_purged(call: Caller, folder: Path) -> None:
    assert call("runs", "delete", "bad").out == "run bad: deleted\n"
    assert call("runs", "purge", "--older-than", "1h").out == "0 runs deleted\n"
    assert call("runs", "purge", "--older-than", "0s").out == "1 run deleted\n"
    assert [line.split()[0] for line in call("runs", "list").out.splitlines()[1:]] == ["held"]


# ── going on ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_halted_run_goes_on_here(call: Caller, folder: Path) -> None:
    said = call("runs", "resume", "held")
    assert (said.code, "Say where it is: --app MODULE" in said.err) == (2, True)
    assert "which isn't in" in call("runs", "resume", "held", "--app", f"{FLOWS}:book").err
    said = call("runs", "resume", "held", "--app", FLOWS, "--who", "ann", "--why", "lunch is over")
    assert said.code == 0, said.err
    assert "paused goes on, run held" in said.out
    assert "✓ paused succeeded" in said.out
    assert "ann  resume: lunch is over" in call("runs", "show", "held").out
    assert "isn't halted: it has succeeded" in call("runs", "resume", "held", "--app", FLOWS).err


def test_a_halted_run_is_cancelled_here(call: Caller, folder: Path) -> None:
    said = call("runs", "cancel", "held", "--app", FLOWS, "--reason", "enough")
    assert said.code == 1
    assert "paused cancelled" in said.out


def test_an_answer_for_a_step_that_wasnt_set_aside_is_refused(call: Caller, folder: Path) -> None:
    said = call("runs", "resolve", "held", "pause=retry", "--app", FLOWS)
    assert said.code == 2
    assert "no step 'pause' of run 'held' was set aside" in said.err


# ── keeping order ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_doctor_names_what_nobody_will_move(call: Caller, folder: Path) -> None:
    well = call("doctor")
    assert (well.code, well.out) == (0, "✓ every unfinished run has something that will move it\n")
    unfinished(folder)
    said = call("doctor")
    assert said.code == 1
    assert "✗ left of book, running: nobody has it since" in said.out
    assert "Start one that knows 'book'" in said.out
    assert json.loads(call("doctor", "--json").out)["kind"] == "no_runtime"


def test_a_database_is_made_checked_and_vacuumed(call: Caller, folder: Path) -> None:
    assert call("db", "migrate", "--store", "sqlite:new.db").out == "sqlite:new.db is up to date (0 runs)\n"
    assert (folder / "new.db").is_file()
    assert call("db", "check").out == "✓ 3 runs, 0 problems\n"
    assert "bytes before" in call("db", "vacuum").out
    with sqlite3.connect(folder / "runs.db") as db:
        db.execute("DELETE FROM turns WHERE sequence = 1")
    db.close()
    broken = call("db", "check")
    assert broken.code == 1
    assert "✗ run 'good' (succeeded): it has" in broken.out


def test_workflows_with_undos_that_failed_are_told(call: Caller, folder: Path) -> None:
    """R52."""
    recorded(folder, (stuck, "stuck", ()))
    said = call("runs", "explain", "stuck")
    assert "rollback incomplete" in said.out
    assert "step 'clean' couldn't be undone" in said.out


def test_a_failed_run_is_retried_and_any_is_replayed(call: Caller, folder: Path) -> None:
    """R14, R49: as new runs, from a terminal."""
    said = call("runs", "retry", "bad", "--app", FLOWS, "--new-run-id", "bad-2", "--who", "ann")
    assert said.code == 1
    assert "NoMoney" in said.out
    assert "ann  retry as bad-2" in call("runs", "show", "bad").out
    said = call("runs", "replay", "good", "--from-step", "charge", "--app", FLOWS, "--new-run-id", "good-2")
    assert said.code == 0, said.err
    assert "Oslo-12A, 1 nights" in said.out
    assert "reserve  ⊘ skipped" in call("runs", "show", "good-2").out
    said = call("runs", "retry", "good", "--app", FLOWS)
    assert (said.code, "there is nothing to retry\n`actorflow runs replay good` runs it again." in said.err) == (
        2,
        True,
    )
    assert "has no step 'chrge'" in call("runs", "replay", "good", "--from-step", "chrge", "--app", FLOWS).err


def test_an_undo_that_was_given_up_is_dealt_with(call: Caller, folder: Path) -> None:
    """R52, from a terminal."""
    recorded(folder, (stuck, "stuck", ()))
    said = call("runs", "resolve", "stuck", "clean=retry", "--app", FLOWS)
    assert said.code == 1
    assert "not undone: clean" in said.out
    said = call("runs", "resolve", "stuck", "clean=done", "--app", FLOWS, "--who", "ann", "--why", "mopped it up")
    assert said.code == 1  # the run has failed all the same
    assert "rollback complete" in said.out
    assert "ann  resolve clean=done: mopped it up" in call("runs", "show", "stuck").out
