"""The executor: one actor for all runs. The one loop of the design, and nowhere else:

    message → decide → record → (acknowledged) send orders, publish facts

1. A message finds its run's row in the table; one for a run that is gone is dropped: its fence is the table.
2. The engine decides: it folds facts into the row's state, and leaves orders, permits to ask for, attempts to start.
3. Facts are published; with a store they would be on disk by now.
4. Permits are asked for, and answered within the turn; attempts start; orders are carried out.
5. What executes posts its message, and the loop goes round.

A fault in one run's turn fails that run alone (R35).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from actorflow import crash_points
from actorflow.actors import TurnActor
from actorflow.engine import (
    CLOSING,
    AbandonStep,
    AskPermits,
    CheckResult,
    CompensateStep,
    DeclinePermits,
    EndRun,
    FindLost,
    GoOn,
    LeaveScope,
    PermitsGranted,
    PermitsQueued,
    ReleasePermits,
    Remind,
    RunGuards,
    StopStep,
    UndoStep,
    WithdrawAsks,
    answers_for_the_lost,
    decide,
    end_turn,
)
from actorflow.runtime.journal import Held
from actorflow.runtime.redacting import for_subscribers
from actorflow.runtime.step_runner import StepRunner

if TYPE_CHECKING:
    from actorflow.engine import State
    from actorflow.runtime.journal import Journal
    from actorflow.runtime.row import Row
    from actorflow.runtime.services import Services
    from actorflow.telemetry import NodeNames


def names_now(state: State, facts: Sequence[Any]) -> NodeNames:
    """The names of the facts' nodes. In a run with frames they are made now: numbers of nodes that are gone may be used anew."""
    tree = state.tree
    if tree is None:
        return state.plan.names
    names = {node: state.name(node) for node in {fact.node for fact in facts} if node >= 0}
    tree.recycle()
    return names


