"""Answers what is asked of runs and runtimes, for every store alike; see `answers`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from actorflow.errors import InvalidState, LeaseExpired, RecordNotFound, RunConflict
from actorflow.store import lead as rules
from actorflow.store.lead import Lead
from actorflow.store.requests import (
    Append,
    ClaimRuns,
    CountRuns,
    CreateRun,
    DeleteRun,
    GetRun,
    Join,
    LabelRun,
    Leave,
    ListMessages,
    ListNotes,
    ListRuns,
    ListRuntimes,
    ListSchedules,
    MoveSchedule,
    OpenRun,
    OpenSchedule,
    Post,
    Purge,
    ReadTurns,
    ReleaseRun,
    Renew,
    TakeNote,
)
from actorflow.store.runs import NewRun, Note, Opened, RunMessage, RunPage, RunRecord, RuntimeRecord, ScheduleRecord
from actorflow.store.tables import Tables, place


def no_run(run_id: str) -> RecordNotFound:
    return RecordNotFound(
        f"the store has no run {run_id!r}\nCheck its id, and the store; a run that was deleted is gone."
    )


def number_of(tables: Tables, run_id: str) -> int:
    number = tables.run_number(run_id)
    if number is None:
        raise no_run(run_id)
    return number


def lead_of(tables: Tables, run_id: str) -> Lead:
    lead = tables.lead(run_id)
    if lead is None:
        raise no_run(run_id)
    return lead


def known(tables: Tables, owner: int) -> RuntimeRecord:
    runtime = tables.runtime(owner)
    if runtime is None:
        raise LeaseExpired(owner)
    return runtime


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def create_run(tables: Tables, request: CreateRun) -> RunRecord:
    return opened(tables, NewRun(request.run_id, request.workflow, request.inputs), None).run


def open_run(tables: Tables, request: OpenRun) -> Opened:
    return opened(tables, request.run, known(tables, request.owner).number)


def opened(tables: Tables, new: NewRun, owner: int | None) -> Opened:
    found = tables.run(new.run_id)
    if found is None:
        created = first_record(new, owner, tables.now())
        tables.add_run(created)
        return Opened(created, True)
    if found.workflow != new.workflow:
        raise RunConflict(f"run {found.run_id!r} exists already, of workflow {found.workflow!r}\nUse another run_id.")
    if found.inputs != new.inputs:
        raise RunConflict(f"run {found.run_id!r} exists already, with other inputs\nUse another run_id.")
    return Opened(found, False)


def first_record(new: NewRun, owner: int | None, now: float) -> RunRecord:
    return RunRecord(
        new.run_id, new.workflow, new.inputs, now, new.fingerprint, new.context, dict(new.labels), new.options, new.parent,
        updated=now, owner=owner,
    )  # fmt: skip


def get_run(tables: Tables, request: GetRun) -> RunRecord:
    found = tables.run(request.run_id)
    if found is None:
        raise no_run(request.run_id)
    return found


def list_runs(tables: Tables, request: ListRuns) -> RunPage:
    found = tables.page(request, place(request.after), request.limit + 1)
    more = found[request.limit - 1][0] if len(found) > request.limit else None
    return RunPage([run for _, run in found[: request.limit]], f"{more.created!r}/{more.number}" if more else None)


def count_runs(tables: Tables, request: CountRuns) -> dict[str, int]:
    return tables.count()


def label_run(tables: Tables, request: LabelRun) -> Mapping[str, str]:
    run = get_run(tables, GetRun(request.run_id))
    merged = {**run.labels, **request.labels}
    labels = {name: value for name, value in merged.items() if value is not None}
    tables.keep_labels(number_of(tables, request.run_id), labels, tables.now())
    return labels


def delete_run(tables: Tables, request: DeleteRun) -> None:
    """A runtime whose lease has lapsed is fenced with it: it may think that it still has the run."""
    lead = lead_of(tables, request.run_id)
    if is_alive(tables, lead.owner):
        raise InvalidState(
            f"run {request.run_id!r} is {lead.status}, and runtime {lead.owner} has it\nCancel it first, or wait for it."
        )
    if lead.owner is not None and tables.runtime(lead.owner) is not None:
        tables.drop_runtime(lead.owner)
    tables.drop_runs([lead.number])


def purge(tables: Tables, request: Purge) -> int:
    numbers = tables.purgeable(tables.now() - request.older_than, request.statuses, request.limit)
    tables.drop_runs(numbers)
    return len(numbers)


# ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_alive(tables: Tables, owner: int | None) -> bool:
    runtime = tables.runtime(owner) if owner is not None else None
    return runtime is not None and runtime.expires >= tables.now()


def join(tables: Tables, request: Join) -> int:
    number = tables.next_number()
    tables.keep_runtime(RuntimeRecord(number, request.name, tables.now() + request.lease))
    return number


def renew(tables: Tables, request: Renew) -> bool:
    runtime = tables.runtime(request.owner)
    if runtime is not None:
        tables.keep_runtime(RuntimeRecord(runtime.number, runtime.name, tables.now() + request.lease))
    return runtime is not None


def leave(tables: Tables, request: Leave) -> None:
    if tables.runtime(request.owner) is not None:
        tables.drop_runtime(request.owner)


def list_runtimes(tables: Tables, request: ListRuntimes) -> list[RuntimeRecord]:
    return tables.runtimes()


# ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def append(tables: Tables, request: Append) -> int:
    known(tables, request.owner)
    lead = lead_of(tables, request.run_id)
    if rules.is_repeated(lead, request) and tables.turns_at(lead.number, request.sequence) == request.turns:
        return request.sequence
    rules.check_append(lead, request)
    after = tables.add_turns(lead, request.turns)
    if request.change is not None:
        tables.move(rules.changed(after, request.change, tables.now()))
    if request.consumed:
        tables.drop_messages(lead.number, request.consumed)
    return request.sequence


def claim_runs(tables: Tables, request: ClaimRuns) -> list[RunRecord]:
    """What lapsed runtimes had is nobody's before anything is claimed."""
    known(tables, request.owner)
    now = tables.now()
    for number in tables.lapsed(now, request.owner):
        tables.drop_runtime(number)
    found = claims(tables, request, now)
    for lead in found:
        tables.move(rules.claimed(lead, request.owner, now))
    return [get_run(tables, GetRun(lead.run_id)) for lead in found]


