"""What a runtime with a store does for its operator, beyond what the store alone can: it runs what has to be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actorflow.errors import InvalidState, RecordNotFound, UndoFailed
from actorflow.plan import wait_for
from actorflow.runtime.again import Again, Repeating
from actorflow.runtime.entry_fields import wait_of
from actorflow.runtime.explaining import Here, moment, named
from actorflow.runtime.handle import Run
from actorflow.runtime.motion import is_still
from actorflow.runtime.office import Office
from actorflow.runtime.signals import answer_here, check_value, nobody_waits_for, send_here, written_letter

if TYPE_CHECKING:
    from actorflow.outcome import Approval
    from actorflow.plan import StepSpec
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.permit_pool import PoolStatus
    from actorflow.runtime.row import Row
    from actorflow.runtime.views import Explanation, HistoryEntry, RunView
    from actorflow.store import RunRecord


ROLLED_BACK = frozenset({"failed", "cancelled", "undone"})


class OfficeHere(Office):
    def __init__(self, machine: Machine, keeper: Keeper) -> None:
        services = machine.services
        super().__init__(
            keeper.store, codec=services.values.codec, clock=services.clock, here=KnownHere(machine), who=keeper.worker
        )
        self.machine = machine
        self.keeper = keeper

    async def poke(self) -> None:
        await self.keeper.mail.look()

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def inspect(self, run_id: str, *, values: bool = False) -> RunView:
        self.check_recorded(run_id)
        return await super().inspect(run_id, values=values)

    async def explain(self, run_id: str) -> Explanation:
        self.check_recorded(run_id)
        return await super().explain(run_id)

    async def history(self, run_id: str) -> list[HistoryEntry]:
        self.check_recorded(run_id)
        return await super().history(run_id)

    def check_recorded(self, run_id: str) -> None:
        if self.machine.is_unrecorded(run_id):
            raise RecordNotFound(
                f'nothing is recorded of run {run_id!r}: its durability is "none"\nIts handle and its events tell of it: runtime.get({run_id!r}).'
            )

    async def note(self, run_id: str, what: str, who: str, why: str) -> None:
        """Of a run that isn't recorded no notes are either."""
        if not self.machine.is_unrecorded(run_id):
            await super().note(run_id, what, who, why)

    # ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, run_id: str, reason: str, who: str) -> None:
        """One that isn't stored yet is told directly."""
        if is_only_here(self.machine, run_id):
            self.machine.cancel_run(run_id, reason)
        else:
            await super().cancel(run_id, reason, who)

    async def halt(self, run_id: str, reason: str, who: str) -> None:
        if is_only_here(self.machine, run_id):
            self.machine.halt_run(run_id, reason)
        else:
            await super().halt(run_id, reason, who)

    async def signal(self, run_id: str, signal: str, value: Any, what: str, who: str, why: str) -> None:
        if is_only_here(self.machine, run_id):
            send_here(self.machine, run_id, signal, value)
        else:
            await super().signal(run_id, signal, value, what, who, why)

    async def answer(self, run_id: str, name: str | None, answer: Approval) -> None:
        if is_only_here(self.machine, run_id):
            answer_here(self.machine, run_id, name, answer)
        else:
            await super().answer(run_id, name, answer)

    def letter(self, run: RunRecord, signal: str, value: Any) -> bytes:
        """Checked here already, if the workflow is known here."""
        workflow = self.machine.known.workflows.get(run.workflow)
        if workflow is None:
            return super().letter(run, signal, value)
        plan, row = self.machine.known.plan_of(workflow), self.machine.rows.get(run.run_id)
        wait = wait_for(plan, signal) if row is None else wait_of(row, signal)
        if wait is None:
            raise nobody_waits_for(plan, signal)
        check_value(run.run_id, signal, wait, value)
        return written_letter(signal, self.keeper.desk.encode(value, wait.takes, f"signal {signal!r}"))

    async def cancel_halted(self, run: RunRecord, reason: str, who: str) -> None:
        """R20: what it did is taken back from where it stands."""
        await self.machine.resuming.take_back(run.run_id, reason)
        await self.note(run.run_id, "cancel", who, reason)

    # ── going on ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def resolve(self, run_id: str, answers: Mapping[str, Any], who: str, why: str) -> Run[Any]:
        """A halted run goes on with what was decided for the steps that were set aside (R49); one that was rolled back, with its undos (R52)."""
        record = await self.keeper.record(run_id)
        if record.status in ROLLED_BACK:
            run = await self.machine.resuming.undo_again(run_id, answers)
        else:
            run = await self.machine.resuming.resume_known(run_id, answers)
        told = ", ".join(f"{step}={answer if isinstance(answer, str) else 'skip'}" for step, answer in answers.items())
        await self.note(run_id, f"resolve {told}" if told else "resume", who, why)
        return run

    async def take_over(self, run_id: str, who: str, why: str) -> Run[Any]:
        """An unfinished run that nobody has goes on here."""
        record = await self.keeper.record(run_id)
        if record.ended is not None:
            raise InvalidState(f"run {run_id!r} has {record.status}: there is nothing to take over")
        run = self.machine.find(run_id) or await self.keeper.attach(
            record, self.machine.known.plan_named(record.workflow)
        )
        if run_id not in self.machine.rows:
            raise InvalidState(not_taken(await self.inspect(run_id)))
        await self.note(run_id, "take over", who, why)
        return run

    async def undo(self, run_id: str, who: str, why: str) -> None:
        """R26. Noted when it is done, or when something couldn't be undone."""
        run = await self.run_of(run_id)
        try:
            await self.machine.undoing.undo(run)
        except UndoFailed:
            await self.note(run_id, "undo", who, why)
            raise
        await self.note(run_id, "undo", who, why)

    async def again(self, run_id: str, how: Again, who: str, why: str) -> Run[Any]:
        """A new run of what was run before. Both have a note of it."""
        record = await self.keeper.record(run_id)
        if record.ended is None or record.status == "halted":
            raise InvalidState(
                f"run {run_id!r} is {record.status.replace('_', ' ')}\nOne that has ended for good is run again; a halted one is resumed."
            )
        if how.word == "retry" and record.status not in ("failed", "cancelled"):
            raise InvalidState(
                f"run {run_id!r} has {record.status}: there is nothing to retry\nreplay() runs it again."
            )
        run = await Repeating(self.machine, self.keeper).run(run_id, how)
        await self.note(run_id, f"{how.word} as {run.id}", who, why)
        await self.note(run.id, f"{how.word} of {run_id}", who, why)
        return run

    async def run_of(self, run_id: str) -> Run[Any]:
        """The run, wherever it is. Raises `RecordNotFound`, and `UnknownWorkflow` if its outcome can't be told here."""
        return self.machine.find_current(run_id) or await self.keeper.stored_run(run_id)


