"""The table of permits (R1, R28, R29, R30): examples by name, and a machine against what a naive observer sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorflow.errors import InvalidState, InvalidStep
from actorflow.policy import Limit, Rate
from actorflow.runtime.permits import Owner, Permits, PoolStatus

ONE = Limit("one", at_most=1)
TWO = Limit("two", at_most=2)
FIVE_A_SECOND = Limit("rated", rate=Rate(5, per=1.0))
KEYED = Limit("keyed", at_most=1, key=lambda trip: trip)


def pool_of(permits: Permits, name: str, key: object = None) -> PoolStatus:
    return next(pool for pool in permits.status() if (pool.name, pool.key) == (name, key))


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_grants_up_to_the_bound_and_lets_in_who_waits_when_one_comes_back() -> None:
    """R28"""
    permits = Permits()
    assert [permits.ask("a", n, ((TWO, None),), now=0) for n in range(4)] == [True, True, False, False]
    assert permits.give_back("a", 1, 0) == [("a", 2)]
    assert permits.give_back("a", 0, 0) == [("a", 3)]
    assert not permits.idle()
    assert permits.give_back("a", 2, 0) == permits.give_back("a", 3, 0) == []
    assert permits.idle()


def test_a_batch_is_granted_from_its_beginning() -> None:
    permits = Permits()
    assert permits.ask_many("a", range(5), ((TWO, None),), now=0) == 2
    assert permits.holds("a", 1)
    assert not permits.holds("a", 2)
    assert permits.give_back("a", 0, 0) == [("a", 2)]
    assert permits.ask_many("a", [], ((TWO, None),), now=0) == 0


def test_a_limit_without_numbers_bounds_nothing() -> None:
    permits = Permits()
    assert permits.ask_many("a", range(100), ((Limit("free"), None),), now=0) == 100
    assert pool_of(permits, "free").held == 100


def test_several_limits_are_taken_all_or_none() -> None:
    """R28: the one that waits for both takes neither, and the other limit stays usable."""
    permits = Permits()
    assert permits.ask("a", 0, ((ONE, None),), now=0)
    assert not permits.ask("a", 1, ((ONE, None), (TWO, None)), now=0)
    assert pool_of(permits, "two").held == 0
    assert permits.ask("b", 0, ((TWO, None),), now=0)
    assert permits.ask("b", 1, ((TWO, None),), now=0)
    assert permits.give_back("a", 0, 0) == []
    assert permits.give_back("b", 0, 0) == [("a", 1)]


def test_one_that_is_blocked_elsewhere_is_passed_over() -> None:
    """R1: a limit never idles while a ready node could use it."""
    permits = Permits()
    assert permits.ask("a", 0, ((ONE, None),), now=0)
    assert permits.ask_many("b", [0, 1], ((TWO, None),), now=0) == 2
    assert not permits.ask("a", 1, ((ONE, None), (TWO, None)), now=0)
    assert not permits.ask("a", 2, ((TWO, None),), now=0)
    assert permits.give_back("b", 0, 0) == [("a", 2)]


def test_asking_twice_is_refused() -> None:
    permits = Permits()
    permits.ask("a", 0, ((ONE, None),), now=0)
    permits.ask("a", 1, ((ONE, None),), now=0)
    for node in (0, 1):
        with pytest.raises(InvalidState, match="asked for its permits already"):
            permits.ask("a", node, ((ONE, None),), now=0)


def test_giving_back_what_is_not_held_does_nothing() -> None:
    permits = Permits([ONE])
    assert permits.give_back("a", 0, 0) == permits.decline("a", 0, 0) == permits.drop_run("a", 0) == []
    assert permits.orphan_ended("a", 0, 0) == []
    permits.withdraw("a", 0)
    permits.orphan("a", 0)
    assert permits.idle()


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_limits_of_one_name_with_other_numbers_are_refused() -> None:
    """R28"""
    permits = Permits([Limit("db", at_most=2)])
    permits.declare(Limit("db", at_most=2))
    with pytest.raises(InvalidStep, match="'db': at_most=2, rate=None and at_most=3") as refused:
        permits.ask("a", 0, ((Limit("db", at_most=3), None),), now=0)
    assert "Share one Limit" in str(refused.value)


def test_a_computed_pool_goes_when_it_is_free() -> None:
    """R28"""
    permits = Permits()
    assert permits.ask("a", 0, ((KEYED, "oslo"),), now=0)
    assert permits.ask("a", 1, ((KEYED, "rome"),), now=0)
    assert not permits.ask("a", 2, ((KEYED, "rome"),), now=0)
    assert permits.give_back("a", 0, 0) == []
    assert [pool.key for pool in permits.status()] == ["rome"]
    assert permits.give_back("a", 1, 0) == [("a", 2)]
    assert permits.give_back("a", 2, 0) == []
    assert permits.status() == []


def test_a_computed_pool_stays_while_its_rate_remembers() -> None:
    limit = Limit("rated", rate=Rate(1, per=10), key=lambda trip: trip)
    permits = Permits()
    assert permits.ask("a", 0, ((limit, "oslo"),), now=0)
    permits.give_back("a", 0, 1)
    assert [pool.key for pool in permits.status()] == ["oslo"]
    assert permits.due(10) == []
    assert permits.status() == []


def test_a_computed_pool_of_which_a_waiter_withdraws_goes_too() -> None:
    permits = Permits()
    assert permits.ask("a", 0, ((ONE, None),), now=0)
    assert not permits.ask("a", 1, ((KEYED, "oslo"), (ONE, None)), now=0)
    permits.withdraw("a", 1)
    permits.due(0)
    assert [pool.name for pool in permits.status()] == ["one"]


def test_raising_admits_at_once_lowering_lets_holders_finish() -> None:
    """R28"""
    permits = Permits()
    permits.ask_many("a", range(6), ((TWO, None),), now=0)
    assert permits.change("two", at_most=4, now=0) == [("a", 2), ("a", 3)]
    assert permits.change("two", at_most=1, now=0) == []
    assert permits.give_back("a", 0, 0) == permits.give_back("a", 1, 0) == permits.give_back("a", 2, 0) == []
    assert permits.give_back("a", 3, 0) == [("a", 4)]
    assert permits.change("two", at_most=None, now=0) == [("a", 5)]


def test_a_change_applies_to_all_keys_and_to_later_ones() -> None:
    permits = Permits()
    for node, key in enumerate(["oslo", "oslo", "rome", "rome"]):
        permits.ask("a", node, ((KEYED, key),), now=0)
    assert permits.change("keyed", at_most=2, now=0) == [("a", 1), ("a", 3)]
    assert permits.ask_many("a", [7, 8, 9], ((KEYED, "bonn"),), now=0) == 2


def test_what_is_not_given_to_a_change_stays() -> None:
    permits = Permits()
    limit = Limit("both", at_most=1, rate=Rate(3, per=1))
    permits.ask_many("a", range(9), ((limit, None),), now=0)
    assert permits.change("both", at_most=None, now=0) == [("a", 1), ("a", 2)]
    assert permits.change("both", rate=None, now=0) == [("a", n) for n in range(3, 9)]


def test_changing_an_unknown_limit_suggests_the_nearest() -> None:
    with pytest.raises(InvalidState, match=r"'airlin'.*did you mean 'airline'"):
        Permits([Limit("airline", at_most=1)]).change("airlin", at_most=2, now=0)


# ── rates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_most_so_many_starts_in_any_window() -> None:
    """R28: the window slides."""
    permits = Permits()
    pools = ((FIVE_A_SECOND, None),)
    assert [permits.ask("a", n, pools, now=n * 0.1) for n in range(6)] == [True] * 5 + [False]
    assert not permits.ask("a", 6, pools, now=0.5)
    for n in range(5):
        assert permits.give_back("a", n, 0.5) == [], "a start isn't given back with the permit"
    assert permits.next_due(0.5) == 1.0
    assert permits.due(0.99) == []
    assert permits.due(1.0) == [("a", 5)]
    assert permits.next_due(1.0) == 1.1
    assert permits.due(1.1) == [("a", 6)]
    assert permits.next_due(1.1) is None


def test_who_asks_when_others_are_due_waits_behind_them() -> None:
    permits = Permits()
    limit = Limit("slow", rate=Rate(1, per=1))
    assert permits.ask("a", 0, ((limit, None),), now=0)
    assert not permits.ask("a", 1, ((limit, None),), now=0)
    assert not permits.ask("b", 0, ((limit, None),), now=5)
    assert permits.next_due(5) == 5
    assert permits.due(5) == [("a", 1)]
    assert permits.due(6) == [("b", 0)]


def test_declining_gives_the_start_back_and_lets_others_in() -> None:
    permits = Permits()
    limit = Limit("slow", rate=Rate(1, per=1))
    assert permits.ask("a", 0, ((limit, None),), now=0)
    assert not permits.ask("b", 0, ((limit, None),), now=0)
    assert permits.decline("a", 0, 0.5) == [("b", 0)]
    assert not permits.ask("a", 0, ((limit, None),), now=0.5)
    assert permits.due(1.5) == [("a", 0)]


def test_a_node_with_two_rates_starts_when_both_allow() -> None:
    permits = Permits()
    first, second = Limit("first", rate=Rate(1, per=5)), Limit("second", rate=Rate(1, per=10))
    assert permits.ask("a", 0, ((first, None),), now=0)
    assert permits.ask("a", 1, ((second, None),), now=0)
    assert not permits.ask("a", 2, ((first, None), (second, None)), now=0)
    assert permits.due(5) == []
    assert permits.ask("b", 0, ((first, None),), now=6)
    assert permits.due(10) == []
    assert permits.next_due(10) == 11
    assert permits.due(11) == [("a", 2)]


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_higher_priority_goes_first() -> None:
    """R1"""
    permits = Permits()
    permits.ask("a", 0, ((ONE, None),), now=0)
    for run, priority in [("low", -1), ("plain", 0), ("high", 7)]:
        permits.ask(run, 0, ((ONE, None),), priority=priority, now=0)
    order = [("a", 0)]
    while len(order) < 4:
        order += permits.give_back(*order[-1], 0)
    assert [run for run, _ in order] == ["a", "high", "plain", "low"]


def test_runs_take_turns_however_wide_one_is() -> None:
    """R1: one wide run can't starve the rest."""
    permits = Permits()
    permits.ask_many("wide", range(100), ((ONE, None),), now=0)
    permits.ask_many("other", range(3), ((ONE, None),), now=0)
    order: list[Owner] = [("wide", 0)]
    for _ in range(6):
        order += permits.give_back(*order[-1], 0)
    assert [run for run, _ in order] == ["wide", "wide", "other", "wide", "other", "wide", "other"]


