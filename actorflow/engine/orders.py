"""What the engine is asked, besides the facts that step runners send, and what it orders in turn.

Requests are no facts: they may be refused. `at` is the monotonic time at which they came. An order is caused by a fact,
but for stopping and permits, which aren't durable. The commonest order, to start an attempt, has no object: it is a node in `state.started`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from actorflow.policy import Skip

# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Request(msgspec.Struct, frozen=True):
    run: str
    at: float


class Pause(Request, frozen=True):
    by: str


class Cancel(Request, frozen=True):
    reason: str


class UndoAll(Request, frozen=True):
    """Take back a reversible run that has succeeded."""


class GoOn(Request, frozen=True):
    """Start what couldn't be started within the last turn."""


class Resume(Request, frozen=True):
    """Middleware won't have it go on (`refused`, R44), or it was cancelled meanwhile (the reason): then it is rolled back from
    where it stands.
    """

    resolve: Mapping[int, Literal["retry", "fail"] | Skip[Any]]
    refused: BaseException | None = None
    cancelled: str | None = None


class TakeOver(Request, frozen=True):
    """A runtime has taken the run over: what was in flight is lost, all else goes on where it stood (R50, R53).

    It is decided once, after a replay, and recorded like all else. `worker` has the run now. `shift` is what is added to monotonic times that
    were taken before: the new runtime's clock less the old one's, for the same moment. A step that was lost `lost_limit` times is set aside;
    that counts unless the runtime was left properly (not `crashed`).
    """

    shift: float = 0.0
    lost_limit: int = 3
    worker: str = ""
    crashed: bool = True


class StartFrom(Request, frozen=True):
    """The run begins with results that another run had: an operator's retry, or a replay. `kept`: those of its nodes, by their numbers.

    They are this run's values, and not its doing: it never undoes them.
    """

    workflow: str
    labels: Mapping[str, str]
    kept: Mapping[int, Skip[Any]]


class UndoAgain(Request, frozen=True):
    """What couldn't be taken back of a run that has ended: `retried` are nodes whose undo is tried again, the first one to be undone first;
    `settled` are names of steps that a person has dealt with (R52).
    """

    retried: tuple[int, ...]
    settled: tuple[str, ...]


class RunOverdue(Request, frozen=True):
    """The run's own `timeout` is over."""


class PatienceOver(Request, frozen=True):
    """What is in flight had its `halt_timeout` or `settle_timeout`; `phase` is the one for which it was set."""

    phase: int


class ResultChecked(Request, frozen=True):
    """Middleware is content with the result, or has changed it."""

    value: Any


class ResultRefused(Request, frozen=True):
    """Middleware turned the result into a failure."""

    error: BaseException


class Broken(Request, frozen=True):
    """The runtime itself failed in this run's turn (R35)."""

    error: BaseException


class ItemPatienceOver(Request, frozen=True):
    """What is in flight in an item that has failed had its `settle_timeout`."""

    node: int
    index: int


class PermitsGranted(Request, frozen=True):
    nodes: tuple[int, ...]


class PermitsQueued(Request, frozen=True):
    """Permits that were asked for aren't free: the nodes wait in line."""

    nodes: tuple[int, ...]


class SignalCame(Request, frozen=True):
    """Somebody says `value` to whoever waits, or will wait, for this signal: by its name, or that of the node that waits."""

    signal: str
    value: Any


class SignalRefused(Request, frozen=True):
    """A signal came whose value can't be taken; it is passed over, and recorded as that."""

    signal: str
    why: str


class NodeRequest(msgspec.Struct, frozen=True):
    run: str
    node: int
    attempt: int
    at: float


class RetryDue(NodeRequest, frozen=True): ...


class WaitOver(NodeRequest, frozen=True):
    """The time has come until which the node waits."""


class HandlerDue(NodeRequest, frozen=True):
    """The next try of a compensation or an undo is due."""


class DeadlinePassed(NodeRequest, frozen=True):
    """The attempt had its time. The policy has been asked already: `again` after `delay` seconds, or not."""

    error: BaseException
    again: bool
    delay: float
    began: float


class GraceOver(NodeRequest, frozen=True):
    """The attempt was told to stop, and goes on."""


class NothingBegun(NodeRequest, frozen=True):
    """The attempt couldn't begin: its arguments couldn't be made, or its limit's `key` raised."""

    error: BaseException


# ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Order(msgspec.Struct, frozen=True):
    """The root of all orders; the executor carries them out after the turn's facts are recorded."""


class RunGuards(Order, frozen=True):
    node: int
    attempt: int


class LeaveScope(Order, frozen=True):
    """Leave an around, with the failure in hand if there is one."""

    node: int
    attempt: int
    error: BaseException | None


class StopStep(Order, frozen=True):
    """Cancel what executes for this node, and say when its grace is over."""

    node: int
    attempt: int


class CompensateStep(Order, frozen=True):
    node: int
    attempt: int
    tries: int
    error: BaseException


class UndoStep(Order, frozen=True):
    node: int
    attempt: int
    tries: int


class AskPermits(Order, frozen=True):
    """For an undo or a compensation: at the front of the line."""

    node: int


class ReleasePermits(Order, frozen=True):
    node: int


class DeclinePermits(Order, frozen=True):
    """The run can't use them now; it will ask again."""

    node: int


class AbandonStep(Order, frozen=True):
    """Wait for the attempt no longer. It keeps its permits, if it holds any (`orphaned`), until it ends by itself."""

    node: int
    attempt: int
    orphaned: bool


class WithdrawAsks(Order, frozen=True):
    """Nothing new starts: these nodes leave the lines in which they wait."""

    nodes: tuple[int, ...]


class Remind(Order, frozen=True):
    """Send `message` at monotonic time `due`."""

    due: float
    message: Any


class CheckResult(Order, frozen=True):
    value: Any


class FindLost(Order, frozen=True):
    """A turn was broken off (R35): say of all that should execute, and doesn't, that nobody knows what became of it."""

    error: BaseException


class EndRun(Order, frozen=True):
    status: str
