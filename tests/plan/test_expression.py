"""What arguments are made of, as closures over a run's values."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actorflow.plan import initial_values
from actorflow.workflow import step, workflow


class Place(msgspec.Struct, rename="camel", kw_only=True):
    street_name: str
    floor: int = 0


@dataclass
class Sized:
    parts: Any
    size: int = field(init=False, default=0)


Point = namedtuple("Point", "x y")


@step
async def make() -> Any: ...


@step
async def take(value: Any) -> None: ...


def test_containers_of_every_kind_are_built_anew_in_each_run() -> None:
    @workflow
    def containers() -> None:
        made = make()
        sized = Sized(made)
        sized.size = 3
        for value in (
            Place(street_name=made.x, floor=1),
            sized,
            Point(made, 2),
            frozenset([1, made]),
            [made.x[0]["k"].y],
        ):
            take(value)

    plan = containers.compile()

    class Made:
        def __init__(self) -> None:
            self.x: Any = [{"k": Point(5, 6)}]

    made = Made()
    values = initial_values(plan, ())
    values[0] = made
    found = [plan.binders[i](values)[0] for i in range(1, 6)]
    assert found == [
        Place(street_name=made.x, floor=1),  # type: ignore[arg-type]
        found[1],
        Point(made, 2),
        frozenset([1, made]),
        [6],
    ]
    assert (found[1].parts, found[1].size) == (made, 3)
    assert plan.binders[5](values)[0] is not found[4]


def test_equal_scalars_are_one_constant_but_other_values_stay_themselves() -> None:
    one: list[int] = []
    other: list[int] = []

    @workflow
    def constants() -> None:
        for value in (1, True, 1, "a", "a", 0.0, -0.0, one, other, one):
            take(value)

    plan = constants.compile()
    assert [repr(value) for value in plan.constants] == ["1", "True", "'a'", "0.0", "-0.0", "[]", "[]", "None"]


def test_a_container_that_holds_itself_is_a_constant() -> None:
    loop: list[Any] = []
    loop.append(loop)

    @workflow
    def looped() -> None:
        take(loop)

    assert looped.compile().constants[0] is loop
