"""R5: how nodes are named."""

from __future__ import annotations

import pytest

from actorflow import InvalidStep, Runtime, WorkflowBuilder, step, step_context, workflow
from actorflow.testing import MockClock


@step(mode="inline")
def charge(amount: int) -> str:
    return step_context().node


@step(mode="inline")
def refund(amount: int) -> str:
    return step_context().node


async def test_a_step_called_again_is_numbered_in_order_of_calls(clock: MockClock) -> None:
    """R5: a step called twice in a workflow gives `charge`, `charge_2`, in order of calls."""

    @workflow
    def thrice() -> list[str]:
        first, second = charge(1), charge(2)
        return [second, first, refund(1), charge(3)]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(thrice) == ["charge_2", "charge", "refund", "charge_3"]


async def test_a_composed_workflow_names_what_is_inside(clock: MockClock) -> None:
    """R5: a composed workflow is `book`, inside it `book.charge`."""

    @workflow
    def book() -> list[str]:
        return [charge(1), charge(2)]

    @workflow
    def trips() -> list[list[str]]:
        return [book(), book()]

    @workflow
    def year() -> list[list[str]]:
        return trips.options(name="summer")()

    first = ["charge", "charge_2"]
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(book) == first
        assert await runtime.run(trips) == [[f"{place}.{name}" for name in first] for place in ("book", "book_2")]
        assert await runtime.run(year) == [[f"summer.{place}.{name}" for name in first] for place in ("book", "book_2")]


async def test_an_explicit_name_is_the_nodes_name(clock: MockClock) -> None:
    """R5: explicit names are taken as they are, and calls that have none step around them."""

    @workflow
    def named() -> list[str]:
        return [charge.options(name="deposit")(1), charge.options(name="charge_2")(2), charge(3), charge(4)]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(named) == ["deposit", "charge_2", "charge", "charge_3"]


@pytest.mark.parametrize("name", ["a.b", "a[b", "a]b", ""])
def test_explicit_names_hold_no_marks_of_nesting(name: str) -> None:
    """R5: explicit names hold no `.`, `[` or `]`."""
    with pytest.raises(InvalidStep):
        charge.options(name=name)
    with pytest.raises(InvalidStep):
        step(name=name)(charge.function)
    with pytest.raises(Exception, match="name"):
        WorkflowBuilder("built").add_step(name, charge, arguments={"amount": 1}).build()