def test_a_chain_takes_turns_with_a_wide_run() -> None:
    """R1: one that asks anew after each step doesn't go to the end each time."""
    permits = Permits()
    permits.ask("chain", 0, ((ONE, None),), now=0)
    permits.ask_many("wide", range(100), ((ONE, None),), now=0)
    holder: Owner = ("chain", 0)
    order = [holder[0]]
    for turn in range(1, 9):
        [granted] = permits.give_back(*holder, 0)
        if holder[0] == "chain":
            permits.ask("chain", turn, ((ONE, None),), now=0)
        holder = granted
        order.append(holder[0])
    assert order == ["chain", "wide"] * 4 + ["chain"]


def test_new_runs_do_not_starve_one_that_waits() -> None:
    permits = Permits()
    permits.ask_many("wide", range(3), ((ONE, None),), now=0)
    holder: Owner = ("wide", 0)
    order: list[str] = []
    for n in range(6):
        permits.ask(f"new-{n}", 0, ((ONE, None),), now=0)
        [holder] = permits.give_back(*holder, 0)
        order.append(holder[0])
    assert order.count("wide") == 2


def test_within_a_run_the_longest_waiting_goes_first_whatever_else_it_takes() -> None:
    """R1"""
    permits = Permits()
    permits.ask_many("b", [0, 1], ((TWO, None),), now=0)
    permits.ask("a", 0, ((TWO, None),), now=0)
    permits.ask("a", 1, ((ONE, None), (TWO, None)), now=0)
    permits.ask("a", 2, ((TWO, None),), now=0)
    order = permits.give_back("b", 0, 0) + permits.give_back("b", 1, 0) + permits.give_back("a", 0, 0)
    assert order == [("a", 0), ("a", 1), ("a", 2)]


