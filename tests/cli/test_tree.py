"""The tree of a run's steps: a pure reducer over events, held against a model that keeps everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow import Event, facts
from actorflow.cli import tree as trees
from actorflow.cli.paths import joined, split
from actorflow.cli.tree import ACTIVE, LOUD, STATES, Row, Tree
from actorflow.cli.view import Line, bar, lines, totals

BROKEN = ValueError("broken")
LIVES: list[list[tuple[str, dict[str, Any]]]] = [
    [],
    [("StepStarted", {}), ("StepSucceeded", {"value": 1, "began": 0.0})],
    [("GuardsStarted", {}), ("StepSkipped", {"value": 1, "began": 0.0})],
    [("PermitsWaited", {"pools": ("airline",)}), ("StepStarted", {}), ("StepHalted", {"value": 1, "began": 0.0})],
    [("StepStarted", {}), ("StepInterrupted", {"entered": True, "began": 0.0})],
    [("StepStarted", {})],
    [
        ("StepStarted", {}),
        ("StepProgressed", {"done": 1.0, "total": 2.0}),
        ("AttemptFailed", {"error": BROKEN, "again": True, "delay": 1.0, "began": 0.0}),
        ("RetryScheduled", {"due": 9.0, "reason": BROKEN}),
        ("StepStarted", {}),
        ("StepSucceeded", {"value": 1, "began": 0.0}),
    ],
    [
        ("StepStarted", {}),
        ("AttemptFailed", {"error": BROKEN, "again": False, "delay": 0.0, "began": 0.0}),
        ("CompensationStarted", {"tries": 1, "error": BROKEN}),
        ("StepCompensated", {"tries": 1, "again": False, "delay": 0.0, "reason": None, "began": 0.0}),
        ("StepGaveUp", {"error": BROKEN, "phase": "run"}),
    ],
    [
        ("StepStarted", {}),
        ("AttemptFailed", {"error": BROKEN, "again": False, "delay": 0.0, "began": 0.0}),
        ("CompensationStarted", {"tries": 1, "error": BROKEN}),
        ("CompensationGaveUp", {"tries": 5, "error": BROKEN}),
        ("StepGaveUp", {"error": BROKEN, "phase": "run"}),
    ],
]
UNDO: list[list[tuple[str, dict[str, Any]]]] = [
    [("UndoStarted", {"tries": 1}), ("StepUndone", {"tries": 1, "began": 0.0})],
    [("UndoStarted", {"tries": 1})],
    [("UndoStarted", {"tries": 1}), ("UndoGaveUp", {"tries": 5, "error": BROKEN})],
]
BECOMES = {
    "GuardsStarted": "checking",
    "PermitsWaited": "waiting",
    "StepStarted": "running",
    "StepSucceeded": "succeeded",
    "StepSkipped": "skipped",
    "StepHalted": "halted",
    "StepInterrupted": "interrupted",
    "AttemptFailed": "failed",
    "RetryScheduled": "retrying",
    "CompensationStarted": "compensating",
    "StepCompensated": "failed",
    "StepGaveUp": "failed",
    "CompensationGaveUp": "stuck",
    "UndoStarted": "undoing",
    "StepUndone": "undone",
    "UndoGaveUp": "stuck",
}


def event(kind: str, node: str, at: float = 0.0, attempt: int = 1, **fields: Any) -> Event:
    fact = getattr(facts, kind)(run="r", node=0, attempt=attempt, at=at, **fields)
    return Event(fact, "r", 1, node, attempt, at, at)


PARTS = st.lists(st.sampled_from(["book", "each", "seat", "[0]", "[1]", "[a.b]", "[x]y]"]), max_size=3)
NAMES = st.builds(lambda head, parts: joined([head, *parts]), st.sampled_from("abc"), PARTS)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Lives of some nodes, one among the other; then a rollback of some that had succeeded."""
    names = draw(st.lists(NAMES, max_size=14, unique=True))
    lives = {name: list(draw(st.sampled_from(LIVES))) for name in names}
    succeeded = [name for name, life in lives.items() if life and life[-1][0] == "StepSucceeded"]
    order = draw(st.permutations([name for name, life in lives.items() for _ in life]))
    found = [event(kind, name, **fields) for name in order for kind, fields in [lives[name].pop(0)]]
    for name in draw(st.lists(st.sampled_from(succeeded), unique=True)) if succeeded else ():
        found += [event(kind, name, **fields) for kind, fields in draw(st.sampled_from(UNDO))]
    return found


