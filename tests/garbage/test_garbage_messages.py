"""Bad messages: whatever comes, whoever asked is told in our own words, and the runtime goes on serving."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from actorflow import (
    ActorflowError,
    ActorRef,
    CancelRun,
    HaltRun,
    ResumeRun,
    Runtime,
    Started,
    StartRun,
    UndoRun,
    step,
    workflow,
)
from actorflow.facts import ActorRestarted
from tests.garbage.garbage import garbage, names

FEW = settings(max_examples=100 if os.environ.get("CI") == "true" else 25, deadline=None)


@step
async def add(numbers: list[int], more: dict[str, float | None]) -> int:
    return sum(numbers)


@workflow
def total(numbers: list[int], more: dict[str, float | None] | None = None) -> int:
    return add(numbers, {})


def survives(request: Callable[[ActorRef[Any]], Awaitable[object]]) -> None:
    """Sends it to a new runtime's executor, which goes on serving."""

    async def main() -> None:
        with capture_logs():
            async with Runtime(workflows=[total], on_exit="cancel") as runtime:
                runtime.subscribe(restarts.append, ActorRestarted)
                try:
                    await request(runtime.executor)
                except ActorflowError as error:
                    assert str(error)
                started = await runtime.executor.ask(StartRun.asking(workflow="total", inputs={"numbers": [1, 2]}))
                assert await runtime.get(started.run_id).result() == 3

    restarts: list[Any] = []
    asyncio.run(main())
    assert restarts == []


async def told(executor: ActorRef[Any], message: object) -> None:
    """Sends it, and has it handled."""
    executor.send(message)
    for _ in range(5):
        await asyncio.sleep(0)


@FEW
@given(st.dictionaries(names | st.sampled_from(["numbers", "more"]), garbage, max_size=3))
def test_any_inputs(inputs: dict[str, Any]) -> None:
    survives(lambda executor: executor.ask(StartRun.asking(workflow="total", inputs=inputs)))


@FEW
@given(garbage, garbage, garbage)
def test_any_start(name: Any, inputs: Any, run_id: Any) -> None:
    good = {"numbers": [1]}
    for start in (
        StartRun.asking(workflow=name, inputs=good),
        StartRun.asking(workflow="total", inputs=inputs),
        StartRun.asking(workflow="total", inputs=good, run_id=run_id),
        StartRun.asking(workflow=name, inputs=inputs, run_id=run_id),
    ):
        survives(lambda executor, start=start: executor.ask(start))  # type: ignore[misc]


@FEW
@given(garbage, garbage)
def test_any_start_that_nobody_waits_for(name: Any, inputs: Any) -> None:
    survives(lambda executor: told(executor, StartRun(name, inputs)))
    survives(lambda executor: told(executor, StartRun("total", inputs)))


@FEW
@given(garbage)
def test_anything_to_reply_to(reply: Any) -> None:
    survives(lambda executor: told(executor, StartRun("total", {"numbers": [1]}, None, reply)))
    survives(lambda executor: told(executor, StartRun("nothing", {}, None, reply)))


@FEW
@given(st.sampled_from([HaltRun, CancelRun, ResumeRun, UndoRun]), garbage, garbage)
def test_any_request_of_any_run(kind: Any, run_id: Any, reason: Any) -> None:
    survives(lambda executor: told(executor, kind(run_id)))
    if kind in (HaltRun, CancelRun):
        survives(lambda executor: told(executor, kind(run_id, reason)))

        async def stop(executor: ActorRef[Any]) -> None:
            started: Started = await executor.ask(StartRun.asking(workflow="total", inputs={"numbers": [1]}))
            await told(executor, kind(started.run_id, reason))

        survives(stop)


@FEW
@given(garbage)
def test_anything_as_a_message(message: Any) -> None:
    survives(lambda executor: told(executor, message))
    survives(lambda executor: executor.put(message))
    survives(lambda executor: executor.ask(lambda reply: message))
    survives(lambda executor: told(executor.from_thread(), message))


@FEW
@given(garbage)
def test_anything_as_a_question(question: Any) -> None:
    if not callable(question):  # what a callable does is its own
        survives(lambda executor: executor.ask(question))


@FEW
@given(garbage)
def test_any_timeout_of_a_question(timeout: Any) -> None:
    ask = StartRun.asking(workflow="total", inputs={"numbers": [1]})
    survives(lambda executor: executor.ask(ask, timeout=timeout))


@pytest.mark.parametrize("kind", [HaltRun, CancelRun, ResumeRun, UndoRun])
def test_a_request_that_is_refused_is_logged(kind: Any) -> None:
    """Nobody waits for an answer to these, so what is wrong with them stands in the log."""

    async def main() -> list[Any]:
        with capture_logs() as logs:
            async with Runtime() as runtime:
                runtime.executor.send(kind("no such run"))
        return logs

    (line,) = asyncio.run(main())
    assert (line["log_level"], line["request"]) == ("warning", kind.__name__)
    assert "no such run" in line["error"]