def test_undos_and_compensations_go_before_all_others_and_take_no_rate() -> None:
    """R28"""
    permits = Permits()
    limit = Limit("both", at_most=1, rate=Rate(1, per=100))
    assert permits.ask("a", 0, ((limit, None),), now=0)
    assert not permits.ask("b", 0, ((limit, None),), priority=99, now=0)
    assert not permits.ask("c", 0, ((limit, None),), front=True, now=0)
    assert permits.give_back("a", 0, 1) == [("c", 0)]
    assert permits.give_back("c", 0, 1) == []
    assert permits.ask("c", 1, ((limit, None),), front=True, now=1)
    assert permits.next_due(1) == 100
    assert permits.due(100) == []
    assert permits.give_back("c", 1, 100) == [("b", 0)]


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_that_withdraws_is_not_let_in() -> None:
    permits = Permits()
    permits.ask_many("a", range(3), ((ONE, None),), now=0)
    permits.withdraw("a", 1)
    assert pool_of(permits, "one").waiting == 1
    assert permits.give_back("a", 0, 0) == [("a", 2)]


def test_a_run_that_is_dropped_holds_and_waits_for_nothing() -> None:
    """R29"""
    permits = Permits()
    permits.ask_many("a", range(5), ((TWO, None),), now=0)
    permits.ask("b", 0, ((TWO, None),), now=0)
    assert permits.drop_run("a", 0) == [("b", 0)]
    assert permits.give_back("b", 0, 0) == []
    assert permits.idle()
    assert [(pool.held, pool.waiting) for pool in permits.status()] == [(0, 0)]


