"""How a run can end: a closed union, to be matched exhaustively (R27)."""

from __future__ import annotations

from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec

from actorflow.errors import RunFailed, StepError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Rollback: TypeAlias = Literal["none", "complete", "incomplete"]
"""`none`: nothing was compensated or undone; `incomplete`: something couldn't be taken back, or nobody knows."""

RunStatus: TypeAlias = Literal[
    "waiting", "running", "halting", "rolling_back", "succeeded", "failed", "halted", "cancelled", "undoing", "undone"
]


class Succeeded(msgspec.Struct, Generic[T_co], frozen=True, tag=True):
    value: T_co
    run_id: str = ""


class Failed(msgspec.Struct, frozen=True, tag=True):
    error: RunFailed
    rollback: Rollback = "none"
    run_id: str = ""


class Halted(msgspec.Struct, frozen=True, tag=True):
    """Paused by `by`: a node's name, or the reason given to `halt()`. `snapshot` resumes it, if all could be encoded.

    `set_aside` names the irreversible steps that the halt interrupted: whoever resumes the run says what is to become of each (R16).
    """

    by: str = ""
    snapshot: bytes | None = None
    run_id: str = ""
    set_aside: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """A snapshot is shown by its length."""
        snapshot = None if self.snapshot is None else f"<{len(self.snapshot):,} bytes>"
        return f"Halted(by={self.by!r}, snapshot={snapshot}, run_id={self.run_id!r}, set_aside={self.set_aside!r})"


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    reason: str = ""
    rollback: Rollback = "none"
    errors: tuple[StepError, ...] = ()
    run_id: str = ""


class Approval(msgspec.Struct, frozen=True):
    """What somebody has answered to an `approval`: yes or no, who it was, and why."""

    approved: bool
    who: str
    why: str = ""


Outcome: TypeAlias = Succeeded[T] | Failed | Halted | Cancelled
