"""The public functions of a store, written once: each checks what it's given and makes a request of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any, Self, TypeVar

from actorflow.errors import InvalidState
from actorflow.store.base import Attempt, Claim, Scheduled, StepRun, StepStatus, Store
from actorflow.store.given import claim, data, name, text
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompletedOutputs,
    CompletedSteps,
    CompleteStep,
    CompleteUndo,
    CreateRun,
    FailStep,
    FailUndo,
    GetRun,
    GetStepRun,
    ListAttempts,
    LoseAttempt,
    Request,
    ScheduleStep,
    StepStatuses,
)
from actorflow.store.run_face import RunFace
from actorflow.store.runs import RunRecord

T = TypeVar("T")


class StoreFace(RunFace):
    """What all stores of this package have in common; see `Store` for what each function does."""

    def beside(self) -> Store:
        raise InvalidState(f"{self!r} can't be used by two loops")

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(self, *exc: object) -> None: ...

    @abstractmethod
    def _ask_all(self, requests: Sequence[Request[Any]], /) -> Awaitable[list[Any]]: ...

    async def together(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        """What the other functions do, many at once: in order, for one wait, and in one transaction if they are about single runs.

        One that is refused has its error in its answer's place, and the others stand. What is in the requests isn't checked: they are made by code
        that knows what it keeps.
        """
        return await self._ask_all(requests)

    async def create_run(self, *, run_id: str, workflow: str, inputs: bytes) -> RunRecord:
        request = CreateRun(name("run_id", run_id), name("workflow", workflow), data("inputs", inputs))
        return await self._ask(request)

    async def get_run(self, run_id: str) -> RunRecord:
        return await self._ask(GetRun(name("run_id", run_id)))

    async def schedule_step(self, run_id: str, step: str, input: bytes) -> Scheduled:
        return await self._ask(ScheduleStep(name("run_id", run_id), name("step", step), data("input", input)))

    async def begin_step(self, run_id: str, step: str, input: bytes, *, worker: str = "") -> Claim:
        given = name("run_id", run_id), name("step", step), data("input", input), text("worker", worker)
        return await self._ask(BeginStep(*given))

    async def complete_step(self, step_run_id: str, output: bytes, *, token: int | None = None) -> StepRun:
        return await self._ask(CompleteStep(text("step_run_id", step_run_id), claim(token), data("output", output)))

    async def fail_step(self, step_run_id: str, error: bytes, *, token: int | None = None) -> StepRun:
        return await self._ask(FailStep(text("step_run_id", step_run_id), claim(token), data("error", error)))

    async def lose_attempt(self, step_run_id: str, *, token: int | None = None) -> StepRun:
        return await self._ask(LoseAttempt(text("step_run_id", step_run_id), claim(token)))

    async def begin_undo(self, run_id: str, step: str, *, worker: str = "", unknown: bool = False) -> Claim:
        given = name("run_id", run_id), name("step", step), text("worker", worker)
        return await self._ask(BeginUndo(*given, unknown))

    async def complete_undo(self, step_run_id: str, *, token: int | None = None) -> StepRun:
        return await self._ask(CompleteUndo(text("step_run_id", step_run_id), claim(token)))

    async def fail_undo(self, step_run_id: str, error: bytes, *, token: int | None = None) -> StepRun:
        return await self._ask(FailUndo(text("step_run_id", step_run_id), claim(token), data("error", error)))

    async def get_step_run(self, run_id: str, step: str) -> StepRun | None:
        return await self._ask(GetStepRun(name("run_id", run_id), name("step", step)))

    async def step_statuses(self, run_id: str) -> dict[str, StepStatus]:
        return await self._ask(StepStatuses(name("run_id", run_id)))

    async def completed_steps(self, run_id: str) -> list[str]:
        return await self._ask(CompletedSteps(name("run_id", run_id)))

    async def completed_outputs(self, run_id: str) -> list[bytes]:
        return await self._ask(CompletedOutputs(name("run_id", run_id)))

    async def attempts(self, step_run_id: str) -> list[Attempt]:
        return await self._ask(ListAttempts(text("step_run_id", step_run_id)))
