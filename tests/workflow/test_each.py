"""`each`: a body drawn once, that runs once per item; what it takes, and what is refused (R5)."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple, TypedDict

import pytest

from actorflow.outcome import Outcome
from actorflow.plan import Each, Plan
from actorflow.workflow import each, step, workflow
from tests.workflow.drawn import Seat, body, charge, inputs, legs, note, problems, ready, returns, seat, shape


def each_of(plan: Plan, name: str = "each") -> Each:
    control = plan.scopes[plan.names.index(name)].control
    assert isinstance(control, Each)
    return control


def test_the_body_is_a_plan_of_its_own_that_is_given_the_item() -> None:
    @workflow
    def trip(city: str) -> list[int]:
        return each(legs(city), lambda leg: charge(seat(leg)))

    plan = trip.compile()
    assert shape(plan) == ["legs", "each <legs", {"*(item)": ["seat", "charge <seat"]}]
    assert plan.steps[1].mode == "scope"
    assert plan.takes[1] == (0,)
    assert each_of(plan) == each_of(plan)
    assert plan.lines[1].startswith("test_each.py:")


def test_a_body_is_a_step_a_workflow_a_def_or_a_lambda() -> None:
    @workflow
    def book(leg: str, nights: int = 2) -> int:
        return charge(seat(leg, nights))

    def one(leg: str) -> int:
        return charge(seat(leg))

    @workflow
    def trip(all_legs: list[str]) -> list[Any]:
        return [each(all_legs, seat), each(all_legs, book), each(all_legs, one), each(all_legs, lambda leg: leg)]

    assert shape(trip.compile()) == [
        "each", {"*(item)": ["seat"]},
        "each_2", {"*(item)": ["book.seat", "book.charge <book.seat"]},
        "each_3", {"*(item)": ["seat", "charge <seat"]},
        "each_4", {"*(item)": []},
    ]  # fmt: skip


def test_options_reach_the_engine() -> None:
    def key(leg: str) -> str:
        return leg

    @workflow
    def trip(all_legs: list[str]) -> list[Any]:
        plain = each(all_legs, seat)
        told = each(all_legs, seat, concurrency=3, ordered=False, batch_size=7, key=key, on_error="collect")
        return [plain, told]

    plan = trip.compile()
    plain, told = each_of(plan), each_of(plan, "each_2")
    assert (plain.limit, plain.ordered, plain.batch_size, plain.key, plain.collects) == (100, True, 100, None, False)
    assert (told.limit, told.ordered, told.batch_size, told.key, told.collects) == (3, False, 7, key, True)


def test_without_concurrency_as_many_items_are_under_way_as_are_pulled_at_once() -> None:
    @workflow
    def trip(all_legs: list[str]) -> list[Seat]:
        return each(all_legs, seat, batch_size=7)

    assert each_of(trip.compile()).limit == 7


def test_r5_names_in_a_body_are_its_own() -> None:
    @workflow
    def trip(all_legs: list[str]) -> None:
        seat("a")
        each(all_legs, lambda leg: [seat(leg), seat(leg)])
        each.options(name="again")(all_legs, lambda leg: seat.options(name="again")(leg))

    assert shape(trip.compile()) == [
        "seat",
        "each", {"*(item)": ["seat", "seat_2"]},
        "again", {"*(item)": ["again"]},
    ]  # fmt: skip


def test_the_body_is_drawn_once() -> None:
    calls = []

    @workflow
    def trip(all_legs: list[str]) -> list[Any]:
        return each(all_legs, lambda leg: calls.append(leg))

    trip.compile()
    assert len(calls) == 1


# ── types ──


class Colour(Enum):
    RED = 1


class Pair(NamedTuple):
    left: int
    right: str


class Typed(TypedDict):
    x: int


class Numbers:
    def __iter__(self) -> Iterator[int]:
        return iter([1])


ITEMS: dict[str, tuple[Any, Any]] = {
    "a list": (list[int], int),
    "a bare list": (list, Any),
    "a tuple of many": (tuple[int, ...], int),
    "a tuple of two": (tuple[int, str], int | str),
    "a named tuple": (Pair, int | str),
    "a set": (set[Seat], Seat),
    "a dict's keys": (dict[str, int], str),
    "a mapping's keys": (Mapping[str, int], str),
    "an iterable": (Iterable[int], int),
    "an async iterator": (AsyncIterator[Seat], Seat),
    "a class of one's own": (Numbers, int),
    "anything": (Any, Any),
    "maybe a list": (list[int] | None, int),
    "one of two": (list[int] | tuple[str, ...], int | str),
    "a range": (range, int),
}


@pytest.mark.parametrize(("given", "item"), ITEMS.values(), ids=ITEMS)
def test_the_item_has_the_type_that_the_annotation_tells(given: Any, item: Any) -> None:
    @step
    async def source() -> given: ...

    @workflow
    def run() -> Any:
        return each(source(), lambda one: note(one))

    assert body(run.compile(), "each").inputs[0].type == item


@pytest.mark.parametrize(
    "annotation",
    [int, None, bool, str, bytes, Seat, int | None, Colour],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_what_surely_cannot_be_iterated_is_refused(annotation: Any) -> None:
    @step
    async def source() -> annotation: ...

    def run() -> Any:
        each(source(), note)

    (problem,) = problems(run)
    assert problem.startswith("+1: each: what it is given is ")


def test_items_at_hand_tell_their_types_themselves() -> None:
    @workflow
    def run(city: str) -> Any:
        return [
            each([1, 2], note),
            each(("a", seat("x")), note),
            each({"k": 1}, note),
            each({seat("y")}, note),
            each(range(3), note),
            each([], note),
            each([None, 1], note),
            each([[city]], note),
        ]

    plan = run.compile()
    found = [body(plan, name).inputs[0].type for name in plan.names if name.startswith("each")]
    assert found == [int, str | Seat, str, Seat, int, Any, None | int, list]


def test_each_of_a_mix_has_to_fit() -> None:
    def run() -> Any:
        each(["a", 3], lambda leg: seat(leg))
        each(["a", ready()], lambda leg: note(leg))

    assert problems(run) == ["+1: step 'seat', argument 'leg': takes str, but input 'item' is int, in 'each'"]


def test_the_result_is_a_list_of_what_the_body_gives() -> None:
    @workflow
    def run(all_legs: list[str]) -> Any:
        each(all_legs, seat)
        each(all_legs, lambda leg: each([1], lambda n: charge(seat(leg), n)))
        each(all_legs, lambda leg: [seat(leg)])
        each(all_legs, lambda leg: None)
        each(all_legs, lambda leg: 3)
        each(all_legs, lambda leg: leg)
        each(all_legs, seat, on_error="collect")

    plan = run.compile()
    names = ["each", *(f"each_{n}" for n in range(2, 8))]
    assert [returns(plan, name) for name in names] == [
        list[Seat], list[list[int]], list[list], list[type(None)], list[int], list[str], list[Outcome[Seat]],
    ]  # fmt: skip


def test_r3_what_a_body_does_with_the_item_is_checked() -> None:
    def run(numbers: list[int], city: str) -> Any:
        each(numbers, lambda number: seat(number))
        each(legs(city), lambda leg: charge(leg))
        seat(each(legs(city), seat))

    assert problems(run) == [
        "+3: step 'seat_2', argument 'leg': takes str, but the result of 'each_3' is list[Seat]".replace(
            "seat_2", "seat"
        ),
        "+1: step 'seat', argument 'leg': takes str, but input 'item' is int",
        "+2: step 'charge', argument 'seat': takes Seat, but input 'item' is str",
    ]


def test_a_part_of_the_item_has_its_type() -> None:
    def run(seats: list[Seat]) -> Any:
        each(seats, lambda seat: note(seat.code))
        each(seats, lambda seat: note(seat.cod))
        each(seats, lambda seat: seat(seat.rows[0]))

    assert problems(run) == [
        "+2: item: Seat has no field 'cod'; did you mean 'code'?",
        (
            "+3: `item(…)` calls (a method of) item, a value that isn't there yet while the workflow is drawn. "
            "Use transform(promise, lambda value: value.method(…))"
        ),
    ]


# ── refusals ──


async def waits(leg: Any) -> Any: ...


def yields(leg: Any) -> Any:
    yield leg


async def yields_async(leg: Any) -> Any:
    yield leg


def test_what_cannot_be_iterated_or_only_once_is_refused_with_its_line() -> None:
    def run() -> Any:
        each(3, note)
        each("abc", note)
        each(b"abc", note)
        each(Seat("x"), note)
        each((n for n in (1, 2)), note)
        each(map(str, (1, 2)), note)
        each(yields_async(1), note)
        each(None, note)
        each(seat, note)

    found = problems(run)
    assert [problem.partition(" at 0x")[0][:60] for problem in found] == [
        "+1: each: what it is given is 3, which can't be iterated",
        "+2: each_2: what it is given is a text, whose items are its ",
        "+3: each_3: what it is given is bytes, whose items are its n",
        "+4: each_4: what it is given is Seat(code='x', rows=[]), whi",
        "+5: each_5: what it is given is <generator object test_what_",
        "+6: each_6: what it is given is <map object",
        "+7: each_7: what it is given is <async_generator object yiel",
        "+8: each_8: what it is given is None, which can't be iterate",
        "+9: each_9: <step seat> is passed without being called; pass",
    ]
    assert all("a plan runs many times: return it from a step, or give a list" in problem for problem in found[4:7])


def test_bodies_that_make_no_sense_are_refused_together() -> None:
    def run(all_legs: list[str]) -> Any:
        each(all_legs, 3)
        each(all_legs, seat("x"))
        each(all_legs, waits)
        each(all_legs, yields)
        each(all_legs, yields_async)
        each(all_legs, lambda: 1)
        each(all_legs, lambda a, b: 1)
        each(all_legs, ready)
        each(all_legs, each)
        each(all_legs, lambda leg: seat)
        each(all_legs, lambda leg: seat.run(leg))
        each(all_legs, lambda leg: yields(leg))

    drawing = "it draws, as a workflow does, and what waits belongs into its steps"
    wanted = "it's a function that calls steps, a step or a workflow"
    assert problems(run) == [
        f"+1: each: its body is 3; {wanted}",
        "+2: each_2: its body is the promise of 'seat'; it's a function that calls steps: write `lambda: …`",
        f"+3: each_3: its body is an `async def`; {drawing}",
        "+4: each_4: its body is a generator; it returns what its steps give, once",
        "+5: each_5: its body is a generator; it returns what its steps give, once",
        "+6: each_6: its body takes (), but is given one argument, the item",
        "+7: each_7: its body takes (a, b), but is given one argument, the item",
        "+8: each_8: its body takes (), but is given one argument, the item",
        f"+9: each_9: its body is <each>; {wanted}",
        "+10: each_10, what its body returns: <step seat> is passed without being called; pass its result: seat(…)",
        (
            "+11: each_11: its body returns a coroutine; a body calls steps, and returns what they give: "
            "a step is called by its name, without `.run` and `await`"
        ),
        (
            "+12: each_12: its body returns a generator; a body calls steps, and returns what they give: "
            "a step is called by its name, without `.run` and `await`"
        ),
    ]


def test_options_that_make_no_sense_are_refused_together() -> None:
    def run(all_legs: list[str]) -> Any:
        each(all_legs, seat, concurrency=0, batch_size=True, ordered=1, on_error="colect", key=3)
        each(all_legs, seat, key=lambda: 1)
        each(all_legs, seat, key=waits)
        each(all_legs, seat, key=seat)
        each(all_legs, seat, key=lambda leg: all_legs)
        each(all_legs, seat, key=all_legs, concurrency=all_legs[0], on_error=all_legs)

    assert problems(run) == [
        "+1: each: concurrency is how many items may be under way at once, 1 or more, not 0",
        "+1: each: batch_size is how many items are pulled at once, 1 or more, not True",
        "+1: each: ordered is True or False, not 1",
        "+1: each: on_error is 'fail' or 'collect', not 'colect'",
        "+1: each: key is 3; it's a plain function of the item",
        "+2: each_2: key takes (), but is given one argument, the item",
        "+3: each_3: key is an `async def`; it's an ordinary function that returns at once: what waits belongs into a step",
        "+4: each_4: key is a plain function, not <step seat>: it's called with values, at run time, and draws nothing",
        "+5: each_5: key uses the promise 'all_legs' from around it, which has no value there: it sees the item alone",
        "+6: each_6: concurrency is how many items may be under way at once, 1 or more, not <promise of all_legs[0] in workflow 'w'>",
        "+6: each_6: on_error is 'fail' or 'collect', not <promise of all_legs in workflow 'w'>",
        "+6: each_6: key is the promise of 'all_legs'; it's a plain function of the item",
    ]


def test_a_misspelt_or_missing_argument_is_a_problem_too() -> None:
    def misspelt(all_legs: list[str]) -> Any:
        each(3, seat)
        each(all_legs, seat, concurency=3)

    def missing(all_legs: list[str]) -> Any:
        each(all_legs, lambda leg: each(leg))

    assert [problem.partition(" argument")[0] for problem in problems(misspelt)] == [
        "+1: each: what it is given is 3, which can't be iterated",
        "+2: each() got an unexpected keyword",
    ]
    assert problems(missing) == ["+1: each() missing 1 required positional argument: 'body'"]


def test_what_the_body_refuses_does_not_hide_what_comes_after_it() -> None:
    def run(all_legs: list[str]) -> Any:
        each(all_legs, lambda leg: leg + 1)
        each(all_legs, lambda leg: charge(leg.size))
        each(3, seat)

    assert [problem.partition(",")[0] for problem in problems(run)] == [
        "+1: `+` with item computes with it",
        "+2: item: str has no field 'size'",
        "+3: each_3: what it is given is 3",
    ]


def test_its_own_errors_leave_a_body_as_they_are() -> None:
    @workflow
    def run(all_legs: list[str]) -> Any:
        each(all_legs, lambda leg: int("x"))

    with pytest.raises(ValueError, match="invalid literal") as caught:
        run.compile()
    assert "while workflow 'run' was being drawn" in caught.value.__notes__[0]


def test_inputs_of_the_body_are_the_item_and_what_is_captured() -> None:
    @workflow
    def run(all_legs: list[str], nights: int) -> Any:
        return each(all_legs, lambda leg: seat(leg, nights))

    (made,) = run.compile().scopes[0].bodies
    assert inputs(made) == "item | nights"
    assert (made.given, made.takes) == (1, (0,))
