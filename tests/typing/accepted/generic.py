"""Steps and workflows as values: functions over them keep the types."""

from typing import Any, ParamSpec, TypeVar, assert_type

from trip import Seat, Trip, label, reserve_seat

from actorflow import AnyStep, Run, Runtime, Workflow, workflow

P = ParamSpec("P")
R = TypeVar("R")


def slowly(step: AnyStep[P, R]) -> AnyStep[P, R]:
    return step.options(timeout=60)


async def start_twice(runtime: Runtime, flow: Workflow[P, R], *args: P.args, **kwargs: P.kwargs) -> list[Run[R]]:
    return [await runtime.start(flow, *args, **kwargs), await runtime.start(flow, *args, **kwargs)]


@workflow(name="seats", description="one seat")
def seats(trip: Trip) -> Seat:
    assert_type(slowly(label)("x", n=2), str)
    return slowly(reserve_seat)(trip.city)


async def main(runtime: Runtime, flows: list[Workflow[..., Any]]) -> None:
    assert_type(await start_twice(runtime, seats, Trip("", 1, [])), list[Run[Seat]])
