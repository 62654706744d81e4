"""`group`: something before a body, and something after it."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

from typing import Any

from actorflow.plan import Call
from actorflow.workflow import choose, each, group, workflow
from tests.workflow.drawn import Seat, body, charge, note, problems, ready, returns, seat, shape


def test_all_of_the_body_waits_for_all_before_it_and_all_after_it_for_all_of_it() -> None:
    def before() -> None:
        note(ready())
        seat("x")

    def middle() -> Any:
        one, other = seat("a"), seat("b")
        note(one)
        return charge(other)

    def after(paid: Any) -> None:
        note(paid)
        note(ready())

    @workflow
    def run() -> int:
        return group(middle, before=before, after=after)

    plan = run.compile()
    assert shape(plan) == [
        "group",
        {
            "()": [
                "ready",
                "note <ready",
                "seat",
                "seat_2 <note <seat",
                "seat_3 <note <seat",
                "note_2 <seat_2",
                "charge <seat_3",
                "note_3 <charge <note_2",
                "ready_2 <note_2 <charge",
                "note_4 <ready_2",
            ]
        },
    ]
    assert isinstance(plan.scopes[0].control, Call)
    assert returns(plan, "group") is int


def test_what_comes_before_and_after_is_optional_and_may_be_a_step_or_a_workflow() -> None:
    @workflow
    def book() -> Seat:
        return seat("a")

    @workflow
    def run(city: str) -> Any:
        group(lambda: seat(city))
        group(book, before=ready)
        group(ready, after=book)
        group(book, after=charge)

    assert shape(run.compile()) == [
        "group", {"( | city)": ["seat"]},
        "group_2", {"()": ["ready", "book.seat <ready"]},
        "group_3", {"()": ["ready", "book.seat <ready"]},
        "group_4", {"()": ["book.seat", "charge <book.seat"]},
    ]  # fmt: skip


def test_after_is_given_the_result_if_it_cannot_do_without() -> None:
    given = []

    @workflow
    def run() -> Any:
        group(lambda: [ready()], after=lambda result: given.append(result))
        group(lambda: 3, after=lambda result=7: given.append(result))

    run.compile()
    assert isinstance(given[0], list)
    assert given[1] == 7


def test_a_body_without_steps_lets_after_wait_for_before() -> None:
    @workflow
    def run(city: str) -> Any:
        return group(lambda: city, before=ready, after=lambda: note(city))

    assert shape(run.compile()) == ["group", {"( | city)": ["ready", "note <ready"]}]


def test_scopes_in_a_group_are_held_back_like_steps() -> None:
    @workflow
    def run(city: str) -> Any:
        def middle() -> Any:
            one = seat(city)
            each([1], lambda n: charge(one, n))
            return choose(city, {"a": lambda: charge(one)})

        return group(middle, before=ready, after=ready)

    assert [line for line in shape(body(run.compile(), "group")) if isinstance(line, str)] == [
        "ready",
        "seat <ready",
        "each <ready",
        "choose <ready",
        "ready_2 <seat <each <choose",
    ]


def test_parts_of_a_group_that_make_no_sense_are_refused_together() -> None:
    async def waits() -> None: ...

    def run() -> Any:
        group(3)
        group(seat, before=seat, after=lambda a, b: 1)
        group(ready, before=waits, after=ready())
        group()
        group(ready, between=ready)

    assert problems(run) == [
        "+1: group: its body is 3; it's a function that calls steps, a step or a workflow",
        "+2: group_2: before takes (leg, nights=1), but is given no arguments",
        "+2: group_2: its body takes (leg, nights=1), but is given no arguments",
        "+2: group_2: after takes (a, b), but is given one argument, the result of the body",
        "+3: group_3: before is an `async def`; it draws, as a workflow does, and what waits belongs into its steps",
        "+3: group_3: after is the promise of 'ready'; it's a function that calls steps: write `lambda: …`",
        "+4: group() missing 1 required positional argument: 'body'",
    ]


def test_what_after_does_with_the_result_is_checked() -> None:
    def run() -> Any:
        group(ready, after=charge)

    assert problems(run) == ["+1: step 'charge', argument 'seat': takes Seat, but the result of 'ready' is bool"]
