"""The runtime: what a service opens to run its sagas.

    async with Runtime(resources=[CARDS.provide(client)]) as runtime:
        charge = await runtime.run(book_trip, Trip("Oslo", 3))
"""

from __future__ import annotations

import asyncio
import random
from asyncio import AbstractEventLoop, CancelledError, Future, Task
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast

import structlog

from actorflow.actors import Actor, ActorRef, ActorSystem, ChildSpec, SupervisorSpec, Timers
from actorflow.clock import Clock
from actorflow.engine import Cancel, Pause, Resume, UndoAll
from actorflow.errors import (
    ActorflowError,
    InvalidState,
    RecordNotFound,
    RuntimeBusy,
    RuntimeClosed,
    StepError,
    UndoFailed,
    UnknownWorkflow,
    suggest,
)
from actorflow.facts import Fact
from actorflow.outcome import Halted, Succeeded
from actorflow.policy import Limit, Rate, Skip
from actorflow.runtime import closing, guardrails
from actorflow.runtime.children import Children
from actorflow.runtime.config import Config, checked, lent
from actorflow.runtime.context import Provided
from actorflow.runtime.endings import Endings
from actorflow.runtime.executor import Executor
from actorflow.runtime.front import FrontDesk
from actorflow.runtime.handle import Run
from actorflow.runtime.messages import CancelRun, HaltRun, ResumeRun, StartRun, UndoRun
from actorflow.runtime.middleware import Middleware
from actorflow.runtime.options import Runs, RunSettings
from actorflow.runtime.passing import Passing
from actorflow.runtime.permits import UNCHANGED, Permits
from actorflow.runtime.pool import Pool
from actorflow.runtime.processes import Processes
from actorflow.runtime.resuming import Resuming
from actorflow.runtime.row import Row
from actorflow.runtime.services import Services
from actorflow.runtime.starting import Known, Starting
from actorflow.runtime.threads import Threads
from actorflow.telemetry import Hub, Subscription
from actorflow.workflow import Workflow

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")

log = structlog.get_logger("actorflow")


