"""`actorflow check` and `actorflow graph`."""

from __future__ import annotations

import pytest

from actorflow.cli.finding import load, workflows_in
from tests.cli.calls import FLOWS, Caller

WRONG = """
from actorflow import step, workflow

@step
async def number() -> int:
    return 1

@step
async def text(given: str) -> str:
    return given

@step
async def anything(given):
    return given

@workflow
def good() -> int:
    return number()

@workflow
def wrong() -> str:
    found = number()
    text(found)
    return text(found)

@workflow
def also_wrong(flag: bool) -> int:
    if flag:
        return number()
    return number()

@workflow
def breaks() -> int:
    raise KeyError("while it is drawn")

@workflow
def noted(flag: bool) -> int:
    return anything(number())

also_good = good
"""


def test_check_tells_all_problems_of_all_workflows_at_once(call: Caller) -> None:
    (call.folder / "all_wrong.py").write_text(WRONG)
    said = call("check", "all_wrong", f"{FLOWS}")
    assert said.code == 1
    assert "✓ all_wrong:good" in said.out
    assert "✗ all_wrong:wrong" in said.out
    assert said.out.count("problem  all_wrong.py:") >= 3
    assert "✗ all_wrong:also_wrong" in said.out
    assert "KeyError: 'while it is drawn'" in said.out
    assert "✓ tests.cli.flows:book  2 steps" in said.out
    assert "4 problems" in said.out.splitlines()[-1]
    assert said.out.count("all_wrong:good") == 1


def test_check_of_what_is_well_ends_with_0(call: Caller) -> None:
    said = call("check", FLOWS)
    assert said.code == 0
    count = len(workflows_in(load(FLOWS)))
    assert said.out.splitlines()[-1].startswith(f"{count} workflows, 0 problems, 0 notes")


def test_check_shows_what_could_not_be_decided(call: Caller) -> None:
    source = WRONG.replace("also_good = good", 'maybe = eval("workflow(lambda: None) if False else good")')
    (call.folder / "with_notes.py").write_text(source)
    said = call("check", "with_notes")
    assert "note     " in said.out


def test_a_module_that_cannot_be_imported_is_told_with_the_others(call: Caller) -> None:
    (call.folder / "cannot_import.py").write_text("import nowhere_to_be_found\n")
    said = call("check", "cannot_import", "nowhere", FLOWS)
    assert said.code == 2
    assert "✗ cannot_import can't be imported" in said.out
    assert "✗ there is no module 'nowhere'" in said.out
    assert "tests.cli.flows:book" in said.out
    assert "2 modules that can't be imported" in said.out.splitlines()[-1]


def test_a_module_without_workflows_says_so(call: Caller) -> None:
    (call.folder / "no_flows_here.py").write_text("")
    said = call("check", "no_flows_here.py")
    assert said.code == 0
    assert "no_flows_here.py has no workflows" in said.out


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("text", ["book(trip: Trip, note: str = 'none') -> str", "↩ release"]),
        ("mermaid", ["flowchart", "reserve", "-->"]),
        ("dot", ["digraph", "reserve", "->"]),
    ],
)
def test_a_plan_is_drawn(call: Caller, form: str, words: list[str]) -> None:
    for options in ([], ["--expand"]):
        said = call("graph", f"{FLOWS}:book", "--format", form, *options)
        assert said.code == 0
        assert all(word in said.out for word in words)


def test_expand_shows_what_is_in_a_composed_workflow(call: Caller) -> None:
    assert "book.reserve" in call("graph", f"{FLOWS}:composed", "--expand").out
    assert "book.reserve" not in call("graph", f"{FLOWS}:composed").out


def test_an_unknown_format_is_refused(call: Caller) -> None:
    said = call("graph", f"{FLOWS}:book", "--format", "png")
    assert said.code == 2
    assert "png" in said.err
