"""One row of the runtime's table of runs: all that this process has of a run, besides the engine's state."""

from __future__ import annotations

from asyncio import Task
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any

from actorflow.engine import is_emitted
from actorflow.runtime.middleware import Middleware, RunInfo
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.engine import Frame, State
    from actorflow.plan import HandlerSpec, StepSpec
    from actorflow.runtime.emitting import Emission
    from actorflow.runtime.handle import Run
    from actorflow.runtime.holding import Holding
    from actorflow.runtime.journal import Journal
    from actorflow.runtime.launch import Launch
    from actorflow.runtime.workers import Work


class Live:
    """What executes for a node, as long as it does and has suspended: an attempt, its guards, or a handler.

    Most of it is seldom set, so it stands in the class until it is.
    """

    task: Task[None] | None = None
    work: Work | None = None  # what a thread or a worker process does for it
    timed = False  # a deadline is set for it
    stopping = False  # was told to stop, by us
    overdue: BaseException | None = None  # a handler's StepTimeout
    orphaned = False  # abandoned, and it keeps permits
    name = ""  # of its step, when it was abandoned
    is_attempt = False  # of the step itself, somewhere else: its time runs when it is entered
    enters: Callable[[Live], None] | None = None  # of a handler in a thread: what sets its time running

    def __init__(self, number: int) -> None:
        self.number = number


class Scoped:
    """What the own code of a run's scopes needs to go on: open sources, keys given, items pulled when it was stopped, arounds."""

    def __init__(self) -> None:
        self.sources: dict[int, Iterator[Any] | AsyncIterator[Any]] = {}
        self.keys: dict[int, set[str]] = {}
        self.pending: dict[int, list[Any]] = {}
        self.held: dict[int, Holding] = {}


class Row:
    """A run while it goes on, and afterwards as long as it may be undone or resumed here."""

    __slots__ = (
        "_scoped", "child_calls", "children", "context", "counted", "data", "emissions", "failure", "handle", "hides", "id", "inputs", "journal", "labels", "launch",
        "lineage", "live", "middleware", "orphaned", "orphans", "parent", "pools", "priority", "sequence",
        "state", "timers", "workflow", "wraps",
    )  # fmt: skip

    def __init__(
        self,
        run_id: str,
        workflow: Workflow[..., Any],
        state: State,
        launch: Launch,
        context: Context,
        inputs: tuple[Any, ...],
        data: Mapping[str, Any],
        labels: Mapping[str, str],
        priority: int = 0,
    ) -> None:
        self.id = run_id
        self.workflow = workflow
        self.state = state
        self.launch = launch
        self.context = context
        self.inputs = inputs
        self.data = data
        self.labels = labels
        self.priority = priority
        self.sequence = 1  # of the next fact
        self.live: dict[int, Live] = {}
        self.orphans: set[Live] = set()  # abandoned, and still executing
        self.orphaned: set[int] = set()  # nodes of such, with permits
        self.timers: set[Any] = set()
        self.pools: dict[int, Any] = {}
        self.children: dict[int, dict[str, Run[Any]]] = {}
        self.child_calls: dict[tuple[int, int], dict[str, int]] = {}
        self.emissions: dict[tuple[int, int], Emission] | None = None  # what running attempts have drawn
        self._scoped: Scoped | None = None
        self.parent: tuple[Row, int] | None = None
        self.lineage: tuple[tuple[str, int], ...] = ()
        self.middleware: tuple[Middleware, ...] = ()
        self.wraps: tuple[Middleware, ...] = ()  # those that carry context into steps
        self.handle: Run[Any] | None = None
        self.failure: BaseException | None = None
        self.counted = False  # in max_runs
        self.journal: Journal | None = None  # it is recorded in a store
        self.hides = launch.hides  # some of its values are secret

    @property
    def info(self) -> RunInfo:
        inputs = {spec.name: value for spec, value in zip(self.launch.plan.inputs, self.inputs, strict=True)}
        return RunInfo(self.id, self.launch.plan.name, inputs, self.data, self.labels)

    def name(self, node: int) -> str:
        return self.state.name(node)

    @property
    def scoped(self) -> Scoped:
        if self._scoped is None:
            self._scoped = Scoped()
        return self._scoped

    def holding(self) -> list[tuple[int, Task[None] | None]]:
        """The nodes of arounds that are entered, with the tasks that hold them."""
        return [] if self._scoped is None else [(node, held.task) for node, held in self._scoped.held.items()]

    # ── nodes, those of frames too ────────────────────────────────────────────────────────────────────────────────

    def at(self, node: int) -> tuple[Launch, int, Frame | None]:
        """How a node is started: the table that it stands in, its place there, and its frame."""
        launch = self.launch
        if node < launch.size:
            return launch, node, None
        tree = self.state.tree
        frame = None if tree is None else tree.frame_of[node]
        if frame is None or launch.others is None:
            raise AssertionError(f"run {self.id!r} has no node {node}")
        if frame.launch is None:
            frame.launch = launch.others(frame.plan, keep=not is_in_emission(frame))
            self.hides = self.hides or frame.launch.hides
        return frame.launch, node - frame.base, frame

    def step(self, node: int) -> StepSpec:
        launch, local, _ = self.at(node)
        return launch.steps[local]

    def keywords(self, node: int) -> tuple[str, ...]:
        launch, local, _ = self.at(node)
        return launch.plan.keywords[local]

    def values(self, frame: Frame | None) -> Sequence[Any]:
        """The values that a frame's nodes take theirs from, as its plan numbers them."""
        return self.state.values if frame is None else frame.values(self.state)

    def arguments(self, node: int, seen: Sequence[Any] | None = None) -> list[Any]:
        """A node's arguments. Raises what the values' attributes and items raise."""
        launch, local, frame = self.at(node)
        return launch.arguments(self.values(frame) if seen is None else seen, local)

    def named(self, node: int) -> Mapping[str, Any]:
        """The same by name, for backoffs."""
        launch, local, frame = self.at(node)
        return launch.named(self.values(frame), local)

    def handler(self, handler: HandlerSpec, node: int, first: Any, seen: Sequence[Any]) -> Callable[[], Any]:
        """A call of an undo or a compensation."""
        launch, local, _ = self.at(node)
        return launch.handler(handler, local, first, seen)


def is_in_emission(frame: Frame) -> bool:
    """Whether a step has emitted what the frame is made of."""
    while not is_emitted(frame.scope):
        if frame.scope.frame is None:
            return False
        frame = frame.scope.frame
    return True