def test_an_orphan_keeps_its_permit_until_it_ends() -> None:
    """R12, R29: also when its run is gone; its node may ask anew."""
    permits = Permits()
    permits.ask_many("a", [0, 1], ((ONE, None),), now=0)
    permits.orphan("a", 0)
    assert (pool_of(permits, "one").held, pool_of(permits, "one").orphaned) == (1, 1)
    assert permits.give_back("a", 0, 0) == []
    assert not permits.ask("a", 0, ((ONE, None),), front=True, now=0)
    assert permits.orphan_ended("a", 0, 0) == [("a", 0)]
    permits.orphan("a", 0)
    assert permits.drop_run("a", 0) == []
    assert not permits.idle()
    assert permits.orphan_ended("a", 0, 0) == []
    assert permits.idle()
    assert pool_of(permits, "one").orphaned == 0


# ── borrowing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_child_uses_its_ancestors_permit_one_at_a_time() -> None:
    """R30: no deadlock on oneself."""
    permits = Permits()
    pools = ((ONE, None),)
    assert permits.ask("parent", 0, pools, now=0)
    lineage = (("parent", 0),)
    assert permits.ask("child", 0, pools, lineage=lineage, now=0)
    assert not permits.ask("child", 1, pools, lineage=lineage, now=0)
    assert not permits.ask("stranger", 0, pools, now=0)
    assert pool_of(permits, "one").held == 1
    assert permits.give_back("child", 0, 0) == [("child", 1)]
    assert permits.give_back("child", 1, 0) == []
    assert permits.give_back("parent", 0, 0) == [("stranger", 0)]


def test_a_grandchild_borrows_what_the_child_has_borrowed() -> None:
    permits = Permits()
    pools = ((ONE, None),)
    assert permits.ask("parent", 0, pools, now=0)
    assert permits.ask("child", 0, pools, lineage=(("parent", 0),), now=0)
    assert permits.ask("grandchild", 0, pools, lineage=(("parent", 0), ("child", 0)), now=0)
    assert not permits.ask("grandchild", 1, pools, lineage=(("parent", 0), ("child", 0)), now=0)
    assert permits.give_back("child", 0, 0) == []
    assert permits.give_back("grandchild", 0, 0) == [("grandchild", 1)]


