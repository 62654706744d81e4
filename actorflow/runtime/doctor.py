"""Is there something that will move every unfinished run? If not, it is named, with the reason and what to do.

What moves a run: a live runtime that has it, and something of it that goes on there, waits for a time, or for somebody; a runtime that may take it over
and will; the time at which it wants to be taken up again. One that was halted waits for a person, and isn't unfinished.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from actorflow.runtime.explaining import Here, at, moment, named
from actorflow.runtime.motion import PATIENCE, seems_still
from actorflow.runtime.neighbours import is_dead
from actorflow.runtime.views import Finding
from actorflow.store import ListMessages, RunMessage, RunRecord, RuntimeRecord

if TYPE_CHECKING:
    from actorflow.runtime.office import Office

UNFINISHED: Final = ("halting", "rolling_back", "running", "undoing")
PAGE: Final = 200


class Ward(msgspec.Struct, frozen=True):
    """What all runs are examined with."""

    runtimes: Mapping[int, RuntimeRecord]
    now: float
    here: Here

    def is_alive(self, number: int | None) -> bool:
        owner = self.runtimes.get(number) if number is not None else None
        return owner is not None and self.lives(owner)

    def lives(self, runtime: RuntimeRecord) -> bool:
        """A process of this machine that is gone needn't be waited for."""
        return runtime.expires >= self.now and not is_dead(runtime.name)

    @property
    def living(self) -> int:
        return sum(map(self.lives, self.runtimes.values()))


async def examine(office: Office) -> list[Finding]:
    """In the order in which the runs were created, newest first. A run that has ended meanwhile isn't among them."""
    ward = Ward({one.number: one for one in await office.store.runtimes()}, office.clock.time(), office.here)
    return [
        finding
        async for run, messages in unfinished(office)
        if (finding := await confirmed(office, ward, run, messages))
    ]


async def unfinished(office: Office) -> AsyncIterator[tuple[RunRecord, Sequence[RunMessage]]]:
    after: str | None = None
    while True:
        page = await office.store.list_runs(status=UNFINISHED, limit=PAGE, after=after)
        mail = await office.store.together([ListMessages(None, run.run_id) for run in page.runs]) if page.runs else []
        for run, messages in zip(page.runs, mail, strict=True):
            yield run, () if isinstance(messages, BaseException) else messages
        after = page.next
        if after is None:
            return


async def confirmed(office: Office, ward: Ward, run: RunRecord, messages: Sequence[RunMessage]) -> Finding | None:
    """What stands in two looks at the run: between them it may have moved."""
    if finding_of(ward, run, messages) is None and not await rests_elsewhere(office, ward, run):
        return None
    again = await office.store.get_run(run.run_id)
    if again.status not in UNFINISHED:
        return None
    if (finding := finding_of(ward, again, messages)) is not None:
        return finding
    return (
        of_a_still_run(ward, again) if again.tail == run.tail and await rests_elsewhere(office, ward, again) else None
    )


async def rests_elsewhere(office: Office, ward: Ward, run: RunRecord) -> bool:
    """Whether a live runtime that isn't this one has it, and by what is recorded nothing of it goes on or waits, for a while."""
    if not ward.is_alive(run.owner) or ward.here.is_here(run.run_id) or ward.now - run.updated <= PATIENCE:
        return False
    return seems_still((await office.inspect(run.run_id)).steps, ward.now - PATIENCE)


def of_a_still_run(ward: Ward, run: RunRecord) -> Finding:
    owner = "this runtime" if ward.here.is_here(run.run_id) else named(ward.runtimes[run.owner or 0])
    what = f"{owner} has it, and nothing of it goes on or waits since {moment(run.updated)}"
    return found(
        run,
        "still",
        what,
        "Look into that runtime's log, and at its middleware. When it is left, another one takes the run over.",
    )


def finding_of(ward: Ward, run: RunRecord, messages: Sequence[RunMessage]) -> Finding | None:
    if run.problem is not None:
        then = "Start a runtime with the workflow as it was, then have the run taken over again: release()."
        return found(run, "left_alone", f"it was left alone: {run.problem.splitlines()[0]}", then)
    if ward.is_alive(run.owner):
        return of_a_live_owner(ward, run, messages)
    if run.owner is None and run.wake is not None and run.wake > ward.now:
        return None
    return None if ward.here.takes(run.workflow) else of_nobody(ward, run)


def of_a_live_owner(ward: Ward, run: RunRecord, messages: Sequence[RunMessage]) -> Finding | None:
    owner = ward.runtimes[run.owner] if run.owner is not None else None
    assert owner is not None
    if ward.here.has_lost(run.run_id, owner.number):
        return found(
            run, "lost", "this runtime has it, and doesn't run it", "Leave the runtime: another one takes the run over."
        )
    waiting = next((one for one in messages if ward.now - one.posted > PATIENCE), None)
    if waiting is None:
        return of_a_still_run(ward, run) if ward.here.is_still(run.run_id) else None
    what = f"{named(owner)} has it, and hasn't taken in the {waiting.kind!r} that came {at(waiting.posted)}"
    return found(
        run,
        "deaf",
        what,
        "Look into that runtime: its event loop may be blocked. If it is ended, another one takes its runs over.",
    )


def of_nobody(ward: Ward, run: RunRecord) -> Finding | None:
    """It may be taken over. Will it?"""
    owner = ward.runtimes.get(run.owner) if run.owner is not None else None
    since = run.updated if owner is None else min(owner.expires, ward.now)
    had = "nobody has it since" if owner is None else f"{named(owner)} had it until {ends_of(owner, ward)},"
    if not ward.living:
        then = f"Start one that knows {run.workflow!r}: it takes the run over."
        return found(run, "no_runtime", f"{had} {moment(since)}, and no runtime is alive", then)
    if ward.now - since <= PATIENCE:
        return None
    alive = (
        "the runtime that is alive doesn't"
        if ward.living == 1
        else f"none of the {ward.living} runtimes that are alive does"
    )
    return found(
        run, "unknown", f"{had} {moment(since)}; {alive} take it", f"Give one of them its workflow, {run.workflow!r}."
    )


def ends_of(owner: RuntimeRecord, ward: Ward) -> str:
    return "its lease lapsed" if owner.expires < ward.now else "its process ended, before"


def found(run: RunRecord, kind: str, what: str, then: str) -> Finding:
    return Finding(run.run_id, run.workflow, run.status, kind, what, then)
