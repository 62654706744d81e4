"""The pools of a simulated world: the smallest thing that grants, queues, takes back and counts permits."""

from __future__ import annotations

from collections.abc import Callable

from actorflow.plan import StepSpec
from tests.simulation.plans import POOLS

CAPACITY = [limit.at_most or 0 for limit in POOLS]


class Limits:
    """`held` counts the grants per node, those on their way to the engine included."""

    def __init__(self, step_of: Callable[[int], StepSpec]) -> None:
        self.step_of = step_of  # a number has one step, whatever its range is used for
        self.free = CAPACITY.copy()
        self.held: dict[int, int] = {}
        self.line: list[int] = []

    def needs(self, node: int) -> tuple[int, ...]:
        return tuple(POOLS.index(spec.limit) for spec in self.step_of(node).limits)

    def take(self, node: int) -> bool:
        """All permits that the node needs, or none."""
        if not all(self.free[pool] for pool in self.needs(node)):
            return False
        for pool in self.needs(node):
            self.free[pool] -= 1
        self.held[node] = self.held.get(node, 0) + 1
        return True

    def ask(self, node: int, *, first: bool = False) -> bool:
        if self.take(node):
            return True
        self.line.insert(0 if first else len(self.line), node)
        return False

    def give_back(self, node: int) -> list[int]:
        """Returns one grant; answers with the nodes in line that get theirs."""
        assert self.held.get(node, 0) > 0, f"permits of node {node} came back that it didn't have"
        self.held[node] -= 1
        return self.free_up(self.needs(node))

    def free_up(self, pools: tuple[int, ...]) -> list[int]:
        for pool in pools:
            self.free[pool] += 1
            assert self.free[pool] <= CAPACITY[pool], f"pool {pool} has more permits than there are"
        granted = [node for node in self.line if self.take(node)]
        for node in granted:
            self.line.remove(node)
        return granted

    def withdraw(self, nodes: tuple[int, ...]) -> None:
        self.line = [node for node in self.line if node not in nodes]

    @property
    def is_full(self) -> bool:
        return self.free == CAPACITY and not self.line
