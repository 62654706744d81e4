"""How halted runs go on (R16)."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from actorflow.engine import GONE, UNDO_FAILED, Resume, UndoAgain, needs_arguments_to_be_undone, set_aside
from actorflow.errors import InvalidState, brief, suggest
from actorflow.outcome import Halted
from actorflow.plan import Plan
from actorflow.policy import is_skip
from actorflow.runtime import guardrails
from actorflow.runtime.context import lend
from actorflow.runtime.forms import is_named, is_text, one_of, refuse_others
from actorflow.runtime.handle import Run
from actorflow.runtime.middleware import overrides
from actorflow.runtime.row import Row
from actorflow.runtime.snapshot import check_fits, context_of, inputs_of, read, state_of
from actorflow.values import ValueMismatch, check
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine


NOTHING: Mapping[str, Any] = {}


class Resuming:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def resume(self, workflow: Workflow[..., Any], run: str | bytes, resolve: Mapping[str, Any]) -> Run[Any]:
        self.machine.check_open()
        guardrails.check_workflow(workflow)
        plan = self.machine.known.plan_of(workflow)
        if isinstance(run, bytes):
            return await self.go_on(self.by_snapshot(workflow, plan, run), resolve)
        if self.machine.keeper is not None and not self.machine.is_unrecorded(run):
            return await self.go_on_stored(self.machine.keeper, plan, run, resolve)
        return await self.go_on(self.by_id(plan, run), resolve)

    async def go_on_stored(self, keeper: Keeper, plan: Plan, run_id: str, resolve: Mapping[str, Any]) -> Run[Any]:
        check_is_id(run_id)
        async with keeper.alone(run_id):
            return await self.go_on(await self.stored(keeper, plan, run_id), resolve)

    async def stored(self, keeper: Keeper, plan: Plan, run_id: str) -> Row:
        """The row of a halted run, as the store has it: it may have been halted anywhere (R16)."""
        check_is_id(run_id)
        if run_id in self.machine.rows:
            raise InvalidState(f"run {run_id!r} is going on here")
        record = await keeper.record(run_id)
        if record.workflow != plan.name:
            raise InvalidState(f"run {run_id!r} is one of {record.workflow!r}, not of {plan.name!r}")
        if record.status != "halted":
            raise InvalidState(
                f"run {run_id!r} isn't halted: it {'has' if record.ended else 'is'} {record.status.replace('_', ' ')}"
            )
        return await keeper.take_overs.reclaim(run_id, "halted")

    async def resume_known(self, run_id: str, resolve: Mapping[str, Any] = NOTHING) -> Run[Any]:
        self.machine.check_open()
        keeper = self.machine.keeper
        if keeper is not None and not self.machine.is_unrecorded(run_id):
            workflow = (await keeper.record(run_id)).workflow
            return await self.go_on_stored(keeper, self.machine.known.plan_named(workflow), run_id, resolve)
        run = self.machine.get(run_id)
        row = self.by_id(self.machine.known.plans[run.workflow], run_id)
        return await self.go_on(row, resolve)

    async def take_back(self, run_id: str, reason: str) -> Run[Any]:
        """A halted run that somebody cancels: it is rolled back from where it stands. Raises `InvalidState`, `UnknownWorkflow`."""
        self.machine.check_open()
        keeper = self.machine.keeper
        assert keeper is not None
        plan = self.machine.known.plan_named((await keeper.record(run_id)).workflow)
        async with keeper.alone(run_id):
            row = await self.stored(keeper, plan, run_id)
            return await self.machine.starting.launch(row, Resume(row.id, self.machine.now(), {}, cancelled=reason))

    async def undo_again(self, run_id: str, answers: Mapping[str, Any]) -> Run[Any]:
        """R52: what wasn't undone of a run that was rolled back is tried again, or was dealt with. Raises `InvalidState`, `UnknownWorkflow`."""
        self.machine.check_open()
        keeper = self.machine.keeper
        assert keeper is not None
        async with keeper.alone(run_id):
            record = await keeper.record(run_id)
            self.machine.known.plan_named(record.workflow)
            row = await keeper.take_overs.reclaim(run_id, record.status)
            try:
                message = asked_of(row, answers, self.machine.now())
            except InvalidState:
                await keeper.release(row)
                raise
            return self.machine.enter(row, message)

    async def go_on(self, row: Row, resolve: Mapping[str, Any]) -> Run[Any]:
        try:
            answers = resolved(row, resolve)
        except BaseException:
            if self.machine.keeper is not None and row.journal is not None:
                await self.machine.keeper.release(row)
            raise
        return await self.machine.starting.launch(row, Resume(row.id, self.machine.now(), answers))

    def by_id(self, plan: Plan, run_id: str) -> Row:
        """The row that was kept when the run was halted here."""
        check_is_id(run_id)
        run = self.machine.get(run_id)
        if run.id in self.machine.rows:
            raise InvalidState(f"run {run_id!r} is going on here")
        row = run._row
        if row is None or not isinstance(run._outcome, Halted):
            raise InvalidState(f"run {run_id!r} isn't halted: it has {run.status()}")
        if row.launch.plan is not plan:
            raise InvalidState(f"run {run_id!r} is one of {run.workflow!r}, not of {plan.name!r}")
        return row

    def by_snapshot(self, workflow: Workflow[..., Any], plan: Plan, data: bytes) -> Row:
        """A row made from the bytes. One of a run that is live here is refused."""
        machine = self.machine
        snapshot = read(data)
        check_fits(snapshot, plan)
        if snapshot.run_id in machine.rows:
            raise InvalidState(f"run {snapshot.run_id!r} is going on here, and can't be resumed a second time")
        codec = machine.services.values.codec
        inputs = inputs_of(snapshot, plan, codec)
        state = state_of(snapshot, plan, inputs, codec, machine.now(), machine.services.clock)
        context = copy_context()
        context.run(lend, machine.config.lent)
        row = Row(
            snapshot.run_id,
            workflow,
            state,
            machine.launch_of(plan),
            context,
            inputs,
            context_of(snapshot, codec),
            snapshot.labels,
        )
        row.priority = snapshot.priority
        row.middleware = (*machine.config.middleware, *plan.middleware)
        row.wraps = tuple(one for one in row.middleware if overrides(one, "step"))
        return row


