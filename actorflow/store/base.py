"""What a store keeps of runs and their steps, and what it can be asked: the face that every store has.

One step run per run and step:

    pending ──> running ──> completed ──> undoing ──> undone
                  │ ^                       │ ^
                  v │                       v │
                 failed                  undo_failed

A *claim* (`begin_step`, `begin_undo`) is the only way into `running` and `undoing`: of any number of claims at once exactly one gets
*execute*, the others *skip* (R45). It brings a token, one higher than the claim before. Whoever writes the end shows it; a write with an older
one is refused with `StaleClaim` and changes nothing (R46). A claim whose owner is gone is given up with `lose_attempt`.

Values are bytes: the codec is above the store, so that a store is usable by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol, Self, TypeAlias

import msgspec

from actorflow.store.runs import RunRecord, RunStore


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


AttemptOutcome: TypeAlias = Literal["completed", "failed", "lost"]
AttemptPhase: TypeAlias = Literal["run", "undo"]


class StepRun(msgspec.Struct, frozen=True):
    """A step in a run. `token` is that of the latest claim, 0 before the first one.

    `sequence` tells the order of completion within a run: a number that only grows, never a clock; 0 if it hasn't completed.
    """

    id: str
    run_id: str
    step: str
    status: StepStatus
    input: bytes | None
    output: bytes | None
    error: bytes | None
    token: int
    sequence: int = 0


class Attempt(msgspec.Struct, frozen=True):
    """One try at a step, or at its undo: what a claim became. Times are seconds since the epoch.

    `number` counts from 1, within its phase. `outcome` is `None` while it goes on; `lost` is the end of an attempt whose owner is gone: no
    failure of the step (R53).
    """

    number: int
    worker: str
    started: float
    ended: float | None
    outcome: AttemptOutcome | None
    error: bytes | None
    phase: AttemptPhase = "run"
    token: int = 0


class Scheduled(msgspec.Struct, frozen=True):
    """The answer to `schedule_step`: recorded, or there was a step run already: this one, unchanged."""

    step_run: StepRun
    decision: Literal["schedule", "skip"]


class Claim(msgspec.Struct, frozen=True):
    """The answer to a claim: *execute* (yours, `step_run.token` fences it) or *skip* (somebody has it, or it's done)."""

    step_run: StepRun
    decision: Literal["execute", "skip"]


class StepRunStore(Protocol):
    """The step runs of a store.

    Unknown runs and ids raise `RecordNotFound`, what isn't bytes or can't be a name raises `InvalidValue`, and a store that can't do its work
    raises a `StoreError`. Cancelling a wait doesn't take back what was asked.
    """

    async def schedule_step(self, run_id: str, step: str, input: bytes) -> Scheduled:
        """Records the step as `pending`, if nothing is recorded of it yet."""
        ...

    async def begin_step(self, run_id: str, step: str, input: bytes, *, worker: str = "") -> Claim:
        """Claims a step that is new, `pending` or `failed`. A pending one keeps the input that it was scheduled with."""
        ...

    async def complete_step(self, step_run_id: str, output: bytes, *, token: int | None = None) -> StepRun:
        """Ends a `running` step well. The same write again, with the same token, is fine; any other raises `StaleClaim`."""
        ...

    async def fail_step(self, step_run_id: str, error: bytes, *, token: int | None = None) -> StepRun:
        """Ends a `running` step badly. It may be claimed again."""
        ...

    async def lose_attempt(self, step_run_id: str, *, token: int | None = None) -> StepRun:
        """Gives up a claim whose owner is gone (R53): the step is as it was before it, and may be claimed again."""
        ...

    async def begin_undo(self, run_id: str, step: str, *, worker: str = "", unknown: bool = False) -> Claim:
        """Claims the undo of a `completed` step, or of one whose undo failed.

        `unknown=True` claims that of a `failed` one too: its outcome is unknown, and its undo takes that (R54). A step that is neither begun nor
        ended has nothing to undo: `InvalidState`; one that isn't recorded at all: `RecordNotFound`.
        """
        ...

    async def complete_undo(self, step_run_id: str, *, token: int | None = None) -> StepRun:
        """Ends an undo well. The step's output stays."""
        ...

    async def fail_undo(self, step_run_id: str, error: bytes, *, token: int | None = None) -> StepRun:
        """Ends an undo badly. It may be claimed again."""
        ...

    async def get_step_run(self, run_id: str, step: str) -> StepRun | None:
        """What is recorded of a step, or `None`."""
        ...

    async def step_statuses(self, run_id: str) -> dict[str, StepStatus]:
        """The status of every step that is recorded, by name, names in order."""
        ...

    async def completed_steps(self, run_id: str) -> list[str]:
        """The names of the `completed` steps, in order of completion."""
        ...

    async def completed_outputs(self, run_id: str) -> list[bytes]:
        """The outputs of the `completed` steps, in order of completion."""
        ...

    async def attempts(self, step_run_id: str) -> list[Attempt]:
        """Every attempt at the step, the undo's too, oldest first."""
        ...


class Store(StepRunStore, RunStore, Protocol):
    """A store: entered with `async with` by the loop that uses it, and left by it.

    Before and after, it refuses everything with `StoreClosed`.
    """

    def beside(self) -> Store:
        """Another store on the same records, not entered yet: a thread's own, on a loop of its own. A lease is renewed so while this loop is busy (R55)."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def together(self, requests: Sequence[Any], /) -> list[Any]:
        """What the other functions do, as requests, many at once: in order, for one wait, and in one transaction if they are about single runs.

        One that is refused has its error in its answer's place, and the others stand.
        """
        ...

    async def create_run(self, *, run_id: str, workflow: str, inputs: bytes) -> RunRecord:
        """Records a run once (R47): the same id with the same workflow and inputs gives the one that is there, else `RunConflict`."""
        ...

    async def get_run(self, run_id: str) -> RunRecord:
        """The run, whole."""
        ...
