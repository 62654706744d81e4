"""Steps that tell what they did: `act` can be undone, `strike` fails for some values."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from actorflow import Step, step, step_context


def acting(told: list[str], wait: Callable[[int], Any] | None = None) -> Step[[int], int, Any]:
    """`act` gives its value; `wait` is awaited with the value, if it's given."""

    @step
    async def act(value: int) -> int:
        if wait is not None:
            await wait(value)
        told.append(step_context().node)
        return value

    @act.undo
    async def unact(result: int, value: int) -> None:
        assert result == value
        told.append(f"undo {step_context().node}")

    return act


def striking(told: list[str], *, at: Container[int]) -> Step[[int], int, Any]:
    """`strike` fails with `ValueError` for these values, and can't be undone."""

    @step
    async def strike(value: int) -> int:
        if value in at:
            raise ValueError(f"struck at {value}")
        told.append(step_context().node)
        return value

    return strike


def undone(told: list[str]) -> list[str]:
    """Which steps were undone, in order."""
    return [line.removeprefix("undo ") for line in told if line.startswith("undo ")]
