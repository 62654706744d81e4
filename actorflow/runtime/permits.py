"""The table of permits: who holds them, who waits, and who goes next (R1, R28, R29, R30).

Plain data and no clock: `now` comes in, in seconds of one clock that never goes back. After every call nobody waits who
could go, but for whom the passing of time lets in: `next_due` says when, `due` lets them in.

1. `ask` grants at once, or lets the node wait in its lane.
2. Whatever gives permits back lets in who can go: per pool, by urgency, by the turn of the run, by the length of the wait.
3. A node takes all its permits or none; one that is blocked elsewhere is passed over.
4. In a full pool a node may borrow the permit of an ancestor that hasn't lent it yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Literal, TypeAlias

from actorflow.errors import InvalidState, InvalidStep, suggest
from actorflow.policy import Limit, Rate, limits_clash
from actorflow.runtime.config import UNCHANGED, Unchanged
from actorflow.runtime.permit_pool import Holding, Lane, Owner, Pool, PoolStatus, Urgency

__all__ = ["UNCHANGED", "Owner", "Permits", "PoolStatus"]


_MaybeUnchanged: TypeAlias = Literal[Unchanged.UNCHANGED]
_Alarm: TypeAlias = tuple[float, int, Pool]
_LaneKey: TypeAlias = tuple[tuple[Pool, ...], Urgency, tuple[Owner, ...]]


class _Known:
    """A limit as it was declared, its numbers as they are now, and its pools."""

    __slots__ = ("at_most", "limit", "pools", "rate")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.at_most = limit.at_most
        self.rate = limit.rate
        self.pools: dict[object, Pool] = {}


class _Run:
    """What a run holds and waits for."""

    __slots__ = ("holdings", "lanes", "waiting")

    def __init__(self) -> None:
        self.holdings: dict[int, Holding] = {}
        self.lanes: dict[_LaneKey, Lane] = {}
        self.waiting: dict[int, Lane] = {}


class Permits:
    """The pools of all limits of a runtime. See the module for the order in which nodes are let in."""

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        self._known: dict[str, _Known] = {}
        self._runs: dict[str, _Run] = {}
        self._orphans: dict[Owner, list[Holding]] = {}
        self._held = 0
        self._questions = 0
        self._pushes = 0
        self._alarms: list[_Alarm] = []
        self._fading: list[_Alarm] = []
        for limit in limits:
            self.declare(limit)

    # ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────

    def declare(self, limit: Limit) -> None:
        """Makes the limit known. Raises `InvalidStep` if one of its name has other numbers."""
        self._know(limit)

    def change(
        self,
        name: str,
        *,
        at_most: int | _MaybeUnchanged | None = UNCHANGED,
        rate: Rate | _MaybeUnchanged | None = UNCHANGED,
        now: float,
    ) -> list[Owner]:
        """Sets new numbers for all pools of this name, also those to come; `None` takes a bound away.

        Returns whom this lets in. Lowering lets holders finish. Raises `InvalidState` for a name that isn't known.
        """
        known = self._known.get(name)
        if known is None:
            raise InvalidState(f"no limit is named {name!r} here{suggest(name, self._known)}")
        if at_most is not UNCHANGED:
            known.at_most = at_most
        if rate is not UNCHANGED:
            known.rate = rate
        for pool in known.pools.values():
            pool.at_most, pool.rate, pool.alarm = known.at_most, known.rate, None
        return self._admit(list(known.pools.values()), now)

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(
        self,
        run: str,
        node: int,
        pools: tuple[tuple[Limit, object], ...],
        *,
        priority: int = 0,
        front: bool = False,
        lineage: tuple[Owner, ...] = (),
        now: float,
    ) -> bool:
        """Takes a permit of each pool and returns True, or has the node wait in line for all of them.

        `pools` are limits with the value of their key (`None` without `key=`), sorted by name. `front` is for undos and
        compensations: before all others, and without the rate. `lineage` are the ancestor steps that hold permits.
        """
        return bool(self.ask_many(run, (node,), pools, priority=priority, front=front, lineage=lineage, now=now))

    def ask_many(
        self,
        run: str,
        nodes: Sequence[int],
        pools: tuple[tuple[Limit, object], ...],
        *,
        priority: int = 0,
        front: bool = False,
        lineage: tuple[Owner, ...] = (),
        now: float,
    ) -> int:
        """Asks for many nodes that take the same permits; the first so many of them, as returned, are granted."""
        self._sweep(now)
        if not nodes:
            return 0
        found = self._pools(pools)
        state = self._state(run, nodes)
        key = (found, (not front, -priority), lineage)
        lane = state.lanes.get(key) or Lane(run, *key)
        granted = 0
        if not lane.waiters and not self._somebody_is_due(found, now):
            while granted < len(nodes) and self._can_go(lane, now):
                self._take(state, lane, nodes[granted], now)
                granted += 1
        if granted:
            self._served(lane, now)
            self._offer_to_descendants(lane, now)
        if granted < len(nodes):
            self._wait(state, key, lane, nodes[granted:], now)
        return granted

    def withdraw(self, run: str, node: int) -> None:
        """Takes a waiting node out of the line; does nothing if it doesn't wait."""
        state = self._runs.get(run)
        lane = state.waiting.pop(node, None) if state is not None else None
        if state is not None and lane is not None:
            self._step_out(state, lane, node)
            self._forget_run(run, state)

    # ── giving back ───────────────────────────────────────────────────────────────────────────────────────────────

    def give_back(self, run: str, node: int, now: float) -> list[Owner]:
        """Releases what the node holds. Returns whom this lets in: they hold their permits already."""
        state = self._runs.get(run)
        holding = state.holdings.pop(node, None) if state is not None else None
        if state is None or holding is None:
            return []
        self._forget_run(run, state)
        return self._release(holding, now)

    def decline(self, run: str, node: int, now: float) -> list[Owner]:
        """Releases a grant that the run can't use now, its start included, and returns whom this lets in.

        Those may be other nodes of the same run, if they wait here: a run does well to ask for no more than it can use.
        """
        state = self._runs.get(run)
        holding = state.holdings.get(node) if state is not None else None
        if holding is not None and holding.takes_rate:
            for pool in holding.pools:
                pool.take_back_start(holding.started)
        return self.give_back(run, node, now)

    def drop_run(self, run: str, now: float) -> list[Owner]:
        """Releases all that the run holds and waits for, but for its orphans, and returns whom this lets in."""
        state = self._runs.pop(run, None)
        if state is None:
            return []
        for node, lane in state.waiting.items():
            self._step_out(state, lane, node)
        freed: dict[Pool, None] = {}
        for holding in state.holdings.values():
            self._put_back(holding)
            freed.update(dict.fromkeys(holding.pools))
        return self._admit(list(freed), now)

    def orphan(self, run: str, node: int, name: str = "") -> None:
        """Marks what the node, of this name, holds as held by an abandoned thread. The node itself may ask anew."""
        state = self._runs.get(run)
        holding = state.holdings.pop(node, None) if state is not None else None
        if state is None or holding is None:
            return
        holding.orphaned = True
        holding.name = name
        for pool in holding.pools:
            pool.orphaned += 1
        self._orphans.setdefault((run, node), []).append(holding)
        self._forget_run(run, state)

    def orphan_ended(self, run: str, node: int, now: float) -> list[Owner]:
        """Releases what the first of the node's orphans holds, and returns whom this lets in."""
        holdings = self._orphans.get((run, node))
        if not holdings:
            return []
        holding = holdings.pop(0)
        if not holdings:
            del self._orphans[run, node]
        return self._release(holding, now)

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def next_due(self, now: float) -> float | None:
        """When `due` should be called next, if nothing else happens: not before `now`."""
        alarms = self._alarms
        while alarms and not _is_set(alarms[0]):
            _silence(heappop(alarms))
        return max(now, alarms[0][0]) if alarms else None

    def due(self, now: float) -> list[Owner]:
        """Returns whom the passing of time lets in."""
        self._sweep(now)
        rung: dict[Pool, None] = {}
        while self._alarms and self._alarms[0][0] <= now:
            alarm = heappop(self._alarms)
            if _is_set(alarm):
                rung[alarm[2]] = None
            _silence(alarm)
        return self._admit(list(rung), now)

    # ── for people and tests ──────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> list[PoolStatus]:
        """All pools, by name."""
        pools = [pool for name in sorted(self._known) for pool in self._known[name].pools.values()]
        return [
            PoolStatus(pool.name, pool.key, pool.at_most, pool.rate, pool.held, pool.waiting, pool.orphaned)
            for pool in pools
        ]

    def orphans(self, run: str) -> dict[str, list[str]]:
        """Of each node of the run the pools of which its abandoned attempts still hold permits."""
        found: dict[str, list[str]] = {}
        for (owner, _), holdings in self._orphans.items():
            for holding in holdings if owner == run else ():
                found.setdefault(holding.name, []).extend(map(str, holding.pools))
        return found

    def idle(self) -> bool:
        """Whether every pool is full again: nobody holds a permit."""
        return not self._held

    def holds(self, run: str, node: int) -> bool:
        """Whether the node holds its permits; an orphan's don't count."""
        state = self._runs.get(run)
        return state is not None and node in state.holdings

    # ── letting in ────────────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self, pools: list[Pool], now: float) -> list[Owner]:
        """Grants as long as somebody who waits for one of the pools can go."""
        granted: list[Owner] = []
        for pool in pools:  # grows while it is gone through
            while (lane := self._first(pool, now)) is not None:
                node, _ = lane.waiters.popitem(last=False)
                state = self._runs[lane.run]
                del state.waiting[node]
                self._take(state, lane, node, now)
                self._shorten(state, lane)
                self._served(lane, now)
                granted.append((lane.run, node))
                if len(lane.pools) > 1:
                    pools.extend(other for other in lane.pools if other.with_lineage and other is not pool)
            if pool.lines:
                self._arm(pool, pool.spent_until(now))
            elif pool.is_keyed:
                self._let_fade(pool, now)
        return granted

    def _first(self, pool: Pool, now: float) -> Lane | None:
        if not pool.lines or (pool.is_full() and not pool.with_lineage):
            return None
        for lanes in pool.in_order(now):
            able = lanes if len(lanes) == 1 else sorted(lanes, key=_since)
            for lane in able:
                if self._can_go(lane, now):
                    return lane
        return None

    def _can_go(self, lane: Lane, now: float) -> bool:
        for pool in lane.pools:
            if lane.takes_rate and pool.is_spent(now):
                return False
            if pool.is_full() and (not lane.lineage or self._lender(lane, pool) is None):
                return False
        return True

    def _lender(self, lane: Lane, pool: Pool) -> Holding | None:
        """An ancestor's holding with a permit of the pool that isn't lent."""
        for run, node in lane.lineage:
            state = self._runs.get(run)
            held: list[Holding] = [state.holdings[node]] if state is not None and node in state.holdings else []
            for one in (*held, *self._orphans.get((run, node), [])):
                if one.may_lend(pool):
                    return one
        return None

    def _take(self, state: _Run, lane: Lane, node: int, now: float) -> None:
        holding = Holding((lane.run, node), lane.pools, now, lane.takes_rate)
        for pool in lane.pools:
            lender = self._lender(lane, pool) if pool.is_full() else None
            if lender is None:
                pool.held += 1
            else:
                holding.borrow(pool, lender)
            if lane.takes_rate and pool.rate is not None:
                pool.starts.append(now)
        state.holdings[node] = holding
        self._held += 1

    def _served(self, lane: Lane, now: float) -> None:
        for pool in lane.pools:
            pool.serve(lane.run)
            if pool.lines and pool.rate is not None:
                self._arm(pool, pool.spent_until(now))

    def _offer_to_descendants(self, lane: Lane, now: float) -> None:
        """What was taken at once may be lent to a descendant that waits already: `due` lets it in."""
        for pool in lane.pools:
            if pool.with_lineage:
                self._arm(pool, now)

    def _release(self, holding: Holding, now: float) -> list[Owner]:
        self._put_back(holding)
        return self._admit(list(holding.pools), now)

    def _put_back(self, holding: Holding) -> None:
        """Gives each permit back to where it came from; one that is lent passes over to who borrowed it."""
        self._held -= 1
        for pool in holding.pools:
            pool.orphaned -= holding.orphaned
            source = holding.sources.pop(pool, None) if holding.sources else None
            borrower = holding.lent.pop(pool, None) if holding.lent else None
            if borrower is not None:
                _relink(pool, source, borrower)
            elif source is not None and source.lent is not None:
                del source.lent[pool]
            else:
                pool.held -= 1

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _wait(self, state: _Run, key: _LaneKey, lane: Lane, nodes: Sequence[int], now: float) -> None:
        is_new = not lane.waiters
        for node in nodes:
            self._questions += 1
            lane.waiters[node] = self._questions
            state.waiting[node] = lane
        if is_new:
            state.lanes[key] = lane
        for pool in lane.pools:
            pool.waiting += len(nodes)
            if is_new:
                pool.join(lane)
            self._arm(pool, pool.spent_until(now))

    def _step_out(self, state: _Run, lane: Lane, node: int) -> None:
        del lane.waiters[node]
        self._shorten(state, lane)

    def _shorten(self, state: _Run, lane: Lane) -> None:
        """One less waits in the lane; an empty one goes."""
        for pool in lane.pools:
            pool.waiting -= 1
            if not lane.waiters:
                pool.leave(lane)
                if pool.is_keyed and pool.is_free():
                    self._look_again(pool, float("-inf"))
        if not lane.waiters:
            del state.lanes[lane.pools, lane.urgency, lane.lineage]

    def _state(self, run: str, nodes: Sequence[int]) -> _Run:
        state = self._runs.get(run)
        if state is None:
            state = self._runs[run] = _Run()
        for node in nodes:
            if node in state.holdings or node in state.waiting:
                raise InvalidState(f"node {node} of run {run!r} has asked for its permits already")
        return state

    def _forget_run(self, run: str, state: _Run) -> None:
        if not state.holdings and not state.waiting:
            self._runs.pop(run, None)

    # ── pools ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _know(self, limit: Limit) -> _Known:
        known = self._known.get(limit.name)
        if known is None:
            known = self._known[limit.name] = _Known(limit)
        elif clash := limits_clash(known.limit, limit):
            raise InvalidStep(f"{clash}\nShare one Limit object, or give them different names.")
        return known

    def _pools(self, pools: tuple[tuple[Limit, object], ...]) -> tuple[Pool, ...]:
        if len(pools) == 1:
            return (self._pool(*pools[0]),)
        return tuple(dict.fromkeys([self._pool(limit, key) for limit, key in pools]))

    def _pool(self, limit: Limit, key: object) -> Pool:
        known = self._know(limit)
        pool = known.pools.get(key)
        if pool is None:
            pool = known.pools[key] = Pool(limit, key, known.at_most, known.rate)
        return pool

    def _somebody_is_due(self, pools: tuple[Pool, ...], now: float) -> bool:
        """Whether the passing of time would let somebody in, whom `due` wasn't called for yet."""
        return any(
            pool.alarm is not None and pool.alarm <= now and self._first(pool, now) is not None for pool in pools
        )

    def _arm(self, pool: Pool, at: float | None) -> None:
        """Has `due` look at the pool at that time, unless it will anyway by then."""
        if at is not None and pool.lines and (pool.alarm is None or at < pool.alarm):
            pool.alarm = at
            self._pushes += 1
            heappush(self._alarms, (at, self._pushes, pool))

    def _let_fade(self, pool: Pool, now: float) -> None:
        """Drops a computed pool that is free, at once or when its rate has forgotten all starts."""
        if not pool.is_keyed or not pool.is_free():
            return
        fades_at = pool.fades_at(now)
        pools = self._known[pool.name].pools
        if fades_at is not None:
            self._look_again(pool, fades_at)
        elif pools.get(pool.key) is pool:
            del pools[pool.key]

    def _look_again(self, pool: Pool, at: float) -> None:
        self._pushes += 1
        heappush(self._fading, (at, self._pushes, pool))

    def _sweep(self, now: float) -> None:
        while self._fading and self._fading[0][0] <= now:
            self._let_fade(heappop(self._fading)[2], now)


def _relink(pool: Pool, source: Holding | None, borrower: Holding) -> None:
    """Makes the borrower hold what its lender held: of its own, or borrowed in turn."""
    if source is not None:
        borrower.borrow(pool, source)
    elif borrower.sources is not None:
        del borrower.sources[pool]


def _is_set(alarm: _Alarm) -> bool:
    at, _, pool = alarm
    return pool.alarm == at and bool(pool.lines)


def _silence(alarm: _Alarm) -> None:
    at, _, pool = alarm
    if pool.alarm == at:
        pool.alarm = None


def _since(lane: Lane) -> int:
    return lane.since
