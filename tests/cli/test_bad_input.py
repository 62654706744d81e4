"""What is given wrongly ends with exit code 2 and a word on what to do; nothing runs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.calls import FLOWS, Caller, Said

BOOK = f"{FLOWS}:book"
TOLD = f"{FLOWS}:told"


def refused(said: Said, *words: str) -> None:
    assert said.code == 2, said
    assert said.out == ""
    for word in words:
        assert word in said.err


# ── inputs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], ["missing: trip", "--input-trip"]),
        (["--input", '{"trip": {"city": 5}}'], ["input trip.city", "expected str, got int"]),
        (["--input", '{"trip": {"nights": 5}}'], ["input trip", "city"]),
        (["--input", '{"trip": {"city": "Oslo", "nights": "5"}}'], ["input trip.nights", "expected int, got str"]),
        (["--input", '{"tripp": {"city": "Oslo"}}'], ["'tripp'", "did you mean 'trip'?"]),
        (["--input-tripp", "{}"], ["--input-tripp", "did you mean 'trip'?"]),
        (["--input-trip", '{"city": "Oslo",\n "nights" 5}'], ["--input-trip", "broken JSON at line 2, column 11"]),
        (["--input-trip", "Oslo"], ["--input-trip", "broken JSON at line 1, column 1"]),
        (["--input-trip", '{"city": 5}'], ["trip.city", "expected str, got int"]),
        (["--input-trip"], ["--input-trip needs a value"]),
        (["--input-trip", "{}", "--input-trip", "{}"], ["given twice"]),
        (["--input", "[1]"], ["--input: expected an object", "got a list"]),
        (["--input", "3"], ["got a number"]),
        (["--input", '{"trip": {"city": "a", "city": "b"}}'], ["'city' stands twice"]),
        (["--input", '{"trip": NaN}'], ["NaN isn't JSON"]),
        (["--input", '{"trip": {"city": "Oslo"}'], ["broken JSON at line 1"]),
        (["--input-file", "nowhere.json"], ["--input-file nowhere.json", "No such file"]),
    ],
)
def test_an_input_that_does_not_fit_is_refused_with_its_path(call: Caller, given: list[str], words: list[str]) -> None:
    refused(call("run", BOOK, *given), *words)


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--input-number", "three", "--input-number: expected int, got 'three'"),
        ("--input-number", "[1", "--input-number: broken JSON at line 1"),
        ("--input-on", "tomorrow", "--input-on: expected date | None, got 'tomorrow'"),
        ("--input-kind", "c", "--input-kind: expected Literal['a', 'b'], got 'c'"),
        ("--input-colour", "green", "--input-colour: expected Colour, got 'green'\nIt's one of red, blue."),
        (
            "--input-tags",
            "x",
            "--input-tags: broken JSON at line 1, column 1: Expecting value\nThe input takes list[str] | None.",
        ),
    ],
)
def test_text_that_was_not_meant_as_json_is_told_what_is_expected(
    call: Caller, option: str, text: str, said: str
) -> None:
    given = {"--input-number": "1", "--input-name": "x", option: text}
    refused(call("run", TOLD, *(word for pair in given.items() for word in pair)), said)


def test_a_file_that_does_not_fit_is_refused_with_line_and_column(call: Caller) -> None:
    (call.folder / "trip.json").write_text('{\n  "trip": {"city": "Oslo",}\n}')
    refused(call("run", BOOK, "--input-file", "trip.json"), "--input-file trip.json", "line 2, column")
    (call.folder / "trip.json").write_text('{"trip": {"city": "Oslo", "nights": 1.5}}')
    refused(call("run", BOOK, "--input-file", "trip.json"), "trip.nights", "expected int, got float")
    (call.folder / "trip.json").write_bytes(b'{"trip": "\xff"}')
    refused(call("run", BOOK, "--input-file", "trip.json"), "isn't UTF-8")


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (["--input-number", "5", "--input-name", "5"], "5 5 None a []"),
        (["--input-number=5", "--input-name=a=b"], "5 a=b None a []"),
        (["--input-number", "-5", "--input-name", "--json"], "-5 --json None a []"),
        (["--input-number", "5", "--input-name", "x", "--input-on", "2026-01-31"], "5 x 2026-01-31 a []"),
        (["--input-number", "5", "--input-name", "x", "--input-on", "null"], "5 x None a []"),
        (["--input-number", "5", "--input-name", "x", "--input-kind", "b"], "5 x None b []"),
        (["--input", '{"number": 1, "name": "json"}', "--input-number", "2"], "2 json None a []"),
    ],
)
def test_text_is_text_and_the_rest_is_json(call: Caller, given: list[str], value: str) -> None:
    said = call("run", TOLD, *given)
    assert said.out.splitlines()[-1] == repr(value)


def test_options_may_stand_before_the_workflow(call: Caller) -> None:
    said = call("run", "--input-number", "5", "--input-name", "x", TOLD)
    assert said.code == 0


def test_what_is_nearer_wins(call: Caller) -> None:
    (call.folder / "in.json").write_text('{"number": 1, "name": "file", "kind": "b"}')
    said = call("run", TOLD, "--input-file", "in.json", "--input", '{"number": 2}', "--input-name", "option")
    assert said.out.splitlines()[-1] == "'2 option None b []'"


def test_a_file_may_come_through_a_pipe(call: Caller) -> None:
    said = call("run", TOLD, "--input-file", "-", stdin='{"number": 1, "name": "piped"}')
    assert said.out.splitlines()[-1] == "'1 piped None a []'"


# ── modules and workflows ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere:book", ["no module 'nowhere'"]),
        ("nowhere.py:book", ["no file nowhere.py"]),
        (f"{FLOWS}:bok", ["no workflow 'bok'", "did you mean 'book'?", "told"]),
        (FLOWS, ["Name the one that is meant"]),
        (f"{FLOWS}:Trip", ["isn't a workflow"]),
        (f"{FLOWS}:needs_more", ["isn't a workflow"]),
        (f"{FLOWS}:nothing", ["gives None, not a workflow"]),
        ("no way:book", ["is no module"]),
        ("", ["is no module"]),
    ],
)
def test_a_workflow_that_is_not_there_is_refused(call: Caller, target: str, words: list[str]) -> None:
    refused(call("run", target), *words)


def test_a_module_that_breaks_shows_the_users_frames(call: Caller) -> None:
    (call.folder / "breaks_when_imported.py").write_text("def f():\n    raise ValueError('on purpose')\nf()\n")
    said = call("run", "breaks_when_imported:book")
    refused(said, "can't be imported", "breaks_when_imported.py", "ValueError: on purpose")
    assert "importlib" not in said.err


def test_a_module_that_lacks_another_one_names_it(call: Caller) -> None:
    (call.folder / "lacks_another.py").write_text("import surely_not_installed\n")
    refused(call("graph", "lacks_another:book"), "can't be imported", "No module named 'surely_not_installed'")


def test_a_module_with_broken_syntax_shows_its_line(call: Caller) -> None:
    (call.folder / "broken_syntax.py").write_text("def f(:\n")
    refused(call("graph", "broken_syntax.py:book"), "broken_syntax.py", "line 1", "SyntaxError")


def test_a_module_that_exits_is_refused(call: Caller) -> None:
    (call.folder / "exits_when_imported.py").write_text("import sys\nsys.exit(0)\n")
    refused(call("graph", "exits_when_imported:book"), "ends the program when it is imported")


def test_a_module_without_a_name_is_run_if_it_has_one_workflow(call: Caller) -> None:
    source = "from actorflow import step, workflow\n@step\nasync def one() -> int:\n    return 1\n"
    source += "@workflow\ndef only() -> int:\n    return one()\n"
    (call.folder / "only_one_here.py").write_text(source)
    for target in ("only_one_here", "only_one_here.py", "./only_one_here.py:only"):
        assert call("run", target).out.splitlines()[-1] == "1"


def test_a_file_in_a_package_is_imported_under_its_own_name(call: Caller) -> None:
    package = call.folder / "package_of_flows"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "steps.py").write_text(
        "from actorflow import step\n@step\nasync def one() -> str:\n    return one.name\n"
    )
    source = "from actorflow import workflow\nfrom .steps import one\n@workflow\ndef only() -> str:\n    return one()\n"
    (package / "flow.py").write_text(source)
    assert call("run", "package_of_flows/flow.py:only").out.splitlines()[-1] == "'one'"


def test_a_file_named_like_another_module_is_refused(call: Caller) -> None:
    (call.folder / "json.py").write_text("")
    refused(call("graph", "json.py:book"), "the name of another module")


def test_a_function_may_give_the_workflow(call: Caller) -> None:
    assert call("run", f"{FLOWS}:from_data").out.splitlines()[-1] == "'clean'"


def test_a_workflow_that_cannot_run_is_refused_with_all_problems(call: Caller) -> None:
    (call.folder / "twice_wrong.py").write_text(TWICE_WRONG)
    refused(call("run", "twice_wrong:wrong"), "2 problems", "twice_wrong.py:")


TWICE_WRONG = """
from actorflow import step, workflow
@step
async def number() -> int:
    return 1
