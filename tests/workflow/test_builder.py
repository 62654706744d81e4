"""The builder: the same as drawing, by name; all that is wrong is told together (R3)."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.errors import InvalidWorkflow
from actorflow.plan import Plan, initial_values
from actorflow.workflow import Value, WorkflowBuilder, step, workflow


class Trip(msgspec.Struct):
    city: str
    legs: list[str] = []


@step
async def reserve(city: str) -> str: ...


@step
async def charge(seat: str, nights: int = 2, *, tip: int = 0) -> int: ...


@step
async def collect(*parts: Any, **named: Any) -> list[Any]: ...


@step
async def note(value: Any) -> dict[str, Any]: ...


@workflow
def book(trip: Trip, nights: int = 1) -> int:
    return charge(reserve(trip.city), nights)


@workflow
def identity(value: Any) -> Any:
    return value


def evaluated(plan: Plan, inputs: tuple[Any, ...] = ()) -> list[Any]:
    """Runs the plan naively: each node's result is its name and its arguments."""
    values = initial_values(plan, inputs)
    done: set[int] = set()
    while len(done) < len(plan):
        ready = [i for i in range(len(plan)) if i not in done and done.issuperset(plan.needs[i])]
        assert ready, "nothing is ready"
        for i in ready:
            takes = plan.takes[i]
            made = [values[slot] for slot in takes] if takes is not None else plan.binders[i](values)
            values[i] = (plan.names[i], made)
            done.add(i)
    return values


def test_it_builds_what_drawing_draws() -> None:
    @workflow(name="both")
    def drawn(trip: Trip) -> int:
        seat = reserve(trip.city)
        return charge(seat, nights=3)

    builder = WorkflowBuilder("both").add_input("trip", Trip)
    builder.add_step("reserve", reserve, arguments={"city": "trip.city"})
    builder.add_step("charge", charge, arguments={"seat": "reserve", "nights": 3}).returns("charge")
    built, other = builder.build().compile(), drawn.compile()
    assert built.fingerprint == other.fingerprint
    assert (built.names, built.takes, built.needs, built.keywords) == (
        other.names,
        other.takes,
        other.needs,
        other.keywords,
    )


def test_references_literals_parts_and_containers() -> None:
    builder = WorkflowBuilder("b").add_input("trip", Trip).add_input("n", int, default=4)
    builder.add_step("all", collect, arguments={
        "parts": ["trip.legs.0", "last", Value("last"), 3, ["n", {"k": "n", "v": Value(["n"])}]], "extra": "trip"
    })  # fmt: skip
    builder.add_step("last", reserve, arguments={"city": "trip.city"}, after=[])
    builder.add_step("end", note, arguments={"value": ("all", "last")}, after=["last", "all"])
    plan = builder.returns({"a": "end.anything", "b": ["n"]}).build().compile()
    trip = Trip("Oslo", ["x"])
    values = evaluated(plan, (trip, 4))
    assert values[0] == ("all", ["x", ("last", ["Oslo"]), "last", 3, [4, {"k": 4, "v": ["n"]}], trip])
    assert plan.keywords[0] == ("extra",)
    assert plan.needs == ((1,), (), (0, 1))
    values[2] = {"anything": 5}
    assert plan.returns(values) == {"a": 5, "b": [4]}


def test_composing_by_name() -> None:
    builder = WorkflowBuilder("outer").add_input("trip", Trip)
    builder.compose("first", book, arguments={"trip": "trip"})
    builder.compose(
        "second",
        book.options(undoable=False),
        arguments={"trip": Value(Trip("b")), "nights": "through"},
        after=["first"],
    )
    builder.compose("through", identity, arguments={"value": "first"})
    builder.add_step("end", note, arguments={"value": "second"}, after=["first"])
    plan = builder.returns("end").build().compile()
    assert plan.names == ("first.reserve", "first.charge", "second.reserve", "second.charge", "end")
    assert plan.needs == ((), (0,), (1,), (2, 1), (3, 1))


def test_all_problems_come_together_each_with_its_line() -> None:
    builder = WorkflowBuilder("wrong").add_input("trip", Trip).add_input("trip", Trip).add_input("a b", int)
    builder.add_step("seat", reserve, arguments={"city": "trap.city"})
    builder.add_step("seat", reserve, arguments={"city": "trip.city"})
    builder.add_step("a.b", reserve, arguments={"city": "trip.city"})
    builder.add_step("c", charge, arguments={"seet": "seat"})
    builder.add_step("d", charge, arguments={"seat": "seat", "nights": Value("two")}, after=["nowhere"])
    builder.add_step("e", reserve, arguments={"city": "trip.town"})
    builder.add_step("f", collect, arguments={"parts": "seat"})
    builder.add_step("g", 3)  # type: ignore[arg-type]
    builder.compose("h", book, arguments={"tripp": "trip"})
    builder.add_step("i", charge, arguments={"seat": "trip"})
    builder.returns("end")
    with pytest.raises(InvalidWorkflow) as caught:
        builder.build()
    text = str(caught.value)
    for expected in (
        "'trip' is there already", "an identifier, not 'a b'", "no input or node 'trap.city'; did you mean 'trip'",
        "'seat' is there already", "holds '.'", "takes no argument 'seet'; did you mean 'seat'", "misses its argument 'seat'",
        "expected int, got str 'two'", "no input or node 'nowhere'", "Trip has no field 'town'", "takes a list for 'parts'",
        "neither a step nor a workflow", "takes no argument 'tripp'", "takes str, but input 'trip' is Trip", "node 'end'",
    ):  # fmt: skip
        assert expected in text, expected
    assert text.count("test_builder.py:") >= 14


