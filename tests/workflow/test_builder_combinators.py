"""The builder says everything that a `@workflow` function can: the same plans, by name."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, list-item, func-returns-value, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from actorflow import (
    InvalidWorkflow,
    RunFailed,
    Runtime,
    Skip,
    WorkflowBuilder,
    around,
    choose,
    choose_first,
    debug,
    each,
    fail,
    gather,
    group,
    repeat,
    step,
    template,
    transform,
    workflow,
)  # fmt: skip
from actorflow.workflow import Transformed, Use, Value


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int = 2
    legs: list[str] = []


@step(mode="inline")
def reserve(leg: str, nights: int = 1) -> str:
    return f"{leg}/{nights}"


@step(mode="inline")
def grow(count: int) -> int:
    return count + 1


@step(mode="inline")
def note(text: str) -> None: ...


@step(mode="inline")
def joined(*parts: str, sep: str = "+") -> str:
    return sep.join(parts)


@reserve.undo
def release(value: str) -> None: ...


@asynccontextmanager
async def lent() -> AsyncIterator[str]:
    yield "lent"


def is_long(nights: int) -> bool:
    return nights > 7


def double(nights: int) -> int:
    return 2 * nights


def leg_name(leg: str) -> str:
    return leg.upper()


def by_card(trip: Trip) -> bool:
    return trip.city == "Oslo"


@workflow
def book(leg: str, nights: int = 3) -> str:
    return reserve(leg, nights)


@workflow
def grown(count: int) -> int:
    return grow(count)


def same(built: WorkflowBuilder, drawn: Any) -> Any:
    """The plan, which is the one that drawing gives."""
    one, other = built.build().compile(), drawn.compile()
    assert one.text() == other.text()
    assert one.mermaid() == other.mermaid()
    assert one.fingerprint == other.fingerprint
    return one


# ── each combinator ──


async def test_each_of_a_step_with_captures_and_all_options(runtime: Runtime) -> None:
    @workflow(name="w")
    def drawn(trip: Trip) -> Any:
        return each.options(name="legs")(
            trip.legs, lambda leg: reserve(leg, trip.nights), concurrency=2, ordered=False, batch_size=5, key=leg_name
        )

    built = WorkflowBuilder("w").add_input("trip", Trip)
    built.add_each(
        "legs", "trip.legs", reserve, arguments={"nights": "trip.nights"}, concurrency=2, ordered=False, batch_size=5,
        key=leg_name,
    ).returns("legs")  # fmt: skip
    built.content.return_type = Any
    same(built, drawn)
    assert sorted(await runtime.run(built.build(), Trip("x", 3, ["a", "b"]))) == ["a/3", "b/3"]


async def test_the_item_may_go_to_any_input(runtime: Runtime) -> None:
    built = WorkflowBuilder("w").add_input("nights", list[int])
    built.add_each("all", "nights", book, item="nights", arguments={"leg": Value("x")}).returns("all")
    assert await runtime.run(built.build(), [1, 2]) == ["x/1", "x/2"]


async def test_the_body_may_be_a_builder_and_its_nodes_are_the_bodys(runtime: Runtime) -> None:
    inner = WorkflowBuilder("inner").add_input("leg", str).add_input("nights", int).add_input("sep", str, "-")
    inner.add_step("seat", reserve, arguments={"leg": "leg", "nights": "nights"})
    inner.add_step("both", joined, arguments={"parts": ["seat", "leg"], "sep": "sep"}).returns("both")

    @workflow(name="w")
    def drawn(trip: Trip) -> list[str]:
        def body(leg: str) -> str:
            return joined.options(name="both")(reserve.options(name="seat")(leg, trip.nights), leg, sep="-")

        return each.options(name="legs")(trip.legs, body)

    built = WorkflowBuilder("w").add_input("trip", Trip)
    built.add_each("legs", "trip.legs", inner, arguments={"nights": "trip.nights"}).returns("legs")
    built.content.return_type = list[str]
    plan = same(built, drawn)
    assert plan.scopes[0].bodies[0].plan.names == ("seat", "both")
    assert await runtime.run(built.build(), Trip("x", 3, ["a", "b"])) == ["a/3-a", "b/3-b"]


async def test_choose_with_bodies_of_all_kinds_and_arguments_of_their_own(runtime: Runtime) -> None:
    @workflow(name="w")
    def drawn(kind: str, leg: str) -> Any:
        return choose.options(name="way")(
            kind,
            {"step": lambda: reserve(leg, 5), "flow": lambda: book(leg)},
            default=lambda: joined(kind, leg),
        )

    built = WorkflowBuilder("w").add_input("kind", str).add_input("leg", str)
    built.add_choose(
        "way", "kind", {"step": Use(reserve, {"nights": 5}), "flow": book},
        default=Use(joined, {"parts": ["kind", "leg"]}), arguments={"leg": "leg"},
    ).returns("way")  # fmt: skip
    built.content.return_type = Any
    same(built, drawn)
    made = built.build()
    assert [await runtime.run(made, kind, "a") for kind in ("step", "flow", "x")] == ["a/5", "a/3", "x+a"]


async def test_choose_first_gives_the_value_to_the_branches(runtime: Runtime) -> None:
    @workflow(name="w")
    def drawn(nights: int) -> Any:
        return choose_first.options(name="way")(
            [(is_long, lambda nights: reserve("long", nights))], on=nights, default=grow
        )

    built = WorkflowBuilder("w").add_input("nights", int)
    built.add_choose_first("way", "nights", [(is_long, Use(reserve, {"leg": Value("long")}))], default=grow).returns(
        "way"
    )
    built.content.return_type = Any
    same(built, drawn)
    made = built.build()
    assert [await runtime.run(made, nights) for nights in (8, 1)] == ["long/8", 2]


async def test_group_around_and_repeat(runtime: Runtime) -> None:
    @workflow(name="w")
    def drawn(leg: str, count: int) -> Any:
        one = group.options(name="held")(
            lambda: reserve(leg), before=lambda: note(leg), after=lambda seat: joined(seat, leg)
        )
        two = around.options(name="inside")(lent, lambda value: joined(value, leg))
        three = repeat.options(name="passes")(grown, count, until=is_long, at_most=20, exhausted="fail")
        return [one, two, three]

    built = WorkflowBuilder("w").add_input("leg", str).add_input("count", int)
    built.add_group(
        "held", reserve, before=Use(note, {"text": "leg"}), arguments={"leg": "leg"},
        afterwards=Use(WorkflowBuilder("last").add_input("seat").add_input("leg").add_step(
            "joined", joined, arguments={"parts": ["seat", "leg"]}), item="seat"),
    )  # fmt: skip
    built.add_around("inside", lent, WorkflowBuilder("b").add_input("value").add_input("leg").add_step(
        "joined", joined, arguments={"parts": ["value", "leg"]}).returns("joined"), arguments={"leg": "leg"})  # fmt: skip
    built.add_repeat("passes", grown, "count", until=is_long, at_most=20, exhausted="fail")
    same(built.returns(["held", "inside", "passes"]), drawn)
    assert await runtime.run(built.build(), "a", 1) == ["a/1", "lent+a", 8]


async def test_the_words_and_transforms_of_arguments(runtime: Runtime) -> None:
    built = WorkflowBuilder("w").add_input("trip", Trip)
    built.add_transform("nights", "trip.nights", double)
    built.add_template("text", "{city}: {n:02d}", arguments={"city": "trip.city", "n": "nights"})
    built.add_gather("made", Trip, arguments={"city": "text", "nights": Transformed("nights", double)})
    built.add_debug("look", level="debug", arguments={"made": "made"}, after=["text"])
    built.add_step("seat", reserve, arguments={"leg": "made.city", "nights": Transformed("made.nights", double)})
    built.returns({"made": "made", "seat": "seat", "look": "look"})
    plan = built.build().compile()
    assert plan.names == ("nights", "text", "made", "look", "seat", "double", "double_2")
    found = await runtime.run(built.build(), Trip("Oslo", 2))
    assert found == {"made": Trip("Oslo: 04", 8), "seat": "Oslo: 04/16", "look": None}


async def test_fail_by_name(runtime: Runtime) -> None:
    built = WorkflowBuilder("w").add_input("what", str)
    built.add_fail("stop", "no {what} left", arguments={"what": "what"}).returns("stop")
    with pytest.raises(RunFailed, match="no seats left"):
        await runtime.run(built.build(), "seats")


# ── options ──


async def test_steps_workflows_and_combinators_have_options(runtime: Runtime) -> None:
    def skips(leg: str, nights: int) -> Skip[str] | None:
        return Skip("skipped") if leg == "no" else None

    def not_here(leg: str, nights: int) -> bool:
        return leg != "no"

    def some(items: list[str]) -> bool:
        return bool(items)

    built = WorkflowBuilder("w").add_input("leg", str)
    built.add_step("seat", reserve, arguments={"leg": "leg", "nights": 1}, guards=[skips], keep=True, undoable=False)
    built.compose("booked", book, arguments={"leg": "leg"}, where=not_here)
    built.add_each("none", Value([]), reserve, where=some)
    plan = built.returns(["seat", "booked", "none"]).build().compile()
    assert plan.names == ("seat", "booked", "none")
    assert plan.steps[0].undo is None
    assert plan.scopes[1].bodies[0].plan.steps[0].undo is not None
    made = built.build()
    assert await runtime.run(made, "no") == ["skipped", None, None]
    assert await runtime.run(made, "x") == ["x/1", "x/3", None]


def test_keep_and_undoable_reach_steps_and_composed_workflows() -> None:
    built = WorkflowBuilder("w")
    built.add_step("kept", reserve, arguments={"leg": Value("x")}, keep=True)
    built.add_step("plain", reserve, arguments={"leg": Value("x")})
    built.compose("booked", book, arguments={"leg": Value("x")}, undoable=False)
    plan = built.build().compile()
    assert plan.keeps == (True, False, False)
    assert [spec.undo is None for spec in plan.steps] == [False, False, True]


def test_after_waits_for_all_of_what_it_names_and_may_go_forward() -> None:
    built = WorkflowBuilder("w")
    built.add_template("first", "x", after=["later", "booked"])
    built.add_each("later", Value(["a"]), reserve)
    built.compose("booked", book, arguments={"leg": "first_text"})
    built.add_template("first_text", "x")
    plan = built.build().compile()
    assert plan.needs[0] == (1, 2)


# ── combinators in each other, and forward references ──


async def test_builders_in_builders_to_any_depth(runtime: Runtime) -> None:
    innermost = WorkflowBuilder("innermost").add_input("leg").add_input("nights", int).add_input("city")
    innermost.add_choose(
        "way", "city", {"Oslo": Use(reserve, {"nights": "nights"})}, default=Use(joined, {"parts": ["city", "leg"]}),
        arguments={"leg": "leg"},
    ).returns("way")  # fmt: skip
    middle = WorkflowBuilder("middle").add_input("nights", int).add_input("trip", Trip)
    middle.add_each("legs", "trip.legs", innermost, item="leg", arguments={"nights": "nights", "city": "trip.city"})
    middle.returns("legs")
    built = WorkflowBuilder("w").add_input("trip", Trip)
    built.add_each("nights", Value([1, 2]), middle, item="nights", arguments={"trip": "trip"}).returns("nights")

    @workflow(name="w")
    def drawn(trip: Trip) -> Any:
        def way(leg: Any, nights: Any) -> Any:
            return choose.options(name="way")(
                trip.city, {"Oslo": lambda: reserve(leg, nights)}, default=lambda: joined(trip.city, leg)
            )

        return each.options(name="nights")(
            [1, 2], lambda nights: each.options(name="legs")(trip.legs, lambda leg: way(leg, nights))
        )

    built.content.return_type = Any
    made = built.build()
    assert made.compile().text() == drawn.compile().text()
    assert await runtime.run(made, Trip("Oslo", 1, ["a", "b"])) == [["a/1", "b/1"], ["a/2", "b/2"]]
    assert await runtime.run(made, Trip("Rome", 1, ["a"])) == [["Rome+a"], ["Rome+a"]]


async def test_references_of_combinators_go_forward(runtime: Runtime) -> None:
    built = WorkflowBuilder("w").add_input("legs", list[str])
    built.add_template("text", "{first}", arguments={"first": "all.0"})
    built.add_each("all", "named", reserve)
    built.add_each("named", "legs", transform_body)
    found = await runtime.run(built.returns(["text", "all"]).build(), ["a", "b"])
    assert found == ["A/1", ["A/1", "B/1"]]


def transform_body(leg: str) -> str:
    return transform(leg, leg_name)


# ── what is wrong ──


def problems(build: Callable[[WorkflowBuilder], Any]) -> list[str]:
    built = WorkflowBuilder("wrong").add_input("trip", Trip)
    build(built)
    with pytest.raises(InvalidWorkflow) as caught:
        built.build()
    assert all("test_builder_combinators.py:" in problem for problem in caught.value.problems), caught.value.problems
    return [problem.partition(": ")[2] for problem in caught.value.problems]


def test_everything_wrong_is_told_together_with_lines() -> None:
    inner = WorkflowBuilder("inner").add_input("leg", str).add_input("must", int)
    inner.add_step("seat", reserve, arguments={"leg": "legg"})

    def build(built: WorkflowBuilder) -> None:
        built.add_each("a", "trip.leggs", reserve)
        built.add_each("b", "trip.legs", reserve, arguments={"nihgts": 3}, concurrency=0)
        built.add_each("c", "trip.legs", 3)
        built.add_each("d", "trip.legs", inner)
        built.add_each("e", "trip.nights", reserve, item="lag")
        built.add_choose("f", "trip.city", {3: reserve})
        built.add_choose("g", "trip.city", [reserve])
        built.add_choose_first("h", "trip", [by_card])
        built.add_repeat("i", grown, "trip.city")
        built.add_around("j", 3, grow)
        built.add_template("k", "{nme}", arguments={"name": "trip.town"})
        built.add_gather("l", Trip, arguments={"cty": "trip"})
        built.add_debug("m", level="loud", arguments={"level": 3})
        built.add_transform("n", "trip", "double")
        built.add_fail("o", 3)
        built.add_step("p", reserve, arguments={"leg": Transformed("trip", 3)}, guards=[3])
        built.add_each("a", "trip.legs", reserve, after=["nowhere"])
        built.add_group("q", reserve, before=Use(note, {"txt": 1}))
        built.add_each("r", "trip.legs", reserve, where=lambda: True)

    found = "\n".join(problems(build))
    for expected in (
        "'a', 'trip.leggs': Trip has no field 'leggs'; did you mean 'legs'?",
        "'b': no body of it takes an argument 'nihgts'; did you mean 'nights'?",
        "concurrency is how many",
        "each 'c': its body is 3",
        "its body 'inner' misses its argument 'must'",
        "step 'seat': there is no input or node 'legg'; did you mean 'leg'?",
        "'e': its body has no input 'lag' for the item; did you mean 'leg'?",
        "which can't be iterated",
        "choose 'f': the case 3 never is the value",
        "choose 'g': takes its branches as a dict",
        "choose_first 'h': branch 0 is a pair",
        "repeat 'i': says neither until= nor at_most=",
        "around 'j': its factory",
        "'k', 'trip.town': Trip has no field 'town'",
        "template 'k': misses a value for its field 'nme'; did you mean 'name'?",
        "gather 'l': Trip takes no argument 'cty'; did you mean 'city'?",
        "'m': a value named 'level'",
        "transform 'n': the second argument is a function",
        "fail 'o': takes a text, not int",
        "'p': the guard of step 'reserve' is 3",
        "'a' is there already",
        "step 'note' takes no argument 'txt'; did you mean 'text'?",
        "each 'r'",
    ):
        assert expected in found, (expected, found)


def test_a_builder_that_contains_itself_is_refused() -> None:
    inner = WorkflowBuilder("inner").add_input("leg")
    inner.add_each("again", Value([1]), inner)
    assert "contains itself" in problems(lambda built: built.add_each("a", "trip.legs", inner))[0]


def test_debug_and_fail_are_there_at_the_front_door_too() -> None:
    @workflow(name="w")
    def drawn() -> None:
        debug.options(name="look")(level="info", x=1)
        fail.options(name="stop")("x")
        gather.options(name="made")(Trip, city="x")
        template.options(name="text")("x")

    built = WorkflowBuilder("w").add_debug("look", arguments={"x": 1}).add_fail("stop", "x")
    same(built.add_gather("made", Trip, arguments={"city": Value("x")}).add_template("text", "x"), drawn)
