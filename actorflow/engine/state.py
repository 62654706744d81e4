"""The state of one run: what the engine folds facts into, and looks at to say what comes next.

Per node there is one status and one number of attempts; all that only few nodes have stands in small dicts. What is written here is
written by `fold.py` alone, but for what isn't recorded: permits, orders to stop, and the buffers of the turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

import msgspec

from actorflow.engine.tree import GrowingProgram, Tree, name_of, path_of
from actorflow.errors import StepError
from actorflow.facts import Fact
from actorflow.outcome import RunStatus
from actorflow.plan import Plan, StepSpec

# ── what a node can be ────────────────────────────────────────────────────────────────────────────────────────────────

PENDING: Final = 0  # waits for other nodes
READY: Final = 1  # waits for a slot, or for its turn
ASKED: Final = 2  # permits were asked for, within this turn
QUEUED: Final = 3  # waits for permits
GUARDING: Final = 4
RUNNING: Final = 5
OVERDUE: Final = 6  # was told to stop: its time is over
STOPPING: Final = 7  # was told to stop: a halt, a rollback, cancel()
WAITING: Final = 8  # for its next attempt
COMPENSATING: Final = 9
COMPENSATION_WAITING: Final = 10  # for the handler's next try, or for permits
COMPLETED: Final = 11
SKIPPED: Final = 12
FAILED: Final = 13
INTERRUPTED: Final = 14  # runs again when the run is resumed
SET_ASIDE: Final = 15  # irreversible and interrupted, or lost too often: a person decides
UNDOING: Final = 16
UNDO_WAITING: Final = 17  # for the handler's next try, or for permits
UNDONE: Final = 18
UNDO_FAILED: Final = 19
OPEN: Final = 20  # a scope: its bodies run
LEAVING: Final = 21  # an around: it is being left, in a halt or a rollback
HOLE: Final = 22  # no node: an input or a constant
DORMANT: Final = 23  # waits for a time or a signal, and holds nothing

STATUS_NAMES: Final = (
    "pending", "ready", "ready", "waiting for permits", "guarding", "running", "overdue", "stopping", "waiting",
    "compensating", "compensation waiting", "completed", "skipped", "failed", "interrupted", "set aside", "undoing",
    "undo waiting", "undone", "undo failed", "open", "leaving", "", "waiting",
)  # fmt: skip

# ── what a run can be doing ───────────────────────────────────────────────────────────────────────────────────────────

RUN: Final = 0
HALTING: Final = 1  # nothing new starts; what is in flight ends, then the run is halted
CLOSING: Final = 2  # all nodes are resolved; middleware looks at the result
SETTLING: Final = 3  # a rollback: what is in flight ends, what failed is compensated
UNDOING_ALL: Final = 4  # a rollback: what was completed is undone, last one first
ENDED: Final = 5

NO_BOUND: Final = 1 << 60


class _Gone:
    """Stands for a result that nothing needed any more (R7)."""

    def __repr__(self) -> str:
        return "<dropped>"


GONE: Final = _Gone()


class Wait(NamedTuple):
    """What a node waits for that is dormant. `began` is a monotonic time; when it ends by itself stands in `retry_at`."""

    began: float
    signal: str
    question: str | None
    by: tuple[str, ...]


class RunOptions(msgspec.Struct, frozen=True):
    """What a run was started with, as far as the engine cares. Times in seconds, `None`: no bound."""

    timeout: float | None = None
    on_timeout: str = "cancel"
    reversible: bool = False
    sequential: bool = False
    max_concurrency: int | None = None
    max_steps: int | None = None
    halt_timeout: float = 5.0
    settle_timeout: float = 5.0
    cancel_grace: float = 5.0
    checked: bool = False  # middleware looks at the result before the run has succeeded


class Program:
    """What the engine reads of a plan, made once per plan.

    special   nodes with guards, limits or a bound in time, scopes and waits: they aren't simply started
    undoable  nodes with an undo
    stores    nodes whose result is needed after they have ended
    releases  per node: the nodes whose results it no longer needs once it is resolved (R7)
    undone_with  nodes whose results an undo takes
    """

    __slots__ = (
        "counts", "dependents", "is_quick", "is_spent", "readers", "releases", "result", "special", "steps", "stores",
        "undoable", "undone_with", "zeros",
    )  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        self.steps = steps = plan.steps
        self.dependents = plan.dependents
        self.is_spent: bool | None = None  # see `leaves_nothing`
        self.is_quick = False  # of a body: whether its frame can take item after item
        self.result = -1  # of a body: the node whose result is its own, if it's so simple
        self.zeros = bytes(len(steps))
        self.counts = list(plan.counts)
        self.readers = list(plan.readers)
        self.special = bytes(
            bool(step.guards or step.limits or step.retry.within is not None or not step.acts) for step in steps
        )
        self.undoable = bytes(step.undo is not None for step in steps)
        self.undone_with = frozenset(
            node
            for reads, step in zip(plan.reads, steps, strict=True)
            if needs_arguments_to_be_undone(step)
            for node in reads
        )
        lasting = [kept or step.undo is not None for kept, step in zip(plan.keeps, steps, strict=True)]
        self.stores = bytes(last or count > 0 for last, count in zip(lasting, plan.readers, strict=True))
        self.releases = tuple(
            () if needs_arguments_to_be_undone(step) else _droppable(reads, lasting)
            for reads, step in zip(plan.reads, steps, strict=True)
        )


def needs_arguments_to_be_undone(step: StepSpec) -> bool:
    """Its undo takes them, or the `key` of a limit that its undo waits for does (R28)."""
    if step.undo is None:
        return False
    return step.undo.wants_arguments or any(spec.limit.key is not None for spec in step.limits)


def _droppable(reads: Sequence[int], lasting: Sequence[bool]) -> tuple[int, ...]:
    return tuple(node for node in reads if not lasting[node])


def program_of(plan: Plan) -> Program:
    program: Program | None = plan.memo.get(Program)
    if program is None:
        program = plan.memo[Program] = Program(plan)
    return program


class InOrder:
    """The ready nodes of a sequential run: the first one defined goes first (R6), so what is in a scope goes before what follows the scope.

    Has of a deque what the engine uses. `tree` tells of the nodes of frames, once there are any.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[tuple[int, ...], int]] = []
        self.tree: Tree | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[int]:
        return iter([node for _, node in self._heap])

    def append(self, node: int) -> None:
        heappush(self._heap, (path_of(self.tree, node), node))

    appendleft = append

    def extend(self, nodes: Iterable[int]) -> None:
        for node in nodes:
            self.append(node)

    def popleft(self) -> int:
        return heappop(self._heap)[1]

    def clear(self) -> None:
        self._heap.clear()


