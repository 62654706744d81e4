"""A workflow told as data and read again is the same workflow; told again it is the same data."""

# Steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, func-returns-value, misc, unused-ignore"
# pyright: basic

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal, Optional, Union

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow import (
    InvalidWorkflow,
    Registry,
    Runtime,
    Workflow,
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
from actorflow.plan import Constant
from actorflow.workflow import Transformed, Use
from actorflow.workflow.promise import is_promise, source_of
from actorflow.workflow.spec.types import read_type, tell_type
from tests.workflow.spec.spec_parts import (
    REGISTRY,
    Kind,
    Pair,
    Point,
    Trip,
    book,
    double,
    everything,
    grown,
    joined,
    leg_name,
    reserve,
)  # fmt: skip


def there_and_back(
    made: Workflow[..., Any], registry: Registry = REGISTRY, *, whole: bool = True
) -> Workflow[..., Any]:
    """The workflow after it was JSON: the same plan, and the same data once more."""
    spec = made.to_spec(registry)
    back = Workflow.from_spec(msgspec.json.decode(msgspec.json.encode(spec)), registry)
    assert back.to_spec(registry) == spec
    one, other = made.compile(), back.compile()
    assert (other.names, other.needs, other.keeps, other.keywords) == (one.names, one.needs, one.keeps, one.keywords)
    if whole:
        assert other.text() == one.text()
        assert other.fingerprint == one.fingerprint
    return back


def test_everything_that_can_be_said_goes_through_json_and_back() -> None:
    back = there_and_back(everything)
    assert back.description == everything.description
    assert [(each.name, each.type, each.default) for each in back.inputs] == [
        (each.name, each.type, each.default) for each in everything.inputs
    ]


def test_how_durable_its_runs_are_goes_along() -> None:
    lasting = book.options(durability="write_behind")
    assert there_and_back(lasting).durability == "write_behind"
    assert there_and_back(book).durability is None
    wrong = {**book.to_spec(REGISTRY), "durability": "stricct"}
    with pytest.raises(
        InvalidWorkflow, match=r"\$\.durability: 'stricct' is none of none, write_behind, strict.*'strict'"
    ):
        Workflow.from_spec(wrong, REGISTRY)


async def test_what_comes_back_runs(runtime: Runtime) -> None:
    @workflow
    def travels(trip: Trip, kind: Kind) -> Any:
        seats = each(trip.legs, lambda leg: reserve(leg, transform(trip.nights, double)), key=leg_name)
        by = choose(kind, {Kind.CARD: lambda: joined(seats[0], kind)}, default=lambda: book(trip.city))
        return [
            template("{seats[1]}!", seats=seats),
            by,
            gather(Pair, trip.city, seats),
            repeat(grown, trip.nights, at_most=3),
        ]

    back = there_and_back(travels)
    found = await runtime.run(back, Trip("Oslo", 2, ["a", "b"]), Kind.CARD)
    assert found == ["b/4!", "a/4+Kind.CARD", Pair("Oslo", ["a/4", "b/4"]), 5]


def test_what_was_built_by_name_is_told_too() -> None:
    inner = WorkflowBuilder("inner").add_input("leg", str).add_input("nights", int)
    inner.add_step("seat", reserve, arguments={"leg": "leg", "nights": "nights"}, keep=True).returns("seat")
    built = WorkflowBuilder("built").add_input("trip", Trip).add_input("n", int, default=3)
    built.add_template("late", "{x}", arguments={"x": "legs.0"}, after=["booked"])
    built.add_each("legs", "trip.legs", inner, arguments={"nights": "n"})
    built.compose("booked", book, arguments={"leg": "trip.city", "nights": Transformed("n", double)})
    built.add_choose(
        "way", "n", {1: Use(reserve, {"leg": "late"})}, default=Use(joined, {"parts": ["legs", "booked.seat"]})
    )
    there_and_back(built.returns({"way": "way", "booked": "booked"}).build())


def test_workflows_that_the_registry_does_not_know_are_told_node_by_node() -> None:
    alone = Registry(steps=REGISTRY.steps, types=REGISTRY.types, functions=REGISTRY.functions)

    @workflow
    def outer(trip: Trip) -> Any:
        booked = book(trip.city)
        other = book.options(name="other", after=[booked], undoable=False)(booked["seat"])
        return each(trip.legs, lambda leg: [joined(leg, booked, other["trip"].city), book(leg)["seat"]])

    assert [each["name"] for each in outer.to_spec(alone)["nodes"]] == [
        "book.reserve", "book.trip_to", "other.reserve", "other.trip_to", "each",
    ]  # fmt: skip
    assert [each["name"] for each in outer.to_spec(REGISTRY)["nodes"]] == ["book", "other", "each"]
    there_and_back(outer, REGISTRY)
    spec = outer.to_spec(alone)
    assert Workflow.from_spec(spec, alone).to_spec(alone) == spec


def test_a_name_may_be_that_of_an_input_and_of_nodes_inside_and_outside() -> None:
    @step
    def item(value: Any) -> Any: ...

    @step
    def value(value: Any) -> Any: ...

    @workflow
    def shadows(item_: Any, value: Any) -> Any:
        inner = globals()["_item"]
        out = inner(value)
        return each(
            out, lambda given: [inner(given), inner(out), each(given, lambda deep: inner([deep, given, value]))]
        )

    globals()["_item"] = value
    there_and_back(shadows, Registry(steps={"value": value, "item": item}))


def test_undos_that_were_left_out_inside_of_bodies_stay_left_out() -> None:
    @workflow
    def inside(legs: list[str]) -> Any:
        return [each(legs, lambda leg: reserve(leg)), repeat(grown, 1, at_most=2), book("x")]

    @workflow
    def outer(legs: list[str]) -> Any:
        return inside.options(undoable=False)(legs)

    back = there_and_back(outer)
    assert back.compile().scopes[0].bodies[0].plan.steps[0].undo is None
    there_and_back(outer, Registry(steps=REGISTRY.steps, workflows=[inside, book, grown]))


@pytest.mark.parametrize(
    "constant",
    [
        None, True, 0, -1.5, "", "text", [], [1, [2]], {}, {"a": [None]}, (), (1, (2,)), {1, 2}, frozenset({"a"}), {1: "a", (1,): 2},
        b"x", dt.date(2024, 5, 1), dt.datetime(2024, 5, 1, tzinfo=dt.UTC), dt.timedelta(seconds=3), decimal.Decimal("1.50"),
        Kind.CARD, Trip("x", 3), [Trip("x")], {"a": (Kind.CASH, {"b": Pair(1, "x")})}, Point(1, "x"), 10**12,
    ],
)  # fmt: skip
def test_constants_come_back_as_they_are(constant: Any) -> None:
    built = WorkflowBuilder("constants").add_input("given", Any, default=constant)
    built.add_step("n", joined, arguments={"parts": [Use(1)][:0], "sep": "given"})

    @workflow
    def drawn(given: Any) -> Any:
        return [joined(constant, given), constant]

    back = there_and_back(drawn)
    draft = back.definition.draft()
    argument = draft.nodes[0].arguments[0]
    assert isinstance(argument, Constant)
    found = argument.value
    assert found == constant
    assert type(found) is type(constant)
    assert there_and_back(built.build()).inputs[0].default == constant


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"), (None, "None"), (Any, "Any"), (list[Trip], "list[Trip]"), (dict[str, list[int]], "dict[str, list[int]]"),
        (int | None, "int | None"), (Optional[int], "Union[int, None]"), (Union[int, str], "Union[int, str]"),
        (tuple[int, ...], "tuple[int, ...]"), (Literal["a", 3, True, None], 'Literal["a", 3, true, null]'),
        (Callable, None), (set[frozenset[bytes]], "set[frozenset[bytes]]"), (dt.datetime, "datetime"),
        (list[Kind | Trip], "list[Kind | Trip]"), (Iterator[int], "Iterator[int]"),
    ],
)  # fmt: skip
def test_types_are_told_as_they_are_written(annotation: Any, text: str | None) -> None:
    if text is None:
        with pytest.raises(Exception, match="isn't in the registry"):
            tell_type(annotation, REGISTRY)
    else:
        assert tell_type(annotation, REGISTRY) == text
        again = read_type(text, REGISTRY)
        assert again == annotation
        assert tell_type(again, REGISTRY) == text


