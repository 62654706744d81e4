"""Answers requests from tables: the rules find what changes, the tables keep it. One function per request, for every store alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar, cast

from actorflow.errors import ActorflowError, RecordNotFound
from actorflow.store import rules
from actorflow.store import run_answers as runs
from actorflow.store.base import Attempt, Claim, Scheduled, StepRun, StepStatus
from actorflow.store.projection import project
from actorflow.store.requests import (
    Append,
    BeginStep,
    BeginUndo,
    ClaimRuns,
    CompletedOutputs,
    CompletedSteps,
    CompleteStep,
    CompleteUndo,
    CountRuns,
    CreateRun,
    DeleteRun,
    End,
    FailStep,
    FailUndo,
    GetRun,
    GetStepRun,
    Join,
    LabelRun,
    Leave,
    ListAttempts,
    ListMessages,
    ListNotes,
    ListRuns,
    ListRuntimes,
    ListSchedules,
    LoseAttempt,
    MoveSchedule,
    OpenRun,
    OpenSchedule,
    Post,
    Purge,
    ReadTurns,
    ReleaseRun,
    Renew,
    Request,
    ScheduleStep,
    StepStatuses,
    TakeNote,
)
from actorflow.store.row import Key, Row, latest_attempt, number_in, numbered
from actorflow.store.run_answers import number_of
from actorflow.store.tables import MustWrite, Tables

T = TypeVar("T")


def answer(tables: Tables, request: Request[T]) -> T:
    """Raises what the request is refused with; then nothing has changed."""
    return cast("T", ANSWERS[type(request)](tables, request))


def answered(tables: Tables, request: Request[Any]) -> Any:
    """The answer, or what the request is refused with. What the database itself refuses concerns the whole transaction."""
    try:
        return ANSWERS[type(request)](tables, request)
    except ActorflowError as error:
        return error


# ── runs that have done something ─────────────────────────────────────────────────────────────────────────────────────


def caught_up(tables: Tables, run_id: str) -> int:
    """The run's number, after step runs were made of all that it did."""
    run = number_of(tables, run_id)
    catch_up(tables, run, run_id)
    return run


def catch_up(tables: Tables, run: int, run_id: str) -> bool:
    """Whether there was anything that no step runs were made of."""
    backlog = tables.backlog(run)
    if backlog and not tables.may_write:
        raise MustWrite
    if backlog:
        project(tables, run, run_id, backlog)
        tables.keep_projected(run, len(backlog))
    return bool(backlog)


# ── writes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def schedule_step(tables: Tables, request: ScheduleStep) -> Scheduled:
    run = caught_up(tables, request.run_id)
    row = tables.row_of(Key(run, request.step))
    if row is not None:
        return kept(tables, row, rules.schedule_again(row))
    return added(tables, rules.schedule_new(tables.next_number(), run, request))


def begin_step(tables: Tables, request: BeginStep) -> Claim:
    run = caught_up(tables, request.run_id)
    row = tables.row_of(Key(run, request.step))
    if row is not None:
        return kept(tables, row, rules.begin_step(row, request, tables.now()))
    return added(tables, rules.begin_new(tables.next_number(), run, request, tables.now()))


def begin_undo(tables: Tables, request: BeginUndo) -> Claim:
    row = tables.row_of(Key(caught_up(tables, request.run_id), request.step))
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
    if row is not None and catch_up(tables, row.key.run, row.step_run.run_id):
        row = tables.row(row.number)
    if row is None:
        raise RecordNotFound(f"the store has no step run {step_run_id!r}")
    return row


# ── reads ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def get_step_run(tables: Tables, request: GetStepRun) -> StepRun | None:
    row = tables.row_of(Key(caught_up(tables, request.run_id), request.step))
    return row.step_run if row is not None else None


def step_statuses(tables: Tables, request: StepStatuses) -> dict[str, StepStatus]:
    rows = tables.rows(caught_up(tables, request.run_id))
    return dict(sorted((row.key.step, row.step_run.status) for row in rows))


def completed(tables: Tables, run_id: str) -> list[StepRun]:
    rows = tables.rows(caught_up(tables, run_id))
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
        Append: runs.append,
        OpenRun: runs.open_run,
        CreateRun: runs.create_run,
        GetRun: runs.get_run,
        ListRuns: runs.list_runs,
        CountRuns: runs.count_runs,
        LabelRun: runs.label_run,
        DeleteRun: runs.delete_run,
        Purge: runs.purge,
        Join: runs.join,
        Renew: runs.renew,
        Leave: runs.leave,
        ListRuntimes: runs.list_runtimes,
        ClaimRuns: runs.claim_runs,
        ReleaseRun: runs.release_run,
        ReadTurns: runs.read_turns,
        Post: runs.post,
        ListMessages: runs.list_messages,
        TakeNote: runs.take_note,
        ListNotes: runs.list_notes,
        OpenSchedule: runs.open_schedule,
        MoveSchedule: runs.move_schedule,
        ListSchedules: runs.list_schedules,
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
