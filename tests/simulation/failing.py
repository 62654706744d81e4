"""What becomes of a run when something fails, and how it must end."""

from __future__ import annotations

from tests.simulation.nodes import Node
from tests.simulation.places import Body
from tests.simulation.witness import PATIENCE, TRAVEL, Books

Told = tuple[str, str, int, BaseException | type]
"""An error: node, phase, number of the attempt or try, what it is."""


class Failing(Books):
    """How items that are taken back by themselves fare is said in `scopes.py`."""

    def own_item(self, n: Node) -> Body | None:
        raise NotImplementedError

    def item_fails(self, item: Body) -> None:
        raise NotImplementedError

    # ── attempts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def may_retry(self, n: Node, due: float) -> bool:
        if self.rolling or n.abandoned or self.is_rolling(n):
            return False
        retry = n.step.retry
        if retry.attempts is not None and n.counted >= retry.attempts:
            return False
        return retry.within is None or n.first is None or due - n.first <= retry.within

    def acted_in_vain(self, n: Node, error: BaseException) -> None:
        if n.reason is None:
            self.failures += 1
            n.since = self.failures
        n.reason = error
        n.offered = n.stopped = n.doubtful = False

    def offer_or_stand(self, n: Node) -> None:
        if n.step.compensate is not None and not n.offered:
            n.owed = True
            n.set_aside = False
            n.comp_tries = 0
            n.again = 0.0
            self.waiting_handlers += 1
        else:
            assert n.reason is not None
            self.stand(n, "run", n.last, n.reason)

    # ── what stands ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def errors_of(self, n: Node) -> list[Told]:
        item = self.own_item(n)
        return self.errors if item is None else item.errors

    def took_back(self, n: Node) -> None:
        self.acted = True
        item = self.own_item(n)
        if item is not None:
            item.acted = True

    def stays_incomplete(self, n: Node) -> None:
        self.incomplete = True
        item = self.own_item(n)
        if item is not None:
            item.incomplete = True

    def stand(self, n: Node, phase: str, number: int, error: BaseException | type, *, also: int = 0) -> None:
        n.stood = True
        n.set_aside = False
        n.again = 0.0
        errors = self.errors_of(n)
        if not n.stopped:
            errors.append((n.name, phase, number, error))
        if also:
            errors.append((n.name, "compensate", also, error))
        if n.unknown or n.doubtful:
            handler = n.step.undo
            if handler is not None and handler.unknown:
                self.undos.append(n)
                n.value = n.own = None
            else:
                self.stays_incomplete(n)
        item = self.own_item(n)
        if item is None:
            self.roll_back(cancelled=False)
        elif not item.rolling:
            self.item_fails(item)

    def roll_back(self, *, cancelled: bool) -> None:
        if self.rolling or self.ended:
            return
        self.rolling = True
        self.cancelled = cancelled
        self.patient_until = self.now + PATIENCE - TRAVEL
        for item in self.items:
            self.errors += item.errors
            item.rolling = False
        self.items.clear()
        self.deal_with([n for n in self.nodes if n.reason is not None])

    def deal_with(self, failed: list[Node]) -> None:
        """What waited for another attempt gets none. While answers are taken, that waits for the last one."""
        if self.answering is not None:
            self.answering += failed
            return
        for n in sorted(failed, key=lambda n: n.since):
            if n.reason is not None and n.job is None and not n.owed and not n.stood:
                self.offer_or_stand(n)

    # ── how the run goes on ─────────────────────────────────────────────────────────────────────────────────────────────

    def pause(self) -> None:
        if not (self.rolling or self.halting or self.closing or self.ended):
            self.halting = True
            self.patient_until = self.now + PATIENCE - TRAVEL

    def runs_out(self, *, halts: bool) -> None:
        if halts:
            self.pause()
        elif not (self.rolling or self.halting or self.closing or self.ended):
            self.hurried = True
            self.roll_back(cancelled=True)

    def resume(self) -> None:
        self.ended = ""
        self.halting = False
        self.attempts = 0

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def expected_end(self) -> str:
        if self.undo_all:
            return "undone"
        if self.rolling:
            return "cancelled" if self.cancelled else "failed"
        return "halted" if self.halting else "succeeded"

    def expected_rollback(self) -> str:
        return "incomplete" if self.incomplete else "complete" if self.acted else "none"

    def end(self, status: str) -> None:
        assert status == self.expected_end(), f"the run ended {status}, it should have {self.expected_end()}"
        assert not self.ended
        assert self.live == 0, "the run ended while something executes"
        assert self.waiting_handlers == 0, "the run ended though a compensation is owed"
        assert not self.entered, f"the run ended though {self.entered} weren't left"
        assert not self.items, "the run ended though an item is being taken back"
        if self.rolling:
            assert not self.undos, f"the run ended though {self.undos} should be undone"
            assert not any(n.reason is not None and not n.stood for n in self.nodes), (
                "something that failed was passed over"
            )
        elif status == "succeeded":
            assert not self.root.left, "the run succeeded though not all is resolved"
        self.ended = status