# ── random workflows ──


@step
async def made(*parts: Any, **named: Any) -> Any: ...


@made.undo
async def unmade(value: Any) -> None: ...


@step
async def given_one(value: Any, other: Any = 3) -> Any: ...


@workflow
def called(value: Any, other: Any = 2) -> Any:
    one = made(value)
    return {"a": one, "b": [given_one(other), one]}


@workflow
def passed(value: Any) -> Any:
    return value


def changed(value: Any) -> Any: ...


def says(value: Any) -> bool: ...


@asynccontextmanager
async def entered() -> AsyncIterator[Any]:
    yield 1


ALL = Registry(steps=[made, given_one], workflows=[called, passed], functions=[changed, says, entered], types=[Pair])
NO_WORKFLOWS = Registry(steps=ALL.steps, functions=ALL.functions, types=ALL.types)


class Draws:
    """Draws a random workflow, out of numbers."""

    def __init__(self, numbers: list[int], *, hands_on: bool) -> None:
        self._numbers = iter(numbers)
        self._depth = 0
        self.hands_on = hands_on

    def number(self, below: int) -> int:
        return next(self._numbers, 0) % below

    def value(self, pool: list[Any]) -> Any:
        kind = [0, 1, 4, 6][self.number(4)] if self.hands_on else self.number(7)
        one, other = pool[self.number(len(pool))], self.untyped(pool)
        if kind in {0, 1}:
            return one
        if kind in {4, 6}:
            return [one, {"k": other}] if kind == 4 else Pair(one, "text")
        return {2: other.field, 3: other[0], 5: (other.deep["x"], 3)}[kind]

    def untyped(self, pool: list[Any]) -> Any:
        """One whose parts may be anything."""
        known = [each for each in pool if not is_promise(each) or source_of(each).type is Any]
        found = known[self.number(len(known))]
        return found if is_promise(found) else pool[0]

    def body(self, pool: list[Any]) -> Any:
        own = list(pool)
        nodes = []
        for _ in range(self.number(4)):
            nodes.append(self.node(own))
            own.append(nodes[-1])
        return [own[-1], nodes, self.value(own)][self.number(3)]

    def node(self, pool: list[Any]) -> Any:
        if self._depth > 3:
            return made(self.value(pool))
        self._depth += 1
        try:
            return NODES[self.number(len(NODES))](self, pool)
        finally:
            self._depth -= 1


