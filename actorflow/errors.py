"""Everything that ActorFlow raises, in one tree.

    ActorflowError
    ├── definition      InvalidStep  InvalidWorkflow  InvalidRegistry  UnknownWorkflow
    ├── what is given   InvalidInput  InvalidValue  InvalidMessage  InvalidState  NotSerializable  ResultGone
    ├── how a run ends  RunFailed  RunHalted  RunCancelled  RuntimeFault
    ├── attempts        StepTimeout  StepCancelled  StepCrashed  WorkerLost  OutcomeUnknown  AttemptsExhausted
    ├── handlers        CompensationFailed  UndoFailed
    ├── combinators     NoBranch  RepeatExhausted  DeliberateFailure  Rejected
    ├── from elsewhere  RecordedFailure
    ├── actors          AskTimeout  ActorGone  ActorFailed  MailboxFull  WrongLoop
    ├── the service     RuntimeBusy  RuntimeClosed
    ├── records         RunConflict  RecordNotFound  StaleClaim  LeaseExpired
    └── StoreError      StoreClosed  StoreUnavailable  StoreBusy  StoreFull  StoreReadOnly  StoreCorrupt  StoreTooNew
                        CommitUnknown

Line one of a message says what happened, with names; line two, where there is one, says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

Phase: TypeAlias = Literal["guard", "run", "compensate", "undo"]


class ActorflowError(Exception):
    """The root of the tree: `except ActorflowError` catches what ActorFlow raises, and nothing of your own."""


class StepError(msgspec.Struct, frozen=True):
    """One error of a run: which node, in which phase, at which attempt (1 is the first; a handler's own tries)."""

    node: str
    phase: Phase
    attempt: int
    error: BaseException

    def __str__(self) -> str:
        return f"{self.node} ({self.phase}, attempt {self.attempt}): {describe(self.error)}"


# ── definition ────────────────────────────────────────────────────────────────────────────────────────────────────────


class InvalidStep(ActorflowError):
    """A step, an option of it, or a handler makes no sense; raised where it is decorated."""


class InvalidWorkflow(ActorflowError):
    """A workflow can't run. `problems` lists all that is wrong, each with its node and the line it was written on."""

    def __init__(self, workflow: str, problems: Sequence[str], what: str = "can't run") -> None:
        self.workflow = workflow
        self.problems = tuple(problems)
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"workflow {workflow!r} {what}, {count}:{listed}")


class InvalidRegistry(ActorflowError):
    """A registry, which says what specs may name, can't be one. `problems` lists all that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("a registry can't be made of this:" + "".join(f"\n  - {problem}" for problem in problems))


class UnknownWorkflow(ActorflowError):
    """A message names a workflow that this runtime wasn't given."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        hint = suggest(name, known) or "\nGive it to the runtime: Runtime(workflows=[…])."
        super().__init__(f"no workflow is named {name!r} here{hint}")


# ── what is given ─────────────────────────────────────────────────────────────────────────────────────────────────────


class InvalidInput(ActorflowError):
    """An input of a run is missing, unknown or of the wrong type; nothing was started."""


class InvalidValue(ActorflowError):
    """A value in a `Recover`, `Skip` or `Halt` isn't of the step's type."""


class InvalidMessage(ActorflowError):
    """An actor doesn't take messages of this type."""


class InvalidState(ActorflowError):
    """The run can't do this in the state that it is in."""


class ResultGone(ActorflowError):
    """A result was asked for that nothing needed any more, so it was dropped. Name it with `keep=True`."""


class NotSerializable(ActorflowError):
    """A value has to be encoded and can't be. `path` names the part of it, as in `$.seats[2].client`."""

    def __init__(self, message: str, *, path: str = "$") -> None:
        self.path = path
        super().__init__(message)


# ── how a run ends ────────────────────────────────────────────────────────────────────────────────────────────────────


class RunFailed(ActorflowError):
    """The run failed and was taken back. `__cause__` is the first failed step's own exception.

    `errors` holds every error of the run in order; `rollback` says whether all could be taken back.
    """

    def __init__(self, run_id: str, workflow: str, errors: Sequence[StepError] = (), rollback: str = "none") -> None:
        self.run_id = run_id
        self.workflow = workflow
        self.errors = tuple(errors)
        self.rollback = rollback
        super().__init__(_ended(run_id, workflow, "failed", self.errors, rollback))


class RunCancelled(ActorflowError):
    """The run was cancelled and taken back."""

    def __init__(
        self, run_id: str, workflow: str, reason: str = "", errors: Sequence[StepError] = (), rollback: str = "none"
    ) -> None:
        self.run_id = run_id
        self.workflow = workflow
        self.reason = reason
        self.errors = tuple(errors)
        self.rollback = rollback
        what = f"was cancelled ({reason})" if reason else "was cancelled"
        super().__init__(_ended(run_id, workflow, what, self.errors, rollback))


