"""Errors and outcomes that people meet say what they need to know, and not more."""

import pytest

from actorflow import (
    Halted,
    InvalidState,
    InvalidWorkflow,
    Resource,
    Runtime,
    RuntimeClosed,
    WorkerLost,
    step,
    step_context,
    workflow,
)
from tests.engine.drive import Drive, chain, fails
from tests.engine.drive import step as step_of


@step(mode="inline")
def one() -> int:
    return 1


@workflow
def alone() -> int:
    return one()


async def test_a_step_given_for_a_workflow_is_told_apart() -> None:
    async with Runtime() as runtime:
        with pytest.raises(InvalidWorkflow, match="it's a step; call it inside a @workflow function"):
            await runtime.run(one)  # type: ignore[arg-type]
        with pytest.raises(InvalidWorkflow, match="decorate the function with @workflow"):
            await runtime.run(print)  # type: ignore[arg-type]


async def test_a_runtime_that_was_left_says_so() -> None:
    async with Runtime() as runtime:
        pass
    with pytest.raises(RuntimeClosed, match="was left"):
        await runtime.start(alone)


def test_a_halt_is_shown_without_its_snapshot() -> None:
    assert repr(Halted("boss", b"x" * 4321, "r-1")) == (
        "Halted(by='boss', snapshot=<4,321 bytes>, run_id='r-1', set_aside=())"
    )
    assert "snapshot=None" in repr(Halted("boss"))


def test_what_is_not_there_says_where_it_would_be() -> None:
    with pytest.raises(InvalidState, match="no step is running here"):
        step_context()
    with pytest.raises(InvalidState, match="worker processes get none"):
        Resource[int]("cards").get()


def test_an_unknown_outcome_says_what_happened() -> None:
    drive = Drive(chain(step_of()))
    drive.tell(fails(0, WorkerLost("the worker process ended with exit code 3"), unknown=True))
    (error,) = drive.state.errors
    assert str(error.error).endswith("did its work: WorkerLost: the worker process ended with exit code 3")
    assert isinstance(error.error.__cause__, WorkerLost)
