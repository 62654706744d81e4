"""What the tests of worker processes have called in them."""

from __future__ import annotations

import inspect
import os
import signal
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec

from actorflow.plan.spec import StepSpec
from actorflow.policy import Halt, TryAgain
from tests.runtime.door import knock


class Trip(msgspec.Struct):
    city: str
    start: datetime


def spec_of(function: Any, returns: Any, *types: Any) -> StepSpec:
    signature = inspect.signature(function)
    arguments = tuple(zip(signature.parameters, types, strict=True))
    return StepSpec(function.__name__, function, signature, "process", returns, arguments=arguments)


def _postpone(trip: Trip, *days: int, note: str) -> Trip:
    assert isinstance(trip, Trip)
    return Trip(f"{trip.city} {note}", trip.start + timedelta(days=sum(days)))


SPEC = spec_of(_postpone, Trip, Trip, int, str)
postpone = SimpleNamespace(spec=SPEC)


def add(left: int, right: int) -> int:
    return left + right


def process_id() -> int:
    return os.getpid()


def say(text: str) -> None:
    print(text)


def fail(text: str) -> None:
    error = ConnectionResetError(text)
    error.add_note("a note")
    raise error


class Odd(LookupError):
    """Known in the worker alone."""


def fail_oddly(text: str) -> None:
    raise Odd(text)


def fail_together() -> None:
    raise ExceptionGroup("both", [ConnectionResetError("one"), ExceptionGroup("in", [BrokenPipeError("two")])])


def ask_again(after: float | None) -> None:
    raise TryAgain("busy", after=after)


def ask_again_because() -> None:
    raise TryAgain(ConnectionResetError("gone"))


def ask_again_together() -> None:
    raise ExceptionGroup("both", [TryAgain("soon", after=1), TryAgain("later", after=5), TryAgain("whenever")])


def halt(value: int | None) -> int | None:
    raise Halt(value)


def not_encodable() -> object:
    return object()


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


def wait_at(path: str) -> str:
    return knock(path)


def echo(data: str) -> str:
    return data


def in_worker() -> bool:
    from actorflow.runtime import process_worker

    return process_worker.IN_WORKER


def interrupted_and_well() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "well"