def not_taken(view: RunView) -> str:
    """Why the run doesn't go on here."""
    if view.problem is not None:
        return view.problem
    if view.owner is None:
        return f"run {view.run_id!r} goes on in another runtime"
    until = moment(view.owner.expires)
    return (
        f"run {view.run_id!r} goes on in {named(view.owner)}"
        f"\nIt has a lease until {until}. If it's gone, the run may be taken over from then on."
    )


def is_only_here(machine: Machine, run_id: str) -> bool:
    """Whether the run is one of this runtime, and its store doesn't know it: it isn't recorded, or waits for its first commit, or for middleware."""
    if machine.is_unrecorded(run_id):
        return True
    row = machine.rows.get(run_id)
    return row is not None and row.journal is not None and row.journal.sequence == 0


class KnownHere(Here):
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def knows(self, workflow: str) -> bool:
        return workflow in self.machine.known.workflows

    def is_here(self, run_id: str) -> bool:
        return run_id in self.machine.rows

    def takes(self, workflow: str) -> bool:
        return self.machine.config.takes_over and not self.machine.is_closing and self.knows(workflow)

    def has_lost(self, run_id: str, owner: int) -> bool:
        keeper = self.machine.keeper
        return keeper is not None and keeper.owner == owner and run_id not in self.machine.rows

    def is_still(self, run_id: str) -> bool:
        row = self.machine.rows.get(run_id)
        return row is not None and is_still(self.machine, row)

    def pools_of(self, run_id: str, workflow: str, step: str) -> Sequence[PoolStatus | str]:
        row = self.machine.rows.get(run_id)
        limits = {spec.limit.name for spec in self.limits(row, workflow, step)}
        if row is None:
            return sorted(limits)
        return [pool for pool in self.machine.permits.status() if pool.name in limits]

    def orphans_of(self, run_id: str) -> Mapping[str, Sequence[str]]:
        return self.machine.permits.orphans(run_id)

    def limits(self, row: Row | None, workflow: str, step: str) -> Sequence[Any]:
        spec = spec_here(row, step) if row is not None else self.spec(workflow, step)
        return () if spec is None else spec.limits

    def spec(self, workflow: str, step: str) -> StepSpec | None:
        plan = self.machine.known.plans.get(workflow)
        if plan is None or step not in plan.names:
            return None
        return plan.steps[plan.names.index(step)]


def spec_here(row: Row, step: str) -> StepSpec | None:
    return next((row.step(node) for node in nodes_of(row) if row.name(node) == step), None)


def nodes_of(row: Row) -> Iterator[int]:
    return (node for node in range(len(row.state.status)) if row.name(node))


def office_of(machine: Machine) -> OfficeHere:
    """Raises `InvalidState` for a runtime without a store."""
    if machine.keeper is None:
        raise InvalidState(
            "the runtime has no store, so nothing is recorded of its runs\nGive it one: Runtime(store=SQLiteStore(path))."
        )
    return OfficeHere(machine, machine.keeper)