def modelled(states: dict[str, str], told: Event) -> None:
    kind = type(told.fact).__name__
    if kind in BECOMES and not (kind == "StepGaveUp" and states.get(told.node) == "stuck"):
        states[told.node] = BECOMES[kind]


def rows_of(tree: Tree) -> Iterable[Row]:
    waiting = [tree.root]
    while waiting:
        row = waiting.pop()
        yield row
        waiting += row.children


def check_row(row: Row, kept: int) -> None:
    own = [int(state == row.state) for state in STATES]
    sums = [sum(column) for column in zip(own, row.dropped, *(child.counts for child in row.children), strict=True)]
    assert row.counts == sums, row.path
    assert len(row.quiet) <= kept
    assert len(row.loud) <= kept
    for child in row.children:
        kind = "active" if child.active or child.state in ACTIVE else None
        assert (child.kind == "active") == (kind == "active"), child.path
        assert child.parent is row


@given(histories(), st.integers(1, 3))
def test_the_counts_are_those_of_a_model_that_keeps_everything(history: list[Event], kept: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "KEPT", kept)
        tree, states = Tree(), dict[str, str]()
        for told in history:
            tree.take(told)
            modelled(states, told)
            counted = Counter({state: tree.root.count(state) for state in STATES})
            assert +counted == Counter(states.values())
            for row in rows_of(tree):
                check_row(row, kept)
        active = {name for name, state in states.items() if state in ACTIVE}
        assert active == {row.path for row in rows_of(tree) if row.state in ACTIVE}


@given(histories(), st.integers(1, 12))
def test_the_lines_fit_the_room_and_show_what_goes_on(history: list[Event], room: int) -> None:
    tree = Tree()
    for told in history:
        tree.take(told)
    assert len(lines(tree, room, 1.0)) <= room
    shown = " ".join(line.name for line in lines(tree, 1000, 1.0))
    for row in rows_of(tree):
        if row.state in ACTIVE:
            assert row.label in shown


@given(NAMES)
def test_a_name_comes_back_from_its_parts(name: str) -> None:
    assert joined(split(name)) == name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("charge", ["charge"]),
        ("book.seat", ["book", "seat"]),
        ("each[17].charge", ["each", "[17]", "charge"]),
        ("a.each[x.y].b_2", ["a", "each", "[x.y]", "b_2"]),
        ("each[1].each[2]", ["each", "[1]", "each", "[2]"]),
        ("fetch[2]", ["fetch", "[2]"]),
        ("each[a]b].c", ["each", "[a]b]", "c"]),
        ("each[never ends", ["each", "[never ends"]),
    ],
)
def test_names_have_parts(name: str, parts: list[str]) -> None:
    assert split(name) == parts


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def grown(*told: Event) -> Tree:
    tree = Tree()
    for each in told:
        tree.take(each)
    return tree


def text(line: Line) -> str:
    return " ".join(filter(None, ("  " * line.depth + line.glyph, line.name, line.detail, line.time)))


def started(*names: str) -> list[Event]:
    return [event("StepStarted", name) for name in names]


def succeeded(*names: str, at: float = 1.0) -> list[Event]:
    return [event("StepSucceeded", name, at, value=None, began=0.0) for name in names]


def test_what_has_ended_well_is_one_line() -> None:
    names = [f"each[{number}].charge" for number in range(5)]
    tree = grown(*started(*names), *succeeded(*names), *started("seat"))
    assert [text(line) for line in lines(tree, 10, 2.0)] == ["✓ each 5 succeeded 1.0 s", "● seat 2.0 s"]


def test_what_goes_on_is_shown_inside_of_what_it_is_in() -> None:
    names = [f"each[{number}].charge" for number in range(3)]
    tree = grown(*started(*names), *succeeded(names[0]))
    assert [text(line) for line in lines(tree, 10, 2.0)] == [
        "● each 2 running, 1 succeeded 2.0 s",
        "  ✓ [0].charge 1.0 s",
        "  ● [1].charge 2.0 s",
        "  ● [2].charge 2.0 s",
    ]


def test_what_does_not_fit_is_counted() -> None:
    names = [f"each[{number}].charge" for number in range(1000)]
    tree = grown(*started(*names), *succeeded(*names[:900]))
    assert [text(line) for line in lines(tree, 4, 2.0)] == [
        "● each 100 running, 900 succeeded 2.0 s",
        "  ● [900].charge 2.0 s",
        "  ● [901].charge 2.0 s",
        "  … 998 more 98 running, 900 succeeded",
    ]
    assert len(tree) < 700


