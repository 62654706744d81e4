"""Answers requests from tables: the rules find what changes, the tables keep it. One function per request, for every store alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, cast

from actorflow.errors import ActorflowError, RecordNotFound, RunConflict
from actorflow.store import rules
from actorflow.store.base import Attempt, Claim, RunRecord, Scheduled, StepRun, StepStatus
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompletedOutputs,
    CompletedSteps,
    CompleteStep,
    CompleteUndo,
    CreateRun,
    End,
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
from actorflow.store.row import Key, Row, latest_attempt, number_in, numbered

T = TypeVar("T")


class Tables(Protocol):
    """What a store keeps. Within one request nobody else changes it."""

    def now(self) -> float: ...

    def run_number(self, run_id: str) -> int | None: ...

    def run(self, run_id: str) -> RunRecord | None: ...

    def add_run(self, run: RunRecord) -> None: ...

    def row(self, number: int) -> Row | None: ...

    def row_of(self, key: Key) -> Row | None: ...

    def rows(self, run: int) -> list[Row]: ...

    def add(self, row: Row) -> None: ...

    def keep(self, row: Row) -> None: ...

    def past_attempts(self, number: int) -> list[Attempt]: ...

    def keep_attempt(self, number: int, attempt: Attempt) -> None: ...

    def next_number(self) -> int:
        """Higher than all before: of a run, a step run or a completion."""
        ...


def answer(tables: Tables, request: Request[T]) -> T:
    """Raises what the request is refused with; then nothing has changed."""
    return cast("T", ANSWERS[type(request)](tables, request))


def answered(tables: Tables, request: Request[Any]) -> Any:
    """The answer, or what the request is refused with. What the database itself refuses concerns the whole transaction."""
    try:
        return ANSWERS[type(request)](tables, request)
    except ActorflowError as error:
        return error


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def create_run(tables: Tables, request: CreateRun) -> RunRecord:
    found = tables.run(request.run_id)
    if found is None:
        created = RunRecord(request.run_id, request.workflow, request.inputs, tables.now())
        tables.add_run(created)
        return created
    if found.workflow != request.workflow:
        raise RunConflict(f"run {found.run_id!r} exists already, of workflow {found.workflow!r}\nUse another run_id.")
    if found.inputs != request.inputs:
        raise RunConflict(f"run {found.run_id!r} exists already, with other inputs\nUse another run_id.")
    return found


def get_run(tables: Tables, request: GetRun) -> RunRecord:
    found = tables.run(request.run_id)
    if found is None:
        raise no_run(request.run_id)
    return found


def number_of(tables: Tables, run_id: str) -> int:
    number = tables.run_number(run_id)
    if number is None:
        raise no_run(run_id)
    return number


def no_run(run_id: str) -> RecordNotFound:
    return RecordNotFound(f"the store has no run {run_id!r}\nCreate it first: create_run(run_id=…).")


# ── writes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def schedule_step(tables: Tables, request: ScheduleStep) -> Scheduled:
    run = number_of(tables, request.run_id)
    row = tables.row_of(Key(run, request.step))
    if row is not None:
        return kept(tables, row, rules.schedule_again(row))
    return added(tables, rules.schedule_new(tables.next_number(), run, request))


def begin_step(tables: Tables, request: BeginStep) -> Claim:
    run = number_of(tables, request.run_id)
    row = tables.row_of(Key(run, request.step))
    if row is not None:
        return kept(tables, row, rules.begin_step(row, request, tables.now()))
    return added(tables, rules.begin_new(tables.next_number(), run, request, tables.now()))


def begin_undo(tables: Tables, request: BeginUndo) -> Claim:
    row = tables.row_of(Key(number_of(tables, request.run_id), request.step))
    if row is None:
        raise RecordNotFound(f"nothing is recorded of step {request.step!r} in run {request.run_id!r}")
    return kept(tables, row, rules.begin_undo(row, request, tables.now()))


def end(tables: Tables, request: End) -> StepRun:
    row = row_of(tables, request.step_run_id)
    completes = type(request) is CompleteStep and row.step_run.status is StepStatus.RUNNING
    sequence = tables.next_number() if completes else 0
    return kept(tables, row, rules.end(row, request, tables.now(), sequence))


def lose_attempt(tables: Tables, request: LoseAttempt) -> StepRun:
    row = row_of(tables, request.step_run_id)
    return kept(tables, row, rules.lose_attempt(row, request, tables.now()))


def added(tables: Tables, change: rules.Change[T]) -> T:
    assert change.row is not None
    tables.add(change.row)
    return change.answer


def kept(tables: Tables, before: Row, change: rules.Change[T]) -> T:
    if change.past is not None:
        tables.keep_attempt(before.number, change.past)
    if change.row is not None:
        tables.keep(change.row)
    return change.answer


def row_of(tables: Tables, step_run_id: str) -> Row:
    number = number_in(step_run_id) if step_run_id else None
    row = tables.row(number) if number is not None else None
    if row is None:
        raise RecordNotFound(f"the store has no step run {step_run_id!r}")
    return row


# ── reads ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def get_step_run(tables: Tables, request: GetStepRun) -> StepRun | None:
    row = tables.row_of(Key(number_of(tables, request.run_id), request.step))
    return row.step_run if row is not None else None


def step_statuses(tables: Tables, request: StepStatuses) -> dict[str, StepStatus]:
    rows = tables.rows(number_of(tables, request.run_id))
    return dict(sorted((row.key.step, row.step_run.status) for row in rows))


def completed(tables: Tables, run_id: str) -> list[StepRun]:
    rows = tables.rows(number_of(tables, run_id))
    found = [row.step_run for row in rows if row.step_run.status is StepStatus.COMPLETED]
    return sorted(found, key=attrgetter("sequence"))


def completed_steps(tables: Tables, request: CompletedSteps) -> list[str]:
    return [each.step for each in completed(tables, request.run_id)]


def completed_outputs(tables: Tables, request: CompletedOutputs) -> list[bytes]:
    return [each.output for each in completed(tables, request.run_id) if each.output is not None]


def list_attempts(tables: Tables, request: ListAttempts) -> list[Attempt]:
    row = row_of(tables, request.step_run_id)
    latest = latest_attempt(row)
    return numbered([*tables.past_attempts(row.number), *([latest] if latest is not None else [])])


ANSWERS: Mapping[type[Request[Any]], Callable[[Tables, Any], Any]] = MappingProxyType(
    {
        CreateRun: create_run,
        GetRun: get_run,
        ScheduleStep: schedule_step,
        BeginStep: begin_step,
        CompleteStep: end,
        FailStep: end,
        LoseAttempt: lose_attempt,
        BeginUndo: begin_undo,
        CompleteUndo: end,
        FailUndo: end,
        GetStepRun: get_step_run,
        StepStatuses: step_statuses,
        CompletedSteps: completed_steps,
        CompletedOutputs: completed_outputs,
        ListAttempts: list_attempts,
    }
)
