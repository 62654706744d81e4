"""A simulated world around the engine: one seed, one run with all that can befall it.

    python -m tests.simulation.world SEED          plays one run and prints what happened
    python -m tests.simulation.world FIRST COUNT   plays many, and prints the statistics

Time is a number. Whatever executes is a `Job` with an end; messages travel for a while and may come twice, those of one job in order.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from actorflow import facts
from actorflow.engine import decide, end_turn, orders
from actorflow.errors import StepTimeout
from actorflow.facts import Fact
from tests.simulation import clients, crashes
from tests.simulation.books import check_books
from tests.simulation.fates import outcome
from tests.simulation.nodes import Job, Node
from tests.simulation.plans import TIMEOUT
from tests.simulation.stage import GRACE, Stage
from tests.simulation.witness import TRAVEL


class World(Stage):
    def play(self) -> str:
        """Plays the run to its end. Raises AssertionError if an invariant breaks."""
        self.later(0.0, self.deliver, facts.RunStarted(self.run, 0.0, "simulated", {}))
        self.disturb()
        while self.events:
            self.now, _, act, arguments = heappop(self.events)
            self.witness.now = self.now
            act(*arguments)
        witness = self.witness
        assert witness.ended, "nothing is left to happen, and the run hasn't ended"
        assert self.limits.is_full, "permits were not given back"
        if self.fate.is_checked:
            crashes.built_again(self)
        self.count()
        return witness.ended

    def disturb(self) -> None:
        random = self.random
        if random.random() < 0.15:
            self.later(random.random() * 4, clients.pause, self)
        if random.random() < 0.07:
            self.later(random.random() * 4, clients.cancel, self)
        if random.random() < 0.3:
            pool = random.randrange(2)
            self.limits.free[pool] -= 1
            self.later(random.random() * 2, self.other_run_ends, pool)
        self.watch_the_time()

    def other_run_ends(self, pool: int) -> None:
        self.grant(self.limits.free_up((pool,)))

    def watch_the_time(self) -> None:
        if self.options.timeout is not None:
            self.later(self.options.timeout, clients.time_is_over, self, self.epoch)

    # ── one turn ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, message: Any, job: Job | None = None) -> None:
        if job is not None:
            if not job.answered and not job.abandoned:
                self.tell(job, message)
            elif self.has_scopes:
                return  # where numbers are used anew, nothing comes of a job that has answered
        if isinstance(message, orders.WaitOver):
            self.witness.time_comes(message.node, message.at)
        if self.trace:
            print(f"{self.now:7.3f} → {message}")
        self.turn = message.at
        self.decide(message)
        while self.carry_out():
            pass
        self.turn_ends()

    def decide(self, message: Any) -> None:
        if decide(self.state, message, self.turn):
            self.counted.append(message)

    def turn_ends(self) -> None:
        """What counted is recorded; sometimes that is the last thing which the process does."""
        if not self.listen:
            if self.state.tree is not None:
                self.state.tree.recycle()
            return
        told = end_turn(self.state)
        self.recorded += told
        self.checked = 0
        if self.counted:
            self.turns.append((self.counted, told))
            self.counted = []
            if self.moves and self.fate.strikes():
                self.sequence += 1
                heappush(self.events, (self.now, -2, crashes.crash, (self,)))
        else:
            assert not told, f"what doesn't count has come to {told}"

    def move(self) -> None:
        crashes.move(self)

    def tell(self, job: Job, message: Any) -> None:
        """The witness learns what the engine is about to be told of this job."""
        match message:
            case orders.DeadlinePassed():
                if not job.told:
                    job.told, job.deadline = "overdue", message
                    self.seen["timeout"] = 1
            case orders.GraceOver():
                if job.told:
                    self.seen["abandoned"] = 1
                    self.witness.was_abandoned(job)
                    if job.executing and job.kind in ("run", "scope"):
                        self.orphans.add(job.node)
                    job.version += 1
                    self.later(self.random.random(), self.job_ends, job, job.version)
            case _:
                assert not self.has_scopes or self.at(job.node) is job.n, f"{job.n} has lost its number"
                self.witness.answered(job, message, self.now)

    def carry_out(self) -> bool:
        """Does what the engine ordered in this turn. Answers whether permits were asked for, and so the turn goes on."""
        state, random = self.state, self.random
        started, asks, ordered = state.started[:], state.asks[:], state.orders[:]
        state.started.clear()
        state.asks.clear()
        state.orders.clear()
        if state.facts and state.tree is not None:
            self.check_items(state.facts[self.checked :])
            self.checked = len(state.facts)
        if self.has_scopes:  # numbers may differ where ranges are used anew
            self.sent += map(state.name, started)
            self.sent += (type(order).__name__ for order in ordered)
        else:
            self.sent += started
            self.sent += ordered
        if self.trace and (started or asks or ordered):
            print(f"        starts {started} asks {asks} orders {ordered}")
        for node in started:
            self.start_attempt(node)
        early: list[Any] = []
        late: list[Any] = []
        for order in ordered:
            (early if self.comes_first(order) else late).append(order)
        for order in early:
            ORDERS[type(order)](self, order)
        self.notice_limits()
        for order in late:
            ORDERS[type(order)](self, order)
        if state.more:
            self.later(self.travel(), self.deliver, orders.GoOn(self.run, self.now))
        granted = tuple(node for node in asks if self.limits.ask(node))
        queued = tuple(node for node in asks if node not in granted)
        if granted:
            self.decide(orders.PermitsGranted(self.run, self.turn, granted))
        if queued:
            self.carry_out()
            self.decide(orders.PermitsQueued(self.run, self.turn, queued))
        if not asks and random.random() < 0.02:
            self.disturb_again()
        return bool(asks)

    def comes_first(self, order: Any) -> bool:
        """What was ordered before the run, in the same turn, may have run out of steps."""
        kind = type(order)
        if kind in (orders.LeaveScope, orders.UndoStep, orders.AskPermits):
            n = self.at(order.node)
            return not n.owed and self.witness.is_rolling(n)
        return kind is orders.RunGuards

    def check_items(self, told: list[Fact]) -> None:
        """No item begins in a halt, a rollback, or an item that is taken back."""
        for fact in told:
            if type(fact) is facts.ItemStarted:
                n, witness = self.at(fact.node), self.witness
                assert not (witness.halting or witness.rolling), f"item {fact.key} of {n} begins"
                assert not witness.is_rolling(n), f"item {fact.key} of {n} begins while what it is in is taken back"

    def notice_limits(self) -> None:
        """What ends a run's forward work without a message of its own: `max_steps`, and a result that can't be made."""
        witness, state = self.witness, self.state
        if state.by == "max_steps" and not (witness.halting or witness.rolling):
            assert witness.attempts == self.options.max_steps, "the run is out of steps too early"
            witness.runs_out(halts=self.options.on_timeout == "halt")
        if not witness.root.left and not (witness.halting or witness.rolling or witness.closing or witness.ended):
            try:
                self.plan.returns(state.values)
            except LookupError:
                witness.errors.append(("", "run", 1, LookupError))
                witness.roll_back(cancelled=False)

    def disturb_again(self) -> None:
        """Trouble rarely comes alone."""
        witness = self.witness
        if witness.ended:
            return
        if witness.rolling:
            self.later(self.travel(), clients.cancel, self)
        elif self.random.random() < 0.37:
            self.later(self.travel(), clients.pause, self)

    def grant(self, nodes: list[int]) -> None:
        for node in nodes:
            self.later(self.travel(), self.deliver, orders.PermitsGranted(self.run, self.now, (node,)))

    # ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start_attempt(self, node: int) -> None:
        state, n = self.state, self.at(node)
        step, number = n.step, state.attempt[node]
        if not step.acts:
            self.start_scope(n, node, number)
            return
        if step.limits:
            assert self.limits.held.get(node), f"{n} starts without its permits"
        job = self.witness.attempt_starts(n, node, number, state.values, self.turn)
        if self.random.random() < 0.004:
            job.message = orders.NothingBegun(self.run, node, number, self.now, KeyError("an argument can't be made"))
            self.witness.code_ended(job)
            self.later(0.0, self.nothing_begun, job)
            return
        duration = self.random.random()
        self.later(duration, self.job_ends, job, 0)
        if step.timeout is not None and duration > TIMEOUT:
            error = StepTimeout(n.name, TIMEOUT)
            again = self.random.random() < 0.3
            at = self.now + TIMEOUT
            late = orders.DeadlinePassed(self.run, node, number, at, error, again, self.random.random(), self.now)
            self.later(TIMEOUT, self.deliver, late, job)

    def start_scope(self, n: Node, node: int, number: int) -> None:
        witness = self.witness
        if n.opening is None:
            job = witness.attempt_starts(n, node, number, self.state.values, self.turn)
        else:
            self.seen["around entered again"] |= n.opening.left
            job = witness.scope_asks(n, node, number, self.now)
        self.seen["scope"] = 1
        if n.step.wait is not None:
            self.later(0.0, self.job_ends, job, 0)
            return
        self.later(self.random.random() * 0.4 if self.random.random() < 0.5 else 0.0, self.job_ends, job, 0)

    def leave(self, order: orders.LeaveScope) -> None:
        n = self.at(order.node)
        if n.job is not None:
            return  # it is being left already, and will say so
        self.seen["around left in a rollback" if self.witness.rolling else "around left in a halt"] = 1
        job = self.witness.leaving_starts(n, order.node, order.error, self.now)
        self.later(self.random.random() * 0.5, self.job_ends, job, 0)

    def nothing_begun(self, job: Job) -> None:
        witness = self.witness
        if not job.answered and not job.abandoned:
            job.answered = True
            n = job.n
            n.job = None
            witness.live -= 1
            n.stopped = False
            witness.stand(n, "run", job.number, job.message.error)
            n.reason = None
            witness.settle_items()
        self.deliver(job.message)

    def run_guards(self, order: orders.RunGuards) -> None:
        job = self.witness.guards_start(self.at(order.node), order.node, order.attempt, self.turn)
        self.later(self.random.random() * 0.5, self.job_ends, job, 0)

    def compensate(self, order: orders.CompensateStep) -> None:
        n = self.at(order.node)
        if n.step.limits:
            assert self.limits.held.get(order.node), f"{n} is compensated without its permits"
        job = self.witness.compensation_starts(
            n, order.node, order.attempt, order.tries, order.error, self.state.values, self.turn
        )
        self.later(self.random.random() * 0.5, self.job_ends, job, 0)

    def undo(self, order: orders.UndoStep) -> None:
        n, tree = self.at(order.node), self.state.tree
        if n.step.limits:
            assert self.limits.held.get(order.node), f"{n} is undone without its permits"
        own = {} if tree is None else tree.own
        job = self.witness.undo_starts(n, order.node, order.tries, self.state.values, own, self.turn)
        self.later(self.random.random() * 0.5, self.job_ends, job, 0)

    def stop(self, order: orders.StopStep) -> None:
        """It obeys, or ends by itself, or goes on regardless. The grace is measured whatever it does."""
        job = self.at(order.node).job
        assert job is not None, f"{order.node} is told to stop, but nothing executes"
        assert job.number == order.attempt
        self.witness.told_to_stop(job)
        late = orders.GraceOver(self.run, order.node, order.attempt, self.now + GRACE)
        self.later(GRACE, self.deliver, late, job)
        if not job.executing:
            return
        job.version += 1
        manner = self.random.random()
        if manner < 0.5:
            job.message = "stop"
            self.later(self.random.random() * GRACE * 0.9, self.job_ends, job, job.version)
        elif manner < 0.8:
            self.later(self.random.random() * GRACE * 0.9, self.job_ends, job, job.version)
        else:
            self.later(GRACE * (1.0 + self.random.random()), self.job_ends, job, job.version)

    def abandon(self, order: orders.AbandonStep) -> None:
        """Its permits are orphaned until it ends; if it has ended, they come back now."""
        if order.orphaned and order.node not in self.orphans:
            self.grant(self.limits.give_back(order.node))

    def ask_permits(self, order: orders.AskPermits) -> None:
        n = self.at(order.node)
        if not n.owed:
            self.witness.undo_begins(n)
        if self.limits.ask(order.node, first=True):
            self.grant([order.node])

    def give_back(self, order: orders.ReleasePermits | orders.DeclinePermits) -> None:
        self.grant(self.limits.give_back(order.node))

    def withdraw(self, order: orders.WithdrawAsks) -> None:
        self.limits.withdraw(order.nodes)

    def remind(self, order: orders.Remind) -> None:
        wait = order.due - self.now
        assert wait >= -1.0
        self.later(max(0.0, wait), self.deliver, order.message)
        if self.random.random() < 0.1:
            self.later(max(0.0, wait) + self.travel(), self.deliver, order.message)

    def result_ready(self, order: orders.CheckResult) -> None:
        self.witness.closing = True
        self.later(self.travel(), clients.check_result, self, self.random.random() < 0.8)

    def run_ends(self, order: orders.EndRun) -> None:
        witness, random = self.witness, self.random
        witness.end(order.status)
        witness.closing = False
        check_books(self, order.status)
        if order.status == "halted":
            if random.random() < 0.95:
                self.later(random.random(), clients.resume, self)
        elif order.status == "succeeded" and self.options.reversible and random.random() < 0.7:
            self.later(random.random(), clients.undo_all, self)

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def job_ends(self, job: Job, version: int) -> None:
        if version != job.version or not job.executing:
            return
        self.witness.code_ended(job)
        if job.node in self.orphans and job.abandoned:
            self.orphans.discard(job.node)
            if job.n.step.limits:
                self.grant(self.limits.give_back(job.node))
        message = outcome(self, job)
        self.later(self.travel(), self.deliver, message, job)
        if self.random.random() < 0.05 and job.kind not in (
            "scope",
            "leave",
        ):  # these are of the executor's own process
            self.later(TRAVEL + self.travel(), self.deliver, message, job)

    def count(self) -> None:
        seen, witness = self.seen, self.witness
        seen[witness.ended] = 1
        seen["three undos"] = witness.rolling and witness.undone >= 3
        seen["cancel during rollback"] = min(1, seen["cancel during rollback"])
        seen["halt and failure"] = witness.halting and witness.rolling and not witness.cancelled
        seen["incomplete"] = witness.incomplete
        seen["item taken back"] = witness.items_ended > 0


ORDERS: dict[type, Callable[[World, Any], None]] = {
    orders.RunGuards: World.run_guards,
    orders.LeaveScope: World.leave,
    orders.StopStep: World.stop,
    orders.CompensateStep: World.compensate,
    orders.UndoStep: World.undo,
    orders.AskPermits: World.ask_permits,
    orders.ReleasePermits: World.give_back,
    orders.DeclinePermits: World.give_back,
    orders.AbandonStep: World.abandon,
    orders.WithdrawAsks: World.withdraw,
    orders.Remind: World.remind,
    orders.CheckResult: World.result_ready,
    orders.EndRun: World.run_ends,
}


def play(seed: int) -> World:
    """One run. Every fourth goes on in silence, as most runs do."""
    world = World(seed, listen=seed % 4 != 0)
    try:
        world.play()
    except Exception as error:
        error.add_note(f"repeat it with: python -m tests.simulation.world {seed}")
        raise
    return world


def play_many(first: int, count: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in range(first, first + count):
        seen.update(play(seed).seen)
    return seen


def main(arguments: list[str]) -> None:
    first = int(arguments[0])
    if len(arguments) > 1:
        count = int(arguments[1])
        for name, number in sorted(play_many(first, count).items()):
            print(f"{name:25} {number / count:7.2%}")
        return
    world = World(first, listen=first % 4 != 0)
    world.trace = True
    print(world.options)
    print(world.plan.text())
    print(world.play())


if __name__ == "__main__":
    main(sys.argv[1:])