class State:
    """All that is known of one run. See the module's docstring, and `fold.py` for who writes what."""

    __slots__ = (
        "abandoned", "acted", "allowance", "asks", "attempt", "began", "by", "cancelled", "cap", "counts", "doubtful",
        "ended", "errors", "facts", "first_at", "handler_errors", "handlers", "held", "incomplete", "lost", "more",
        "offered", "options", "orders", "overdue", "passed", "patience", "phase", "plan", "program", "readers", "ready",
        "reasons", "remaining", "result", "retry_at", "run", "running", "signals", "started", "status", "stopped", "stopping",
        "takes", "tree", "tries", "uncounted", "undo_stack", "undone", "unknown", "unsettled", "values", "waits",
    )  # fmt: skip

    def __init__(
        self, plan: Plan, run: str, inputs: Sequence[Any], options: RunOptions, program: Program | None = None
    ) -> None:
        if program is None:
            program = program_of(plan)
        size = len(program.steps)
        self.plan = plan
        self.program: Program | GrowingProgram = program
        self.tree: Tree | None = None  # what it has opened beyond its plan
        self.run = run
        self.options = options
        self.phase = RUN
        self.began = 0.0
        self.by = ""  # who paused or cancelled it
        self.cancelled = False
        self.ended = ""  # how: succeeded, failed, halted, cancelled, undone
        self.undone = False  # a rollback of a run that had succeeded

        self.status = bytearray(size)
        self.attempt = [0] * size
        self.counts = program.counts.copy()
        self.readers = program.readers.copy()
        self.values: list[Any] = [None] * size
        self.values += inputs
        self.values += plan.constants
        self.ready: deque[int] | InOrder = InOrder() if options.sequential else deque()
        self.remaining = size
        self.running = 0  # nodes that hold a slot: they execute, or are about to
        self.handlers = 0  # guards and compensations under way
        self.cap = 1 if options.sequential else options.max_concurrency or NO_BOUND
        self.allowance = NO_BOUND if options.max_steps is None else options.max_steps
        self.undo_stack: list[int] = []

        self.reasons: dict[int, BaseException] = {}  # why the last attempt ended, if it didn't succeed
        self.retry_at: dict[
            int, float
        ] = {}  # when the next attempt of a node, or the next try of its handler, or the end of its wait, is due
        self.waits: dict[int, Wait] = {}  # of dormant nodes, in the order in which they were reached
        self.signals: list[tuple[str, Any]] = []  # that have come before anything waited for them
        self.tries: dict[int, int] = {}  # of the handler under way
        self.uncounted: dict[int, int] = {}  # attempts that don't count against Retry
        self.first_at: dict[int, float] = {}  # when the first attempt of a node (or of its handler) began, for `within`
        self.handler_errors: dict[int, BaseException] = {}
        self.overdue: dict[int, Any] = {}
        self.passed: set[int] = set()  # nodes whose guards have passed
        self.offered: set[int] = set()  # nodes whose last attempt was offered to their compensation
        self.stopped: set[int] = set()  # nodes whose last attempt ended because we stopped it
        self.abandoned: set[int] = set()  # nodes that aren't tried again: an attempt of theirs may still go on
        self.unknown: set[int] = set()  # nodes of which nobody knows whether they acted
        self.lost: dict[int, int] = {}  # how often an attempt of a node was lost with its process
        self.doubtful: set[int] = set()  # nodes whose last attempt was: it may have acted, until the next one says
        self.stopping: set[int] = set()  # nodes that were told to stop
        self.held: set[int] = set()  # nodes that hold permits
        self.errors: list[StepError] = []
        self.acted = False  # something was compensated or undone
        self.incomplete = False
        self.unsettled: set[str] | None = None  # names of what couldn't be taken back
        self.result: Any = None
        self.patience = 0.0  # until when what is in flight may end by itself, in a halt or a rollback

        self.started: list[int] = []  # the turn's buffers: attempts to start, permits to ask for, orders, facts
        self.asks: list[int] = []
        self.orders: list[Any] = []
        self.facts: list[Fact] | None = None
        self.takes: Mapping[type, bool] = {}
        self.more = False  # nodes are left that could start: go on in the next turn

    @property
    def is_settled(self) -> bool:
        """Nothing executes any more: no attempt, no guard, no compensation."""
        return not self.running and not self.handlers

    @property
    def doing(self) -> RunStatus:
        """What a run that hasn't ended is doing, in a word."""
        if self.phase in (RUN, CLOSING):
            return "running"
        if self.phase == HALTING:
            return "halting"
        return "undoing" if self.phase == UNDOING_ALL and self.undone else "rolling_back"

    @property
    def can_halt(self) -> bool:
        """Neither rolling back nor ended."""
        return self.phase in (RUN, HALTING, CLOSING)

    @property
    def rollback(self) -> str:
        return "incomplete" if self.incomplete else "complete" if self.acted else "none"

    def name(self, node: int) -> str:
        names = self.plan.names
        return names[node] if node < len(names) else name_of(self, node)