class RunHalted(ActorflowError):
    """The run is paused. `snapshot` resumes it in this or another process: `runtime.resume(workflow, snapshot)`.

    `set_aside` names the irreversible steps that the halt interrupted: `resume(…, resolve={…})` says what is to become of each.
    """

    def __init__(
        self,
        run_id: str,
        workflow: str,
        by: str = "",
        snapshot: bytes | None = None,
        set_aside: Sequence[str] = (),
    ) -> None:
        self.run_id = run_id
        self.workflow = workflow
        self.by = by
        self.snapshot = snapshot
        self.set_aside = tuple(set_aside)
        aside = (
            f"\nIt set aside {', '.join(set_aside)}: name what is to become of each in `resolve=`." if set_aside else ""
        )
        what = f"run {run_id!r} of {workflow!r} was halted" + (f" by {by}" if by else "")
        super().__init__(f"{what}\nGo on with runtime.resume().{aside}")


class RuntimeFault(ActorflowError):
    """ActorFlow itself failed in this run's turn: a bug of ours. The run was ended; other runs go on."""


# ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class StepTimeout(ActorflowError):
    """An attempt outlived its `timeout`. `late` is what it returned after all, if it did within its grace."""

    def __init__(self, node: str, timeout: float, late: Any = None) -> None:
        self.node = node
        self.timeout = timeout
        self.late = late
        super().__init__(f"step {node!r} took longer than its timeout of {timeout:g} s")


class StepCancelled(ActorflowError):
    """An attempt was cancelled: by its run's rollback, or by a `CancelledError` that its own code raised."""


class StepCrashed(ActorflowError):
    """An attempt raised a `BaseException` that isn't an `Exception`; it is the cause."""


class WorkerLost(ActorflowError):
    """The worker process that ran an attempt is gone."""


class OutcomeUnknown(ActorflowError):
    """Nobody knows whether an attempt did its work: it was abandoned, or its worker was lost. The cause tells which."""


class AttemptsExhausted(ActorflowError):
    """A step asked for another attempt when none was left."""

    def __init__(self, node: str, attempts: int, text: str = "") -> None:
        self.node = node
        self.attempts = attempts
        self.text = text
        tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        super().__init__(f"step {node!r} gave up after {tries}" + (f": {text}" if text else ""))


# ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class CompensationFailed(ActorflowError):
    """A compensation was given up after `tries` tries; its last error is the cause."""

    def __init__(self, node: str, tries: int) -> None:
        self.node = node
        self.tries = tries
        super().__init__(f"the compensation of {node!r} was given up after {tries} {'try' if tries == 1 else 'tries'}")


class UndoFailed(ActorflowError):
    """An undo was given up after `tries` tries; its last error is the cause. What it should undo still stands.

    `Run.undo()` raises it for the whole run when not everything could be undone; `errors` then lists what wasn't.
    """

    def __init__(self, node: str, tries: int, errors: Sequence[StepError] = ()) -> None:
        self.node = node
        self.tries = tries
        self.errors = tuple(errors)
        listed = "".join(f"\n  - {error}" for error in self.errors)
        super().__init__(f"the undo of {node!r} was given up after {tries} {'try' if tries == 1 else 'tries'}{listed}")


# ── combinators ───────────────────────────────────────────────────────────────────────────────────────────────────────


class NoBranch(ActorflowError):
    """A `choose` or `choose_first` has no branch for the value that it got, and no default."""

    def __init__(self, node: str, value: object) -> None:
        self.node = node
        self.value = value
        super().__init__(f"{node!r} has no branch for {brief(value)}\nGive it one, or a default=.")


class RepeatExhausted(ActorflowError):
    """A `repeat` made all the passes that it may, and `until` was never content. `value` is the last pass's result."""

    def __init__(self, node: str, passes: int, value: object = None) -> None:
        self.node = node
        self.passes = passes
        self.value = value
        count = "1 pass" if passes == 1 else f"{passes} passes"
        super().__init__(f"{node!r} wasn't done after {count}; the last one gave {brief(value)}")


class DeliberateFailure(ActorflowError):
    """A `fail` was reached; its text says why."""


class Rejected(ActorflowError):
    """Somebody said no to an `approval(…, reject="fail")`: `who`, and `why` if they told."""

    def __init__(self, node: str, who: str, why: str = "") -> None:
        self.node = node
        self.who = who
        self.why = why
        super().__init__(f"{node!r} was rejected by {who}" + (f": {why}" if why else ""))


# ── from elsewhere ────────────────────────────────────────────────────────────────────────────────────────────────────


class RecordedFailure(ActorflowError):
    """An exception from before a restart, or from another process, whose class isn't registered with `@failure`.

    `type` is its module and qualified name, `kinds` are those of its base classes, for `failed_with`. `parts` are the members of
    an exception group.
    """

    def __init__(
        self,
        type: str,
        message: str,
        traceback: str = "",
        notes: Sequence[str] = (),
        kinds: Sequence[str] = (),
        parts: Sequence[BaseException] = (),
    ) -> None:
        self.type = type
        self.message = message
        self.traceback = traceback
        self.notes = tuple(notes)
        self.kinds = tuple(kinds)
        self.parts = tuple(parts)
        super().__init__(f"{type}: {message}" if message else type)