def test_a_free_permit_is_taken_before_one_is_borrowed() -> None:
    permits = Permits()
    assert permits.ask("parent", 0, ((TWO, None),), now=0)
    assert permits.ask("child", 0, ((TWO, None),), lineage=(("parent", 0),), now=0)
    assert pool_of(permits, "two").held == 2
    assert permits.ask("child", 1, ((TWO, None),), lineage=(("parent", 0),), now=0)
    assert pool_of(permits, "two").held == 2


def test_a_permit_that_is_lent_passes_over_when_its_owner_goes() -> None:
    """R30: a detached child may outlive its parent's attempt; the bound holds all the same."""
    permits = Permits()
    pools = ((ONE, None),)
    assert permits.ask("parent", 0, pools, now=0)
    assert permits.ask("child", 0, pools, lineage=(("parent", 0),), now=0)
    assert not permits.ask("stranger", 0, pools, now=0)
    assert permits.give_back("parent", 0, 0) == []
    assert pool_of(permits, "one").held == 1
    assert permits.give_back("child", 0, 0) == [("stranger", 0)]


def test_a_descendant_may_borrow_from_an_orphan() -> None:
    permits = Permits()
    pools = ((ONE, None),)
    assert permits.ask("parent", 0, pools, now=0)
    permits.orphan("parent", 0)
    assert permits.ask("child", 0, pools, lineage=(("parent", 0),), front=True, now=0)


def test_a_descendant_that_waits_is_let_in_when_its_ancestor_holds_again() -> None:
    permits = Permits()
    pools = ((ONE, None),)
    assert permits.ask("other", 0, pools, now=0)
    assert not permits.ask("parent", 0, pools, priority=1, now=0)
    assert not permits.ask("child", 0, pools, lineage=(("parent", 0),), now=0)
    assert permits.give_back("other", 0, 0) == [("parent", 0), ("child", 0)]


# ── machines ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LIMITS = (
    Limit("a", at_most=1),
    Limit("b", at_most=3),
    Limit("c", rate=Rate(2, per=3)),
    Limit("d", at_most=2, rate=Rate(3, per=5)),
)
Pools = tuple[tuple[Limit, object], ...]
pools_strategy = st.lists(st.sampled_from(range(4)), min_size=1, max_size=3, unique=True).map(
    lambda chosen: tuple((LIMITS[n], None) for n in sorted(chosen))
)
RUNS = ("r", "s", "t")


@dataclass
class Seen:
    """A node as the observer sees it."""

    run: str
    node: int
    pools: Pools
    priority: int
    front: bool
    since: int
    lineage: tuple[Owner, ...] = ()
    passed: dict[str, int] = field(default_factory=dict)

    @property
    def owner(self) -> Owner:
        return (self.run, self.node)

    @property
    def urgency(self) -> tuple[bool, int]:
        return (not self.front, -self.priority)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(limit.name for limit, _ in self.pools)


