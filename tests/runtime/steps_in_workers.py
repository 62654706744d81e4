"""Steps of worker processes, which find them by module and name."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import msgspec

from actorflow import (
    InvalidState,
    NotSerializable,
    Resource,
    StepContext,
    TryAgain,
    Workflow,
    failure,
    step,
    step_context,
    workflow,
)
from tests.runtime.door import knock

WHO: ContextVar[str] = ContextVar("who", default="nobody")
CARDS = Resource[str]("cards")
LEFT_BEHIND: list[StepContext] = []


class Trip(msgspec.Struct, frozen=True):
    city: str


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


# ── ways to fail ──────────────────────────────────────────────────────────────────────────────────────────────────────


class PaymentError(Exception): ...


@failure
class CardDeclined(PaymentError):
    def __init__(self, code: int, trip: Trip) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.trip = trip


class Expired(PaymentError): ...


class Several(ExceptionGroup[Exception]): ...


def errors() -> dict[str, Exception]:
    return {
        "built in": ConnectionResetError(104, "reset"),
        "ours": NotSerializable("no", path="$.a"),
        "registered": CardDeclined(51, Trip("Oslo")),
        "unknown": Expired("gone"),
        "stop": StopIteration(3),
        "group": ExceptionGroup("both", [Expired("one"), CardDeclined(51, Trip("Oslo"))]),
        "own group": Several("both", [Expired("one"), ConnectionResetError("two")]),
    }


@step(mode="process")
def fail_with(kind: str) -> None:
    raise errors()[kind]


@step(mode="process")
def ask_again_because(kind: str) -> None:
    raise TryAgain(errors()[kind], after=0.0)


@step(mode="process")
def take_anything(value: Any) -> Any:
    return value


@step(mode="process")
def give_what_cant_be_sent() -> Any:
    return object()


def _greet(trip: Trip, *names: str, loud: bool = False) -> Trip:
    return Trip(f"{trip.city} with {' and '.join(names)}{'!' if loud else ''}")


greet = step(name="greet", mode="process")(_greet)


@step(mode="process")
def leave(how: str) -> None:
    match how:
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "SystemExit":
            raise SystemExit(4)
        case _:
            raise KeyboardInterrupt


@step(mode="process")
def leave_once() -> int:
    if step_context().attempt == 1:
        os._exit(3)
    return step_context().attempt
