"""What can happen in a run, once and for all: one vocabulary for the engine, the store, telemetry and whoever looks.

Facts are nouns and participles. Those of the first group are sent by step runners: the message *is* the fact. Those of the second
are the executor's own; they are built as objects only if somebody takes them. Those of the last tell of actors and pools.

`run` is the run's id, `node` the node's number in its plan (-1: the run itself), `attempt` the number of the attempt from 1
(in a handler's facts `tries` counts the handler's own tries), `at` and `began` are seconds of the runtime's monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """The root of all facts; subscribe to it to take everything."""


class RunFact(Fact, frozen=True):
    """A fact of a run as a whole."""

    node: ClassVar[int] = -1
    attempt: ClassVar[int] = 0

    run: str
    at: float


class StepFact(Fact, frozen=True):
    """A fact of one node of a run."""

    run: str
    node: int
    attempt: int
    at: float


# ── step runner → executor ────────────────────────────────────────────────────────────────────────────────────────────


class GuardsPassed(StepFact, frozen=True):
    began: float


class GuardFailed(StepFact, frozen=True):
    """`again`: the guard raised `TryAgain`; `delay` is then the wait in seconds."""

    error: BaseException
    again: bool
    delay: float
    began: float


class StepSkipped(StepFact, frozen=True):
    """A guard said `Skip(value)`, or `where=` said no."""

    value: Any
    began: float


class StepEntered(StepFact, frozen=True):
    """A thread or a worker process has begun with the step's own code: its time runs."""


class StepSucceeded(StepFact, frozen=True):
    value: Any
    began: float


class StepHalted(StepFact, frozen=True):
    """The step raised `Halt(value)`: it is done with that value, and its run pauses."""

    value: Any
    began: float


class AttemptFailed(StepFact, frozen=True):
    """`again`: the step asked for another attempt, or its error is named in `on=`; `delay` is then the wait in seconds.

    `unknown`: its worker was lost, so it may have acted.
    """

    error: BaseException
    again: bool
    delay: float
    began: float
    unknown: bool = False


class StepInterrupted(StepFact, frozen=True):
    """The attempt was stopped because we asked for it. `entered`: its own code had begun."""

    entered: bool
    began: float
    error: BaseException | None = None


class StepRecovered(StepFact, frozen=True):
    tries: int
    value: Any
    began: float


class StepCompensated(StepFact, frozen=True):
    """The compensation answered `None`, or asked for another attempt of the step (`again`, after `delay` seconds)."""

    tries: int
    again: bool
    delay: float
    reason: BaseException | None
    began: float


class CompensationAttemptFailed(StepFact, frozen=True):
    tries: int
    error: BaseException
    again: bool
    delay: float
    began: float


class StepUndone(StepFact, frozen=True):
    tries: int
    began: float


class UndoAttemptFailed(StepFact, frozen=True):
    tries: int
    error: BaseException
    again: bool
    delay: float
    began: float


# ── waits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class WaitStarted(StepFact, frozen=True):
    """The node waits, and holds nothing while it does: until `due`, a monotonic time, or for a signal of this name, or for whichever comes first.

    An approval has a `question`, empty if it says all by its name; `by` are those who may answer, anybody if nobody is named.
    """

    due: float | None
    signal: str = ""
    question: str | None = None
    by: tuple[str, ...] = ()


# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class BodyOpened(StepFact, frozen=True):
    """A scope has decided: this body runs now, with these values. `key` is its part of the names in it.

    A repeat counts its passes from 1 with `index`; an around that is entered again gives its new value to the body that is open.
    """

    body: int
    index: int
    key: str
    given: tuple[Any, ...]
    began: float


class ItemsPulled(StepFact, frozen=True):
    """An `each` has got items; `more`: the source isn't exhausted. `keys` are their names, None: their places in the source."""

    items: Sequence[Any]
    keys: Sequence[str] | None
    more: bool
    began: float


class ScopeLeft(StepFact, frozen=True):
    """An around was left; `error` is what its exit raised."""

    error: BaseException | None
    began: float


class StepsEmitted(StepSucceeded, frozen=True):
    """The step has succeeded, and has added steps to its run: `plan`. Its result stands for the step's own if `replacing` says so.

    `replacing` is what stands for it is called in the plan: one node, or the path of several.

    `problem`: they can't be planned, which fails the run. `halts`: it has raised `Halt(value)`, so the run pauses.
    """

    plan: Any = None
    replacing: str = ""
    problem: BaseException | None = None
    halts: bool = False


# ── the executor's own ────────────────────────────────────────────────────────────────────────────────────────────────


class RunStarted(RunFact, frozen=True):
    workflow: str
    labels: Mapping[str, str]


class StepScheduled(StepFact, frozen=True):
    """All that the node waits for is resolved."""


class GuardsStarted(StepFact, frozen=True): ...


class StepStarted(StepFact, frozen=True): ...


class RetryScheduled(StepFact, frozen=True):
    """Attempt `attempt` has ended; the next one is due at `due`, a monotonic time."""

    due: float
    reason: BaseException


class StepAbandoned(StepFact, frozen=True):
    """The attempt went on regardless of being cancelled, for longer than `cancel_grace`."""

    error: BaseException


class AttemptLost(StepFact, frozen=True):
    """The attempt was in flight when its process was lost: no failure of the step, and not counted against `Retry` (R53).

    `again`: the step runs again. Else a person must decide, or, in a rollback, what it may have done is taken back. `crashed`: its runtime wasn't
    left, but died: the step may be why.
    """

    error: BaseException
    again: bool
    crashed: bool = True


