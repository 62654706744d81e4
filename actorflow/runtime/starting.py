"""How runs start: inputs are bound, the row is made, middleware is heard, and the executor is told."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Sequence
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from actorflow.engine import ENDED, Cancel, Request, Resume, RunOptions, RunOverdue, StartFrom, State, TakeOver
from actorflow.errors import ActorflowError, LeaseExpired, RunConflict, StepError
from actorflow.facts import RunStarted
from actorflow.ids import child_run_id, new_run_id, step_key
from actorflow.outcome import Succeeded
from actorflow.plan import Plan
from actorflow.policy import Durability
from actorflow.runtime.context import lend
from actorflow.runtime.handle import Run
from actorflow.runtime.middleware import overrides
from actorflow.runtime.options import RunSettings
from actorflow.runtime.recordable import gives_a_steps_result
from actorflow.runtime.row import Row
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine


class Starting:
    """Makes rows of requests."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.defaults = {
            recorded: self.run_options(RunSettings(), recorded=recorded, checked=False) for recorded in (False, True)
        }

    def durability(self, settings: RunSettings, workflow: Workflow[..., Any]) -> Durability:
        """What is said when the run is started counts, then what its workflow says, then, of a child, what its parent has."""
        said = settings.durability or workflow.durability
        if said is None and settings.parent is not None and not settings.detached:
            journal = settings.parent[0].journal
            return "none" if journal is None else "strict" if journal.is_strict else "write_behind"
        return said or self.machine.config.durability

    def run_options(self, settings: RunSettings, *, recorded: bool, checked: bool) -> RunOptions:
        config = self.machine.config
        return RunOptions(
            timeout=settings.timeout,  # a child that is halted would be nobody's: its parent starts it anew
            on_timeout=settings.on_timeout or ("halt" if recorded and not is_child(settings) else "cancel"),
            reversible=settings.reversible,
            sequential=settings.sequential,
            max_concurrency=settings.max_concurrency,
            max_steps=settings.max_steps,
            halt_timeout=config.halt_timeout,
            settle_timeout=config.halt_timeout if config.settle_timeout is None else config.settle_timeout,
            cancel_grace=config.cancel_grace,
            checked=checked,
        )

    def existing(self, settings: RunSettings, workflow: Workflow[..., Any], inputs: Sequence[Any]) -> Run[Any] | None:
        """R47: the run of this id, if there is one with the same inputs. Raises `RunConflict` if they differ."""
        machine = self.machine
        run_id = settings.run_id
        found: Run[Any] | None = None
        if settings.parent is not None and run_id is not None:
            row, node, _ = settings.parent
            found = row.children.get(node, {}).get(run_id)
            if found is not None and ended_badly(found):
                return None
            if found is not None and found._row is None and found._outcome is None:  # it went on elsewhere
                found = None
        if found is None and run_id is not None:
            found = machine.find_current(run_id)
            if settings.parent is not None and found is not None and ended_badly(found):
                return None
        if found is None:
            return None
        if found.workflow != workflow.name:
            raise RunConflict(f"run {run_id!r} exists already, of workflow {found.workflow!r}")
        if not same(found._inputs, inputs):
            raise RunConflict(f"run {run_id!r} exists already, with other inputs\nUse another run_id.")
        return found

    async def start(
        self, settings: RunSettings, workflow: Workflow[..., Any], plan: Plan, inputs: tuple[Any, ...], *, wait: bool
    ) -> Run[Any]:
        """Starts a run with all that may have to be waited for: a place among `max_runs`, and middleware."""
        machine = self.machine
        if settings.parent is not None and settings.run_id is None:
            settings = msgspec.structs.replace(settings, run_id=self.child_id(settings, plan.name))
        if settings.run_id is not None:
            found = self.existing(settings, workflow, inputs)
            if found is not None:
                return await self.accepted(found, plan, inputs)
        durability = self.durability(settings, workflow)
        keeper, replaces = machine.keeper, False
        if settings.run_id is not None and keeper is not None and not is_nobody_elses(settings, durability):
            found = await keeper.find(settings.run_id, plan, inputs) or self.existing(settings, workflow, inputs)
            if found is not None and is_child(settings) and ended_badly(found):
                replaces, found = True, None
            if found is not None:
                self.join(found, settings)
                return await self.accepted(found, plan, inputs)
            machine.check_open(for_child=settings.parent is not None)  # it may have been left meanwhile
        if settings.parent is None and await machine.slots.take(wait=wait):
            found = self.gone_first(settings, workflow, inputs)
            if found is not None:
                return await self.accepted(found, plan, inputs)
        recorded = keeper is not None and durability != "none"
        row = self.row(workflow, plan, inputs, settings, recorded=recorded)
        row.counted = settings.parent is None
        if keeper is not None and recorded:
            self.keep(keeper, row, durability, replaces=replaces)
        run = await self.launch(row, with_caller=settings.cancel_with_caller)
        try:
            return await self.accepted(run, plan, inputs)
        except LeaseExpired:
            if keeper is None:
                raise
            await keeper.regain()  # nothing of the run is stored: it is started anew
            return await self.start(settings, workflow, plan, inputs, wait=wait)

    async def accepted(self, run: Run[Any], plan: Plan, inputs: Sequence[Any]) -> Run[Any]:
        """The run, once it is stored: nobody is told of it before (R48). That of another runtime, if it has started one of this id meanwhile."""
        journal = run._row.journal if run._row is not None else None
        if journal is None or journal.accepted is None:
            return run
        try:
            await asyncio.shield(journal.accepted)
        except CancelledError:
            if run._with_caller:
                self.machine.cancel_run(run.id, "its caller was cancelled")
            raise
        except (LeaseExpired, RunConflict):  # sealed inputs are other bytes each time: whoever can read them compares
            keeper = self.machine.keeper
            found = None if keeper is None else await keeper.find(run.id, plan, inputs)
            if found is None:
                raise
            return found
        return run

    def keep(self, keeper: Keeper, row: Row, durability: Durability, *, replaces: bool) -> None:
        """The run will be recorded. Raises `NotSerializable`; then it doesn't take its place among `max_runs`."""
        try:
            keeper.keep(row, durability, replaces=replaces)
        except ActorflowError:
            if row.counted:
                self.machine.slots.free()
            raise

    def gone_first(self, settings: RunSettings, workflow: Workflow[..., Any], inputs: Sequence[Any]) -> Run[Any] | None:
        """While a start waited for its place, the runtime may have been left, or another start of this id gone first."""
        try:
            self.machine.check_open()
            found = self.existing(settings, workflow, inputs)
        except ActorflowError:
            self.machine.slots.free()
            raise
        if found is not None:
            self.machine.slots.free()
        return found

    async def take_up(self, row: Row, message: TakeOver) -> Run[Any]:
        """Goes on with a run that another runtime has left."""
        if not row.middleware:
            return self.machine.enter(row, message)
        handle = self.machine.handle_of(row)
        refusal = await self.init(row, resumed=True)
        handle._status = "running"
        self.begin(row, message)
        if refusal is not None:
            self.machine.post(Cancel(row.id, self.machine.now(), f"middleware refused it: {refusal}"))
        return handle

    async def launch(
        self, row: Row, message: Resume | StartFrom | None = None, *, with_caller: bool = False
    ) -> Run[Any]:
        """Enters the row in the table; its run begins, or goes on, if middleware has nothing against it."""
        if not row.middleware:
            return self.machine.enter(row, message, with_caller=with_caller)
        handle = self.machine.handle_of(row, with_caller=with_caller)
        refusal = await self.init(row, resumed=isinstance(message, Resume))
        if handle._outcome is not None:  # it was cancelled meanwhile
            return handle
        if isinstance(message, Resume):
            message = msgspec.structs.replace(message, refused=refusal, cancelled=early(handle, message))
        elif refusal is not None:
            self.refuse(row, refusal)
            return handle
        handle._status = "running"
        self.begin(row, message)
        return handle

    def child_id(self, settings: RunSettings, workflow: str) -> str:
        """R30: the step's key, the workflow's name, and which call of it in this attempt it is."""
        if settings.parent is None:
            return new_run_id()
        row, node, attempt = settings.parent
        counts = row.child_calls.setdefault((node, attempt), {})
        counts[workflow] = counts.get(workflow, 0) + 1
        return child_run_id(step_key(row.id, row.name(node)), workflow, counts[workflow])

    def row(
        self,
        workflow: Workflow[..., Any],
        plan: Plan,
        inputs: tuple[Any, ...],
        settings: RunSettings,
        *,
        recorded: bool,
    ) -> Row:
        """The row of a new run, in the table."""
        machine = self.machine
        middleware = (*machine.config.middleware, *plan.middleware) if plan.middleware else machine.config.middleware
        options = self.defaults[recorded]
        checked = bool(middleware) and any(overrides(one, "complete") for one in middleware)
        checked = checked or (recorded and not gives_a_steps_result(plan))
        if checked or settings is not machine.plain:
            options = self.run_options(settings, recorded=recorded, checked=checked)
        run_id = settings.run_id or self.child_id(settings, plan.name)
        context = copy_context()
        if machine.config.lent:
            context.run(lend, machine.config.lent)
        launch = machine.launch_of(plan)
        state = State(plan, run_id, inputs, options, launch.program)
        row = Row(run_id, workflow, state, launch, context, inputs, settings.context, settings.labels)
        row.priority = settings.priority
        if middleware:
            row.middleware = tuple(middleware)
            row.wraps = tuple(one for one in middleware if overrides(one, "step"))
        if settings.parent is not None and not settings.detached:
            self.adopt(row, settings)
        return row

    def join(self, run: Run[Any], settings: RunSettings) -> None:
        """R30: a child that went on when its parent was lost, or has ended since, is the child of the step's new attempt."""
        if is_child(settings) and settings.parent is not None:
            parent, node, _ = settings.parent
            parent.children.setdefault(node, {})[run.id] = run
            if run._row is not None:
                self.adopt(run._row, settings)

    def adopt(self, row: Row, settings: RunSettings) -> None:
        """R30: the run is the child of a step."""
        if settings.parent is not None:
            parent, node, _ = settings.parent
            row.parent = (parent, node)
            row.lineage = (*parent.lineage, (parent.id, node))

    async def init(self, row: Row, *, resumed: bool) -> BaseException | None:
        """R44: `init` may change the context, or refuse the run; then those that were entered hear how it ends, no others."""
        for entered, middleware in enumerate(row.middleware):
            try:
                changed = await middleware.init(row.info, resumed=resumed)
            except Exception as error:
                row.middleware = row.middleware[:entered]
                return error
            if changed is not None:
                row.data = changed
        return None

    def begin(self, row: Row, message: Request | None = None) -> None:
        """Tells the executor, and sets the run's own time."""
        machine = self.machine
        now = machine.now()
        timeout = row.state.options.timeout
        if timeout is not None:
            key = (row.id, "timeout")
            row.timers.add(key)
            if isinstance(message, TakeOver):
                timeout = max(0.0, row.state.began + message.shift + timeout - now)
            machine.services.timers.after(timeout, key, partial(self.overdue, row))
        machine.take_first(row)
        machine.post(message or RunStarted(row.id, now, row.launch.plan.name, row.labels))

    def overdue(self, row: Row) -> None:
        self.machine.post(RunOverdue(row.id, self.machine.now()))

    def refuse(self, row: Row, error: BaseException) -> None:
        """The run never started: it ends as failed, there is nothing to take back, and nothing is stored."""
        row.journal = None
        row.state.errors.append(StepError("", "run", 1, error))
        row.state.phase = ENDED
        self.machine.services.endings.end(row, "failed", self.machine.now())


def early(handle: Run[Any], message: Resume) -> str | None:
    """The reason, if it was cancelled before it went on."""
    return handle._cancelled_early if message.cancelled is None else message.cancelled


def is_child(settings: RunSettings) -> bool:
    return settings.parent is not None and not settings.detached


def is_nobody_elses(settings: RunSettings, durability: Durability) -> bool:
    """Whether no store can know its id: a child that isn't recorded, of a run that isn't."""
    return durability == "none" and settings.parent is not None and settings.parent[0].journal is None


def ended_badly(run: Run[Any]) -> bool:
    return run._outcome is not None and not isinstance(run._outcome, Succeeded)


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether inputs are equal; values that can't be compared are taken as different."""
    try:
        return len(one) == len(other) and all(a is b or bool(a == b) for a, b in zip(one, other, strict=True))
    except Exception:
        return False
