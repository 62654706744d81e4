"""What the witness knows of one node of a run, and of what executes for it."""

from __future__ import annotations

from typing import Any


class Job:
    """Something that executes for a node: a try of its guards, an attempt, a try of a handler."""

    __slots__ = (
        "abandoned",
        "answered",
        "began",
        "deadline",
        "executing",
        "kind",
        "message",
        "node",
        "number",
        "told",
        "tries",
        "version",
    )

    def __init__(self, kind: str, node: int, number: int, tries: int, began: float) -> None:
        self.kind = kind
        self.node = node
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
        "abandoned", "again", "comp_tries", "counted", "first", "fresh", "handler_first", "job", "last", "offered",
        "owed", "passed", "reason", "resolved", "set_aside", "since", "stood", "stopped", "undo_tries", "unknown",
        "value",
    )  # fmt: skip

    def __init__(self) -> None:
        self.last = 0  # the number of the last try
        self.counted = 0  # tries that count against Retry
        self.first: float | None = None  # when the first try began
        self.passed = False
        self.fresh = False  # its guards have just passed: the first attempt takes the number of their last try
        self.job: Job | None = None
        self.value: Any = None
        self.resolved = False
        self.reason: BaseException | None = None  # its code was entered, and hasn't succeeded
        self.offered = False  # that attempt was offered to the compensation
        self.owed = False  # a compensation must come
        self.stopped = False
        self.stood = False  # its failure stands
        self.unknown = False
        self.abandoned = False
        self.set_aside = False
        self.since = 0  # failed nodes are dealt with in the order in which they first failed
        self.handler_first = 0.0
        self.comp_tries = 0
        self.undo_tries = 0
        self.again = 0.0
