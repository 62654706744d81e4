"""What a store is asked, as messages: one per public function, each naming the type of its answer."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

import msgspec

from actorflow.store.base import Attempt, Claim, RunRecord, Scheduled, StepRun, StepStatus

T_co = TypeVar("T_co", covariant=True)


class Request(msgspec.Struct, Generic[T_co], frozen=True, gc=False):
    """`T_co` is the answer's type; `writes` says whether it may change anything."""

    writes: ClassVar[bool] = True


class CreateRun(Request[RunRecord], frozen=True, gc=False):
    run_id: str
    workflow: str
    inputs: bytes


class ScheduleStep(Request[Scheduled], frozen=True, gc=False):
    run_id: str
    step: str
    input: bytes


class BeginStep(Request[Claim], frozen=True, gc=False):
    run_id: str
    step: str
    input: bytes
    worker: str


class BeginUndo(Request[Claim], frozen=True, gc=False):
    run_id: str
    step: str
    worker: str
    unknown: bool


class End(Request[StepRun], frozen=True, gc=False):
    """The end of a claim: `value` is the output or the error."""

    step_run_id: str
    token: int | None
    value: bytes | None = None


class CompleteStep(End, frozen=True, gc=False): ...


class FailStep(End, frozen=True, gc=False): ...


class CompleteUndo(End, frozen=True, gc=False): ...


class FailUndo(End, frozen=True, gc=False): ...


class LoseAttempt(End, frozen=True, gc=False): ...


class GetRun(Request[RunRecord], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


class GetStepRun(Request[StepRun | None], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str
    step: str


class StepStatuses(Request[dict[str, StepStatus]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


class CompletedSteps(Request[list[str]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


class CompletedOutputs(Request[list[bytes]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


class ListAttempts(Request[list[Attempt]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    step_run_id: str
