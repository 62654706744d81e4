"""The pool actor: keeps the table of permits, and tells the executor who got what (R1, R28, R29).

It shares the executor's loop, so `AcquirePermits` is answered within the turn that asks; whoever waits is told later with
`PermitsGranted`. It never knows what a permit is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from actorflow.actors import TurnActor
from actorflow.engine import NothingBegun, PermitsGranted
from actorflow.facts import PermitsAcquired, PermitsReleased, PermitsWaited
from actorflow.plan import LimitSpec
from actorflow.policy import Limit
from actorflow.runtime.permits import UNCHANGED, Owner, Permits

if TYPE_CHECKING:
    from actorflow.runtime.row import Row
    from actorflow.runtime.services import Services

Pools = tuple[tuple[Limit, object], ...]


class Pool(TurnActor[Any]):
    """Works on the runtime's table of permits: another one can take over from it."""

    def __init__(
        self,
        permits: Permits,
        rows: dict[str, Row],
        services: Services,
        post: Callable[[Any], None],
        note: Callable[[Row, Any], None],
    ) -> None:
        super().__init__("pool")
        self.permits = permits
        self.rows = rows
        self.timers = services.timers
        self.hub = services.hub
        self.monotonic = services.clock.monotonic
        self.tell = post
        self.note = note

    def started(self) -> None:
        """R35: whoever waits in the table that it takes over waits for time to pass as before."""
        self._watch(self.monotonic())

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, row: Row, nodes: Sequence[int], now: float) -> tuple[list[int], list[int], list[NothingBegun]]:
        """Asks for the permits of some nodes: those that got them, those that wait, those whose `key` raised."""
        granted: list[int] = []
        queued: list[int] = []
        failed: list[NothingBegun] = []
        for pools, lane in self._lanes(row, nodes, failed, now):
            count = self.permits.ask_many(
                row.id, lane, pools, priority=row.priority, lineage=row.lineage, now=now
            )  # fmt: skip
            granted += lane[:count]
            queued += lane[count:]
        self._publish(PermitsAcquired, row, granted, now)
        self._publish(PermitsWaited, row, queued, now)
        self._watch(now)
        return granted, queued, failed

    def ask_front(self, row: Row, node: int, now: float) -> bool:
        """For an undo or a compensation: before all others, without the rate (R28).

        In a full pool it shares the permit of an abandoned attempt of its own run: a step that never ends must not keep what
        was done from being taken back.
        """
        if self.permits.holds(row.id, node):
            return False  # it was let in before it could step out of the line: the grant is on its way
        pools = self._pools(row, node)
        lineage = (*row.lineage, *((row.id, orphan) for orphan in row.orphaned))
        granted = self.permits.ask(
            row.id, node, pools, priority=row.priority, front=True, lineage=lineage, now=now
        )  # fmt: skip
        self._publish(PermitsAcquired if granted else PermitsWaited, row, (node,), now)
        self._watch(now)
        return granted

    def _lanes(
        self, row: Row, nodes: Sequence[int], failed: list[NothingBegun], now: float
    ) -> Iterable[tuple[Pools, list[int]]]:
        """Nodes that take the same permits, together, in the order in which they asked."""
        lane: list[int] = []
        last: Pools | None = None
        for node in nodes:
            try:
                pools = self._pools(row, node)
            except Exception as error:
                failed.append(NothingBegun(row.id, node, row.state.attempt[node], now, error))
                continue
            if lane and pools != last and last is not None:
                yield last, lane
                lane = []
            lane.append(node)
            last = pools
        if lane and last is not None:
            yield last, lane

    def _pools(self, row: Row, node: int) -> Pools:
        pools: Pools | None = row.pools.get(node)
        if pools is not None:
            return pools
        limits = row.step(node).limits
        if all(spec.limit.key is None for spec in limits):
            return tuple((spec.limit, None) for spec in limits)
        arguments = row.arguments(node)
        pools = tuple((spec.limit, key_of(spec, arguments)) for spec in limits)
        if node < row.launch.size:  # the number of another one may be used anew
            row.pools[node] = pools
        return pools

    # ── giving back ───────────────────────────────────────────────────────────────────────────────────────────────

    def release(self, row: Row, node: int, now: float) -> None:
        self._publish(PermitsReleased, row, (node,), now)
        self._grant(self.permits.give_back(row.id, node, now), now)

    def decline(self, row: Row, node: int, now: float) -> None:
        self._publish(PermitsReleased, row, (node,), now)
        self._grant(self.permits.decline(row.id, node, now), now)

    def withdraw(self, row: Row, nodes: Sequence[int]) -> None:
        for node in nodes:
            self.permits.withdraw(row.id, node)

    def orphan(self, row: Row, node: int) -> None:
        row.orphaned.add(node)
        self.permits.orphan(row.id, node, row.name(node))

    def orphan_ended(self, row: Row, node: int, now: float) -> None:
        row.orphaned.discard(node)
        self._publish(PermitsReleased, row, (node,), now)
        self._grant(self.permits.orphan_ended(row.id, node, now), now)

    def drop(self, row: Row, now: float) -> None:
        """The run has ended: whatever it still waits for, it waits no longer."""
        self._grant(self.permits.drop_run(row.id, now), now)

    def change(self, name: str, now: float, **numbers: Any) -> None:
        self._grant(self.permits.change(name, **numbers, now=now), now)
        self._watch(now)

    # ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, owners: Sequence[Owner], now: float) -> None:
        for run, node in owners:
            row = self.rows.get(run)
            if row is not None:
                self._publish(PermitsAcquired, row, (node,), now)
            self.tell(PermitsGranted(run, now, (node,)))
        if owners:
            self._watch(now)

    def handle(self, message: float) -> None:
        """The window of a rate has moved on."""
        now = self.monotonic()
        self._grant(self.permits.due(now), now)
        self._watch(now)

    def _watch(self, now: float) -> None:
        due = self.permits.next_due(now)
        if due is None:
            self.timers.cancel("pool")
        else:
            self.timers.at(due, "pool", lambda: self.post(due))

    def _publish(self, kind: type[Any], row: Row, nodes: Iterable[int], now: float) -> None:
        if self.hub.silent or not self.hub.takes(kind):
            return
        for node in nodes:
            pools = tuple(spec.limit.name for spec in row.step(node).limits)
            self.note(row, kind(row.id, node, row.state.attempt[node], now, pools))


def key_of(spec: LimitSpec, arguments: Sequence[Any]) -> object:
    """R28: `key` is called with those of the step's arguments that it names."""
    if spec.limit.key is None:
        return None
    value = spec.limit.key(**{name: arguments[position] for name, position in spec.picks})
    hash(value)
    return value


__all__ = ["UNCHANGED", "Pool", "key_of"]
