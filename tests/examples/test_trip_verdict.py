"""The verdict of the trip example is worth something: it finds what it's there to find."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

VERDICT = Path(__file__).parents[2] / "examples" / "trip" / "verdict.py"
ALL = ("seats", "rooms", "cards")


def write(path: Path, amounts: dict[str, list[int]]) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE ledger (trip TEXT, amount INTEGER)")
        rows = [(trip, amount) for trip, entries in amounts.items() for amount in entries]
        database.executemany("INSERT INTO ledger VALUES (?, ?)", rows)


def verdict(folder: Path, ledgers: dict[str, dict[str, list[int]]]) -> tuple[int, str]:
    for service in ALL:
        write(folder / f"{service}.db", ledgers.get(service, {}))
    files = [str(folder / f"{service}.db") for service in ALL]
    done = subprocess.run([sys.executable, str(VERDICT), *files], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_trips_that_are_whole_or_given_back_are_well(tmp_path: Path) -> None:
    code, said = verdict(tmp_path, {service: {"whole": [1], "back": [1, -1], "never": [0]} for service in ALL})
    assert code == 0
    assert "1 trips are booked" in said


@pytest.mark.parametrize(
    ("ledgers", "complaint"),
    [
        ({"cards": {"t": [1]}, "rooms": {"t": [1]}}, "t: charged, without a seat"),
        ({"cards": {"t": [1]}, "seats": {"t": [1]}}, "t: charged, without a room"),
        ({"seats": {"t": [1]}}, "t: a seat is left over"),
        ({"rooms": {"t": [1]}, "cards": {"t": [1, -1]}}, "t: a room is left over"),
        ({service: {"t": [1, 1]} for service in ALL}, "t: taken or given back twice"),
        ({"cards": {"t": [1, -1, -1]}}, "t: taken or given back twice"),
    ],
)
def test_what_is_left_over_is_found(tmp_path: Path, ledgers: dict[str, dict[str, list[int]]], complaint: str) -> None:
    code, said = verdict(tmp_path, ledgers)
    assert code == 1
    assert complaint in said


def test_a_missing_file_is_no_good_verdict(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{service}.db") for service in ALL]
    done = subprocess.run([sys.executable, str(VERDICT), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no such file" in done.stderr


def test_the_verdict_imports_nothing_of_ours() -> None:
    tree = ast.parse(VERDICT.read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names
