"""Clauses of R2, R3, R4 and R38 that speak of files, of `actorflow check` and of the command line."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actorflow import Runtime, step, workflow
from actorflow.cli.app import app
from actorflow.cli.checking import check
from actorflow.cli.output import Output

ROOT = Path(__file__).parents[2]
TARGET = f"{__name__}:add"


@step
async def added(numbers: list[int]) -> int:
    return sum(numbers)


@workflow
def add(numbers: list[int]) -> int:
    return added(numbers)


@step
async def anything(value):
    return value


@workflow
def undecided() -> int:
    return added([anything(1)])


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["run", TARGET, *arguments])
    return result.exit_code, result.stdout if result.exit_code == 0 else result.stderr


@pytest.mark.parametrize("form", ["file", "text", "option"])
def test_inputs_that_come_as_a_file_or_as_json_text_are_converted_strictly(tmp_path: Path, form: str) -> None:
    """R2: inputs that come as a file or as JSON text are converted strictly; nothing runs if one doesn't fit."""

    def given(numbers: list[object]) -> tuple[int, str]:
        text = json.dumps({"numbers": numbers})
        (tmp_path / "in.json").write_text(text)
        options = {
            "file": ["--input-file", str(tmp_path / "in.json")],
            "text": ["--input", text],
            "option": ["--input-numbers", json.dumps(numbers)],
        }
        return run(*options[form])

    code, said = given([1, 2])
    assert (code, said.splitlines()[-1]) == (0, "3")
    code, said = given([1, "2"])
    assert code == 2
    assert "input numbers[1]: expected int, got str" in said


def test_what_cannot_be_decided_passes_with_a_note_in_check(capsys: pytest.CaptureFixture[str]) -> None:
    """R3: types that can't be decided pass, with a note in `actorflow check`."""
    assert check([__name__], Output(sys.stdout)) == 0
    said = capsys.readouterr().out
    assert f"✓ {__name__}:undecided" in said
    note = said.split(f"{__name__}:undecided", 1)[1].splitlines()[1]
    assert note.strip().startswith("note")
    assert "test_cli_clauses.py:" in note


DRAWN_ONCE = """
from actorflow import step, workflow
DRAWN = []
@step
async def one() -> int:
    return 1
@workflow
def drawn_once() -> int:
    DRAWN.append("drawn")
    return one()
"""


async def test_a_workflow_is_drawn_once_at_the_first_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4: a workflow is drawn once, at the first `compile()`, run, `check`, or call from another workflow."""
    (tmp_path / "drawn_at_check.py").write_text(DRAWN_ONCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("drawn_at_check")
    assert module.DRAWN == []
    for _ in range(2):
        assert check(["drawn_at_check"], Output(sys.stdout)) == 0
    assert module.DRAWN == ["drawn"]
    async with Runtime() as runtime:
        assert await runtime.run(module.drawn_once) == 1
    assert module.DRAWN == ["drawn"]


PROGRAM = """
import signal, sys
from actorflow import step, workflow
from actorflow.cli import main

def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

BEFORE = handlers()

@step(mode="inline")
def look() -> bool:
    return handlers() == BEFORE

@workflow
def looks() -> bool:
    return look()

if __name__ == "__main__":
    sys.argv = ["actorflow", "run", "looking:looks"]
    try:
        main()
    except SystemExit as end:
        print("code", end.code, "as before", handlers() == BEFORE)
"""


def test_the_command_line_installs_signal_handlers(tmp_path: Path) -> None:
    """R38: … installs no signal handlers (the command line does): while the run goes on, and no longer."""
    (tmp_path / "looking.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "looking.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines()[-2:] == ["False", "code 0 as before True"], done.stderr
