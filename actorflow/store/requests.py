"""What a store is asked, as messages: one per public function, each naming the type of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from actorflow.store.base import Attempt, Claim, Scheduled, StepRun, StepStatus
from actorflow.store.runs import (
    NewRun,
    Note,
    Opened,
    RunChange,
    RunMessage,
    RunPage,
    RunRecord,
    RuntimeRecord,
    ScheduleRecord,
)

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


# ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Join(Request[int], frozen=True, gc=False):
    name: str
    lease: float


class Renew(Request[bool], frozen=True, gc=False):
    owner: int
    lease: float


class Leave(Request[None], frozen=True, gc=False):
    owner: int


class ListRuntimes(Request[list[RuntimeRecord]], frozen=True, gc=False):
    writes: ClassVar[bool] = False


# ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────────


class OpenRun(Request[Opened], frozen=True, gc=False):
    run: NewRun
    owner: int


class Append(Request[int], frozen=True, gc=False):
    run_id: str
    owner: int
    sequence: int
    turns: bytes
    change: RunChange | None = None
    consumed: Sequence[int] = ()


class ClaimRuns(Request[list[RunRecord]], frozen=True, gc=False):
    owner: int
    limit: int = 100
    run_id: str | None = None
    workflows: Sequence[str] | None = None


class ReleaseRun(Request[None], frozen=True, gc=False):
    run_id: str
    owner: int
    wake: float | None = None
    problem: str | None = None


class ReadTurns(Request[list[bytes]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


# ── looking, and keeping order ────────────────────────────────────────────────────────────────────────────────────────


class ListRuns(Request[RunPage], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    status: Sequence[str] = ()
    workflow: str | None = None
    labels: Mapping[str, str] = {}
    parent: str | None = None
    since: float | None = None
    until: float | None = None
    limit: int = 100
    after: str | None = None


class CountRuns(Request[dict[str, int]], frozen=True, gc=False):
    writes: ClassVar[bool] = False


class LabelRun(Request[Mapping[str, str]], frozen=True, gc=False):
    run_id: str
    labels: Mapping[str, str | None]


class DeleteRun(Request[None], frozen=True, gc=False):
    run_id: str


class Purge(Request[int], frozen=True, gc=False):
    older_than: float
    statuses: Sequence[str]
    limit: int


# ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────────


class Post(Request[int], frozen=True, gc=False):
    run_id: str
    kind: str
    data: bytes


class ListMessages(Request[list[RunMessage]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    owner: int | None
    run_id: str | None


class TakeNote(Request[Note], frozen=True, gc=False):
    run_id: str
    who: str
    what: str
    why: str


class ListNotes(Request[list[Note]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    run_id: str


# ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class OpenSchedule(Request[ScheduleRecord], frozen=True, gc=False):
    name: str
    trigger: str
    since: float


class MoveSchedule(Request[bool], frozen=True, gc=False):
    name: str
    last: float


class ListSchedules(Request[list[ScheduleRecord]], frozen=True, gc=False):
    writes: ClassVar[bool] = False
    name: str | None = None
