"""What all bodies share: captures, promises that stray, options, guards; and guarded workflows."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

from typing import Any

import pytest

from actorflow.errors import InvalidState, InvalidStep
from actorflow.plan import Call
from actorflow.policy import Retry
from actorflow.workflow import around, choose, choose_first, each, group, repeat, step, transform, workflow
from tests.workflow.drawn import Seat, bodies, body, charge, inputs, legs, note, problems, ready, seat, shape

# ── captures ──


def test_what_a_body_uses_from_around_it_is_captured_once() -> None:
    @workflow
    def run(city: str, nights: int, seats: list[Seat]) -> Any:
        found = legs(city)

        def one(leg: str) -> Any:
            note(found)
            note([found, {"nights": nights}])
            note(seats[0].code)
            note(seats[0].code)
            note(seats[1])
            return seat(leg, nights)

        return each(["x"], one)

    plan = run.compile()
    (made,) = bodies(plan, "each")
    assert inputs(made) == "item | legs nights seats[0].code seats[1]"
    assert made.plan.readers_of == ((5,), (0, 1), (1, 5), (2, 3), (4,))
    assert plan.needs[1] == ()
    assert plan.reads[1] == (0,)
    values = [["L"], None, "Oslo", 3, [Seat("A"), Seat("B")]]
    assert [capture(values) for capture in plan.scopes[1].captures] == [["L"], 3, "A", Seat("B")]
    assert plan.scopes[1].waits == ((0,), (3,), (4,), (4,))


def test_bodies_of_one_scope_share_its_captures() -> None:
    @workflow
    def run(city: str, nights: int) -> Any:
        return choose(city, {"a": lambda: seat("x", nights), "b": lambda: seat(city, nights), "c": ready})

    plan = run.compile()
    assert len(plan.scopes[0].captures) == 2
    assert [each.takes for each in plan.scopes[0].bodies] == [(0,), (1, 0), ()]


def test_what_lies_between_captures_too() -> None:
    @workflow
    def run(city: str, nights: int) -> Any:
        mine = ready()
        return each([1], lambda a: each([a], lambda b: choose(b, {1: lambda: [note(mine), note(a), note(city)]})))

    plan = run.compile()
    outer = body(plan, "each")
    inner = body(outer, "each")
    assert [inputs(*bodies(where, name)) for where, name in ((plan, "each"), (outer, "each"), (inner, "choose"))] == [
        "item | ready city",
        "item | ready item city",
        " | ready item city",
    ]


def test_constants_pass_as_they_are() -> None:
    @workflow
    def constant() -> Any:
        return {"seat": seat("x"), "three": 3}

    @workflow
    def run() -> Any:
        made = constant()
        return each([1], lambda n: [note(made["three"]), note(made["seat"]), note("a")])

    plan = run.compile()
    (made,) = bodies(plan, "each")
    assert inputs(made) == "item | constant['seat']"


def test_a_body_may_return_what_is_around_it() -> None:
    @workflow
    def run(city: str) -> Any:
        return each([1], lambda n: [city, n])

    (made,) = bodies(run.compile(), "each")
    assert inputs(made) == "item | city"


def test_after_in_a_body_lets_the_whole_scope_wait_for_what_is_around_it() -> None:
    @workflow
    def run(city: str) -> Any:
        first, second = ready(), seat(city)
        return each([1], lambda n: choose(n, {1: lambda: note.options(after=[first, second.code])("x")}))

    assert shape(run.compile()) == ["ready", "seat", "each <ready <seat", {"*(item)": ["choose", {"1()": ["note"]}]}]


def test_after_in_a_body_waits_for_what_is_in_it() -> None:
    @workflow
    def run() -> Any:
        def one(n: int) -> Any:
            first = each([n], note)
            return ready.options(after=[first])()

        return each([1], one)

    assert shape(body(run.compile(), "each")) == ["each", {"*(item)": ["note"]}, "ready <each"]


def test_after_waits_for_scopes_and_for_all_that_a_capture_does_not() -> None:
    @workflow
    def inner(city: str) -> None:
        one = seat(city)
        choose(city, {"a": lambda: charge(one), "b": ready})

    @workflow
    def run() -> Any:
        done = inner("a")
        return ready.options(after=[done])()

    assert shape(run.compile())[-1] == "ready <inner.seat <inner.choose"


def test_a_promise_of_a_body_is_used_in_it_alone() -> None:
    def run(city: str) -> Any:
        kept: list[Any] = []
        each([1], lambda n: kept.append((n, seat(city))))
        note(kept[0][1])
        each([1], lambda n: kept[0][0])
        ready.options(after=[kept[0][1]])()
        return kept[0][0]

    text = "belongs to the body of 'each', and can't be used outside of it; let the body return it, and use what the combinator gives"
    assert problems(run)[:3] == [
        f"+3: step 'note': 'seat' {text}",
        f"+4: each_2, what its body returns: 'item' {text}",
        f"+5: ready: 'seat' {text}",
    ]
    assert f"the returned value: 'item' {text}" in problems(run)[3]


def test_a_promise_of_another_workflow_stays_there() -> None:
    kept: list[Any] = []

    @workflow
    def inner() -> Any:
        kept.append(ready())

    def run() -> Any:
        inner()
        each([1], lambda n: note(kept[0]))

    assert problems(run) == [
        "+2: step 'note': 'ready' belongs to workflow 'inner', and can't be used in 'w'; pass it on as an argument or a result"
    ]


def test_keep_holds_in_a_body() -> None:
    @workflow
    def run() -> Any:
        each([1], lambda n: [ready.options(keep=True)(), None][1])

    assert body(run.compile(), "each").keeps == (True,)


def test_composed_workflows_with_bodies_keep_their_captures() -> None:
    @workflow
    def inner(city: str, nights: int = 2) -> Any:
        found = legs(city)
        return each(found, lambda leg: seat(leg, nights))

    @workflow
    def run(place: str) -> Any:
        return each([1], lambda n: inner(place, n))

    made = body(run.compile(), "each")
    assert shape(made) == ["inner.legs", "inner.each <inner.legs", {"*(item | nights)": ["seat"]}]
    assert made.scopes[1].waits == ((2,),)


def test_problems_of_inner_bodies_are_those_of_the_workflow() -> None:
    def run(city: str) -> Any:
        each([1], lambda n: each([2], lambda m: each(m, seat, concurrency=0)))

    assert problems(run) == [
        "+1: each: what it is given is int, which can't be iterated",
        "+1: each: concurrency is how many items may be under way at once, 1 or more, not 0",
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda: each([1], note),
        lambda: choose(1, {1: ready}),
        lambda: choose_first([(bool, note)], on=1),
        lambda: group(ready),
        lambda: around(ready, note),
        lambda: repeat(note, 1, at_most=1),
        lambda: transform(1, str),
    ],
)
def test_outside_of_a_workflow_they_say_where_they_belong(call: Any) -> None:
    with pytest.raises(
        InvalidState, match=r"\(\) was called outside of a workflow\nCall it inside a @workflow function"
    ):
        call()


# ── options ──


def test_options_name_the_node_and_let_it_wait() -> None:
    @workflow
    def run(city: str) -> Any:
        first = ready()
        each.options(name="seats", after=[first])([1], note)
        choose.options(name="way", after=[first])(city, {"a": ready})
        choose_first.options(name="first", after=[first])([(bool, note)], on=city)
        group.options(name="both", after=[first])(ready)
        repeat.options(name="pages", after=[first])(note, None, at_most=1)
        around.options(name="inside", after=[first])(lambda: None, note)
        transform.options(name="length", after=[first])(city, len)
        each([1], note)

    plan = run.compile()
    names = ("seats", "way", "first", "both", "pages", "inside", "length")
    assert plan.names == ("ready", *names, "each")
    assert all(plan.needs[plan.names.index(name)] == (0,) for name in names)


def test_a_copy_with_options_leaves_the_word_as_it_was() -> None:
    copy = each.options(name="x", where=lambda items: True)
    again = copy.options(after=[])
    assert (copy.placement.name, again.placement.name, each.placement.name) == ("x", "x", None)
    assert (len(again.guards), len(each.guards)) == (1, 0)
    assert repr(each) == "<each>"


def given_one(value: Any) -> bool:
    return True


def given_none() -> bool:
    return True


def test_r17_guards_see_what_the_combinator_is_given() -> None:
    @workflow
    def run(city: str) -> Any:
        def guard(anything: Any) -> None: ...

        each.options(where=given_one, guards=[guard])([1], note)
        choose.options(where=given_one)(city, {"a": ready})
        choose_first.options(where=given_one)([(bool, note)], on=city)
        group.options(where=given_none)(ready)
        around.options(where=given_none)(lambda: None, note)
        repeat.options(where=given_one)(note, None, at_most=1)
        transform.options(where=given_one)(city, len)

    plan = run.compile()
    assert [len(spec.guards) for spec in plan.steps] == [2, 1, 1, 1, 1, 1, 1]
    assert [guard.is_where for guard in plan.steps[0].guards] == [True, False]
    assert [spec.signature.parameters.keys() for spec in plan.steps[:3]] == [
        {"items": 0}.keys(),
        {"value": 0}.keys(),
        {"on": 0}.keys(),
    ]
    assert plan.steps[0].retry == Retry(attempts=5)


def test_a_scope_without_guards_is_tried_once() -> None:
    @workflow
    def run() -> Any:
        each([1], note)

    assert run.compile().steps[0].retry == Retry(attempts=1)


def test_guards_that_do_not_fit_are_refused_where_the_combinator_is_called() -> None:
    def run(city: str) -> Any:
        each.options(where=given_none)([1], note)
        group.options(guards=[given_one])(ready)
        transform.options(where=given_none)(city, len)

    assert problems(run) == [
        "+1: each: the where 'given_none' of each takes (), which isn't what it is given; Expected: given_none(items) -> bool",
        (
            "+2: group: the guard 'given_one' of group takes (value), which isn't what it is given; "
            "Expected: given_one() -> Skip[Any] | None"
        ),
        (
            "+3: transform 'len': the where 'given_none' of transform 'len' takes (), which isn't what it is given; "
            "Expected: given_none(value, /) -> bool"
        ),
    ]


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": "a.b"}, "holds '.'"),
    "after": ({"after": 3}, "each has after=3"),
    "guards": ({"guards": 3}, "each has guards=3"),
    "a guard": ({"guards": [3]}, "the guard of each is 3"),
    "where": ({"where": ready}, "the where of each is <step ready>"),
}


@pytest.mark.parametrize(("options", "text"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidStep, match=text):
        each.options(**options)

    def run() -> Any:
        each.options(**options)([1], note)

    (problem,) = problems(run)
    assert text in problem
    assert problem.startswith("+1: ")


# ── guarded workflows ──


@workflow
def book(city: str, nights: int = 2, *, extra: int = 0) -> int:
    return charge(seat(city, nights), extra)


def far(city: str, nights: int, *, extra: int) -> bool:
    return True


def test_r17_a_composed_workflow_with_guards_is_a_scope_that_is_given_its_inputs() -> None:
    @workflow
    def run(place: str) -> Any:
        return book.options(where=far, name="trip", after=[ready()])(place, extra=3)

    plan = run.compile()
    assert shape(plan) == ["ready", "trip <ready", {"(city nights extra)": ["seat", "charge <seat"]}]
    assert isinstance(plan.scopes[1].control, Call)
    assert plan.keywords[1] == ("extra",)
    assert plan.steps[1].returns is int
    values = [None, None, "Oslo", *plan.constants]
    takes = plan.takes[1]
    assert takes is not None
    assert [values[slot] for slot in takes] == ["Oslo", 2, 3]


def test_without_guards_it_is_inlined() -> None:
    @workflow
    def run(place: str) -> Any:
        return book.options(guards=[])(place)

    assert shape(run.compile()) == ["book.seat", "book.charge <book.seat"]


def test_a_guarded_workflow_is_drawn_without_undos_if_told_and_twice_under_two_names() -> None:
    @workflow
    def run(place: str) -> Any:
        book.options(where=far)(place)
        book.options(where=far, undoable=False)(place)

    plan = run.compile()
    assert plan.names == ("book", "book_2")
    assert body(plan, "book").steps[0].undo is not None
    assert body(plan, "book_2").steps[0].undo is None


def test_guards_of_a_workflow_have_its_parameters() -> None:
    with pytest.raises(InvalidStep, match=r"the where 'given_one' of workflow 'book' takes \(value\)"):
        book.options(where=given_one)
    kept = book.options(where=far).options(name="x")
    assert [guard.function for guard in kept.guards] == [far]


def test_what_a_guarded_workflow_is_given_is_checked() -> None:
    def run(number: int) -> Any:
        book.options(where=far)(number)
        book.options(where=far)()

    assert problems(run) == [
        "+1: workflow 'book', input 'city': takes str, but input 'number' is int",
        "+2: workflow 'book_2' misses its input 'city'",
    ]


def test_a_later_step_may_use_a_part_of_what_a_scope_gives() -> None:
    @step
    async def one(value: str) -> None: ...

    @workflow
    def run(all_legs: list[str]) -> Any:
        seats = each(all_legs, seat)
        one(seats[0].code)
        return seats[1].rows

    plan = run.compile()
    assert plan.needs[1] == (0,)
