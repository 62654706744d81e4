"""The words without bodies, drawn and run: `template`, `gather`, `debug`, `fail`."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, func-returns-value, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import pytest
from structlog.testing import capture_logs

from actorflow import InvalidState, InvalidWorkflow, RunFailed, Runtime, debug, fail, gather, step, template, workflow
from actorflow.errors import DeliberateFailure


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int = 2
    legs: list[str] = []

    def __post_init__(self) -> None:
        if self.nights < 1:
            raise ValueError("a trip has at least one night")


@dataclass
class Order:
    number: int
    lines: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    left: Any
    right: Any


def joined(first: str, *more: str, sep: str = " ", **named: str) -> str:
    return sep.join([first, *more, *(f"{name}={value}" for name, value in named.items())])


@step(mode="inline")
def city(name: str) -> str:
    return name


def problems(draw: Callable[[], Any]) -> list[str]:
    with pytest.raises(InvalidWorkflow) as caught:
        workflow(name="wrong")(draw).compile()
    assert all("test_words.py:" in problem for problem in caught.value.problems)
    return [problem.partition(": ")[2] for problem in caught.value.problems]


# ── template ──


async def test_a_template_is_filled_in_with_names_attributes_items_conversions_and_formats(runtime: Runtime) -> None:
    @workflow
    def letter(trip: Trip, start: dt.date) -> str:
        return template(
            "{{Dear}} {name!r:>8}: {trip.city}, {trip.legs[0]} {table[key]} {trip.nights:02d} {start:%d.%m.%Y} {name}",
            name=city("Bo"), trip=trip, start=start, table={"key": trip.nights},
        )  # fmt: skip

    given = Trip("Oslo", 3, ["x"])
    assert await runtime.run(letter, given, dt.date(2024, 5, 1)) == "{Dear}     'Bo': Oslo, x 3 03 01.05.2024 Bo"


async def test_a_template_needs_no_fields_and_its_values_may_have_any_name(runtime: Runtime) -> None:
    @workflow
    def plain() -> list[str]:
        return [template("just text"), template("{text} {self}", text=city("a"), self=1)]

    assert await runtime.run(plain) == ["just text", "a 1"]


def test_missing_and_unused_names_and_unreadable_fields_are_told_at_definition_all_of_them() -> None:
    def draw() -> None:
        template("{nme} {also}", name=1, other=2)
        template("{} {0} {a.__class__} {a:{b}} {a!x} {a:>10000} {a[} {a.b-c}", a=1)
        template("{open", a=1)
        template(3, a=1)

    assert problems(draw) == [
        "template: misses a value for its field 'also'",
        "template: misses a value for its field 'nme'; did you mean 'name'?",
        "template: has no field {name} for the value 'name'; did you mean 'nme'?",
        "template: has no field {other} for the value 'other'",
        "template_2: has a text that can't be read: expected '}' before end of string; a brace of its own is written twice",
        "template_3: has a text that can't be read: expected '}' before end of string; a brace of its own is written twice",
        "template_4: takes a text, not int",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "without a name"),
        ("{0}", "without a name"),
        ("{a.__class__}", "attributes that begin with an underscore are the value's own"),
        ("{a._hidden}", "attributes that begin with an underscore are the value's own"),
        ("{a:{b}}", "formats are plain"),
        ("{a!x}", "the conversion 'x'"),
        ("{a:>10000}", "a number of more than three digits"),
        ("{a.b-c}", "can't be read from `-c` on"),
        ("{a b}", "can't be read from ` b` on"),
        ("{a[]}", "can't be read from `[]` on"),
    ],
)
def test_what_could_run_code_or_makes_no_sense_is_no_field(text: str, problem: str) -> None:
    found = problems(lambda: template(text, a=1))
    assert len(found) == 1
    assert problem in found[0]


def test_a_field_that_reaches_for_what_surely_is_not_there_is_told_at_definition() -> None:
    @workflow
    def wrong(trip: Trip) -> None:
        template("{trip.town} {trip[0]} {trip.legs.append}", trip=trip)

    with pytest.raises(InvalidWorkflow) as caught:
        wrong.compile()
    town, item, method = caught.value.problems
    assert "Trip has no field 'town'" in town
    assert "Trip has no items" in item
    assert "is a method of list" in method


async def test_a_field_that_is_not_there_at_run_time_fails_the_node_and_is_named(runtime: Runtime) -> None:
    @workflow
    def late(value: Any) -> str:
        return template("{value.city}", value=value)

    with pytest.raises(RunFailed) as caught:
        await runtime.run(late, 3)
    cause = caught.value.__cause__
    assert isinstance(cause, AttributeError)
    assert cause.__notes__ == ["this happened while the field {value.city} was filled in"]


# ── gather ──


async def test_gather_makes_structs_dataclasses_tuples_and_calls_functions_and_leaves_them_their_defaults(
    runtime: Runtime,
) -> None:
    @workflow
    def all_kinds(nights: int) -> list[Any]:
        name = city("Oslo")
        return [
            gather(Trip, name, nights=nights),
            gather(Order, nights),
            gather(Pair, left=name, right=[nights, name]),
            gather(dict, a=name),
            gather(joined, name, "b", "c", sep="-", d=name),
            gather(joined, first=name),
        ]

    found = await runtime.run(all_kinds, 3)
    assert found == [
        Trip("Oslo", 3), Order(3), Pair("Oslo", [3, "Oslo"]), {"a": "Oslo"}, "Oslo-b-c-d=Oslo", "Oslo",
    ]  # fmt: skip
    again = await runtime.run(all_kinds, 3)
    assert found[1].lines is not again[1].lines


async def test_what_the_type_raises_fails_the_node(runtime: Runtime) -> None:
    @workflow
    def wrong(nights: int) -> Trip:
        return gather(Trip, "Oslo", nights)

    with pytest.raises(RunFailed) as caught:
        await runtime.run(wrong, 0)
    assert [error.node for error in caught.value.errors] == ["gather"]
    assert isinstance(caught.value.__cause__, ValueError)


def test_arguments_are_checked_against_the_signature_and_the_annotations_at_definition() -> None:
    def draw() -> None:
        gather(Trip, city=3)
        gather(Order, "x", lines=city("x"))
        gather(Pair, 1, 2)
        gather(joined, city("a"), sep=3)

    assert [problem.partition(": ")[0] for problem in problems(draw)] == [
        "step 'gather', argument 'city'",
        "step 'gather_2', argument 'number'",
        "step 'gather_2', argument 'lines'",
        "step 'gather_4', argument 'sep'",
    ]


@pytest.mark.parametrize(
    ("draw", "problem"),
    [
        (lambda: gather(Trip, cty="x"), "Trip takes no argument 'cty'; did you mean 'city'?"),
        (lambda: gather(Trip), "Trip misses its argument 'city'"),
        (lambda: gather(Pair, 1, 2, 3), "Pair too many positional arguments"),
        (lambda: gather(city, "x"), "<step city> is called by itself"),
        (lambda: gather("x"), "the first argument is a type or a function, not 'x'"),
        (lambda: gather(city("x")), "is a type or a function"),
    ],
)
def test_what_does_not_fit_is_refused_at_definition(draw: Callable[[], Any], problem: str) -> None:
    assert problem in problems(draw)[0]


# ── debug ──


class Shy(msgspec.Struct):
    def __repr__(self) -> str:
        raise RuntimeError("no")


async def test_debug_logs_the_values_with_run_and_node_and_gives_none(runtime: Runtime) -> None:
    @workflow
    def watched(trip: Trip) -> list[Any]:
        first = debug.options(name="look")(trip=trip, event="e", node="n", run="r")
        return [first, debug(level="warning", city=city(trip.city))]

    with capture_logs() as lines:
        assert await runtime.options(run_id="t-1").run(watched, Trip("Oslo")) == [None, None]
    assert lines == [
        {
            "event": "debug", "log_level": "info", "run": "t-1", "node": "look",
            "trip": Trip("Oslo"), "event_": "e", "node_": "n", "run_": "r",
        },
        {"event": "debug", "log_level": "warning", "run": "t-1", "node": "debug", "city": "Oslo"},
    ]  # fmt: skip


async def test_debug_never_fails_the_run(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @workflow
    def shy(value: Shy | int) -> None:
        debug(value=value)

    with capture_logs() as lines:
        await runtime.run(shy, Shy())
    assert lines[0]["value"] == "<Shy, whose repr raised RuntimeError>"

    class Broken:
        def info(self, *args: Any, **kwargs: Any) -> None:
            raise OSError("disk full")

    monkeypatch.setattr(sys.modules["actorflow.workflow.debugging"], "_log", Broken())
    await runtime.run(shy, 1)
    assert "couldn't be logged" in caplog.text


def test_a_level_is_checked_at_definition() -> None:
    assert problems(lambda: debug(level="wrning", x=1)) == [
        "debug: has level='wrning'; did you mean 'warning'? (levels are debug, info, warning, error, critical)"
    ]
    assert "has level=3" in problems(lambda: debug(level=3))[0]


# ── fail ──


async def test_fail_fails_the_run_with_its_text_once(runtime: Runtime) -> None:
    @workflow
    def sold_out(what: str) -> str:
        failed: str = fail("no {what} left", what=city(what))
        return failed

    with pytest.raises(RunFailed) as caught:
        await runtime.run(sold_out, "seats")
    assert isinstance(caught.value.__cause__, DeliberateFailure)
    assert str(caught.value.__cause__) == "no seats left"
    assert [(error.node, error.attempt) for error in caught.value.errors] == [("fail", 1)]


def test_the_text_of_fail_is_checked_as_a_template() -> None:
    assert problems(lambda: fail("no {what} left", wat=1)) == [
        "fail: misses a value for its field 'what'; did you mean 'wat'?",
        "fail: has no field {wat} for the value 'wat'; did you mean 'what'?",
    ]


# ── all of them ──


def test_names_and_order_of_waiting_are_given_by_options() -> None:
    @workflow
    def said() -> None:
        first = template.options(name="hello")("hi")
        template("x")
        template("x")
        fail.options(name="stop", after=[first])("stop")

    plan = said.compile()
    assert plan.names == ("hello", "template", "template_2", "stop")
    assert plan.needs[3] == (0,)


@pytest.mark.parametrize("word", [template, gather, debug, fail])
def test_outside_of_a_workflow_they_say_so(word: Any) -> None:
    with pytest.raises(InvalidState, match="was called outside of a workflow"):
        word(*([] if word is debug else ["x"]))
