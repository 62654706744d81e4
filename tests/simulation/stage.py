"""Where a simulated run is played: its plan and options, its time, its events, and what the engine's numbers stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappush
from random import Random
from typing import Any

from actorflow.engine import RunOptions, State, begin_recording
from actorflow.facts import Fact
from tests.simulation.bodies import make_scoped_plan
from tests.simulation.crashes import Fate
from tests.simulation.limits import Limits
from tests.simulation.nodes import Node
from tests.simulation.plans import RUNS_PER_PLAN, make_plan
from tests.simulation.scopes import Witness
from tests.simulation.witness import PATIENCE, TRAVEL

GRACE = 0.5
SCOPED = (1, 4, 7)
"""Three plans of ten have scopes."""


class Stage:
    def __init__(self, seed: int, *, listen: bool = True) -> None:
        self.seed = seed
        self.run = "run"
        self.random = random = Random(seed)
        self.has_scopes = seed // RUNS_PER_PLAN % 10 in SCOPED
        self.plan = (make_scoped_plan if self.has_scopes else make_plan)(seed // RUNS_PER_PLAN)
        self.options = self.some_options()
        self.failing = random.choice((0.0, 0.02, 0.05, 0.15))
        self.limits = Limits(self.step_of)
        sequential, bound = self.options.sequential, self.options.max_concurrency
        self.witness = Witness(
            self.plan,
            cap=1 if sequential else bound or 1 << 30,
            max_steps=self.options.max_steps,
            sequential=sequential,
        )
        self.state = State(self.plan, self.run, (), self.options)
        self.listen = listen
        if listen:
            begin_recording(self.state)
        self.turns: list[
            tuple[list[Any], list[Fact]]
        ] = []  # what is recorded: messages, and the facts that came of them
        self.counted: list[Any] = []  # the messages of this turn
        self.checked = 0  # how many facts of this turn were looked at
        self.recorded: list[Fact] = []
        self.sent: list[Any] = []  # orders, in their order: what two plays of one seed have in common
        self.now = 0.0
        self.turn = 0.0  # the time of the turn: that of its message, which may have travelled
        self.sequence = 0
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.seen: Counter[str] = Counter()
        self.epoch = 0
        self.orphans: set[int] = set()  # nodes of which an abandoned attempt executes
        self.whose: dict[int, str] = {}  # for whom a range was used first
        self.tools = 0  # that arounds have lent
        self.moves = listen  # whether the run may go on elsewhere, from what was recorded
        self.fate = Fate(seed, may_crash=listen)
        self.people = Random(f"people {seed}")  # who send signals
        self.unsent: list[str] = []  # signals to a run that is halted
        self.trace = False

    def some_options(self) -> RunOptions:
        random = self.random
        return RunOptions(
            timeout=random.random() * 6 if random.random() < 0.08 else None,
            on_timeout=random.choice(("halt", "cancel")),
            reversible=random.random() < 0.3,
            sequential=random.random() < 0.1,
            max_concurrency=random.choice((None, None, 1, 2, 3)),
            max_steps=random.randint(1, 10) if random.random() < 0.06 else None,
            halt_timeout=PATIENCE,
            settle_timeout=PATIENCE,
            cancel_grace=GRACE,
            checked=random.random() < 0.15,
        )

    # ── nodes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def at(self, number: int) -> Node:
        """What the engine's number stands for now, by where it is: the name that the engine gives it must be the same."""
        state, tree = self.state, self.state.tree
        if number < len(self.plan):
            return self.witness.root.nodes[number]
        frame = None if tree is None else tree.frame_of[number]
        assert frame is not None
        scope = self.at(frame.scope.node)
        whose = f"{scope.name} {frame.index}"
        if self.whose.setdefault(frame.base, whose) != whose:
            self.seen["range used anew"] = 1
        body = scope.emitted if scope.step.control is None else scope.opening and scope.opening.bodies[frame.index]
        assert body
        assert body.plan is frame.plan
        found = body.nodes[number - frame.base]
        assert state.name(number) == found.name, f"{found} is named {state.name(number)}"
        return found

    def step_of(self, number: int) -> Any:
        return self.state.program.steps[number]

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def later(self, wait: float, act: Callable[..., None], *arguments: Any) -> None:
        self.sequence += 1
        heappush(self.events, (self.now + wait, self.sequence, act, arguments))

    def travel(self) -> float:
        return self.random.random() * TRAVEL if self.random.random() < 0.5 else 0.0
