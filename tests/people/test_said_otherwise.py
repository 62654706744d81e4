"""Waits by builder and as data: the same nodes as those that are drawn."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actorflow import (
    Approval,
    InvalidWorkflow,
    Registry,
    Runtime,
    Workflow,
    WorkflowBuilder,
    approval,
    each,
    sleep,
    sleep_until,
    step,
    template,
    wait_for_signal,
    workflow,
)
from actorflow.testing import MockClock


class Payment(msgspec.Struct, frozen=True):
    amount: int


@step
async def note(word: str) -> str:
    return word


REGISTRY = Registry(steps=[note], types=[Payment, Approval])


@workflow
def everything(seconds: float, when: datetime, names: list[str]) -> list[Any]:
    rest = sleep(seconds)
    sleep.options(name="nap", after=[rest])(timedelta(hours=3))
    sleep_until(when)
    sleep_until.options(name="new_year")(datetime(2031, 1, 1, tzinfo=UTC))
    paid = wait_for_signal("paid", Payment, timeout=60, default=None)
    sure = wait_for_signal.options(name="sure")("sure", int)
    asked = approval(template("Pay {seconds}?", seconds=seconds), by=names, timeout=seconds, reject="fail")
    plain = approval.options(name="plain")("Go?", by=["ann"], timeout=9, default=Approval(False, "nobody"))
    each(names, lambda name: wait_for_signal("one", list[int], timeout=5, default=[1, 2]))
    return [paid, sure, asked, plain]


def as_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


def test_told_as_data_and_read_again_it_is_the_same() -> None:
    spec = everything.to_spec(REGISTRY)
    again = Workflow.from_spec(as_json(spec), REGISTRY)
    assert as_json(again.to_spec(REGISTRY)) == as_json(spec)
    assert again.compile().fingerprint == everything.compile().fingerprint
    assert again.compile().text() == everything.compile().text()


def test_how_each_is_told() -> None:
    nodes = {node["name"]: node for node in as_json(everything.to_spec(REGISTRY))["nodes"]}
    assert nodes["sleep"]["sleep"] == {"seconds": "seconds"}
    assert nodes["sure"]["wait_for_signal"] == {"signal": "sure", "type": "int"}
    assert nodes["approval"]["approval"]["reject"] == "fail"


def test_what_is_wrong_with_data_is_told_with_its_path() -> None:
    spec = {
        "format": 1, "name": "waits", "inputs": [], "nodes": [
            {"name": "a", "sleep": {"seconds": {"value": -1}}},
            {"name": "b", "wait_for_signal": {"signal": "x"}},
            {"name": "c", "approval": {"reject": "maybe"}},
        ],
    }  # fmt: skip
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_spec(spec, REGISTRY)
    told = "\n".join(caught.value.problems)
    assert "$.nodes[0]" in told
    assert "$.nodes[1].wait_for_signal" in told
    assert "$.nodes[2].approval" in told


async def test_a_builder_says_the_same(runtime: Runtime, clock: MockClock) -> None:
    builder = WorkflowBuilder("built").add_input("seconds", float).add_input("boss", str)
    builder.add_sleep("nap", "seconds")
    builder.add_sleep_until("past", datetime(2001, 1, 1, tzinfo=UTC), after=["nap"])
    builder.add_wait_for_signal("paid", "paid", Payment, timeout=60, default=None)
    builder.add_template("question", "Wait {seconds}?", arguments={"seconds": "seconds"})
    builder.add_approval("asked", arguments={"question": "question", "by": "boss"}, timeout=3600, after=["past"])
    built = builder.returns(["paid", "asked"]).build()
    run = await runtime.start(built, 5.0, "ann")
    await clock.advance(10)
    await runtime.approve(run.id, who="ann")
    await runtime.signal(run.id, "paid", Payment(3))
    assert await run.result() == [Payment(3), Approval(True, "ann")]


def test_what_a_builder_cant_wait_for_is_told() -> None:
    builder = WorkflowBuilder("built")
    builder.add_sleep("nap", -5)
    builder.add_wait_for_signal("paid", "", int)
    builder.add_approval("asked", arguments={"who": "nobody"})
    with pytest.raises(InvalidWorkflow) as caught:
        builder.build()
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("language", ["text", "mermaid", "dot"])
def test_it_is_drawn(language: str) -> None:
    drawing = getattr(everything.compile(), language)()
    assert "waits for signal" in drawing
    assert "waits for a time" in drawing
    assert "waits for an approval" in drawing
