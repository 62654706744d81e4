"""Steps of worker processes, which find them by module and name."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from actorflow import InvalidState, Resource, StepContext, Workflow, step, step_context, workflow
from tests.runtime.door import knock

WHO: ContextVar[str] = ContextVar("who", default="nobody")
CARDS = Resource[str]("cards")
LEFT_BEHIND: list[StepContext] = []


@step(mode="process")
def tell_place() -> dict[str, Any]:
    here = step_context()
    return {
        "run": here.run_id,
        "node": here.node,
        "attempt": here.attempt,
        "key": here.idempotency_key,
        "step key": here.step_key,
        "context": dict(here.context),
        "cancelled": here.cancelled,
    }


@step(mode="process")
def log_something(text: str) -> None:
    step_context().log.info(text)


@step(mode="process")
def tell_progress() -> None:
    here = step_context()
    here.progress(1, 3)
    here.heartbeat({"page": 7})
    here.progress(2)
    here.heartbeat()


@step(mode="process")
def tell_what_cant_be_sent() -> None:
    step_context().heartbeat(object())


@step(mode="process")
def leave_context_behind() -> int:
    LEFT_BEHIND.append(step_context())
    return os.getpid()


@step(mode="process")
def speak_for_another(process: int) -> bool:
    assert process == os.getpid()
    LEFT_BEHIND[0].progress(1)
    return step_context() is not LEFT_BEHIND[0]


@workflow
def child() -> None:
    log_something("never")


async def run_child(flow: Workflow[[], None]) -> None:
    await step_context().run(flow)


@step(mode="process")
def start_children() -> list[str]:
    here = step_context()
    return [
        why_not(lambda: here.run_blocking(child)),
        why_not(lambda: here.options(detached=True)),
        why_not(lambda: run_child(child).send(None)),
    ]


def why_not(start: Callable[[], object]) -> str:
    try:
        start()
    except InvalidState as error:
        return str(error)
    return "started"


@step(mode="process")
def change_variable() -> str:
    before = WHO.get()
    WHO.set("changed")
    return f"{before} in {os.getpid()}"


@step(mode="process")
def use_resource() -> str:
    return CARDS.get()


@step(mode="process")
def use_own_resource() -> str:
    with CARDS.provide("of its own"):
        return CARDS.get()


@step(mode="process")
def wait_at(path: str) -> str:
    return knock(path, str(os.getpid()))


@step(mode="process")
def has_a_context() -> bool:
    return isinstance(step_context(), StepContext)
