"""R52: a rollback that couldn't undo everything says so, with what wasn't undone and why."""

from __future__ import annotations

import pytest

from actorflow import Failed, Retry, Runtime, StepStatus, failed_with, step, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin

STUCK: set[str] = set()


@pytest.fixture(autouse=True)
def _stuck() -> None:
    STUCK.clear()
    STUCK.add("stuck")


@step
async def reserve(name: str) -> str:
    return name


@reserve.undo(retry=Retry(attempts=1))
async def release(value: str, name: str) -> None:
    if name in STUCK:
        raise ConnectionError("the airline doesn't answer")


@step
async def fail(value: str) -> None:
    raise ValueError("no")


@workflow
def booking() -> None:
    fail(reserve.options(name="b")(reserve.options(name="a", keep=True)("stuck")))


@pytest.mark.parametrize("restarted", [False, True])
async def test_it_says_what_was_not_undone_and_why(clock: MockClock, open_store: OpenStore, *, restarted: bool) -> None:
    """R52: `incomplete`, with each step that wasn't undone, and its error; also for who asks another runtime, or the store."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await (await begin(runtime, booking)).outcome()
        view = await runtime.inspect("r")
    if restarted:
        async with Runtime(store=open_store(), clock=clock) as runtime:
            outcome = await (await begin(runtime, booking)).outcome()
            view = await runtime.inspect("r")
    assert isinstance(outcome, Failed) and outcome.rollback == "incomplete"
    left = [error for error in outcome.error.errors if error.phase == "undo"]
    assert [error.node for error in left] == ["b", "a"]
    assert all(failed_with(error.error.__cause__ or error.error, ConnectionError) for error in left)
    statuses = {seen.name: seen.status for seen in view.steps}
    assert statuses["a"] == statuses["b"] == "undo failed"
    async with open_store() as store:
        await check_store(store)
        assert (await store.step_statuses("r"))["a"] is StepStatus.UNDO_FAILED


async def test_those_undos_can_be_tried_again(clock: MockClock, open_store: OpenStore) -> None:
    """R52: by name, in another runtime too; what is undone then isn't listed any more."""
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await (await begin(runtime, booking)).outcome()
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        STUCK.clear()
        outcome = await (
            await runtime.resolve("r", {"a": "retry", "b": "retry"}, who="ann", why="they answer")
        ).outcome()
        assert isinstance(outcome, Failed) and outcome.rollback == "complete"
        assert [error.phase for error in outcome.error.errors] == ["run"]
    async with open_store() as store:
        await check_store(store)


async def test_or_marked_as_dealt_with_by_a_person_by_name_and_with_a_reason(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R52: one of them is; the rollback stays incomplete for the other."""
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        await (await begin(runtime, booking)).outcome()
        outcome = await (await runtime.resolve("r", {"a": "done"}, who="ann", why="I have called them")).outcome()
        assert isinstance(outcome, Failed) and outcome.rollback == "incomplete"
        assert [error.node for error in outcome.error.errors if error.phase == "undo"] == ["b"]
        outcome = await (await runtime.resolve("r", {"b": "done"}, who="bob", why="and I, too")).outcome()
        assert isinstance(outcome, Failed) and outcome.rollback == "complete"
        assert [(note.who, note.what, note.why) for note in await runtime.notes("r")] == [
            ("ann", "resolve a=done", "I have called them"), ("bob", "resolve b=done", "and I, too"),
        ]  # fmt: skip
    async with open_store() as store:
        await check_store(store)
