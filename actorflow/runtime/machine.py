"""What a runtime is inside: tables of runs and permits, the actors that work on them, and the ways in and out.

It is loaded when a runtime is entered, so that declaring steps and workflows stays cheap.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import AbstractEventLoop
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.actors import ActorSystem, ChildSpec, SupervisorSpec, Timers
from actorflow.clock import Clock
from actorflow.engine import ENDED, Cancel, Pause, Request
from actorflow.errors import (
    ActorflowError,
    InvalidState,
    LeaseExpired,
    RecordNotFound,
    RuntimeClosed,
    RuntimeFault,
    StepError,
    StoreError,
    UnknownWorkflow,
    describe,
    suggest,
)
from actorflow.facts import DeadLetter, Fact, LeaseLost
from actorflow.outcome import Halted
from actorflow.plan import Plan
from actorflow.runtime import guardrails
from actorflow.runtime.children import Children
from actorflow.runtime.config import Config
from actorflow.runtime.endings import Endings
from actorflow.runtime.executor import Executor
from actorflow.runtime.forms import is_text, is_written, refuse_others
from actorflow.runtime.front import FrontDesk
from actorflow.runtime.handle import Run
from actorflow.runtime.known import Known
from actorflow.runtime.launch import Launch
from actorflow.runtime.nobody import nobody_waits
from actorflow.runtime.options import RunSettings
from actorflow.runtime.passing import Passing
from actorflow.runtime.permits import Permits
from actorflow.runtime.pool import Pool
from actorflow.runtime.processes import Processes
from actorflow.runtime.redacting import letter_hidden
from actorflow.runtime.resuming import Resuming
from actorflow.runtime.row import Row
from actorflow.runtime.services import Services
from actorflow.runtime.slots import Slots
from actorflow.runtime.starting import Starting
from actorflow.runtime.threads import Threads
from actorflow.runtime.undoing import Undoing
from actorflow.telemetry import Hub, Subscription
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.schedules import Schedules
    from actorflow.store import Store

log = structlog.get_logger("actorflow")


class Machine:
    """The tables belong to it, not to an actor (R35): whoever works on them can be started again."""

    def __init__(self, config: Config, clock: Clock, known: Known, plain: RunSettings) -> None:
        self.config = config
        self.known = known
        self.plain = plain
        self.loop: AbstractEventLoop = guardrails.loop_to_run_on()
        self.forks = guardrails.forks()
        self.now = clock.monotonic
        self.host = asyncio.current_task()
        self.hurry = asyncio.Event()  # leaving should make haste
        self.exit_error: BaseException | None = None
        self.is_closing = False
        self.rests_after: float | None = None  # while it is left: seconds from which a run that only waits is let go
        self.rows: dict[str, Row] = {}
        self.orphaned: list[Row] = []
        self.launches: dict[Plan, Launch] = {}
        self.finished: OrderedDict[str, Run[Any]] = OrderedDict()
        self.permits = Permits(known.limits.values())
        self.hub = Hub(self.loop, clock)
        self.system = ActorSystem(SupervisorSpec(), publish=self._actor_fact)
        self.endings = Endings(self)
        self.services = Services(
            loop=self.loop,
            clock=clock,
            hub=self.hub,
            timers=Timers(self.loop),
            values=Passing(decodes=config.values == "decoded", codec=config.codec or known.codec),
            random=random.Random(config.seed).random,
            threads=Threads(self.loop, clock, config.threads),
            processes=Processes(self.loop, clock),
            children=Children(self),
            endings=self.endings,
            machine=self,
        )
        self.slots = Slots(self.loop, config.max_runs)
        self.starting = Starting(self)
        self.resuming = Resuming(self)
        self.undoing = Undoing(self)
        self.system.start_child(ChildSpec(name="pool", factory=self._new_pool))
        self.system.start_child(ChildSpec(name="runs", factory=self._new_executor))
        self.front = self.system.start_child(ChildSpec(name="executor", factory=lambda: FrontDesk(self)))
        self.middleware_free = not config.middleware
        self.keeper: Keeper | None = None  # of a runtime with a store
        self.schedules: Schedules | None = None  # once there is one

    def _new_pool(self) -> Pool:
        self.services.pool = Pool(self.permits, self.rows, self.services, self.post, self.note)
        return self.services.pool

    def _new_executor(self) -> Executor:
        self.executor = Executor(self.rows, self.services)
        return self.executor

    # ── ways in ───────────────────────────────────────────────────────────────────────────────────────────────────

    def start_with(
        self, settings: RunSettings, workflow: Workflow[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Run[Any] | Awaitable[Run[Any]]:
        """Starts a run; gives it, or what to wait for until it's accepted."""
        self.check_open(for_child=settings.parent is not None)
        guardrails.check_workflow(workflow)
        recorded = self.keeper is not None and self.starting.durability(settings, workflow) != "none"
        plan = self.known.plan_of(workflow, recorded=recorded)
        inputs = workflow.bind(args, kwargs)
        is_plain = settings is self.plain and self.slots.most is None and self.middleware_free
        if is_plain and not plan.middleware and not recorded:
            return self.enter(self.starting.row(workflow, plan, inputs, settings, recorded=False))
        return self.starting.start(settings, workflow, plan, inputs, wait=True)

    async def start_named(self, name: str, inputs: Mapping[str, Any], run_id: str | None) -> Run[Any]:
        """Starts a run as a message asks for it: inputs are converted strictly, and a full runtime says so."""
        self.check_open()
        refuse_others("the workflow's name", name, "text that isn't empty", is_text)
        workflow = self.known.workflows.get(name)
        if workflow is None:
            raise UnknownWorkflow(name, self.known.workflows)
        settings = RunSettings(run_id=run_id) if run_id is not None else self.plain
        recorded = self.keeper is not None and self.starting.durability(settings, workflow) != "none"
        plan = self.known.plan_of(workflow, recorded=recorded)
        return await self.starting.start(settings, workflow, plan, workflow.convert_inputs(inputs), wait=False)

    def enter(self, row: Row, message: Request | None = None, *, with_caller: bool = False) -> Run[Any]:
        """Enters the row in the table and has its run begin, or go on."""
        handle = self.handle_of(row, with_caller=with_caller)
        handle._status = "running"
        self.starting.begin(row, message)
        return handle

    def handle_of(self, row: Row, *, with_caller: bool = False) -> Run[Any]:
        handle: Run[Any] = Run(self, row.id, row.launch.plan.name, row)
        handle._with_caller = with_caller
        row.handle = handle
        self.rows[row.id] = row
        if row.parent is not None:
            row.parent[0].children.setdefault(row.parent[1], {})[row.id] = handle
        return handle

    def launch_of(self, plan: Plan, *, keep: bool = True) -> Launch:
        """The table of a plan. That of what a step has emitted isn't kept: it's never run again."""
        launch = self.launches.get(plan)
        if launch is None:
            launch = Launch(plan)
            if keep:
                self.launches[plan] = launch
        if launch.others is None:
            launch.others = self.launch_of
        return launch

    # ── runs that are there ───────────────────────────────────────────────────────────────────────────────────────

    def halt_run(self, run_id: str, reason: str = "") -> None:
        self.check_loop()
        check_request(run_id, reason)
        row = self.rows.get(run_id)
        if row is None:
            raise self._gone(run_id)
        if not row.state.can_halt:
            raise InvalidState(f"run {run_id!r} is being rolled back, and can't be halted")
        self.post(Pause(run_id, self.now(), reason))

    def cancel_run(self, run_id: str, reason: str = "") -> None:
        self.check_loop()
        check_request(run_id, reason)
        row = self.rows.get(run_id)
        if row is not None:
            if row.handle is not None and row.handle._status == "waiting":
                row.handle._cancelled_early = reason
            if row.journal is not None and row.state.phase == ENDED:
                return  # it is to be resumed, or undone: nothing is recorded before that
            self.post(Cancel(run_id, self.now(), reason))
        elif run_id not in self.finished:
            raise self._unknown(run_id)

    def is_unrecorded(self, run_id: str) -> bool:
        """Whether it's a run of this runtime that no store knows: its durability is `none`, or it was resumed from a snapshot."""
        row = self.rows.get(run_id)
        if row is not None:
            return row.journal is None
        run = self.finished.get(run_id)
        return run is not None and run._is_unrecorded

    def find(self, run_id: str) -> Run[Any] | None:
        row = self.rows.get(run_id)
        return row.handle if row is not None else self.finished.get(run_id)

    def find_current(self, run_id: str) -> Run[Any] | None:
        """The same, but for one of which the store may know more: one that was halted here may have gone on elsewhere."""
        found = self.find(run_id)
        if found is None or run_id in self.rows or self.keeper is None or found._is_unrecorded:
            return found
        return None if found._outcome is None or isinstance(found._outcome, Halted) else found

    def get(self, run_id: str) -> Run[Any]:
        check_request(run_id)
        run = self.find(run_id)
        if run is None:
            raise self._unknown(run_id)
        return run

    def events_of(self, run_id: str) -> Subscription:
        self.check_loop()
        return self.hub.subscribe(run_id=run_id)

    def leave_table(self, row: Row) -> None:
        """A run has ended: it leaves the table, and is among the last that are kept."""
        self.rows.pop(row.id, None)
        if row.orphans:
            self.orphaned.append(row)
        if row.counted:
            row.counted = False
            self.slots.free()
        finished = self.finished
        if row.id in finished:  # it was halted, or is undone
            finished.move_to_end(row.id)
        if row.handle is not None:
            row.handle._is_unrecorded = row.journal is None
            finished[row.id] = row.handle
        if len(finished) > self.config.keep_finished:
            finished.popitem(last=False)

    def _gone(self, run_id: str) -> ActorflowError:
        if run_id in self.finished:
            return InvalidState(f"run {run_id!r} has ended, and can't be halted")
        return self._unknown(run_id)

    def _unknown(self, run_id: str) -> RecordNotFound:
        return RecordNotFound(f"run {run_id!r} isn't known here{suggest(run_id, [*self.rows, *self.finished])}")

    # ── with a store ──────────────────────────────────────────────────────────────────────────────────────────────

    async def open_store(self, store: Store) -> None:
        """Joins the store, and takes over what was left in it."""
        from actorflow.runtime.keeper import Keeper

        self.keeper = await Keeper.join(self, store)
        self.services.recorder = self.keeper.recorder
        self.keeper.begin()

    def take_first(self, row: Row) -> None:
        """A run that was built again is told that before anything else."""
        journal = row.journal
        if journal is not None and journal.taking is not None:
            self.post(journal.taking)
            journal.taking = None

    def let_go(self, row: Row, error: BaseException) -> None:
        """The run doesn't go on here: what executes is stopped, nothing more is recorded, and whoever waits gets the error."""
        if self.rows.get(row.id) is not row:
            return
        del self.rows[row.id]
        now = self.now()
        self.endings.forget_timers(row)
        self.services.pool.drop(row, now)
        for live in row.live.values():
            live.stopping = True
            if live.work is not None:
                live.work.let_go(nobody_waits)
            if live.task is not None:
                live.task.cancel()
        for _, task in row.holding():
            if task is not None:
                task.cancel()
        if row.counted:
            row.counted = False
            self.slots.free()
        journal = row.journal
        if journal is not None:
            journal.is_closed = True
        if journal is not None and journal.accepted is not None and not journal.accepted.done():
            journal.accepted.set_exception(error)
            journal.accepted.exception()
        if isinstance(error, StoreError) and self.keeper is not None:
            self.keeper.take_overs.given_up.add(row.id)
        if row.handle is not None:
            if isinstance(error, LeaseExpired) and self.keeper is not None:
                self.note(row, LeaseLost(row.id, now, self.keeper.worker))
                self.keeper.elsewhere.hand_over(row.handle)
            else:
                row.handle.close(error)

    def lose_all(self) -> None:
        """R50: another runtime has fenced this one."""
        owner = self.keeper.owner if self.keeper is not None else 0
        for row in [row for row in self.rows.values() if row.journal is not None]:
            self.let_go(row, LeaseExpired(owner, row.id))

    # ── for the parts ─────────────────────────────────────────────────────────────────────────────────────────────

    def check_loop(self) -> AbstractEventLoop:
        """The runtime's loop. Raises `WrongLoop` on another one."""
        guardrails.check(self.loop, self.forks)
        return self.loop

    def check_open(self, *, for_child: bool = False) -> None:
        self.check_loop()
        if self.is_closing and not for_child:
            raise RuntimeClosed("the runtime is being left or was left, and starts nothing new")

    def post(self, message: Any) -> None:
        self.executor.post(message)

    def note(self, row: Row, fact: Fact) -> None:
        """A fact of a run that the engine doesn't know."""
        self.executor.note(row, fact)

    def _actor_fact(self, fact: Fact) -> None:
        if not self.hub.silent and self.hub.takes(type(fact)):
            self.hub.publish([letter_hidden(fact) if isinstance(fact, DeadLetter) else fact])

    def exit_with(self, error: BaseException) -> None:
        """R39: `KeyboardInterrupt` or `SystemExit` in a step is raised on out of the `async with`."""
        if self.exit_error is None:
            self.exit_error = error
            self.hurry.set()
            if self.host is not None and not self.is_closing:
                self.host.cancel()

    def report_abandoned(self, row: Row, node: int) -> None:
        log.warning("a step went on after it was told to stop, and was abandoned", run=row.id, step=row.name(node))

    def report_refused(self, message: object, error: Exception) -> None:
        log.warning("a request was refused", request=type(message).__name__, error=str(error))

    def fault_of(self, message: object, error: Exception) -> RuntimeFault:
        """What is told of a request on which the runtime itself failed."""
        log.error("a fault of the runtime", request=type(message).__name__, exc_info=error)
        fault = RuntimeFault(
            f"the runtime failed on a {type(message).__name__}: {describe(error)}\nThis is a bug of ours."
        )
        fault.__cause__ = error
        return fault

    def add_error(self, row: Row, error: BaseException) -> None:
        row.state.errors.append(StepError("", "run", 1, error))


def check_request(run_id: object, reason: object = "") -> None:
    """Raises `InvalidInput` for what can't be a run's id, or a reason."""
    refuse_others("run_id", run_id, "text that isn't empty", is_text)
    refuse_others("reason", reason, "text", is_written)