def check_is_id(run_id: object) -> None:
    if not is_text(run_id):
        raise InvalidState(f"a run is resumed by its id or its snapshot, not by {brief(run_id)}")


is_answer = one_of("retry", "fail")


def resolved(row: Row, resolve: Mapping[str, Any]) -> dict[int, Any]:
    """What is to become of the steps that were set aside. Raises `InvalidState` unless each of them is named, and no other."""
    refuse_others("resolve", resolve, "a mapping of steps to answers", is_named)
    aside = {row.name(node): node for node in set_aside(row.state)}
    for name, answer in resolve.items():
        if name not in aside:
            raise InvalidState(f"no step {name!r} of run {row.id!r} was set aside{suggest(name, aside)}")
        if not is_answer(answer) and not is_skip(answer):
            raise InvalidState(f'step {name!r} is resolved by "retry", "fail" or Skip(value), not {brief(answer)}')
        check_skip(row, aside[name], answer)
    missing = [name for name in aside if name not in resolve]
    if missing:
        raise InvalidState(
            f"run {row.id!r} has irreversible steps that were interrupted: {', '.join(missing)}"
            '\nSay what is to become of each: resume(…, resolve={"'
            + missing[0]
            + '": "retry" | "fail" | Skip(value)}).'
        )
    return {aside[name]: answer for name, answer in resolve.items()}


def asked_of(row: Row, answers: Mapping[str, Any], now: float) -> UndoAgain:
    """Raises `InvalidState` for a step that isn't one that wasn't undone, and for what isn't an answer."""
    left: dict[str, str] = {
        error.node: error.phase for error in row.state.errors if error.phase in ("undo", "compensate")
    }
    left |= {name: "unknown" for name in row.state.unsettled or () if name not in left}
    refuse_others("resolve", answers, "a mapping of steps to answers", is_named)
    for name, answer in answers.items():
        if name not in left:
            raise InvalidState(
                f"there is nothing of step {name!r} of run {row.id!r} that wasn't taken back{suggest(name, left)}"
            )
        if answer != "done" and not (answer == "retry" and left[name] == "undo"):
            takes = '"retry" or "done"' if left[name] == "undo" else '"done"'
            raise InvalidState(f"step {name!r} is resolved by {takes}, not {brief(answer)}")
    again = [name for name, phase in left.items() if phase == "undo" and answers.get(name) == "retry"]
    nodes = {row.name(node): node for node in range(len(row.state.status)) if row.state.status[node] == UNDO_FAILED}
    gone = [name for name in again if name not in nodes or takes_what_is_gone(row, nodes[name])]
    if gone:
        raise InvalidState(
            f"what the undo of {gone[0]!r} takes isn't kept any more, so it can't be tried again\nDeal with it, then say \"done\"."
        )
    settled = tuple(name for name, answer in answers.items() if answer == "done")
    return UndoAgain(row.id, now, tuple(nodes[name] for name in again), settled)


def takes_what_is_gone(row: Row, node: int) -> bool:
    taken = [row.state.values[node]]
    if needs_arguments_to_be_undone(row.step(node)):
        taken += row.arguments(node)
    return any(value is GONE for value in taken)


def check_skip(row: Row, node: int, answer: Any) -> None:
    """Raises `InvalidState` for what isn't of the step's type, `NotSerializable` for what can't be stored."""
    if is_skip(answer) and answer.value is not None:
        try:
            check(answer.value, row.step(node).returns)
        except ValueMismatch as wrong:
            raise InvalidState(f"step {row.name(node)!r} can't have this value{wrong.path}: {wrong}") from None
        if row.journal is not None:
            row.journal.desk.encode(answer.value, row.step(node).returns, row.name(node))
