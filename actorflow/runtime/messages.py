"""What clients send to the executor, for callers with no Python types at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

from actorflow.actors import Reply
from actorflow.values import Secret


class Started(msgspec.Struct, frozen=True):
    """The run is accepted and goes on."""

    run_id: str


class StartRun(msgspec.Struct, frozen=True):
    """Starts a run of a workflow that the runtime was given, by name; `inputs` are checked and converted strictly (R2).

    `await runtime.executor.ask(StartRun.asking(workflow="book_trip", inputs={"trip": {…}}))` gives `Started`, or raises
    `UnknownWorkflow`, `InvalidInput`, `RunConflict`, `RuntimeBusy`.
    """

    workflow: str
    inputs: Annotated[Mapping[str, Any], Secret]
    run_id: str | None = None
    reply_to: Reply[Started] | None = None

    @classmethod
    def asking(
        cls, *, workflow: str, inputs: Mapping[str, Any], run_id: str | None = None
    ) -> Callable[[Reply[Started]], StartRun]:
        def question(reply: Reply[Started]) -> StartRun:
            return cls(workflow, inputs, run_id, reply)

        return question


class HaltRun(msgspec.Struct, frozen=True):
    run_id: str
    reason: str = ""


class CancelRun(msgspec.Struct, frozen=True):
    run_id: str
    reason: str = ""


class UndoRun(msgspec.Struct, frozen=True):
    run_id: str


class ResumeRun(msgspec.Struct, frozen=True):
    """Goes on with a run that was halted in this runtime."""

    run_id: str
