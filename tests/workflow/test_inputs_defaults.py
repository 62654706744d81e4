"""Defaults of a workflow's inputs (R2)."""

from __future__ import annotations

import pytest

from actorflow import InvalidWorkflow, step, workflow


@step
async def book(nights: int) -> int:
    return nights


def test_a_default_of_another_type_is_refused_when_the_plan_is_compiled() -> None:
    """R2, R3: nobody else would look at it."""

    @workflow
    def trip(nights: int = "three") -> int:  # type: ignore[assignment]  # that's the mistake
        return book(nights)

    with pytest.raises(InvalidWorkflow, match="the default of input 'nights': expected int, got str 'three'"):
        trip.compile()


def test_a_tuple_stands_for_a_list_that_would_be_shared() -> None:
    @workflow
    def trips(nights: list[int] = ()) -> None:  # type: ignore[assignment]  # the refusal of [] says so
        """Does nothing."""

    assert trips.compile().inputs[0].default == ()
