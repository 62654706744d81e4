"""What the witness knows of one node of a run, and of what executes for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow.plan import StepSpec

if TYPE_CHECKING:
    from tests.simulation.places import Body, Opening


class Job:
    """Something that executes for a node: a try of its guards, an attempt, a scope's own code, a try of a handler."""

    __slots__ = (
        "abandoned",
        "answered",
        "began",
        "deadline",
        "executing",
        "kind",
        "message",
        "n",
        "node",
        "number",
        "told",
        "tries",
        "version",
    )

    def __init__(self, kind: str, n: Node, node: int, number: int, tries: int, began: float) -> None:
        self.kind = kind  # guard, run, compensate, undo; scope: what a scope decides; leave: an around
        self.n = n
        self.node = node  # the engine's number of it, which may be another one's later
        self.number = number
        self.tries = tries
        self.began = began
        self.executing = True
        self.answered = False
        self.abandoned = False
        self.told = ""  # why it should stop: "overdue", "stop"
        self.deadline: Any = None
        self.message: Any = None
        self.version = 0


class Node:
    __slots__ = (
        "abandoned", "again", "body", "comp_tries", "counted", "doubtful", "due", "emitted", "first", "fresh", "generation", "handler_first", "job",
        "last", "local", "lost", "name", "needs", "number", "offered", "opening", "owed", "own", "passed", "reason", "repeats", "replaced", "resolved",
        "set_aside", "since", "step", "stood", "stopped", "undo_tries", "unknown", "value",
    )  # fmt: skip

    def __init__(self, body: Body, local: int, name: str, step: StepSpec) -> None:
        self.body = body
        self.local = local
        self.name = name
        self.step = step
        self.needs: list[Node] = []
        self.last = 0  # the number of the last try
        self.counted = 0  # tries that count against Retry
        self.first: float | None = None  # when the first try began
        self.passed = False
        self.fresh = False  # its guards have just passed: the first attempt takes the number of their last try
        self.job: Job | None = None
        self.value: Any = None
        self.own: Any = None  # what its own code gave: another step may stand for it
        self.resolved = False
        self.reason: BaseException | None = None  # its code was entered, and hasn't succeeded
        self.offered = False  # that attempt was offered to the compensation
        self.owed = False  # a compensation must come
        self.stopped = False
        self.stood = False  # its failure stands
        self.unknown = False
        self.lost = 0  # how often an attempt was lost with its process
        self.doubtful = False  # the last one was
        self.repeats = False  # a try of its handler was lost, and is made again
        self.abandoned = False
        self.set_aside = False
        self.since = 0  # failed nodes are dealt with in the order in which they first failed
        self.handler_first = 0.0
        self.comp_tries = 0
        self.undo_tries = 0
        self.again = 0.0
        self.due: float | None = None  # when its wait ends by itself
        self.number = -1  # the engine's number of a node that is dormant
        self.opening: Opening | None = None  # a scope that was opened
        self.emitted: Body | None = None
        self.replaced = False  # one that it has emitted stands for it
        self.generation: tuple[str, int] | None = (
            None  # of one that stands for a step: its name, and how many stood for it
        )

    def __repr__(self) -> str:
        return self.name
