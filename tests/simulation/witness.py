"""What the simulated steps see, and what they may never see.

The witness knows the rules of SEMANTICS in its own words: it is told what was delivered to the engine, predicts what follows, and looks
at what is started. It reads neither the engine's status of a node nor its facts. What ends is in `endings.py`, how scopes go on in `scopes.py`,
how an item is taken back by itself in `items.py`.
"""

from __future__ import annotations

from typing import Any

from actorflow.plan import Plan
from actorflow.policy import Retry, TryAgain
from tests.simulation.nodes import Job, Node
from tests.simulation.places import Body, alike, is_around

PATIENCE = 0.6
"""Seconds for which what is in flight may go on in a halt or a rollback."""

TRAVEL = 0.2
"""Seconds for which a message travels at most; patience runs from when it was sent."""


class Books:
    """What the witness knows of a run."""

    def __init__(self, plan: Plan, *, cap: int, max_steps: int | None, sequential: bool) -> None:
        self.root = Body(plan, None, 0, "", ())
        self.nodes: list[Node] = self.root.nodes.copy()  # all that there ever were
        self.cap = cap
        self.sequential = sequential
        self.max_steps = max_steps
        self.attempts = 0  # since start or resume
        self.attempting = 0  # attempts that execute, but for abandoned ones; what scopes decide among them
        self.live = 0  # what executes or whose answer is on its way, but for abandoned attempts and undos
        self.waiting_handlers = 0  # compensations that are owed, or between two tries
        self.now = 0.0
        self.patient_until = (
            0.0  # in a halt or a rollback: what is in flight isn't told to stop before, but by a cancel
        )
        self.hurried = False
        self.halting = False
        self.closing = False
        self.rolling = False
        self.cancelled = False
        self.undoing = False
        self.undo_all = False
        self.ended = ""
        self.undos: list[Node] = []  # what must be undone, in order of completion
        self.undone = 0
        self.acted = False
        self.incomplete = False
        self.failures = 0
        self.answering: list[Node] | None = None  # while answers are taken together: who gets no other attempt
        self.errors: list[tuple[str, str, int, BaseException | type]] = []
        self.entered: list[Node] = []  # arounds that were entered and not left
        self.late: list[Body] = []  # bodies whose nodes are resolved, and that wait for values from around them
        self.items_ended = 0
        self.items: list[Body] = []  # items that are taken back by themselves
        self.dormant: list[Node] = []  # what waits for a time or a signal, in the order in which it was reached
        self.signals: list[str] = []  # that nothing has taken yet
        self.taken_back: dict[Node, None] = {}  # nodes whose undo has begun

    def is_rolling(self, n: Node) -> bool:
        """Whether it is in an item that is taken back by itself."""
        return bool(self.items) and any(body.rolling for body in n.body.upwards())

    # ── what begins ───────────────────────────────────────────────────────────────────────────────────────────────────

    def check_start(self, n: Node, number: int, now: float) -> None:
        self.check_may_start(n)
        assert n.job is None, f"{n} starts though an earlier try of it goes on"
        assert not n.abandoned, f"{n} starts after an attempt of it was abandoned"
        assert not n.resolved
        assert not n.stood
        assert not n.set_aside, f"{n} starts though a person must decide"
        assert not n.owed
        assert all(other.resolved for other in n.needs), f"{n} starts before what it needs"
        assert number == n.last + (not n.fresh), f"{n} has try {number} after {n.last}"
        assert self.now >= n.again - 1e-9, f"{n} starts before its wait is over"
        attempts = n.step.retry.attempts
        assert attempts is None or n.counted < attempts, f"{n} has more than {attempts} tries"
        n.last = number
        if n.first is None:
            n.first = now
        if self.sequential:
            assert self.live == 0, f"{n} starts in a sequential run while something executes"

    def check_may_start(self, n: Node) -> None:
        assert not self.rolling, f"{n} starts though a rollback goes on"
        assert not self.halting, f"{n} starts though the run is halting"
        assert not self.ended, f"{n} starts though the run has ended"
        if n.body.scope is not None:
            self.check_place(n)

    def check_place(self, n: Node) -> None:
        """It is in a body that is open, of arounds that are entered, in no item that is taken back."""
        self.check_arounds(n)
        assert all(map(n.body.is_there, n.body.takes(n.local))), f"{n} starts before what it uses from around it"
        for body in n.body.upwards():
            assert not body.rolling, f"{n} starts in an item that is taken back"
            assert not body.over, f"{n} starts in a body that is over"
            scope = body.scope
            if scope is not None and scope.opening is not None and not body.begun:
                limit = getattr(scope.opening.control, "limit", 1)
                body.begun = True
                assert scope.opening.under_way <= limit, f"more than {limit} items of {scope} at once"

    def check_arounds(self, n: Node) -> None:
        """All that it is in is entered."""
        for body in n.body.upwards():
            scope = body.scope
            if scope is not None and is_around(scope) and body is not scope.emitted:
                assert scope in self.entered, f"{n} starts outside of {scope}"

    def guards_start(self, n: Node, node: int, number: int, now: float) -> Job:
        assert n.step.guards
        assert not n.passed, f"the guards of {n} run again though they have passed"
        self.check_start(n, number, now)
        self.live += 1
        n.job = Job("guard", n, node, number, 0, now)
        return n.job

    def attempt_starts(self, n: Node, node: int, number: int, values: list[Any], now: float) -> Job:
        assert n.passed or not n.step.guards, f"{n} starts without its guards"
        self.check_start(n, number, now)
        self.check_values(n, node, values)
        n.fresh = False
        self.live += 1
        self.attempting += 1
        assert self.attempting <= self.cap, "more attempts execute than may"
        if n.step.acts:
            self.attempts += 1
            assert self.max_steps is None or self.attempts <= self.max_steps, "more attempts than max_steps"
        n.job = Job("run" if n.step.acts else "scope", n, node, number, 0, now)
        return n.job

    def check_values(self, n: Node, node: int, values: list[Any]) -> None:
        base, body = node - n.local, n.body
        for slot in body.takes(n.local):
            told, expected = values[base + slot], body.value(slot)
            assert told is expected or alike(told, expected), f"{n} gets {told!r}, it should get {expected!r}"

    def compensation_starts(
        self, n: Node, node: int, number: int, tries: int, error: BaseException, values: list[Any], now: float
    ) -> Job:
        assert n.step.compensate is not None
        assert n.job is None, f"{n} is compensated while it executes"
        assert n.owed, f"{n} is compensated, but nothing is owed to it"
        assert number == n.last
        assert not self.undoing, f"{n} is compensated after the first undo"
        assert not isinstance(error, TryAgain), "a compensation gets what TryAgain stands for"
        n.comp_tries += 1
        assert tries == n.comp_tries, f"the compensation of {n} has try {tries} after {n.comp_tries - 1}"
        assert self.now >= n.again - 1e-9
        if n.offered:
            assert tries > 1 or n.repeats, f"{n} is offered to its compensation twice"
        else:
            n.handler_first = now
        n.offered, n.repeats = True, False
        if not (self.rolling or self.halting or self.is_rolling(n)):
            self.check_arounds(n)
        self.check_values(n, node, values)
        self.live += 1
        n.job = Job("compensate", n, node, number, tries, now)
        return n.job

    # ── undos ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def undo_begins(self, n: Node) -> None:
        """It is its turn: it asks for permits, or starts."""
        if n in self.taken_back:
            return
        assert not self.ended
        item = next((body for body in n.body.upwards() if body.rolling), None)
        if self.rolling:
            self.check_all_settled(n)
            waiting = self.undos
            self.undoing = True
        else:
            assert item is not None, f"{n} is undone though nothing is taken back"
            self.check_item_settled(item)
            waiting = [other for other in self.undos if other.body.is_within(item)]
        assert waiting, f"{n} is undone though nothing is left to undo"
        assert waiting[-1] is n, f"{n} is undone, it is the turn of {waiting[-1]}"
        self.taken_back[n] = None

    def check_all_settled(self, n: Node) -> None:
        assert self.live == 0, f"{n} is undone before all was settled"
        assert self.waiting_handlers == 0, f"{n} is undone before all compensations have ended"
        assert not any(m.reason is not None and not m.stood for m in self.nodes), (
            "an undo begins before all that failed was dealt with"
        )
        assert not self.entered, f"{n} is undone before {self.entered} were left"
        assert not self.under_way(), f"{n} is undone beside {self.under_way()}"

    def check_item_settled(self, item: Body) -> None:
        for m in item.all_nodes():
            assert m.job is None, f"an item is taken back while {m} executes"
            assert not m.owed, f"an item is taken back before {m} was compensated"
            assert m.reason is None or m.stood
            assert m not in self.entered, f"an item is taken back before {m} was left"
            assert m not in self.taken_back or m not in self.undos, f"an item is taken back while {m} is undone"

    def under_way(self) -> list[Node]:
        """Undos that have begun and not ended."""
        return [n for n in self.undos if n in self.taken_back]

    def undo_starts(self, n: Node, node: int, tries: int, values: list[Any], own: dict[int, Any], now: float) -> Job:
        self.undo_begins(n)
        handler = n.step.undo
        assert handler is not None
        assert n.job is None
        n.undo_tries += 1
        assert tries == n.undo_tries
        if tries == 1 and not n.repeats:
            n.handler_first = now
        n.repeats = False
        assert self.now >= n.again - 1e-9
        assert own.get(node, values[node]) is n.own, f"the undo of {n} doesn't get its value"
        if handler.wants_arguments:
            self.check_values(n, node, values)
        n.job = Job("undo", n, node, n.last, tries, now)
        return n.job

    # ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def told_to_stop(self, job: Job) -> None:
        assert job.kind in ("guard", "run", "scope"), f"a {job.kind} is told to stop"
        if not job.told:
            job.told = "stop"
            until = [body.patient_until for body in job.n.body.upwards() if body.rolling]
            if self.halting or self.rolling:
                until.append(0.0 if self.hurried else self.patient_until)
            assert until, f"{job.n} is told to stop, and nobody asked for it"
            assert self.now >= min(until) - 1e-9, f"{job.n} is told to stop too early"

    def code_ended(self, job: Job) -> None:
        job.executing = False
        if job.kind in ("run", "scope") and not job.abandoned:
            self.attempting -= 1


def handler_may_retry(retry: Retry, job: Job, spent: float) -> bool:
    return (retry.attempts is None or job.tries < retry.attempts) and (retry.within is None or spent <= retry.within)
