"""How the witness follows waits: what is dormant, and what ends it."""

from __future__ import annotations

from actorflow.errors import StepTimeout
from actorflow.facts import WaitStarted
from tests.simulation.endings import Endings
from tests.simulation.nodes import Node


class Waiting(Endings):
    """Signals are told apart by their names alone; their value is the name."""

    def waits(self, n: Node, message: WaitStarted) -> None:
        n.due, n.number = message.due, message.node
        self.dormant.append(n)
        self.take_signals()

    def may_end(self, n: Node) -> bool:
        return not (self.halting or self.rolling or self.ended or self.is_rolling(n))

    def signal_comes(self, name: str) -> None:
        self.signals.append(name)
        self.take_signals()
        self.settle_items()

    def take_signals(self) -> None:
        """In the order in which they came, each by the first that waits for it."""
        for name in self.signals.copy():
            n = next((n for n in self.dormant if self.may_end(n) and n.step.wait and n.step.wait.signal == name), None)
            if n is not None:
                self.signals.remove(name)
                self.dormant.remove(n)
                self.resolve(n, name)

    def time_comes(self, number: int, at: float) -> None:
        """It counts only for the wait that goes on, since the last resume."""
        n = next((n for n in self.dormant if n.number == number and n.due == at), None)
        if n is None or not self.may_end(n):
            return
        self.dormant.remove(n)
        if n.step.wait is not None and n.step.wait.signal:
            self.stand(n, "run", n.last, StepTimeout)
        else:
            self.resolve(n, None)
        self.settle_items()

    def waits_go_on(self) -> None:
        """After a halt, or a crash: what has come due meanwhile is due now."""
        for n in self.dormant:
            n.due = None if n.due is None else max(self.now, n.due)
        self.take_signals()
        self.settle_items()
