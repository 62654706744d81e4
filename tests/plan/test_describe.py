"""A plan as data: all that a page or another program wants to know of it, in text, numbers and lists."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings

from actorflow import Exponential, Fixed, Limit, Rate, Retry, step, transform, workflow
from actorflow.plan import Body, Each, InputValue, NodeValue, Plan
from actorflow.plan.describe import (
    ArgumentDescription,
    BodyDescription,
    GuardDescription,
    HandlerDescription,
    InputDescription,
    LimitDescription,
    NodeDescription,
    PlanDescription,
    RetryDescription,
)
from tests.plan.drawings import Drawn, a_loop, body, drawn_plans, made, node, own, scope

USUAL = RetryDescription(5, (), None, "0.1 s, times 2 each time, up to 5 s, less up to 50% by chance")


class Trip(msgspec.Struct, frozen=True):
    city: str
    legs: tuple[int, ...] = ()


@step
async def reserve(city: str, *, cabin: str = "economy") -> str:
    """Reserves a seat.

    Held for ten minutes.
    """
    return city + cabin


@reserve.undo(retry=Retry(attempts=None, backoff=Fixed(2)), timeout=3, unknown=True)
async def release(seat: str | None) -> None:
    """Gives the seat back."""


async def is_open(seat: str, parts: list[int], nights: int) -> None:
    """The shop is open."""


@step(
    limit=(Limit("bank", at_most=4, rate=Rate(5, per=1.5)), Limit("city", key=lambda seat: seat)),
    retry=Retry(attempts=3, on=(ConnectionError, TimeoutError), within=60, backoff=Exponential(0.2, most=9, jitter=0)),
    timeout=10,
    guards=[is_open],
    where=lambda seat, parts, nights: True,
)
async def charge(seat: str, parts: list[int], nights: int) -> int:
    return len(seat) + len(parts) + nights


@charge.compensate
async def settle(error: Exception, seat: str, parts: list[int], nights: int) -> None:
    """Asks the bank."""


@step(irreversible=True)
def post(*amounts: int, **marks: str) -> None: ...


@workflow
def book(trip: Trip, nights: int = 2) -> dict[str, int]:
    """Books a trip."""
    seat = reserve(trip.city)
    paid = charge(seat, [trip.legs[0], 7], nights)
    post.options(after=[seat])(paid, transform(paid, abs), stamp="blue")
    return {"paid": paid}


def described(name: str) -> NodeDescription:
    return next(each for each in book.compile().describe().nodes if each.name == name)


def arguments(name: str) -> list[tuple[str, str, str]]:
    return [(each.name, each.type, each.source) for each in described(name).arguments]


def test_a_plan_says_what_it_takes_and_gives() -> None:
    found = book.compile().describe()
    assert (found.name, found.description) == ("book", "Books a trip.")
    assert found.inputs == (InputDescription("trip", "Trip", None), InputDescription("nights", "int", "2"))
    assert (found.returns, found.result) == ("dict[str, int]", "{'paid': result of charge}")
    assert found.fingerprint == book.compile().fingerprint


def test_arguments_have_names_types_and_sources() -> None:
    assert arguments("reserve") == [("city", "str", "trip.city"), ("cabin", "str", "'economy'")]
    assert arguments("charge") == [
        ("seat", "str", "result of reserve"),
        ("parts", "list[int]", "[trip.legs[0], 7]"),
        ("nights", "int", "nights"),
    ]
    assert arguments("post") == [
        ("amounts", "int", "result of charge"),
        ("amounts", "int", "result of abs"),
        ("stamp", "str", "'blue'"),
    ]


def test_a_step_says_how_it_runs() -> None:
    found = described("charge")
    assert (found.step, found.mode, found.returns, found.timeout) == ("charge", "async", "int", 10)
    assert found.limits == (LimitDescription("bank", 4, 5, 1.5, False), LimitDescription("city", is_keyed=True))
    on = ("ConnectionError", "TimeoutError")
    assert found.retry == RetryDescription(3, on, 60, "0.2 s, times 2 each time, up to 9 s, less up to 0% by chance")
    assert found.guards == (
        GuardDescription("<lambda>", True),
        GuardDescription("is_open", False, "The shop is open."),
    )
    assert described("post").after == ("reserve",)
    assert described("post").irreversible


def test_a_step_says_who_takes_it_back() -> None:
    retry = RetryDescription(None, (), None, "2 s each time")
    found = described("reserve")
    assert found.description == "Reserves a seat.\n\nHeld for ten minutes."
    assert found.undo == HandlerDescription("release", "Gives the seat back.", retry, 3, False, True)
    assert found.compensate is None
    assert described("charge").compensate == HandlerDescription("settle", "Asks the bank.", USUAL, 10, True, False)


def test_nodes_say_the_users_own_line() -> None:
    assert all(each.line.startswith("test_describe.py:") for each in book.compile().describe().nodes)


def test_nodes_of_composed_workflows_are_told_by_their_whole_names() -> None:
    @workflow
    def travel(trip: Trip) -> dict[str, int]:
        return book(trip)

    found = travel.compile().describe()
    assert [each.name for each in found.nodes] == ["book.reserve", "book.charge", "book.abs", "book.post"]
    assert found.nodes[1].arguments[2] == ArgumentDescription("nights", "int", "2")


def test_a_scope_has_its_kind_and_its_bodies() -> None:
    items = body(node("charge", InputValue(0)), inputs=1)
    plan = made(node("legs", InputValue(0), spec=scope("each", Each(10)), bodies=(Body("*", items, 1),)))
    (legs,) = plan.describe().nodes
    assert legs.scope
    assert (legs.mode, legs.scope.kind, legs.scope.options) == ("scope", "each", ("10 at once",))
    (inner,) = legs.scope.bodies
    assert (inner.key, inner.name) == ("*", "body")
    assert inner.plan
    assert [each.name for each in inner.plan.nodes] == ["charge"]


def test_a_workflow_inside_itself_is_named_and_not_told_again() -> None:
    scoped = a_loop().describe().nodes[1].scope
    assert scoped
    assert scoped.bodies == (BodyDescription("*", "loop", None),)


def test_a_plan_without_a_draft_tells_what_its_slots_tell() -> None:
    """Of what an argument is made of that isn't one value, nobody knows any more."""
    plan: Plan = made(node("one", InputValue(0)), node("two", NodeValue(0)))
    found = msgspec.structs.replace(plan, draft=None).describe()
    assert [each.source for each in found.nodes[1].arguments] == ["result of one"]
    assert found.result == ""
    without = msgspec.structs.replace(book.compile(), draft=None).describe()
    assert without.nodes[1].arguments == ()
    assert without.nodes[2].arguments == (ArgumentDescription("value", "int", "result of charge"),)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(shown=drawn_plans())
def test_any_plan_is_json_and_back(shown: Drawn) -> None:
    found = shown.plan.describe()
    assert msgspec.json.decode(msgspec.json.encode(found), type=PlanDescription) == found
    assert sorted(own(name) for name in names_in(found)) == sorted(shown.steps | shown.scopes)


def names_in(plan: PlanDescription) -> list[str]:
    inner: list[Any] = [body.plan for each in plan.nodes if each.scope for body in each.scope.bodies]
    return [*(each.name for each in plan.nodes), *(name for each in inner for name in names_in(each))]