class Executor(TurnActor[Any]):
    """Keeps the graph state of all runs; never calls a step's code but for inline steps and an eager step's first slice."""

    def __init__(self, rows: dict[str, Row], services: Services) -> None:
        super().__init__("executor")
        self.rows = rows
        self.services = services
        self.hub = services.hub
        self.timers = services.timers
        self.told: dict[str, Row] = {}  # rows with facts that aren't published yet
        services.hub.draw_from(self.flush)
        self.runner = StepRunner(services, self.post)
        self.orders: dict[type, Callable[[Row, Any, float], None]] = {
            StopStep: lambda row, order, now: self.runner.stop(row, order.node, order.attempt),
            CompensateStep: lambda row, order, now: self.runner.compensate(row, order),
            UndoStep: lambda row, order, now: self.runner.undo(row, order),
            RunGuards: lambda row, order, now: self.runner.guard(row, order.node, order.attempt),
            LeaveScope: lambda row, order, now: self.runner.scopes.leave(row, order.node, order.error),
            AbandonStep: self.abandon,
            AskPermits: self.ask_front,
            ReleasePermits: lambda row, order, now: services.pool.release(row, order.node, now),
            DeclinePermits: lambda row, order, now: services.pool.decline(row, order.node, now),
            WithdrawAsks: lambda row, order, now: services.pool.withdraw(row, order.nodes),
            Remind: self.remind,
            CheckResult: lambda row, order, now: services.endings.check_result(row, order.value),
            FindLost: self.find_lost,
            EndRun: self.end,
        }

    def handle(self, message: Any) -> None:
        row = self.rows.get(message.run)
        if row is None:
            return
        try:
            self.turn(row, row.state, message)
        except Exception as error:
            self.services.endings.fault(row, error, is_sound=row.journal is None)

    def turn(self, row: Row, state: State, message: Any) -> None:
        if row.journal is not None:
            self.recorded_turn(row, state, row.journal, message)
            return
        if not self.hub.silent:
            if not state.facts:
                self.listen(row)
        elif state.facts is not None:
            state.facts = None
        now = message.at
        decide(state, message, now)
        while state.asks:
            self.ask(row, now)
        if state.started:  # before the orders: one of them may be to stop what is started here
            started, state.started = state.started, []
            start = self.runner.start
            for node in started:
                start(row, node)
        if state.orders:
            self.carry_out(row, now)
        if state.more:
            state.more = False
            self.loop.call_soon(self.post, GoOn(row.id, now))

    def turn_ended(self) -> None:
        keeper = self.services.machine.keeper
        if keeper is not None:
            keeper.recorder.send()

    # ── with a store ──────────────────────────────────────────────────────────────────────────────────────────────

    def recorded_turn(self, row: Row, state: State, journal: Journal, message: Any) -> None:
        """R48: what the turn causes waits for its commit; the state runs ahead."""
        now = message.at
        messages = [message]
        decide(state, message, now)
        while state.asks:
            messages += self.ask(row, now)
        if state.phase == CLOSING:
            messages += self.look_at_result(row, now)
        facts = state.facts or []
        shown = for_subscribers(row, facts) if row.hides and not self.hub.silent else facts
        held = Held(state.started, state.orders, shown, self.names_for(state, facts), state.more, now)
        state.started, state.orders, state.more = [], [], False
        is_recorded = journal.take(row, messages, facts)
        end_turn(state)
        if not is_recorded:
            held.is_stored = False
            self.release(row, held)
            return
        held.waits = journal.waits or journal.must_wait(row, messages, held)
        self.services.recorder.enter(row, held)
        if not held.waits:
            self.release(row, held)

    def look_at_result(self, row: Row, now: float) -> list[Any]:
        """R56: one that can't be stored fails the run before it counts as done; the turn says which. Middleware is asked by an order."""
        state, endings = row.state, self.services.endings
        if not any(type(order) is CheckResult for order in state.orders) or endings.completes(row):
            return []
        state.orders = [order for order in state.orders if type(order) is not CheckResult]
        message = endings.looked_at(row, state.result)
        decide(state, message, now)
        return [message]

    def names_for(self, state: State, facts: Sequence[Any]) -> NodeNames | None:
        if self.hub.silent or state.tree is None:
            return state.plan.names
        return {node: state.name(node) for node in {fact.node for fact in facts} if node >= 0}

    def release(self, row: Row, held: Held) -> None:
        """The turn is stored: what it has caused is done now, unless the run was let go meanwhile."""
        if self.rows.get(row.id) is not row:
            return
        try:
            start = self.runner.start
            for node in held.started:
                start(row, node)
            self.publish_held(row, held)
            for order in held.orders:
                self.orders[type(order)](row, order, held.now)
        except Exception as error:
            self.services.endings.fault(row, error)
        if held.more:
            self.loop.call_soon(self.post, GoOn(row.id, held.now))

    def publish_held(self, row: Row, held: Held) -> None:
        """R41: events leave after their facts are stored. All facts that are stored are numbered, whoever takes them."""
        if not held.is_stored:
            self.hub.publish(held.facts, row.id, held.names or row.state.plan.names)
        elif held.facts:
            if not self.hub.silent:
                self.hub.publish(held.facts, row.id, held.names or row.state.plan.names, row.sequence)
            row.sequence += len(held.facts)

    # ── facts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def listen(self, row: Row) -> None:
        """Somebody takes facts: they gather in the row until the hub asks for them, as a busy run has many in a few turns."""
        state = row.state
        state.takes = self.hub.taken
        if state.facts is None:
            state.facts = []
        self.told[row.id] = row
        if not self.hub.is_due:
            self.hub.in_a_while()

    def note(self, row: Row, fact: Any) -> None:
        """A fact that isn't the engine's own. In a run that is recorded it has no number: it isn't of what is stored."""
        if row.journal is not None:
            self.hub.publish([fact], row.id, self.names_for(row.state, [fact]) or ())
            return
        if not self.hub.silent and self.hub.takes(fact.__class__):
            self.listen(row)
            if row.state.facts is not None:
                row.state.facts.append(fact)

    def flush(self) -> None:
        """Publishes what has gathered."""
        for row in self.told.values():
            self.publish(row)
        self.told.clear()

    def publish(self, row: Row) -> None:
        facts = row.state.facts
        if facts:
            if row.hides:
                facts = [*for_subscribers(row, facts)]
            self.hub.publish(facts, row.id, names_now(row.state, facts), row.sequence)
            row.sequence += len(facts)
            row.state.facts = []

    def end(self, row: Row, order: EndRun, now: float) -> None:
        """Events leave before whoever waits for the run is told (R41)."""
        if crash_points.listener is not None and row.journal is not None:
            crash_points.listener("run.ended")
        self.services.endings.end(row, order.status, now)
        if row.journal is None:
            self.publish(row)
        self.told.pop(row.id, None)

    # ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────

    def carry_out(self, row: Row, now: float) -> None:
        state = row.state
        while state.orders:
            orders, state.orders = state.orders, []
            for order in orders:
                self.orders[type(order)](row, order, now)

    # ── permits ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, row: Row, now: float) -> list[Any]:
        """Asks the pool for the nodes' permits, and tells the engine at once who got them; gives what it was told."""
        state = row.state
        nodes, state.asks = state.asks, []
        granted, queued, answers = self.services.pool.ask(row, nodes, now)
        messages: list[Any] = [*answers]
        if queued:
            messages.insert(0, PermitsQueued(row.id, now, tuple(queued)))
        if granted:
            messages.insert(0, PermitsGranted(row.id, now, tuple(granted)))
        for message in messages:
            decide(state, message, now)
        return messages

    def ask_front(self, row: Row, order: AskPermits, now: float) -> None:
        if self.services.pool.ask_front(row, order.node, now):
            self.post(PermitsGranted(row.id, now, (order.node,)))

    def abandon(self, row: Row, order: AbandonStep, now: float) -> None:
        """One that has ended meanwhile gives its permits back at once."""
        if order.orphaned:
            self.services.pool.orphan(row, order.node)
        if not self.runner.abandon(row, order.node, orphaned=order.orphaned) and order.orphaned:
            self.services.pool.orphan_ended(row, order.node, now)

    def find_lost(self, row: Row, order: FindLost, now: float) -> None:
        """A turn was broken off: what should execute and doesn't is answered for; child runs answer for their step yet."""
        settling = {node for node, runs in row.children.items() if any(run._outcome is None for run in runs.values())}
        held = {node for node, _ in row.holding()}
        for message in answers_for_the_lost(row.state, row.live.keys() | settling | held, order.error, now):
            self.post(message)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def remind(self, row: Row, order: Remind, now: float) -> None:
        """Has the message sent when it is due; a wait of no time at all takes no timer."""
        if order.due <= now:
            self.post(order.message)
            return
        message = order.message
        key: Any = (row.id, type(message), getattr(message, "node", -1), getattr(message, "index", -1))
        row.timers.add(key)
        self.timers.at(order.due, key, partial(self.due, row, key, order.message))

    def due(self, row: Row, key: Any, message: Any) -> None:
        row.timers.discard(key)
        self.post(message)