def claims(tables: Tables, request: ClaimRuns, now: float) -> list[Lead]:
    if request.run_id is None:
        return tables.claimable(now, request.limit, request.workflows)
    lead = lead_of(tables, request.run_id)
    is_free = lead.owner is None or lead.owner == request.owner or tables.runtime(lead.owner) is None
    return [lead] if is_free else []


def release_run(tables: Tables, request: ReleaseRun) -> None:
    known(tables, request.owner)
    lead = lead_of(tables, request.run_id)
    rules.check_owner(lead, request.owner)
    tables.move(rules.released(lead, request.wake, request.problem, tables.now()))


def read_turns(tables: Tables, request: ReadTurns) -> list[bytes]:
    return tables.turns(number_of(tables, request.run_id))


# ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────────


def post(tables: Tables, request: Post) -> int:
    run, number = number_of(tables, request.run_id), tables.next_number()
    lead = lead_of(tables, request.run_id)
    if lead.wake is not None:
        tables.move(rules.woken(lead))
    tables.add_message(run, RunMessage(number, request.run_id, request.kind, request.data, tables.now()))
    return number


def list_messages(tables: Tables, request: ListMessages) -> list[RunMessage]:
    if request.run_id is not None:
        return tables.messages_of(number_of(tables, request.run_id))
    assert request.owner is not None
    return tables.messages_for(request.owner)


def take_note(tables: Tables, request: TakeNote) -> Note:
    run = number_of(tables, request.run_id)
    note = Note(tables.next_number(), request.run_id, request.who, request.what, request.why, tables.now())
    tables.add_note(run, note)
    return note


def list_notes(tables: Tables, request: ListNotes) -> list[Note]:
    return tables.notes(number_of(tables, request.run_id))


# ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_schedule(tables: Tables, request: OpenSchedule) -> ScheduleRecord:
    known = tables.schedule(request.name)
    if known is not None and known.trigger == request.trigger:
        return known
    begun = ScheduleRecord(request.name, request.trigger, request.since)
    tables.keep_schedule(begun)
    return begun


def move_schedule(tables: Tables, request: MoveSchedule) -> bool:
    known = tables.schedule(request.name)
    if known is None:
        raise RecordNotFound(f"the store has no schedule {request.name!r}")
    is_news = request.last > known.reached
    if is_news:
        tables.keep_schedule(replace(known, last=request.last))
    return is_news


def list_schedules(tables: Tables, request: ListSchedules) -> list[ScheduleRecord]:
    if request.name is None:
        return tables.schedules()
    known = tables.schedule(request.name)
    return [] if known is None else [known]
