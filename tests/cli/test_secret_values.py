"""Values on the command line: secrets aren't shown, and sealed ones are if `--codec` says how they are opened."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actorflow import Codec, Runtime, SQLiteStore
from tests.cli.calls import Caller
from tests.cli.secret_flows import CODEC, buy, waits

FLOWS = "tests.cli.secret_flows"
SECRET = "4111-hunter2"


def recorded(folder: Path, codec: Codec | None) -> None:
    async def main() -> None:
        store = SQLiteStore(folder / "runs.db")
        async with Runtime(store=store, codec=codec, rest_after=0) as runtime:
            for run_id, city in (("good", "Oslo"), ("bad", "Rome")):
                await (await runtime.options(run_id=run_id).start(buy, SECRET, city)).outcome()
            await runtime.options(run_id="held").start(waits, SECRET)

    asyncio.run(main())


@pytest.fixture
def folder(call: Caller, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACTORFLOW_STORE", "sqlite:runs.db")
    return call.folder


@pytest.mark.parametrize(
    "command", [["show", "good", "--values"], ["show", "good", "--values", "--json"], ["tail", "good", "--json"]]
)
def test_secrets_of_a_stored_run_are_not_shown(command: list[str], call: Caller, folder: Path) -> None:
    recorded(folder, None)
    said = call("runs", *command)
    assert said.code == 0
    assert SECRET not in said.out
    assert "tail" in command or "***" in said.out
    assert "show" not in command or "paid in Oslo" in said.out


@pytest.mark.parametrize("form", ["--plain", "--json"])
def test_a_run_that_is_watched_shows_none(form: str, call: Caller, folder: Path) -> None:
    said = call("run", f"{FLOWS}:buy", "--input-card", SECRET, "--input-city", "Oslo", form)
    assert said.code == 0
    assert SECRET not in said.out + said.err
    assert "***" in said.out


def test_sealed_values_are_shown_with_the_codec(call: Caller, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(folder, CODEC)
    shown = call("runs", "show", "good", "--values", "--codec", f"{FLOWS}:CODEC").out
    assert "input 2: 'Oslo'" in shown
    assert SECRET not in shown
    monkeypatch.setenv("ACTORFLOW_CODEC", f"{FLOWS}:CODEC")
    assert "ValueError: no seats in Rome" in call("runs", "show", "bad").out
    assert "failed: ValueError: no seats in Rome" in call("runs", "tail", "bad").out


def test_without_the_codec_it_is_said_that_they_cannot_be_read(call: Caller, folder: Path) -> None:
    recorded(folder, CODEC)
    shown = call("runs", "show", "good", "--values").out
    assert "input 2: '(a stored value is sealed, and this codec has no seal)'" in shown
    assert "ValueError: (sealed)" in call("runs", "show", "bad").out
    wrong = call("runs", "show", "good", "--values", "--codec", f"{FLOWS}:other_codec").out
    assert "(a stored value can't be opened by this codec's seal: PermissionError)" in wrong
    assert "Rome" not in call("runs", "tail", "bad", "--json").out


def test_a_signal_goes_sealed_and_the_run_goes_on(call: Caller, folder: Path) -> None:
    recorded(folder, CODEC)
    codec = ("--codec", f"{FLOWS}:CODEC")
    assert call("runs", "signal", "held", "city", '"Bergen"', *codec, "--who", "ann").code == 0
    assert b"Bergen" not in b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    said = call("runs", "resume", "held", "--app", FLOWS, *codec, "--plain")
    assert said.code == 0
    assert "paid in Bergen" in said.out


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (f"{FLOWS}:none", "has no 'none'"),
        (f"{FLOWS}:SECRETS", "has no 'SECRETS'"),
        (f"{FLOWS}:Mirrored", "it failed"),
        (f"{FLOWS}:FLOWS_", "has no"),
        (FLOWS, "names something of a module"),
        ("tests.cli.calls:ROOT", "not a Codec"),
    ],
)
def test_a_codec_that_is_none_is_refused(target: str, says: str, call: Caller, folder: Path) -> None:
    recorded(folder, None)
    said = call("runs", "show", "good", "--codec", target)
    assert said.code == 2
    assert says in said.err


def test_a_secret_input_that_is_refused_is_not_repeated(call: Caller, folder: Path) -> None:
    said = call("run", f"{FLOWS}:buy", "--input", f'{{"card": {{"number": "{SECRET}"}}, "city": "Oslo"}}')
    assert said.code == 2
    assert SECRET not in said.out + said.err