# ── actors and the service ────────────────────────────────────────────────────────────────────────────────────────────


class AskTimeout(ActorflowError):
    """No answer came within the time that the asker gave."""


class ActorGone(ActorflowError):
    """The actor has ended: nobody will answer."""


class ActorFailed(ActorflowError):
    """The actor failed while it handled this message; its error is the cause."""


class MailboxFull(ActorflowError):
    """A bounded mailbox has no room. `await ref.put(message)` waits for it."""


class WrongLoop(ActorflowError):
    """An object of one event loop was used from another loop or thread."""


class RuntimeBusy(ActorflowError):
    """As many runs are going on as `max_runs` allows."""


class RuntimeClosed(ActorflowError):
    """The runtime isn't open: it was left, or never entered."""


# ── records and stores ────────────────────────────────────────────────────────────────────────────────────────────────


class RunConflict(ActorflowError):
    """A run of this id exists already, with other inputs or of another workflow."""


class RecordNotFound(ActorflowError):
    """No run or step run of this id is known here."""


class StaleClaim(ActorflowError):
    """A write came from a claim that isn't the current one any more, or to a step run that nobody has claimed; nothing was changed.

    `status` is what the step run is in now. Whoever gets this has lost the step to another: it stops, and records nothing more.
    """

    def __init__(self, status: str, step_run: str = "", token: int | None = None, current: int = 0) -> None:
        self.status = status
        self.step_run = step_run
        self.token = token
        self.current = current
        claim = "a write without a claim" if token is None else f"a write with claim {token}"
        super().__init__(
            f"{claim} to step run {step_run!r} is refused: it is {status}, its claim is {current}"
            "\nNothing was changed. Somebody else has this step now, or its end is recorded already."
        )


class LeaseExpired(ActorflowError):
    """A runtime wrote to a run that isn't its own any more: its lease lapsed and another runtime took over, or it gave the run up.

    Nothing was changed. `owner` is the runtime's number, `run` the run's id (empty: the runtime itself is gone, with all it had), `current` the
    number of the runtime that has the run now, `None` if nobody has. Whoever gets this stops what it does for that run, and records nothing more.
    """

    def __init__(self, owner: int, run: str = "", current: int | None = None) -> None:
        self.owner = owner
        self.run = run
        self.current = current
        has = "nobody has it" if current is None else f"runtime {current} has it"
        lost = (
            f"runtime {owner} doesn't have run {run!r} any more: {has}"
            if run
            else f"runtime {owner} has lost its lease"
        )
        super().__init__(
            f"{lost}\nNothing was changed. What it did for {'it' if run else 'its runs'} ends here; another may go on."
        )


class StoreError(ActorflowError):
    """The store couldn't do what it was asked. Nothing was changed, but for `CommitUnknown`.

    `store` names it, `problem` says what happened, `advice` what to do.
    """

    def __init__(self, store: str, problem: str, advice: str = "") -> None:
        self.store = store
        self.problem = problem
        self.advice = advice
        super().__init__(f"{store}: {problem}" + (f"\n{advice}" if advice else ""))


class StoreClosed(StoreError):
    """The store isn't open: it was left, or never entered (`async with store:`)."""


class StoreUnavailable(StoreError):
    """The database can't be opened or reached. What was asked may be asked again when it's there."""


class StoreBusy(StoreError):
    """Somebody else kept the database locked for longer than the store waits."""


class StoreFull(StoreError):
    """There's no room for what should be written. The store works on as soon as there is."""


class StoreReadOnly(StoreError):
    """The database may not be written to."""


class StoreCorrupt(StoreError):
    """What is in the database isn't what a store writes: damaged pages, a missing table, a row that can't be."""


class StoreTooNew(StoreError):
    """A newer version of ActorFlow wrote the database; this one leaves it as it is."""


class CommitUnknown(StoreError):
    """Nobody knows whether the last writes are in the database: it failed, or went away, while they were committed.

    Read again what is there before going on.
    """


# ── how errors are worded ─────────────────────────────────────────────────────────────────────────────────────────────

LONG = 80
"""How many characters of a value are shown."""


def describe(error: BaseException) -> str:
    """`ValueError: no seat`, as the last line of a traceback has it."""
    try:
        text = str(error)
    except Exception as broken:
        text = f"(its text can't be had: {type(broken).__name__})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def brief(value: object) -> str:
    """A value as its `repr` shows it, cut where it gets long; its type, if it can't be shown."""
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence naming the nearest known name, or nothing: `; did you mean 'charge'?`."""
    from difflib import get_close_matches  # needed when something is wrong

    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _ended(run_id: str, workflow: str, what: str, errors: Sequence[StepError], rollback: str) -> str:
    listed = "".join(f"\n  - {error}" for error in errors)
    hint = "\nNot everything could be taken back: see .errors." if rollback == "incomplete" else ""
    return f"run {run_id!r} of {workflow!r} {what}, rollback {rollback}{listed}{hint}"
