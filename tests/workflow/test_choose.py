"""`choose` and `choose_first`: branches are drawn where they are written, and one of them runs; what is refused."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from actorflow.plan import Choose, ChooseFirst
from actorflow.workflow import choose, choose_first, fail, step, workflow
from tests.workflow.drawn import Seat, charge, note, problems, ready, returns, seat, shape


class Colour(Enum):
    RED = 1
    BLUE = 2


class Size(StrEnum):
    BIG = "big"


def is_big(number: int) -> bool:
    return number > 3


# ── choose ──


def test_each_branch_is_a_plan_of_its_own_under_its_case() -> None:
    @workflow
    def trip(city: str, nights: int) -> int:
        return choose(
            city,
            {"Oslo": lambda: charge(seat("a", nights)), "Rome": lambda: charge(seat("b"))},
            default=lambda: charge(seat("c")),
        )

    plan = trip.compile()
    assert shape(plan) == [
        "choose",
        {"Oslo( | nights)": ["seat", "charge <seat"]},
        {"Rome()": ["seat", "charge <seat"]},
        {"default()": ["seat", "charge <seat"]},
    ]
    control = plan.scopes[0].control
    assert isinstance(control, Choose)
    assert (control.cases, control.default) == ({"Oslo": 0, "Rome": 1}, 2)
    assert [body.takes for body in plan.scopes[0].bodies] == [(0,), (), ()]


def test_without_a_default_there_is_none() -> None:
    @workflow
    def trip(city: str) -> Seat:
        return choose(city, {"Oslo": lambda: seat("a")})

    control = trip.compile().scopes[0].control
    assert isinstance(control, Choose)
    assert control.default is None


def test_a_branch_takes_nothing_and_may_be_a_step_a_workflow_or_give_what_is_there() -> None:
    @workflow
    def book() -> Seat:
        return seat("a")

    @workflow
    def trip(number: int, other: Seat) -> Any:
        return choose(number, {1: book, 2: ready, 3: lambda: other, 4: lambda: None})

    assert shape(trip.compile()) == [
        "choose",
        {"1()": ["book.seat"]},
        {"2()": ["ready"]},
        {"3( | other)": []},
        {"4()": []},
    ]


def test_a_choice_waits_for_its_value_and_not_for_what_its_branches_use() -> None:
    @workflow
    def trip(city: str) -> Any:
        used, decided = seat("x"), ready()
        return choose(decided, {True: lambda: charge(used), False: lambda: 0})

    assert shape(trip.compile()) == ["seat", "ready", "choose <ready", {"True( | seat)": ["charge"]}, {"False()": []}]


CASES: dict[str, tuple[list[Any], list[str]]] = {
    "texts": (["a", "b c"], ["a", "b c"]),
    "numbers, booleans and None": ([3, -1, None], ["3", "-1", "None"]),
    "members of enums go by their names": ([Colour.RED, Colour.BLUE, Size.BIG], ["RED", "BLUE", "BIG"]),
    "others by their number": ([(1, 2), 1.5, b"x"], ["0", "1", "2"]),
    "no brackets, no star, nothing empty": (["a[0]", "*", "", "x" * 41], ["0", "1", "2", "3"]),
    "default is the default's": (["default"], ["0"]),
    "each another one": (["1", 1, (1,)], ["1", "1_2", "2"]),
}


@pytest.mark.parametrize(("cases", "names"), CASES.values(), ids=CASES)
def test_r5_a_case_is_a_short_text_in_names(cases: list[Any], names: list[str]) -> None:
    @workflow
    def run(value: Any) -> Any:
        return choose(value, dict.fromkeys(cases, ready), default=ready)

    assert [body.key for body in run.compile().scopes[0].bodies] == [*names, "default"]


def test_any_mapping_holds_branches() -> None:
    @workflow
    def run(value: str) -> Any:
        return choose(value, MappingProxyType({"a": ready}))

    assert [body.key for body in run.compile().scopes[0].bodies] == ["a"]


def test_the_result_is_of_one_of_the_branches_types() -> None:
    @step
    async def unknown() -> Any: ...

    @workflow
    def run(value: str, seats: list[Seat]) -> Any:
        choose(value, {"a": ready, "b": ready})
        choose(value, {"a": ready, "b": lambda: seat("x")}, default=lambda: seats)
        choose(value, {"a": ready, "b": unknown})
        choose(value, {"a": ready, "b": lambda: None})

    plan = run.compile()
    names = ["choose", "choose_2", "choose_3", "choose_4"]
    assert [returns(plan, name) for name in names] == [bool, bool | Seat | list[Seat], Any, bool | None]


def test_r3_the_result_is_checked_where_it_is_used() -> None:
    def run(value: str) -> Any:
        charge(choose(value, {"a": ready, "b": lambda: 3}))

    assert problems(run) == ["+1: step 'charge', argument 'seat': takes Seat, but the result of 'choose' is bool | int"]


def test_a_choice_that_makes_no_sense_is_refused_with_its_line() -> None:
    def run(value: str, number: int) -> Any:
        choose(value, {})
        choose(value, [("a", ready)])
        choose(value, value)
        choose(value, {value: ready})
        choose(value, {"a": 3, "b": seat, "c": ready()}, default=lambda it: 3)
        choose(value, {1: ready, None: ready})
        choose(number, {"1": ready, True: ready, 1.5: ready})
        choose(ready, {"a": ready})

    assert problems(run) == [
        "+1: choose: has no branches; give it {case: branch}",
        "+2: choose_2: takes its branches as a dict, {case: branch}, not [('a', <step ready>)]; for conditions there is choose_first",
        (
            "+3: choose_3: takes its branches as a dict, {case: branch}, not the promise of 'value'; "
            "for conditions there is choose_first"
        ),
        "+4: choose_4: a case is the promise of 'value'; cases must be there while the workflow is drawn",
        "+5: choose_5: branch 'a' is 3; it's a function that calls steps, a step or a workflow",
        "+5: choose_5: branch 'b' takes (leg, nights=1), but is given no arguments",
        "+5: choose_5: branch 'c' is the promise of 'ready'; it's a function that calls steps: write `lambda: …`",
        "+5: choose_5: its default takes (it), but is given no arguments",
        "+6: choose_6: the case 1 never is the value, which is str",
        "+6: choose_6: the case None never is the value, which is str",
        "+7: choose_7: the case '1' never is the value, which is int",
        "+8: choose_8: <step ready> is passed without being called; pass its result: ready(…)",
    ]


# ── choose_first ──


def test_branches_by_predicate_are_given_the_value() -> None:
    @workflow
    def trip(nights: int, city: str) -> Seat:
        return choose_first(
            [(is_big, lambda nights: seat("a", nights)), (lambda nights: nights > 1, lambda nights: seat(city))],
            on=nights,
            default=lambda nights: seat("c"),
        )

    plan = trip.compile()
    assert shape(plan) == [
        "choose_first",
        {"0(value)": ["seat"]},
        {"1(value | city)": ["seat"]},
        {"default(value)": ["seat"]},
    ]
    control = plan.scopes[0].control
    assert isinstance(control, ChooseFirst)
    assert (control.predicates[0], len(control.predicates), control.default) == (is_big, 2, 2)
    assert plan.scopes[0].bodies[0].plan.inputs[0].type is int
    assert returns(plan, "choose_first") is Seat


def test_the_value_that_a_branch_is_given_is_checked() -> None:
    def run(nights: int) -> Any:
        choose_first([(is_big, seat)], on=nights, default=lambda nights: note(nights.big))

    assert problems(run) == [
        "+1: value: int has no field 'big'",
        "+1: step 'seat', argument 'leg': takes str, but input 'value' is int",
    ]


def test_branches_by_predicate_that_make_no_sense_are_refused() -> None:
    async def waits(value: int) -> bool:
        return True

    def run(number: int, seats: list[Seat]) -> Any:
        choose_first([], on=number)
        choose_first({"a": ready}, on=number)
        choose_first([3, (1,)], on=number)
        choose_first([(waits, note), (3, note), (ready, note), (lambda: True, note)], on=number)
        choose_first([(lambda n: bool(seats), note)], on=number)
        choose_first([(is_big, ready), (is_big, 3)], on=number, default=lambda: 1)

    assert problems(run) == [
        "+1: choose_first: has no branches; give it [(predicate, branch), …]",
        "+2: choose_first_2: takes its branches as a list of pairs, [(predicate, branch), …], not {'a': <step ready>}",
        "+3: choose_first_3: branch 0 is a pair, (predicate, branch), not 3",
        "+3: choose_first_3: branch 1 is a pair, (predicate, branch), not (1,)",
        (
            "+4: choose_first_4: the predicate of branch 0 is an `async def`; "
            "it's an ordinary function that returns at once: what waits belongs into a step"
        ),
        "+4: choose_first_4: the predicate of branch 1 is 3; it's a plain function of the value",
        (
            "+4: choose_first_4: the predicate of branch 2 is a plain function, not <step ready>: "
            "it's called with values, at run time, and draws nothing"
        ),
        "+4: choose_first_4: the predicate of branch 3 takes (), but is given one argument, the value",
        (
            "+5: choose_first_5: the predicate of branch 0 uses the promise 'seats' from around it, "
            "which has no value there: it sees the value alone"
        ),
        "+6: choose_first_6: branch '0' takes (), but is given one argument, the value",
        "+6: choose_first_6: branch '1' is 3; it's a function that calls steps, a step or a workflow",
        "+6: choose_first_6: its default takes (), but is given one argument, the value",
    ]


def test_a_branch_may_fail_on_purpose() -> None:
    @workflow
    def run(value: str) -> Any:
        return choose(value, {"a": ready}, default=lambda: fail("no {what}", what=value))

    assert shape(run.compile()) == ["choose", {"a()": ["ready"]}, {"default( | value)": ["fail"]}]
