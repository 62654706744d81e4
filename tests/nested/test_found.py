"""What random nested workflows have found, each by itself."""

from __future__ import annotations

from typing import Any

from actorflow import Runtime, each, step, workflow


@step
async def twice(value: int) -> int:
    return value * 2


@step
async def add(one: int, other: int) -> int:
    return one + other


async def test_a_body_may_use_what_its_workflow_was_given_as_a_constant(runtime: Runtime):
    """Captures that are constants once the workflow is composed."""

    @workflow
    def inner(more: int) -> Any:
        return each([1, 2], lambda item: add(item, more))

    @workflow
    def outer() -> Any:
        return inner(10)

    assert await runtime.run(outer) == [11, 12]
