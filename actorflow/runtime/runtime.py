"""The runtime: what a service opens to run its sagas.

async with Runtime(resources=[CARDS.provide(client)]) as runtime:
charge = await runtime.run(book_trip, Trip("Oslo", 3))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, TypeVar, cast

from actorflow.actors import Actor, ActorRef
from actorflow.clock import Clock
from actorflow.errors import InvalidState, RuntimeClosed
from actorflow.policy import Durability, Limit, Rate, Skip
from actorflow.runtime.config import (
    UNCHANGED,
    Config,
    check_limit,
    checked,
    checked_clock,
    checked_codec,
    checked_store,
    lent,
)
from actorflow.runtime.context import Provided
from actorflow.runtime.handle import Run
from actorflow.runtime.known import Known
from actorflow.runtime.messages import CancelRun, HaltRun, ResumeRun, StartRun, UndoRun
from actorflow.runtime.middleware import Middleware
from actorflow.runtime.operating_here import OperationsHere
from actorflow.runtime.options import RunSettings
from actorflow.runtime.scheduling import RunsHere, SchedulingRuns
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.schedules import Schedule
    from actorflow.store import Codec, Store
    from actorflow.telemetry import Subscription

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")

_SAME_BOUND = cast("int", UNCHANGED)
_SAME_RATE = cast("Rate", UNCHANGED)


class Runtime(SchedulingRuns, OperationsHere):
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
    store             where runs are recorded, so that they survive the process: `SQLiteStore("trips.db")`; the runtime enters and leaves it
    durability        how runs are stored that don't say it themselves, nor their workflow. `strict`: a step's result is stored before anything
                      depends on it; `write_behind`: soon, so a crash may repeat the last steps; `none`: the run isn't stored
    lease             seconds after which another runtime takes over the runs of one that isn't heard of
    takes_over        whether it takes over runs that nobody has; if not, only those that it is asked for by their id
    lost_limit        how many runtimes a step may have died with, before a person has to say what becomes of it (R53)
    rest_after        how many seconds a stored run that only waits must have left to wait for, so that a drain doesn't wait for it
    max_value_bytes   how large a stored value may be, in bytes as they are stored
    codec             how values become bytes: teaches classes of your own, encrypts
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
        store: Store | None = None,
        durability: Durability = "strict",
        lease: float = 30.0,
        takes_over: bool = True,
        rest_after: float = 60.0,
        lost_limit: int = 3,
        max_value_bytes: int = 1 << 20,
        codec: Codec | None = None,
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
            store=checked_store(store),
            durability=durability,
            lease=lease,
            takes_over=takes_over,
            rest_after=rest_after,
            lost_limit=lost_limit,
            max_value_bytes=max_value_bytes,
            codec=checked_codec(codec),
        )
        self.clock = checked_clock(clock)
        self._plain = RunSettings()
        self._known = Known(
            self.config.workflows, self.config.limits, codec=self._new_codec(), durability=self.config.durability
        )
        self._machine: Machine | None = None
        super().__init__(self._not_open, self._plain)

    def _new_codec(self) -> Codec | None:
        """What a runtime with a store writes values with."""
        if self.config.store is None:
            return None
        from actorflow.store import Codec

        return self.config.codec or Codec()

    # ── opening and leaving ───────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        if self._machine is not None:
            raise InvalidState("a runtime is entered once\nMake a new one.")
        from actorflow.runtime.machine import Machine

        self._machine = Machine(self.config, self.clock, self._known, self._plain)
        self._starter = self._machine.start_with
        if self.config.store is not None:
            await self._machine.open_store(self.config.store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from actorflow.runtime.closing import leave

        machine = self._open()
        await leave(machine, normally=kind is None and machine.exit_error is None)
        if machine.exit_error is not None:
            if machine.host is not None:
                machine.host.uncancel()
            raise machine.exit_error

    def _open(self) -> Machine:
        if self._machine is None:
            raise RuntimeClosed("the runtime isn't open\nUse it as `async with Runtime(…) as runtime:`.")
        self._machine.check_loop()
        return self._machine

    async def _not_open(self, *_: Any) -> Run[Any]:
        raise RuntimeClosed("the runtime isn't open\nUse it as `async with Runtime(…) as runtime:`.")

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
        durability: Durability | None = None,
    ) -> RunsHere:
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
        durability          `strict`, `write_behind` or `none`, whatever the workflow and the runtime say
        """
        return RunsHere(
            self._starter,
            RunSettings(
                run_id=run_id,
                timeout=timeout,
                on_timeout=on_timeout,
                reversible=reversible,
                sequential=sequential,
                max_concurrency=max_concurrency,
                max_steps=max_steps,
                context={} if context is None else context,
                labels={} if labels is None else labels,
                priority=priority,
                cancel_with_caller=cancel_with_caller,
                durability=durability,
            ),
            self._open,
        )

    async def resume(
        self,
        workflow: Workflow[P, R],
        run: str | bytes,
        /,
        *,
        resolve: Mapping[str, Literal["retry", "fail"] | Skip[Any]] | None = None,
        who: str = "",
        why: str = "",
    ) -> Run[R]:
        """Goes on with a halted run: by its snapshot, or by its id if it was halted in this runtime or is in its store (R16).

        `resolve` says what to do with irreversible steps that were interrupted: run again, fail, or take a value for it.
        Raises `InvalidState` for a run that isn't halted, is live here, or has such a step that `resolve` doesn't name.
        """
        machine = self._open()
        resumed = await machine.resuming.resume(workflow, run, {} if resolve is None else resolve)
        if machine.keeper is not None and isinstance(run, str):
            await self._office().note(run, "resume", who, why)
        return cast("Run[R]", resumed)

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def undo(self, run_id: str, /, *, who: str = "", why: str = "") -> None:
        """Takes back a run started with `reversible=True` that has succeeded, wherever that was; see `Run.undo`."""
        machine = self._open()
        if machine.keeper is None:
            await machine.undoing.undo(machine.get(run_id))
        else:
            await self._office().undo(run_id, who, why)

    def get(self, run_id: str, /) -> Run[Any]:
        """A run that goes on here, or is among the last that ended. Raises `RecordNotFound`."""
        return self._open().get(run_id)

    def list_runs(self) -> list[Run[Any]]:
        """The last runs that have ended, oldest first, then those that go on."""
        machine = self._open()
        ended = [run for run_id, run in machine.finished.items() if run_id not in machine.rows]
        return ended + [row.handle for row in machine.rows.values() if row.handle is not None]

    def schedules(self) -> list[Schedule]:
        """The schedules that were declared on this runtime and not removed, in order."""
        table = self._open().schedules
        return [] if table is None else table.all()

    def subscribe(
        self, listener: Callable[[Any], object] | None = None, /, *types: type, buffer: int = 1000
    ) -> Subscription:
        """Has events told to `listener`, a function or an async function; without one, use it as `async for`.

        `types` are the types of the facts to be told of, all if none is given. `buffer`: how many events wait for a slow
        subscriber before the oldest is dropped.
        """
        machine = self._open()
        return machine.hub.subscribe(listener, *types, buffer=buffer)

    # ── actors and limits ─────────────────────────────────────────────────────────────────────────────────────────

    def spawn(self, actor: Actor[A], /, *, name: str = "", mailbox: int | None = None) -> ActorRef[A]:
        """Starts an actor of your own in the runtime's tree; it is stopped when the runtime is left."""
        machine = self._open()
        machine.check_open()
        return machine.system.spawn(actor, name=name, mailbox=mailbox)

    @property
    def executor(self) -> ActorRef[StartRun | HaltRun | ResumeRun | CancelRun | UndoRun]:
        """Takes requests as messages: `await runtime.executor.ask(StartRun.asking(workflow="…", inputs={…}))`."""
        return cast("ActorRef[StartRun | HaltRun | ResumeRun | CancelRun | UndoRun]", self._open().front)

    def limit(self, name: str, *, at_most: int | None = _SAME_BOUND, rate: Rate | None = _SAME_RATE) -> None:
        """Changes a limit; what isn't given stays, `None` takes a bound away. Raising admits at once (R28)."""
        machine = self._open()
        check_limit(name, at_most, rate)
        if name in self._known.limits:
            machine.permits.declare(self._known.limits[name])
        machine.services.pool.change(name, machine.now(), at_most=at_most, rate=rate)