NODES: list[Callable[[Draws, list[Any]], Any]] = [
    lambda d, p: made(*[d.value(p) for _ in range(d.number(3))], **({"x": d.value(p)} if d.number(2) else {})),
    lambda d, p: given_one.options(after=[p[-1]] if len(p) > 2 else [], keep=bool(d.number(2)))(d.value(p)),
    lambda d, p: called(d.value(p)),
    lambda d, p: [called.options(undoable=False, after=[made()])(d.value(p), other=d.value(p))][0],
    lambda d, p: passed(d.value(p)) if d.hands_on else made(),
    lambda d, p: transform(d.value(p), changed),
    lambda d, p: template("{a} {b.c}", a=d.value(p), b=p[d.number(2)]),
    lambda d, p: gather(Pair, d.value(p), right=d.value(p)),
    lambda d, p: [debug(x=d.value(p)), fail("{x}", x=d.value(p)), made()][2],
    lambda d, p: each(p[d.number(2)], lambda item: d.body([*p, item]), ordered=bool(d.number(2))),
    lambda d, p: choose(p[0], {1: lambda: d.body(p), "x": lambda: d.body(p)}, default=lambda: d.body(p)),
    lambda d, p: choose_first([(says, lambda value: d.body([*p, value]))], on=d.value(p)),
    lambda d, p: group(lambda: d.body(p), before=lambda: d.body(p), after=lambda got: d.body(p)),
    lambda d, p: around(entered, lambda value: given_one(d.body(p), value)),
    lambda d, p: repeat(lambda value: d.body([*p, value]), p[d.number(2)], at_most=2),
    lambda d, p: repeat(passed, d.value(p), until=says),
]


def random_workflow(numbers: list[int], *, hands_on: bool) -> Workflow[..., Any]:
    @workflow(name="random")
    def drawn(first: Any, second: Any) -> Any:
        return Draws(numbers, hands_on=hands_on).body([first, second])

    return drawn


@given(st.lists(st.integers(0, 10_000), max_size=80))
def test_random_workflows_come_back_as_they_were(numbers: list[int]) -> None:
    there_and_back(random_workflow(numbers, hands_on=False), ALL)


@given(st.lists(st.integers(0, 10_000), max_size=80))
def test_what_a_call_only_hands_on_or_does_not_use_may_be_taken_from_where_it_comes_from(numbers: list[int]) -> None:
    """The same nodes and edges; a body may take a part of a value where it took the whole, or the reverse."""
    drawn = random_workflow(numbers, hands_on=True)
    there_and_back(drawn, ALL, whole=False)
    if "repeat" not in str(drawn.to_spec(ALL)):
        there_and_back(drawn, NO_WORKFLOWS, whole=False)