class CompensationStarted(StepFact, frozen=True):
    tries: int
    error: BaseException


class CompensationRetryScheduled(StepFact, frozen=True):
    tries: int
    due: float
    reason: BaseException


class CompensationGaveUp(StepFact, frozen=True):
    tries: int
    error: BaseException


class StepGaveUp(StepFact, frozen=True):
    """The failure stands."""

    error: BaseException
    phase: Literal["guard", "run"]


class ItemStarted(StepFact, frozen=True):
    """A body runs for an item of an `each`."""

    index: int
    key: str
    item: Any


class ItemFailed(StepFact, frozen=True):
    """A failure stands inside an item whose outcome is collected: the item is taken back by itself."""

    index: int
    error: BaseException


class ItemEnded(StepFact, frozen=True):
    """The item has been taken back; `outcome` is what its `each` gives for it."""

    index: int
    outcome: Any


class RollbackStarted(RunFact, frozen=True):
    """`reason` is that of a cancel. `error`: the run as a whole failed (its result, its middleware), not one of its steps."""

    cancelled: bool
    reason: str = ""
    error: BaseException | None = None


class UndoStarted(StepFact, frozen=True):
    tries: int


class UndoRetryScheduled(StepFact, frozen=True):
    tries: int
    due: float
    reason: BaseException


class UndoGaveUp(StepFact, frozen=True):
    tries: int
    error: BaseException


class RunPaused(RunFact, frozen=True):
    """The run starts nothing new; it is halted when its steps in flight have ended."""

    by: str


class RunResumed(RunFact, frozen=True):
    """`retried`: nodes that had been set aside, and of which a person said that they run again (R49)."""

    retried: tuple[int, ...] = ()


class SignalReceived(RunFact, frozen=True):
    """A signal has come. It ends the wait for it that was reached first; if none is yet, it is kept for the first that will be."""

    signal: str
    value: Any


class RollbackResumed(RunFact, frozen=True):
    """A person has looked at a rollback that was incomplete (R52): `retried` are undone once more, `settled` were dealt with otherwise, by name."""

    retried: tuple[int, ...] = ()
    settled: tuple[str, ...] = ()


class RunEnded(RunFact, frozen=True):
    """`status` is succeeded, failed, halted, cancelled or undone; `began` is when it was started or resumed."""

    status: str
    rollback: str
    began: float


class LeaseTaken(RunFact, frozen=True):
    """A runtime has taken the run over, and goes on with it. `worker` is the runtime's name."""

    worker: str


class LeaseLost(RunFact, frozen=True):
    """The run was taken over by another runtime: this one records nothing more, and stops what it executes of it."""

    worker: str


class SnapshotFailed(RunFact, frozen=True):
    """The halted run has no snapshot: the value at `path` can't be encoded."""

    path: str
    message: str


class StepHeartbeat(StepFact, frozen=True):
    details: Any


class StepProgressed(StepFact, frozen=True):
    done: float
    total: float | None


# ── actors and pools ──────────────────────────────────────────────────────────────────────────────────────────────────


class ActorFact(Fact, frozen=True):
    """A fact of an actor of the runtime's tree (not of the actors that run steps)."""

    run: ClassVar[str] = ""
    node: ClassVar[int] = -1
    attempt: ClassVar[int] = 0

    actor: str
    at: float


class ActorSpawned(ActorFact, frozen=True): ...


class ActorStopped(ActorFact, frozen=True):
    """`error` is None if it ended as it should."""

    error: BaseException | None


class ActorRestarted(ActorFact, frozen=True):
    error: BaseException | None


class DeadLetter(ActorFact, frozen=True):
    """A message came for an actor that is gone."""

    message: Any


class PoolFact(StepFact, frozen=True):
    pools: tuple[str, ...]


class PermitsWaited(PoolFact, frozen=True):
    """The node waits for permits of these pools."""


class PermitsAcquired(PoolFact, frozen=True): ...


class PermitsReleased(PoolFact, frozen=True): ...


# ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class ScheduleSkipped(Fact, frozen=True):
    """A schedule has passed over what was due from `first` to `last`, in seconds since the epoch.

    `why`: nobody was there in time (`missed`), an earlier firing went on (`overlap`), or its run couldn't be started (`failed`). Of several
    replicas one tells it.
    """

    run: ClassVar[str] = ""
    node: ClassVar[int] = -1
    attempt: ClassVar[int] = 0

    schedule: str
    at: float
    first: float
    last: float
    why: Literal["missed", "overlap", "failed"]


# ── telemetry's own ───────────────────────────────────────────────────────────────────────────────────────────────────


class EventsLost(Fact, frozen=True):
    """A subscriber's buffer was full: the `count` events that should have come here were dropped, the oldest first.

    It comes to every subscriber that lost some, whatever types it asked for. `run` is empty unless it asked for one run.
    """

    node: ClassVar[int] = -1
    attempt: ClassVar[int] = 0

    run: str
    at: float
    count: int


# ── as subscribers get them ───────────────────────────────────────────────────────────────────────────────────────────


class Event(msgspec.Struct, frozen=True):
    """A fact as subscribers get it. `time` is seconds since the epoch, `monotonic` and `duration` are seconds.

    `sequence` numbers the run's facts from 1 (0: a fact of no run); `node` is the node's name, empty for the run itself.
    """

    fact: Any
    run_id: str
    sequence: int
    node: str
    attempt: int
    time: float
    monotonic: float
    duration: float | None = None
