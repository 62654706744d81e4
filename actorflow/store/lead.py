"""The part of a run's record that changes, and what may become of it. Pure: a lead and a request in, a change out."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from actorflow.errors import InvalidState, LeaseExpired
from actorflow.store.requests import Append
from actorflow.store.runs import ENDED, UNFINISHED, RunChange, RunRecord


class Lead(msgspec.Struct, frozen=True, gc=False):
    """`number` is the store's own for the run; see `RunRecord` for the rest."""

    number: int
    run_id: str
    status: str
    updated: float
    ended: float | None
    owner: int | None
    wake: float | None
    problem: str | None
    tail: int


class Move(msgspec.Struct, frozen=True, gc=False):
    """A lead as it is from now on. `result` and `failure` are written where they're given; `clears`: there are none any more."""

    lead: Lead
    result: bytes | None = None
    failure: bytes | None = None
    clears: bool = False


def lead_of(number: int, run: RunRecord) -> Lead:
    times = run.updated, run.ended
    return Lead(number, run.run_id, run.status, *times, run.owner, run.wake, run.problem, run.tail)


def led(run: RunRecord, move: Move) -> RunRecord:
    """The whole record after a move."""
    now = move.lead
    return replace(
        run,
        status=now.status,
        updated=now.updated,
        ended=now.ended,
        owner=now.owner,
        wake=now.wake,
        problem=now.problem,
        result=None if move.clears else run.result if move.result is None else move.result,
        failure=None if move.clears else run.failure if move.failure is None else move.failure,
    )


def is_repeated(lead: Lead, request: Append) -> bool:
    """Whether it may be that this very append was made already; it is if the turns are the same. Its runtime may have given the run up with it."""
    return request.sequence == lead.tail > 0 and lead.owner in {None, request.owner}


def check_append(lead: Lead, request: Append) -> None:
    check_owner(lead, request.owner)
    if request.sequence != lead.tail + 1:
        raise InvalidState(
            f"turns {request.sequence} of run {lead.run_id!r} are refused: {lead.tail} are recorded"
            "\nRead them again: somebody has written others."
        )


def check_owner(lead: Lead, owner: int) -> None:
    if lead.owner != owner:
        raise LeaseExpired(owner, lead.run_id, lead.owner)


def changed(lead: Lead, change: RunChange, now: float) -> Move:
    status = lead.status if change.status is None else change.status
    ends = change.status in ENDED
    after = replace(
        lead,
        status=status,
        updated=now,
        ended=now if ends else None if change.status is not None else lead.ended,
        owner=None if ends or change.release else lead.owner,
        wake=change.wake if change.release else lead.wake,
    )
    if ends:
        return Move(after, change.result, change.failure)
    clears = change.status is not None and change.status != "undoing" and lead.ended is not None
    return Move(after, clears=clears)


def both(first: Move, then: Move) -> Move:
    """Two moves of one run within a transaction."""
    if then.clears:
        return then
    result = first.result if then.result is None else then.result
    return Move(then.lead, result, first.failure if then.failure is None else then.failure, first.clears)


def claimed(lead: Lead, owner: int, now: float) -> Move:
    return Move(replace(lead, owner=owner, wake=None, problem=None, updated=now))


def released(lead: Lead, wake: float | None, problem: str | None, now: float) -> Move:
    return Move(replace(lead, owner=None, wake=wake, problem=problem, updated=now))


def woken(lead: Lead) -> Move:
    """Something has come for it: whoever looks next may take it."""
    return Move(replace(lead, wake=None))


def is_claimable(lead: Lead, now: float) -> bool:
    """Whether a runtime may take it that isn't asked for it by name."""
    return (
        lead.owner is None
        and lead.status in UNFINISHED
        and lead.problem is None
        and (lead.wake is None or lead.wake <= now)
    )
