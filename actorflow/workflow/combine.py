"""What can be said inside a workflow beside calling steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

A = TypeVar("A")
B = TypeVar("B")


def transform(value: A, function: Callable[[A], B]) -> B:
    """Computes with a value when it's there: an inline node named after the function, `transform` for a lambda (R9).

    The function takes the value alone, is quick, and waits for nothing: it runs in the executor's own turn. Raises `InvalidState` outside of
    a workflow, `InvalidWorkflow` for a function that can't be called like that.
    """
    from actorflow.workflow.transforms import draw_transform

    return cast("B", draw_transform(value, function))