def test_a_cycle_is_shown_as_a_path() -> None:
    builder = WorkflowBuilder("round")
    builder.add_step("free", note, arguments={"value": 1})
    builder.add_step("a", note, arguments={"value": ["c", "free"]})
    builder.add_step("b", note, arguments={"value": "a"})
    builder.add_step("c", note, arguments={"value": "free"}, after=["b"])
    builder.add_step("behind", note, arguments={"value": "c"})
    with pytest.raises(InvalidWorkflow, match=r"wait for each other: a → b → c → a"):
        builder.build()


def test_a_composed_result_that_is_its_own_input_is_refused() -> None:
    builder = WorkflowBuilder("round").compose("x", identity, arguments={"value": "y"})
    builder.compose("y", identity, arguments={"value": "x"}).returns("y")
    with pytest.raises(InvalidWorkflow, match="waits for itself"):
        builder.build()


def test_what_was_built_stays_when_the_builder_goes_on() -> None:
    builder = WorkflowBuilder("grows").add_step("a", note, arguments={"value": 1})
    first = builder.build()
    builder.add_step("b", note, arguments={"value": 2})
    assert first.compile().names == ("a",)
    assert builder.build().compile().names == ("a", "b")


def test_a_plan_of_many_nodes_and_a_deep_chain() -> None:
    builder = WorkflowBuilder("many").add_input("x", Any)
    builder.add_step("n0", note, arguments={"value": "x"})
    for i in range(1, 10_000):
        builder.add_step(f"n{i}", note, arguments={"value": f"n{i - 1}"})
    plan = builder.returns("n9999").build().compile()
    assert len(plan) == 10_000
    assert plan.roots == (0,)
    assert len(plan.text(most=10_000).splitlines()) == 10_002


@st.composite
def graphs(draw: Any) -> list[tuple[list[int], list[int], Any]]:
    """Per node: what it takes, what it waits for, and what it has beside."""
    count = draw(st.integers(0, 25))
    shape = []
    order = draw(st.permutations(range(count)))
    for place, _ in enumerate(order):
        before = st.lists(st.sampled_from(order[:place]), max_size=4) if place else st.just([])
        shape.append((draw(before), draw(before), draw(st.none() | st.integers() | st.just("input"))))
    return [shape[order.index(i)] for i in range(count)]


@given(graphs())
def test_plans_of_random_graphs_keep_their_invariants(graph: list[tuple[list[int], list[int], Any]]) -> None:
    builder = WorkflowBuilder("random").add_input("x", Any)
    for i, (takes, after, beside) in enumerate(graph):
        given = [f"n{j}" for j in takes] + [["x", 1] if beside == "input" else Value(beside)]
        builder.add_step(f"n{i}", collect, arguments={"parts": given}, after=[f"n{j}" for j in after])
    plan = builder.returns([f"n{i}" for i in range(0, len(graph), 2)]).build().compile()
    values = evaluated(plan, ("X",))

    def naive(i: int) -> Any:
        takes, _, beside = graph[i]
        return (f"n{i}", [*map(naive_known, takes), ["X", 1] if beside == "input" else beside])

    known: dict[int, Any] = {}

    def naive_known(i: int) -> Any:
        if i not in known:
            known[i] = naive(i)
        return known[i]

    size = len(graph)
    assert values[:size] == [naive_known(i) for i in range(size)]
    assert plan.returns(values) == [naive_known(i) for i in range(0, size, 2)]
    assert len(set(plan.names)) == size
    assert plan.needs == tuple(tuple(dict.fromkeys((*takes, *after))) for takes, after, _ in graph)
    assert {(i, j) for i in range(size) for j in plan.needs[i]} == {
        (i, j) for j in range(size) for i in plan.dependents[j]
    }
    assert plan.counts == tuple(map(len, plan.needs))
    assert plan.roots == tuple(i for i in range(size) if not plan.needs[i])
    assert plan.reads == tuple(tuple(dict.fromkeys(takes)) for takes, _, _ in graph)
    assert plan.readers == tuple(sum(j in reads for reads in plan.reads) for j in range(size))
    assert plan.keeps == tuple(i % 2 == 0 for i in range(size))
    assert all((plan.takes[i] is None) == (i in plan.binders) for i in range(size))
