"""Plans made from data, by name."""

from typing import Any

from trip import Trip, book_trip, reserve_seat

from actorflow import Plan, Runtime, Workflow, WorkflowBuilder


def build(cities: list[str]) -> Workflow[..., Any]:
    builder = WorkflowBuilder("cities").add_input("trip", Trip)
    for number, city in enumerate(cities):
        builder.add_step(f"seat{number}", reserve_seat, arguments={"city": city})
    builder.compose("booked", book_trip, arguments={"trip": "trip"}, after=["seat0"])
    return builder.returns("booked").build()


async def main(runtime: Runtime) -> None:
    plan: Plan = build(["Oslo"]).compile()
    print(plan.mermaid(), plan.text())
    await runtime.run(build(["Oslo"]), trip=Trip("Oslo", 1, []))