class Runtime(Runs):
    """Runs workflows, inside a service's own event loop. Use it as `async with Runtime(…) as runtime:`.

    workflows         those that messages may name
    resources         what steps can get: `[CARDS.provide(client)]`
    limits            concurrency keys to be known from the start, so that `limit()` can change them
    threads           how many steps run in threads at once, at most
    max_runs          how many runs go on at once, at most; then `start` waits, and a message is answered `RuntimeBusy`
    keep_finished     how many runs that have ended are kept for `get` and `list_runs`
    on_exit           what a normal leave does: `drain` waits for the runs, `halt` pauses them, `cancel` takes them back
    drain_timeout     seconds that draining takes, at most; what is left then is cancelled and taken back
    shutdown_timeout  seconds that this takes, at most
    halt_timeout      seconds that steps in flight have to end by themselves when their run is halted
    settle_timeout    the same when their run is rolled back; as `halt_timeout` unless told
    cancel_grace      seconds that a step which was cancelled has to end
    values            `shared`: steps get each other's values by reference; `decoded`: every value goes through the codec
    middleware        wraps every run
    seed              for the jitter of backoffs; a seeded runtime repeats itself
    clock             time, for tests
    """

    def __init__(
        self,
        *,
        workflows: Sequence[Workflow[..., Any]] = (),
        resources: Sequence[Provided] = (),
        limits: Sequence[Limit] = (),
        threads: int = 40,
        max_runs: int | None = None,
        keep_finished: int = 1000,
        on_exit: Literal["drain", "halt", "cancel"] = "drain",
        drain_timeout: float = 30.0,
        shutdown_timeout: float = 30.0,
        halt_timeout: float = 5.0,
        settle_timeout: float | None = None,
        cancel_grace: float = 5.0,
        values: Literal["shared", "decoded"] = "shared",
        middleware: Sequence[Middleware] = (),
        seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config = Config(
            workflows=checked("workflows", workflows, Workflow),
            lent=lent(resources),
            limits=checked("limits", limits, Limit),
            threads=threads,
            max_runs=max_runs,
            keep_finished=keep_finished,
            on_exit=on_exit,
            drain_timeout=drain_timeout,
            shutdown_timeout=shutdown_timeout,
            halt_timeout=halt_timeout,
            settle_timeout=settle_timeout,
            cancel_grace=cancel_grace,
            values=values,
            middleware=checked("middleware", middleware, Middleware),
            seed=seed,
        )
        self.clock = clock or Clock()
        self.plain_settings = RunSettings()
        super().__init__(self.start_with, self.plain_settings)
        self.known = Known(self.config.workflows)
        self.permits = Permits(self.config.limits)
        self.rows: dict[str, Row] = {}
        self.finished: OrderedDict[str, Run[Any]] = OrderedDict()
        self.exit_error: BaseException | None = None
        self.is_closing = False
        self._loop: AbstractEventLoop | None = None
        self._host: Task[Any] | None = None
        self._counted = 0
        self._line: deque[Future[None]] = deque()
        self._undoing: dict[str, Future[None]] = {}
        self._orphaned: list[Row] = []

    # ── opening and leaving ───────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise InvalidState("a runtime is entered once\nMake a new one.")
        self._loop = loop = guardrails.loop_to_run_on()
        self._forks = guardrails.forks()
        self._host = asyncio.current_task()
        self.hurry = asyncio.Event()
        self.now = self.clock.monotonic
        hub = Hub(loop, self.clock)
        timers = Timers(loop)
        self.system = ActorSystem(SupervisorSpec(), publish=self._actor_fact)
        self.services = services = Services(
            loop=loop,
            clock=self.clock,
            hub=hub,
            timers=timers,
            values=Passing(decodes=self.config.values == "decoded"),
            random=random.Random(self.config.seed).random,
            threads=Threads(loop, self.clock, self.config.threads),
            processes=Processes(loop, self.clock),
            exit_with=self._exit_with,
            report_abandoned=self._report_abandoned,
            pool=cast("Pool", None),
            children=Children(self),
            endings=cast("Endings", None),
        )
        services.endings = Endings(self, self._post)
        self._spawn_actors(hub, timers)
        self.starting = Starting(self)
        self.resuming = Resuming(self)
        return self

    def _spawn_actors(self, hub: Hub, timers: Timers) -> None:
        """R35: the tables are the runtime's, so a restarted actor goes on with them."""

        def new_pool() -> Pool:
            pool = Pool(self.permits, self.rows, timers, hub, self.now, self._post, self.note)
            self.services.pool = pool
            return pool

        def new_executor() -> Executor:
            self.executor_actor = Executor(self.rows, self.services)
            return self.executor_actor

        self.system.start_child(ChildSpec(name="pool", factory=new_pool))
        self.system.start_child(ChildSpec(name="runs", factory=new_executor))
        self._front = self.system.start_child(ChildSpec(name="executor", factory=lambda: FrontDesk(self)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await closing.leave(self, normally=kind is None and self.exit_error is None)
        if self.exit_error is not None:
            if self._host is not None:
                self._host.uncancel()
            raise self.exit_error

    def check_loop(self) -> AbstractEventLoop:
        """The runtime's loop. Raises `WrongLoop` on another one, `RuntimeClosed` if the runtime isn't open."""
        if self._loop is None:
            raise RuntimeClosed("the runtime isn't open\nUse it as `async with Runtime(…) as runtime:`.")
        guardrails.check(self._loop, self._forks)
        return self._loop

    def _check_open(self, *, for_child: bool = False) -> None:
        self.check_loop()
        if self.is_closing and not for_child:
            raise RuntimeClosed("the runtime is being left, and starts nothing new")

    # ── starting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def options(
        self,
        *,
        run_id: str | None = None,
        timeout: float | None = None,
        on_timeout: Literal["halt", "cancel"] | None = None,
        reversible: bool = False,
        sequential: bool = False,
        max_concurrency: int | None = None,
        max_steps: int | None = None,
        context: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        cancel_with_caller: bool = False,
    ) -> Runs:
        """The same face, with options for the runs started through it (R32). Times in seconds.

        run_id              names the run; the same id with the same inputs gives the run that is there (R47)
        timeout             of the run's forward work, from start or resume; then `on_timeout`
        on_timeout          `cancel`, or `halt`; the same when one more attempt is needed than `max_steps`
        reversible          the run can be undone after it has succeeded
        sequential          one step at a time, in the order of definition as far as dependencies allow
        max_concurrency     how many steps of the run execute at once, at most
        context             what travels with the run: `step_context().context`
        priority            a higher one goes first where runs wait for the same permits
        cancel_with_caller  cancelling the wait for the run cancels the run
        """
        return Runs(
            self.start_with,
            RunSettings(
                run_id=run_id,
                timeout=timeout,
                on_timeout=on_timeout,
                reversible=reversible,
                sequential=sequential,
                max_concurrency=max_concurrency,
                max_steps=max_steps,
                context=context or {},
                labels=labels or {},
                priority=priority,
                cancel_with_caller=cancel_with_caller,
            ),
        )

    async def start_with(
        self, settings: RunSettings, workflow: Workflow[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Run[Any]:
        """Starts a run; returns when it's accepted."""
        self._check_open(for_child=settings.parent is not None)
        guardrails.check_workflow(workflow)
        plan = self.known.plan_of(workflow)
        return await self._start(settings, workflow, plan, workflow.bind(args, kwargs), wait=True)

    async def start_named(self, name: str, inputs: Mapping[str, Any], run_id: str | None) -> Run[Any]:
        """Starts a run as a message asks for it: inputs are converted strictly, and a full runtime says so."""
        self._check_open()
        workflow = self.known.workflows.get(name)
        if workflow is None:
            raise UnknownWorkflow(name, self.known.workflows)
        settings = RunSettings(run_id=run_id) if run_id is not None else self.plain_settings
        return await self._start(
            settings, workflow, self.known.plan_of(workflow), workflow.convert_inputs(inputs), wait=False
        )

    async def _start(
        self, settings: RunSettings, workflow: Workflow[..., Any], plan: Any, inputs: tuple[Any, ...], *, wait: bool
    ) -> Run[Any]:
        starting = self.starting
        if settings.parent is not None and settings.run_id is None:
            settings = guardrails.with_id(settings, starting.child_id(settings, plan.name))
        if settings.run_id is not None:
            found = starting.existing(settings, workflow, inputs)
            if found is not None:
                return found
        if self.config.max_runs is not None and settings.parent is None:
            await self._take_slot(wait=wait)
        row = starting.row(workflow, plan, inputs, settings)
        row.counted = self.config.max_runs is not None and settings.parent is None
        return await self.launch(row, with_caller=settings.cancel_with_caller)

    async def launch(self, row: Row, message: Resume | None = None, *, with_caller: bool = False) -> Run[Any]:
        """Enters the row in the table and has its run begin, or go on."""
        handle: Run[Any] = Run(self, row.id, row.launch.plan.name, row)
        handle._with_caller = with_caller
        row.handle = handle
        self.rows[row.id] = row
        if row.parent is not None:
            row.parent[0].children.setdefault(row.parent[1], {})[row.id] = handle
        if row.middleware:
            refusal = await self.starting.init(row, resumed=message is not None)
            if refusal is not None:
                self.starting.refuse(row, refusal)
                return handle
        handle._status = "running"
        self.starting.begin(row, message)
        return handle

    async def _take_slot(self, *, wait: bool) -> None:
        """R32: `max_runs` makes `start` wait, first come first served; a message is told at once."""
        most = self.config.max_runs or 0
        if self._counted < most and not self._line:
            self._counted += 1
            return
        if not wait:
            raise RuntimeBusy(f"{self._counted} runs are going on, as many as max_runs allows\nAsk again later.")
        place: Future[None] = self.check_loop().create_future()
        self._line.append(place)
        try:
            await place
        except CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._slot_free()
            elif place in self._line:
                self._line.remove(place)
            raise

    def _slot_free(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._counted -= 1

    def slots_closed(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_exception(RuntimeClosed("the runtime was left before the run could start"))

    async def resume(
        self,
        workflow: Workflow[P, R],
        run: str | bytes,
        /,
        *,
        resolve: Mapping[str, Literal["retry", "fail"] | Skip[Any]] | None = None,
    ) -> Run[R]:
        """Goes on with a halted run: by its snapshot, or by its id if it was halted in this runtime (R16).

        `resolve` says what to do with irreversible steps that were interrupted: run again, fail, or take a value for it.
        Raises `InvalidState` for a run that isn't halted, is live here, or has such a step that `resolve` doesn't name.
        """
        self._check_open()
        guardrails.check_workflow(workflow)
        return cast("Run[R]", await self.resuming.resume(workflow, run, resolve or {}))

    async def resume_known(self, run_id: str) -> Run[Any]:
        self._check_open()
        return await self.resuming.resume_known(run_id)

    # ── what can be done with a run ───────────────────────────────────────────────────────────────────────────────

    def halt_run(self, run_id: str, reason: str = "") -> None:
        self.check_loop()
        row = self.rows.get(run_id)
        if row is None:
            raise self._gone(run_id, "halted")
        if not row.state.can_halt:
            raise InvalidState(f"run {run_id!r} is being rolled back, and can't be halted")
        self._post(Pause(run_id, self.now(), reason))

    def cancel_run(self, run_id: str, reason: str = "") -> None:
        self.check_loop()
        if run_id in self.rows:
            self._post(Cancel(run_id, self.now(), reason))
        elif run_id not in self.finished:
            raise RecordNotFound(f"run {run_id!r} isn't known here{suggest(run_id, self.rows)}")

    async def undo(self, run_id: str, /) -> None:
        """Takes back a run started with `reversible=True` that has succeeded; see `Run.undo`."""
        await self.undo_run(self.get(run_id))

    async def undo_run(self, run: Run[Any]) -> None:
        loop = self.check_loop()
        if run._status == "undone":
            return self._undone(run)
        done = self._undoing.get(run.id)
        if done is None:
            row = run._row
            if row is None or not isinstance(run._outcome, Succeeded) or not row.state.options.reversible:
                raise InvalidState(
                    f"run {run.id!r} can't be undone: it {why_not(run)}"
                    "\nOnly a run started with reversible=True that has succeeded can."
                )
            done = self._undoing[run.id] = loop.create_future()
            run._status = "undoing"
            self.rows[run.id] = row
            self._post(UndoAll(run.id, self.now()))
        await asyncio.shield(done)
        return self._undone(run)

    def _undone(self, run: Run[Any]) -> None:
        if run._undo_errors:
            failed = run._undo_errors
            first = next((e for e in failed if e.phase == "undo"), failed[0])
            error = UndoFailed(first.node, first.attempt, failed)
            error.__cause__ = first.error
            raise error

    async def undo_and_report(self, run_id: str, message: object) -> None:
        try:
            await self.undo(run_id)
        except ActorflowError as error:
            self.report_refused(message, error)

    def leave_table(self, row: Row, status: str) -> None:
        """A run has ended: it leaves the table, and is among the last that are kept."""
        self.rows.pop(row.id, None)
        if row.orphans:
            self._orphaned.append(row)
        if row.counted:
            row.counted = False
            self._slot_free()
        handle = row.handle
        if handle is None:
            return
        if status == "undone":
            handle._undo_errors = [error for error in row.state.errors if error.phase == "undo"]
            done = self._undoing.pop(row.id, None)
            if done is not None and not done.done():
                done.set_result(None)
        self.finished[row.id] = handle
        self.finished.move_to_end(row.id)
        while len(self.finished) > self.config.keep_finished:
            self.finished.popitem(last=False)

    def orphaned_rows(self) -> list[Row]:
        return [*self.rows.values(), *self._orphaned]

    def add_error(self, row: Row, error: BaseException) -> None:
        row.state.errors.append(StepError("", "run", 1, error))

    def _gone(self, run_id: str, what: str) -> ActorflowError:
        if run_id in self.finished:
            return InvalidState(f"run {run_id!r} has ended, and can't be {what}")
        return RecordNotFound(f"run {run_id!r} isn't known here{suggest(run_id, self.rows)}")

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, run_id: str) -> Run[Any] | None:
        row = self.rows.get(run_id)
        return row.handle if row is not None else self.finished.get(run_id)

    def get(self, run_id: str, /) -> Run[Any]:
        """A run that goes on here, or is among the last that ended. Raises `RecordNotFound`."""
        run = self.find(run_id)
        if run is None:
            raise RecordNotFound(f"run {run_id!r} isn't known here{suggest(run_id, [*self.rows, *self.finished])}")
        return run

    def list_runs(self) -> list[Run[Any]]:
        """The runs that go on here, and the last that have ended, oldest first."""
        ended = [run for run_id, run in self.finished.items() if run_id not in self.rows]
        return ended + [row.handle for row in self.rows.values() if row.handle is not None]

    def subscribe(
        self, listener: Callable[[Any], object] | None = None, /, *types: type, buffer: int = 1000
    ) -> Subscription:
        """Has events told to `listener`, a function or an async function; without one, use it as `async for`.

        `types` are the types of the facts to be told of, all if none is given. `buffer`: how many events wait for a slow
        subscriber before the oldest is dropped.
        """
        self.check_loop()
        self.executor_actor.flush()
        return self.services.hub.subscribe(listener, *types, buffer=buffer)

    def subscribe_to_run(self, run_id: str) -> Subscription:
        self.check_loop()
        self.executor_actor.flush()
        return self.services.hub.subscribe(run_id=run_id)

    # ── actors and limits ─────────────────────────────────────────────────────────────────────────────────────────

    def spawn(self, actor: Actor[A], /, *, name: str = "", mailbox: int | None = None) -> ActorRef[A]:
        """Starts an actor of your own in the runtime's tree; it is stopped when the runtime is left."""
        self._check_open()
        return self.system.spawn(actor, name=name, mailbox=mailbox)

    @property
    def executor(self) -> ActorRef[StartRun | HaltRun | ResumeRun | CancelRun | UndoRun]:
        """Takes requests as messages: `await runtime.executor.ask(StartRun.asking(workflow="…", inputs={…}))`."""
        self.check_loop()
        return cast("ActorRef[StartRun | HaltRun | ResumeRun | CancelRun | UndoRun]", self._front)

    def limit(self, name: str, *, at_most: int | None = cast("int", UNCHANGED), rate: Rate | None = cast("Rate", UNCHANGED)) -> None:
        """Changes a limit; what isn't given stays, `None` takes a bound away. Raising admits at once (R28)."""
        self.check_loop()
        guardrails.check_limit(at_most, rate)
        self.services.pool.change(name, self.now(), at_most=at_most, rate=rate)

    # ── for the parts ─────────────────────────────────────────────────────────────────────────────────────────────

    def _post(self, message: Any) -> None:
        self.executor_actor.post(message)

    def note(self, row: Row, fact: Fact) -> None:
        self.executor_actor.note(row, fact)

    def _actor_fact(self, fact: Fact) -> None:
        hub = self.services.hub if hasattr(self, "services") else None
        if hub is not None and not hub.silent and hub.takes(type(fact)):
            hub.publish([fact], "", (), 0)

    def _exit_with(self, error: BaseException) -> None:
        """R39: `KeyboardInterrupt` or `SystemExit` in a step is raised on out of the `async with`."""
        if self.exit_error is None:
            self.exit_error = error
            self.hurry.set()
            if self._host is not None and not self.is_closing:
                self._host.cancel()

    def _report_abandoned(self, row: Row, node: int) -> None:
        log.warning("a step went on after it was told to stop, and was abandoned", run=row.id, step=row.name(node))

    def report_refused(self, message: object, error: ActorflowError) -> None:
        log.warning("a request was refused", request=type(message).__name__, error=str(error))


def why_not(run: Run[Any]) -> str:
    if isinstance(run._outcome, Halted):
        return "was halted"
    if run._outcome is None:
        return "hasn't ended"
    return "wasn't reversible" if isinstance(run._outcome, Succeeded) else "didn't succeed"