@step
async def text(given: str) -> str:
    return given
@workflow
def wrong() -> str:
    text(number())
    return text(number())
"""

# ── options ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--timeout", "-1"], ["timeout"]),
        (["--timeout", "soon"], ["--timeout"]),
        (["--max-concurrency", "0"], ["max_concurrency"]),
        (["--json", "--plain"], ["--json and --plain"]),
        (["--snapshot", "nowhere/x"], ["there is no folder nowhere"]),
        (["--snapshot", "."], ["it is a folder"]),
        (["--runtime", "nowhere:lent"], ["no module 'nowhere'"]),
        (["--runtime", FLOWS], ["names a function of a module"]),
        (["--runtime", f"{FLOWS}:lentt"], ["did you mean 'lent'?"]),
        (["--runtime", f"{FLOWS}:broken"], ["it failed", "NoMoney: no runtime today"]),
        (["--runtime", f"{FLOWS}:nothing"], ["gives None, not a Runtime"]),
        (["--what"], ["--what"]),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(call: Caller, options: list[str], words: list[str]) -> None:
    refused(call("run", f"{FLOWS}:from_data", *options), *words)


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    refused(call("run", f"{FLOWS}:from_data"), "couldn't be written", "--snapshot")


def test_without_a_command_the_commands_are_listed(call: Caller) -> None:
    said = call()
    assert "resume" in said.out + said.err
    assert said.code == 2


def test_the_version_is_told(call: Caller) -> None:
    said = call("--version")
    assert (said.code, said.out) == (0, f"actorflow {version('actorflow')}\n")


def test_a_folder_stays_as_it_is(call: Caller) -> None:
    call("run", BOOK)
    assert list(Path(call.folder).iterdir()) == []
