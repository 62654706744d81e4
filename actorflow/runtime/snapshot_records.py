"""What a snapshot is made of (R16). All that the annotated types of the workflow say how to write is bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from actorflow.engine import RunOptions
from actorflow.errors import StepError
from actorflow.failures import FailureRecord, rebuild, record

if TYPE_CHECKING:
    from actorflow.store import Codec


class Noted(msgspec.Struct, frozen=True, array_like=True):
    """An error of the run."""

    node: str
    phase: Literal["guard", "run", "compensate", "undo"]
    attempt: int
    failure: FailureRecord


class EmittedWait(msgspec.Struct, frozen=True, array_like=True):
    """What a wait that was emitted waits for; `takes` and `returns` are types, told as `snapshot_types` does."""

    kind: Literal["sleep", "sleep_until", "signal", "approval"]
    given: tuple[str, ...]
    signal: str
    fails: bool
    takes: Any
    returns: Any


class EmittedStep(msgspec.Struct, frozen=True, array_like=True):
    """A step that was emitted. `arguments` are numbers of steps emitted with it, and of constants behind them. A wait has no code, so it has no
    module and no name there.
    """

    module: str
    qualname: str
    name: str
    arguments: tuple[int, ...]
    keywords: tuple[str, ...]
    after: tuple[int, ...]
    keep: bool
    line: str
    wait: EmittedWait | None = None


class Emitted(msgspec.Struct, frozen=True, array_like=True):
    """What a step has emitted. `result` is the one that stands for it."""

    name: str
    steps: tuple[EmittedStep, ...]
    constants: tuple[bytes, ...]
    result: int | None


class FrameRecord(msgspec.Struct, frozen=True, array_like=True):
    """A body that is open, or may be undone. `inputs` are those that can't be had again from around it."""

    base: int
    number: int
    index: int
    key: str | None
    is_over: bool
    acted: bool
    incomplete: bool
    emitted: bool
    names: dict[int, str]
    errors: list[Noted]
    inputs: dict[int, bytes]


class ScopeRecord(msgspec.Struct, frozen=True, array_like=True):
    """A scope with its bodies. `fits` is the fingerprint of a body that was compiled after its workflow was; `items` are those not begun."""

    node: int
    spent: float
    is_open: int
    passes: int
    is_done: bool
    fits: str
    emitted: Emitted | None
    value: bytes | None
    items: bytes | None
    start: int
    keys: list[str] | None
    results: bytes | None
    frames: list[FrameRecord]


class FreeRange(msgspec.Struct, frozen=True, array_like=True):
    """A range that can be used anew, by the plan that is found on this way from the run's own: scope, body, scope, body, …"""

    base: int
    size: int
    way: tuple[int, ...]


class TreeRecord(msgspec.Struct, frozen=True):
    """What a run has opened beyond its plan; `size` is that of its tables, scopes come outermost first. See `engine/tree.py` for the others."""

    size: int
    scopes: list[ScopeRecord]
    free: list[FreeRange]
    done: list[int]
    left: set[int]
    replaced: set[int]
    own: dict[int, bytes]
    generations: dict[int, tuple[str, int]]


class WaitRecord(msgspec.Struct, frozen=True, array_like=True):
    """A wait that goes on. `until` is seconds since the epoch: time passes while a run is halted."""

    node: int
    spent: float
    until: float | None
    signal: str
    question: str | None
    by: tuple[str, ...]


class Snapshot(msgspec.Struct, frozen=True):
    """A halted run. Times are in seconds from now, since clocks differ, but for those of waits."""

    version: int
    run_id: str
    workflow: str
    fingerprint: str
    inputs: tuple[bytes, ...]
    context: bytes
    labels: Mapping[str, str]
    priority: int
    options: RunOptions
    by: str
    status: bytes
    attempt: list[int]
    values: dict[int, bytes]
    undo_stack: list[int]
    reasons: dict[int, FailureRecord]
    waits: dict[int, float]
    spent: dict[int, float]
    uncounted: dict[int, int]
    passed: set[int]
    offered: set[int]
    stopped: set[int]
    unknown: set[int]
    errors: list[Noted]
    acted: bool
    incomplete: bool
    tree: TreeRecord | None = None
    dormant: list[WaitRecord] = []
    signals: list[tuple[str, bytes]] = []


def noted(error: StepError, codec: Codec) -> Noted:
    return Noted(error.node, error.phase, error.attempt, codec.seal_failure(record(error.error)))


def error_of(noted: Noted, codec: Codec) -> StepError:
    """Raises `InvalidValue` if it is sealed, and the codec can't open it."""
    return StepError(noted.node, noted.phase, noted.attempt, rebuild(codec.open_failure(noted.failure)))
