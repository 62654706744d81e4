"""What the tests of combinators share: steps that are only drawn, plans as short texts, and the problems of a workflow."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from actorflow.errors import InvalidWorkflow
from actorflow.plan import BodyPlan, Plan
from actorflow.workflow import step, workflow


class Seat(msgspec.Struct):
    code: str
    rows: list[int] = []


@step
async def legs(city: str) -> list[str]:
    return [city]


@step
async def seat(leg: str, nights: int = 1) -> Seat:
    return Seat(leg * nights)


@seat.undo
async def unseat(value: Seat) -> None: ...


@step
async def charge(seat: Seat, amount: int = 1) -> int:
    return len(seat.code) * amount


@step
async def note(text: object) -> None: ...


@step
async def ready() -> bool:
    return True


def shape(plan: Plan) -> list[Any]:
    """Per node its name and what it waits for; per body of a scope its key, its inputs, and the same of it."""
    found: list[Any] = []
    for i, name in enumerate(plan.names):
        line = " ".join([name, *("<" + plan.names[j] for j in plan.needs[i])])
        found.append(line)
        found.extend({f"{body.key}({inputs(body)})": shape(body.plan)} for body in bodies(plan, name) if body.is_drawn)
    return found


def inputs(body: BodyPlan) -> str:
    """What it is given, and after `|` what it captures."""
    names = [spec.name for spec in body.plan.inputs]
    captured = f" | {' '.join(names[body.given :])}" if body.takes else ""
    return " ".join(names[: body.given]) + captured


def bodies(plan: Plan, name: str) -> tuple[BodyPlan, ...]:
    scope = plan.scopes.get(plan.names.index(name))
    return scope.bodies if scope is not None else ()


def body(plan: Plan, *path: str) -> Plan:
    """The plan of a body: by the scope's name, or by its name and the body's key, `choose[a]`."""
    for part in path:
        name, _, key = part.partition("[")
        found = bodies(plan, name)
        plan = next(each for each in found if not key or each.key == key.rstrip("]")).plan
    return plan


def returns(plan: Plan, name: str) -> Any:
    return plan.steps[plan.names.index(name)].returns


def problems(draw: Callable[..., Any]) -> list[str]:
    """What is wrong with a workflow, each problem with its line counted from the workflow's `def`: `+1: each: …`."""
    first = inspect.getsourcelines(draw)[1]
    with pytest.raises(InvalidWorkflow) as caught:
        workflow(name="w")(draw).compile()
    return [_from(problem, first) for problem in caught.value.problems]


def _from(problem: str, first: int) -> str:
    _, _, rest = problem.partition(".py:")
    line, _, text = rest.partition(": ")
    return f"+{int(line) - first}: {text}"