class Observer(RuleBasedStateMachine):
    """Drives a table of permits and keeps books of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = Permits(LIMITS)
        self.now = 0.0
        self.count = 0
        self.at_most = {limit.name: limit.at_most for limit in LIMITS}
        self.rates = {limit.name: limit.rate for limit in LIMITS}
        self.starts: dict[str, list[float]] = {limit.name: [] for limit in LIMITS}
        self.waiting: dict[Owner, Seen] = {}
        self.holding: dict[Owner, Seen] = {}
        self.orphans: list[Seen] = []

    # what the observer knows

    def holders(self, name: str) -> list[Seen]:
        return [seen for seen in [*self.holding.values(), *self.orphans] if name in seen.names]

    def is_spent(self, name: str) -> bool:
        rate = self.rates[name]
        return rate is not None and sum(at + rate.per > self.now for at in self.starts[name]) >= rate.starts

    def can_go(self, seen: Seen) -> bool:
        return not any((not seen.front and self.is_spent(name)) or self.is_full(name) for name in seen.names)

    def is_full(self, name: str) -> bool:
        bound = self.at_most[name]
        return bound is not None and len(self.holders(name)) >= bound

    def enter(self, seen: Seen) -> None:
        assert self.can_go(seen), f"{seen} can't have all its permits"
        self.holding[seen.owner] = seen
        if not seen.front:
            for name in seen.names:
                self.starts[name].append(self.now)

    def granted(self, owners: list[Owner]) -> None:
        for owner in owners:
            seen = self.waiting.pop(owner)
            for other in self.waiting.values():
                if other.run == seen.run:
                    other.passed.clear()
            able = [other for other in self.waiting.values() if self.can_go(other)]
            for other in able:
                self.check_order(seen, other)
            self.enter(seen)

    def check_order(self, seen: Seen, other: Seen) -> None:
        """`seen` was let in though `other` could have gone instead."""
        if seen.names != other.names or len(seen.names) > 1:
            return
        assert seen.urgency <= other.urgency, "the more urgent goes first"
        if seen.urgency == other.urgency:
            if seen.run == other.run:
                assert seen.since < other.since, "within a run the longest wait goes first"
            elif not any(w.run == other.run and w.since < other.since for w in self.waiting.values()):
                other.passed[seen.run] = other.passed.get(seen.run, 0) + 1
                assert other.passed[seen.run] <= 1, "runs take turns"

    # what happens

    @rule(
        run=st.sampled_from(RUNS),
        pools=pools_strategy,
        priority=st.sampled_from([0, 0, 0, 1]),
        front=st.sampled_from([False, False, False, True]),
        many=st.integers(1, 4),
    )
    def ask(self, run: str, pools: Pools, priority: int, front: bool, many: int) -> None:
        nodes = list(range(self.count, self.count + many))
        self.count += many
        granted = self.permits.ask_many(run, nodes, pools, priority=priority, front=front, now=self.now)
        seen = [Seen(run, node, pools, priority, front, node) for node in nodes]
        for one in seen[:granted]:
            self.enter(one)
        for one in seen[granted:]:
            self.waiting[one.owner] = one
        self.let_due_in()

    @precondition(lambda self: self.holding)
    @rule(data=st.data(), how=st.sampled_from(["give_back", "give_back", "decline", "orphan"]))
    def finish(self, data: Any, how: str) -> None:
        seen = data.draw(st.sampled_from(sorted(self.holding.values(), key=lambda one: one.since)))
        del self.holding[seen.owner]
        if how == "orphan":
            self.orphans.append(seen)
            self.permits.orphan(*seen.owner)
            return
        if how == "decline" and not seen.front:
            for name in seen.names:
                self.starts[name].remove(self.started(seen, name))
        self.granted(getattr(self.permits, how)(*seen.owner, self.now))

    def started(self, seen: Seen, name: str) -> float:
        """When the table says that it started: the observer doesn't tell starts at one time apart."""
        holding = self.permits._runs[seen.run].holdings[seen.node]
        assert holding.started in self.starts[name]
        return holding.started

    @precondition(lambda self: self.orphans)
    @rule()
    def orphan_ends(self) -> None:
        seen = self.orphans.pop()
        self.granted(self.permits.orphan_ended(*seen.owner, self.now))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withdraw(self, data: Any) -> None:
        owner = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[owner]
        self.permits.withdraw(*owner)

    @rule(seconds=st.sampled_from([0.5, 1, 2.5, 6]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.let_due_in()

    @rule(run=st.sampled_from(RUNS))
    def drop(self, run: str) -> None:
        for book in (self.waiting, self.holding):
            for owner in [owner for owner in book if owner[0] == run]:
                del book[owner]
        self.granted(self.permits.drop_run(run, self.now))

    @rule(name=st.sampled_from("abd"), at_most=st.sampled_from([0, 1, 2, 4, None]))
    def change(self, name: str, at_most: int | None) -> None:
        self.at_most[name] = at_most
        self.granted(self.permits.change(name, at_most=at_most, now=self.now))

    def let_due_in(self) -> None:
        while (at := self.permits.next_due(self.now)) is not None and at <= self.now:
            self.granted(self.permits.due(self.now))

    # what must hold

    @invariant()
    def nobody_waits_who_could_go(self) -> None:
        for seen in self.waiting.values():
            assert not self.can_go(seen), f"{seen} waits and could go"

    @invariant()
    def a_wait_for_time_ends(self) -> None:
        due = self.permits.next_due(self.now)
        for seen in self.waiting.values():
            if not seen.front and not any(self.is_full(name) for name in seen.names):
                assert due is not None, f"nobody wakes {seen}"

    @invariant()
    def the_books_agree(self) -> None:
        for pool in self.permits.status():
            assert pool.held == len(self.holders(pool.name))
            assert pool.waiting == sum(pool.name in seen.names for seen in self.waiting.values())
            assert pool.orphaned == sum(pool.name in seen.names for seen in self.orphans)
        assert self.permits.idle() == (not self.holding and not self.orphans)

    @invariant()
    def no_window_has_too_many_starts(self) -> None:
        for name, rate in self.rates.items():
            starts = sorted(self.starts[name])
            for at in starts if rate is not None else ():
                assert rate is not None
                assert sum(at <= other < at + rate.per for other in starts) <= rate.starts

    def teardown(self) -> None:
        for run in RUNS:
            self.drop(run)
        while self.orphans:
            self.orphan_ends()
        assert self.permits.idle()
        assert all(pool.held == pool.waiting == 0 for pool in self.permits.status())


class Family(RuleBasedStateMachine):
    """Runs inside steps of other runs: what is borrowed never exceeds what ancestors hold, and all comes back (R30)."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = (Limit("a", at_most=1), Limit("b", at_most=2))
        self.permits = Permits(self.limits)
        self.count = 0
        self.waiting: dict[Owner, Seen] = {}
        self.holding: dict[Owner, Seen] = {}

    @rule(data=st.data(), which=st.sampled_from([(0,), (1,), (0, 1)]))
    def ask(self, data: Any, which: tuple[int, ...]) -> None:
        parent = data.draw(st.sampled_from([None, *sorted(self.holding)]))
        lineage = (*self.holding[parent].lineage, parent) if parent is not None else ()
        self.count += 1
        seen = Seen(f"run-{self.count}", self.count, tuple((self.limits[n], None) for n in which), 0, False, self.count)
        seen.lineage = tuple(lineage)
        granted = self.permits.ask(seen.run, seen.node, seen.pools, lineage=seen.lineage, now=0)
        (self.holding if granted else self.waiting)[seen.owner] = seen
        self.granted(self.permits.due(0))

    @precondition(lambda self: self.holding)
    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        run, node = data.draw(st.sampled_from(sorted(self.holding)))
        del self.holding[run, node]
        self.granted(self.permits.give_back(run, node, 0))

    def granted(self, owners: list[Owner]) -> None:
        for owner in owners:
            self.holding[owner] = self.waiting.pop(owner)

    def holders(self, name: str) -> list[Seen]:
        return [seen for seen in self.holding.values() if name in seen.names]

    @invariant()
    def bounds_hold(self) -> None:
        for limit in self.limits:
            held = pool.held if (pool := self.find(limit.name)) else 0
            assert limit.at_most is not None
            assert held <= limit.at_most
            holders = self.holders(limit.name)
            lenders = {owner for seen in holders for owner in seen.lineage} & {seen.owner for seen in holders}
            assert held <= len(holders) <= held + len(lenders)

    @invariant()
    def nobody_waits_who_could_borrow(self) -> None:
        for seen in self.waiting.values():
            assert not all(self.could_have(seen, name) for name in seen.names), f"{seen} waits and could go"

    def could_have(self, seen: Seen, name: str) -> bool:
        pool = self.find(name)
        if pool is None or pool.at_most is None or pool.held < pool.at_most:
            return True
        holders = self.holders(name)
        owners = {holder.owner for holder in holders}
        claimed = {owner for holder in holders for owner in holder.lineage}
        return any(owner in owners and owner not in claimed for owner in seen.lineage)

    def find(self, name: str) -> PoolStatus | None:
        return next((pool for pool in self.permits.status() if pool.name == name), None)

    def teardown(self) -> None:
        while self.holding:
            owner: Owner = next(iter(self.holding))
            del self.holding[owner]
            self.granted(self.permits.give_back(*owner, 0))
        assert not self.waiting
        assert self.permits.idle()
        assert all(pool.held == pool.waiting == 0 for pool in self.permits.status())


TestObserver = Observer.TestCase
TestObserver.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestFamily = Family.TestCase
TestFamily.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