def test_a_tree_of_many_steps_stays_small() -> None:
    tree = Tree()
    for number in range(5000):
        name = f"each[{number}].charge"
        for told in (*started(name), *succeeded(name)):
            tree.take(told)
    assert tree.root.count("succeeded") == 5000
    assert len(tree) < 3 * trees.KEPT


def test_retries_count_down() -> None:
    tree = grown(*started("charge"), event("RetryScheduled", "charge", 1.0, due=3.0, reason=BROKEN))
    (line,) = lines(tree, 5, 1.5)
    assert line.detail == "attempt 1 failed, again in 1.5 s: ValueError: broken"


def test_progress_is_a_bar() -> None:
    tree = grown(*started("load"), event("StepProgressed", "load", done=5, total=20))
    (line,) = lines(tree, 5, 1.0)
    assert line.detail == "████────────────  25%  5 of 20"
    row = Row("load", "load", None, 1, 0.0)
    row.done = 7
    assert bar(row) == "7 done"
    row.total = 0
    assert "100%" in bar(row)


def test_a_rollback_has_its_own_signs() -> None:
    tree = grown(*started("seat", "room"), *succeeded("seat", "room"), event("UndoStarted", "room", 1.0, tries=1))
    assert [text(line) for line in lines(tree, 5, 2.0)] == ["✓ seat 1.0 s", "↩ room undoing 1.0 s"]
    tree.take(event("UndoGaveUp", "room", 2.0, tries=5, error=BROKEN))
    tree.take(event("UndoStarted", "seat", 2.0, tries=1))
    tree.take(event("StepUndone", "seat", 3.0, tries=1, began=2.0))
    assert [text(line) for line in lines(tree, 5, 4.0)] == [
        "↩ seat undone 1.0 s",
        "‼ room not undone: ValueError: broken 1.0 s",
    ]
    assert totals(tree) == [("↩ 1 undone", "magenta"), ("‼ 1 given up", "bold red")]


def test_a_failure_is_shown_when_all_else_is_folded() -> None:
    good = [f"book.seat_{number}" for number in range(50)]
    failed = event("AttemptFailed", "book.charge", 2.0, error=BROKEN, again=False, delay=0.0, began=0.0)
    tree = grown(*started(*good, "book.charge"), *succeeded(*good), failed)
    shown = [text(line) for line in lines(tree, 3, 2.0)]
    assert shown[0].startswith("✗ book 50 succeeded, 1 failed")
    assert "  ✗ charge failed: ValueError: broken 2.0 s" in shown
    assert all(state in STATES for state in LOUD)


def test_a_combinator_is_no_step() -> None:
    names = ["each[0].charge", "each[1].charge"]
    pulled = event("ItemsPulled", "each", items=[1, 2], keys=None, more=False, began=0.0)
    tree = grown(*started("each"), pulled, *started(*names), *succeeded(*names))
    assert [text(line) for line in lines(tree, 5, 2.0)] == ["● each 2 succeeded 2.0 s"]
    for told in succeeded("each", at=2.0):
        tree.take(told)
    assert [text(line) for line in lines(tree, 5, 3.0)] == ["✓ each 2 succeeded 2.0 s"]
    assert tree.root.steps == 2


def test_a_combinator_is_undone_when_all_in_it_is() -> None:
    pulled = event("ItemsPulled", "each", items=[1], keys=None, more=False, began=0.0)
    tree = grown(*started("each"), pulled, *started("each[0].charge"), *succeeded("each[0].charge", "each"))
    tree.take(event("UndoStarted", "each[0].charge", 2.0, tries=1))
    assert [line.glyph for line in lines(tree, 5, 3.0)] == ["↩", "↩"]
    tree.take(event("StepUndone", "each[0].charge", 3.0, tries=1, began=2.0))
    assert [text(line) for line in lines(tree, 5, 3.0)] == ["↩ each 1 undone 3.0 s"]


def test_a_step_that_added_steps_holds_them() -> None:
    emitted = event("StepsEmitted", "fetch", 1.0, value=1, began=0.0)
    tree = grown(*started("fetch"), emitted, *started("fetch.store"))
    assert [text(line) for line in lines(tree, 5, 2.0)] == [
        "✓ fetch 1 running, 1 succeeded 1.0 s",
        "  ● store 2.0 s",
    ]


def test_lost_events_are_counted() -> None:
    tree = grown(Event(facts.EventsLost("r", 0.0, 12), "r", 0, "", 0, 0.0, 0.0))
    assert tree.lost == 12


def test_names_do_nothing_to_the_terminal() -> None:
    tree = grown(*started("each[\x1b[2J\n]"))
    assert lines(tree, 5, 0.0)[0].name == "each[·[2J·]"
