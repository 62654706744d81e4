"""How the witness follows scopes: which bodies are open, what they come to, which arounds are entered; and items that are taken back."""

from __future__ import annotations

from typing import Any

from actorflow.errors import OutcomeUnknown
from actorflow.facts import BodyOpened, ItemsPulled, ScopeLeft, StepsEmitted
from actorflow.outcome import Succeeded
from actorflow.plan import Around, BodyPlan, Each, Repeat
from tests.simulation.nodes import Job, Node
from tests.simulation.places import Body, FailedItem, Link, Opening
from tests.simulation.waits import Waiting
from tests.simulation.witness import PATIENCE, TRAVEL

LOST_LIMIT = 3


class Witness(Waiting):
    # ── a scope's own code ────────────────────────────────────────────────────────────────────────────────────────────

    def scope_asks(self, n: Node, node: int, number: int, now: float) -> Job:
        """A scope that is open has to decide what comes next."""
        opening = n.opening
        assert opening is not None
        assert opening.asks or opening.left, f"{n} is asked, and has nothing to decide"
        self.check_may_start(n)
        assert number == n.last
        assert n.job is None
        assert not n.resolved
        assert not n.stood
        assert not n.abandoned
        if opening.left:
            assert opening.is_done or opening.bodies[0].left, f"{n} is entered again though nothing in it is to run"
        if isinstance(opening.control, Each):
            assert opening.more
            waiting = sum(not body.over for body in opening.bodies.values())
            assert waiting <= opening.control.limit, f"{n} is read ahead of its items"
        if self.sequential:
            assert self.live == 0
        self.live += 1
        self.attempting += 1
        assert self.attempting <= self.cap, "more attempts execute than may"
        n.job = Job("scope", n, node, number, 0, now)
        return n.job

    def opens(self, n: Node, message: BodyOpened | ItemsPulled) -> None:
        n.reason = None
        n.stopped = False
        opening = n.opening
        if opening is None:
            opening = n.opening = Opening(n.step.control)
        plans = n.body.plan.scopes[n.local].bodies
        opening.asks = False
        if isinstance(message, ItemsPulled):
            self.pulled(n, opening, plans[0], message)
            return
        if isinstance(opening.control, Around):
            self.entered.append(n)
            opening.is_entered = True
            if opening.left:
                opening.left = False
                opening.asks = opening.is_done  # a wait in it has ended while it was entered
                opening.bodies[0].inputs[0] = message.given[0]
                return
        given: list[Any] = list(message.given)
        if not isinstance(opening.control, (Around, Repeat)):
            given = [Link(n.body, slot) for slot in n.body.takes(n.local)][: len(given)]
        self.open(n, opening, plans[message.body], message.index, message.key, given)

    def pulled(self, n: Node, opening: Opening, plan: BodyPlan, message: ItemsPulled) -> None:
        for place, item in enumerate(message.items):
            index = opening.pulled
            opening.pulled += 1
            key = str(index) if message.keys is None else message.keys[place]
            self.open(n, opening, plan, index, key, [item])
        opening.more = message.more
        opening.asks = message.more
        if opening.is_complete:
            self.resolve(n, opening.all_results())

    def open(self, n: Node, opening: Opening, plan: BodyPlan, index: int, key: str, given: list[Any]) -> None:
        waits = n.body.plan.scopes[n.local].waits
        captures = [Link(n.body, waits[capture][0]) for capture in plan.takes]
        body = opening.bodies[index] = Body(plan.plan, n, index, key, [*given, *captures])
        body.begun = not isinstance(opening.control, Each)
        self.nodes += body.nodes

    # ── bodies end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, n: Node, value: Any) -> None:
        if not n.replaced:
            n.own = value
        n.resolved = True
        n.value = value
        n.reason = None
        n.unknown = n.doubtful = False
        n.body.left -= 1
        if not n.body.left:
            self.body_ends(n.body)
        for body in [body for body in self.late if body.has_captures]:
            if body in self.late:
                self.late.remove(body)
                self.body_ends(body)

    def body_ends(self, body: Body) -> None:
        scope = body.scope
        if scope is None or self.rolling or body.over or any(outer.rolling for outer in body.upwards()):
            return
        if not body.has_captures:
            self.late.append(body)
            return
        if body is scope.emitted:
            self.emission_ends(scope, body)
            return
        opening = scope.opening
        assert opening is not None
        match opening.control:
            case Each(collects=collects):
                body.over = True
                self.put(scope, opening, body.index, Succeeded(body.result, "run") if collects else body.result)
            case Repeat():
                body.over = True
                opening.value, opening.asks = body.result, True
            case Around():
                opening.value, opening.is_done = body.result, True
                if opening.left and scope.job is None:
                    self.end_around(scope, opening)
                elif opening.left:
                    return  # it is being entered again
                else:
                    opening.asks = True
            case _:
                body.over = True
                self.resolve(scope, body.result)

    def put(self, n: Node, opening: Opening, index: int, value: Any) -> None:
        opening.results[index] = value
        if opening.is_complete:
            self.resolve(n, opening.all_results())

    # ── emitted steps ─────────────────────────────────────────────────────────────────────────────────────────────────

    def emits(self, n: Node, message: StepsEmitted) -> None:
        if message.problem is not None:
            if n.step.undo is not None:
                self.undos.append(n)
            n.resolved, n.value, n.own = True, message.value, message.value
            n.reason, n.unknown, n.stopped = None, False, False
            n.doubtful = False
            n.body.left -= 1
            if not self.rolling:
                self.stand(n, "run", n.last, message.problem)
            return
        body = n.emitted = Body(message.plan, n, 0, "", ())
        body.begun = True
        self.nodes += body.nodes
        if not message.replacing:
            n.body.left += 1
            self.succeed(n, message.value)
            return
        n.own, n.replaced, n.reason, n.unknown = message.value, True, None, False
        n.doubtful = False
        if n.step.undo is not None:
            self.undos.append(n)
        other = next(m for m in body.nodes if m.name == f"{n.name}.{message.replacing}")
        name, before = n.generation or (n.name, 1)
        other.generation = (name, before + 1)
        other.name = f"{name}[{before + 1}]"

    def emission_ends(self, n: Node, body: Body) -> None:
        body.over = True
        if n.replaced:
            self.resolve(n, body.result)
            return
        n.body.left -= 1
        if not n.body.left:
            self.body_ends(n.body)

    # ── arounds ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def leaving_starts(self, n: Node, node: int, error: BaseException | None, now: float) -> Job | None:
        """In a halt, in a rollback, or with an item that is taken back: the last one entered is left first."""
        assert n in self.entered, f"{n} is left, and wasn't entered"
        item = None if self.rolling else next((body for body in n.body.upwards() if body.rolling), None)
        if item is None:
            assert self.halting or self.rolling, f"{n} is left, and nobody asked for it"
            assert self.live == 0, f"{n} is left before all was settled"
            assert self.waiting_handlers == 0
            assert not self.undoing, f"{n} is left after the first undo"
            assert self.entered[-1] is n, f"{n} is left, it is the turn of {self.entered[-1]}"
            errors = self.errors
        else:
            inside = [other for other in self.entered if other.body.is_within(item)]
            assert inside[-1] is n, f"{n} is left, it is the turn of {inside[-1]}"
            assert not any(m.job or m.owed for m in item.all_nodes()), f"{n} is left before its item was settled"
            errors = item.errors
        assert (error is None) == (not errors), f"{n} is left with {error!r}, there is {errors}"
        self.live += 1
        n.job = Job("leave", n, node, n.last, 0, now)
        return n.job

    def was_left(self, n: Node, message: ScopeLeft) -> None:
        opening = n.opening
        assert opening is not None
        if n in self.entered:
            self.entered.remove(n)
        opening.is_entered = opening.asks = False
        if message.error is not None:
            n.stopped = False
            self.stand(n, "run", n.last, message.error)
        elif opening.is_done:
            if not self.rolling and not self.is_rolling(n):
                self.end_around(n, opening)
        else:
            opening.left = True

    def end_around(self, n: Node, opening: Opening) -> None:
        opening.bodies[0].over = True
        self.resolve(n, opening.value)

    # ── taken over ────────────────────────────────────────────────────────────────────────────────────────────────────

    def is_taken_over(self) -> None:
        """Its process was lost, and all that was in flight in it: attempts run again, handlers make the same try again."""
        jobs = sorted((n.job for n in self.nodes if n.job is not None), key=lambda job: job.node)
        pauses = False
        self.answering = []
        for job in jobs:
            job.n.job = None
            if job.executing:
                self.code_ended(job)
            self.live -= job.kind != "undo"
            pauses |= self.is_lost(job.n, job)
        lost, self.answering = self.answering, None
        self.deal_with(lost)
        self.lose_arounds()
        if not self.ended:
            self.waits_go_on()
        if pauses:
            self.pause()
        self.settle_items()

    def is_lost(self, n: Node, job: Job) -> bool:
        """Answers whether a person must decide."""
        rolling = self.rolling or self.is_rolling(n)
        if job.kind == "run":
            return self.attempt_is_lost(n, rolling=rolling)
        if job.kind == "compensate":
            n.comp_tries -= 1
            n.repeats = True
        elif job.kind == "undo":
            n.undo_tries -= 1
            n.repeats = True
        elif job.kind == "scope" and rolling:
            self.deal_with([n])
        return False

    def attempt_is_lost(self, n: Node, *, rolling: bool) -> bool:
        n.lost += 1
        self.acted_in_vain(n, OutcomeUnknown())
        n.doubtful = True
        if rolling:
            self.deal_with([n])
        else:
            n.set_aside = n.step.irreversible or n.lost >= LOST_LIMIT
            self.attempts -= not n.set_aside
        return n.set_aside

    def lose_arounds(self) -> None:
        """They are gone with the process: to be entered again if a step is to run in them."""
        entered = self.entered[::-1]
        self.entered.clear()
        for n in entered:
            opening = n.opening
            assert opening is not None
            opening.is_entered = opening.asks = False
            if not opening.is_done:
                opening.left = True
            elif not self.rolling and not self.is_rolling(n):
                self.end_around(n, opening)
        self.end_arounds_that_are_done()

    def end_arounds_that_are_done(self) -> None:
        """A wait has ended their bodies while they were being entered again, and they weren't."""
        for n in self.nodes:
            opening = n.opening
            if opening is None or not isinstance(opening.control, Around) or n.resolved:
                continue
            if opening.left and opening.is_done and n.job is None and not self.rolling and not self.is_rolling(n):
                self.end_around(n, opening)

    def shift(self, by: float) -> None:
        """Another clock goes on."""
        self.now += by
        self.patient_until += by
        for item in self.items:
            item.patient_until += by
        for n in self.nodes:
            n.again += by
            n.due = None if n.due is None else n.due + by
            n.handler_first += by
            n.first = None if n.first is None else n.first + by

    # ── items that are taken back by themselves ───────────────────────────────────────────────────────────────────────

    def own_item(self, n: Node) -> Body | None:
        """The item that a failure of this node belongs to: the innermost that collects, the outermost that is taken back already."""
        if self.rolling or self.closing or self.ended:
            return None
        found: Body | None = None
        for body in n.body.upwards():
            if body.rolling or (found is None and body.collects and not body.over):
                found = body
        return found

    def item_fails(self, item: Body) -> None:
        for inner in [one for one in self.items if one.is_within(item)]:
            self.items.remove(inner)
            item.errors += inner.errors
            item.acted |= inner.acted
            item.incomplete |= inner.incomplete
            inner.rolling = False
        item.rolling = True
        item.patient_until = self.now + PATIENCE - TRAVEL
        self.items.append(item)
        self.deal_with([n for n in item.all_nodes() if n.reason is not None])

    def settle_items(self) -> None:
        for item in self.items.copy():
            if item.rolling and self.is_settled(item):
                self.end_item(item)

    def is_settled(self, item: Body) -> bool:
        undos = {*self.undos}
        return not any(
            n.job is not None or n.owed or n in undos or n in self.entered or (n.reason is not None and not n.stood)
            for n in item.all_nodes()
        )

    def end_item(self, item: Body) -> None:
        self.items.remove(item)
        item.rolling = False
        item.over = True
        self.items_ended += 1
        self.dormant = [n for n in self.dormant if not n.body.is_within(item)]
        for n in item.all_nodes():
            n.reason = None
            n.body.over = True
        how = "incomplete" if item.incomplete else "complete" if item.acted else "none"
        errors = tuple(sorted((node, phase, number) for node, phase, number, _ in item.errors))
        scope = item.scope
        assert scope is not None
        assert scope.opening is not None
        self.put(scope, scope.opening, item.index, FailedItem(how, errors))
