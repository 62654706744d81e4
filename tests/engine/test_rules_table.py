"""The table is whole: every message and fact has a row, and no status is a dead end."""

from __future__ import annotations

import msgspec

from actorflow import facts
from actorflow.engine import RULES, orders, state
from actorflow.engine.state import STATUS_NAMES
from tests.simulation.world import World

ROOTS = (facts.Fact, facts.RunFact, facts.StepFact, orders.Request, orders.NodeRequest)
OUTSIDE = (
    facts.ActorFact,
    facts.PoolFact,
    facts.SnapshotFailed,
    facts.LeaseLost,
    facts.EventsLost,
    facts.ScheduleSkipped,
)
"""Facts of actors, pools and subscribers, and of what the runtime does with a run that has ended, or that is another one's."""

FINAL = {"SKIPPED", "FAILED", "UNDONE", "UNDO_FAILED", "HOLE"}


def all_below(root: type) -> set[type]:
    below: set[type] = set(root.__subclasses__())
    return below.union(*(all_below(kind) for kind in below))


def test_every_fact_of_a_run_has_a_row() -> None:
    wanted = {kind for kind in all_below(facts.Fact) if not issubclass(kind, OUTSIDE)} - set(ROOTS)
    assert wanted - set(RULES) == set()


def test_every_request_has_a_row() -> None:
    wanted = (all_below(orders.Request) | all_below(orders.NodeRequest)) - set(ROOTS)
    assert wanted - set(RULES) == set()


def test_every_row_is_of_a_fact_or_a_request() -> None:
    for kind, rule in RULES.items():
        assert issubclass(kind, msgspec.Struct)
        assert issubclass(kind, facts.Fact) == (rule.fold is not None), (
            f"a fact is folded, a request isn't: {kind.__name__}"
        )
        assert not issubclass(kind, orders.Order), f"{kind.__name__} is an order: nobody sends it to the engine"


def test_what_answers_to_a_status_names_its_node() -> None:
    for kind, rule in RULES.items():
        if rule.expects is not None:
            assert issubclass(kind, (facts.StepFact, orders.NodeRequest))


def test_every_status_has_a_name() -> None:
    statuses = [value for name, value in vars(state).items() if name.isupper() and isinstance(value, int)]
    assert len(STATUS_NAMES) == max(value for value in statuses if value < len(STATUS_NAMES)) + 1


def test_every_status_but_the_final_ones_is_left_in_some_simulated_run() -> None:
    """Seen from outside: what a node was after one turn, and is no longer after another."""
    seen, left = play_many_watched(3000)
    every = set(range(len(STATUS_NAMES)))
    final = {getattr(state, name) for name in FINAL}
    assert seen | {state.ASKED} == every
    assert every - left - {state.ASKED} <= final


def play_many_watched(count: int) -> tuple[set[int], set[int]]:
    seen: set[int] = set()
    left: set[int] = set()

    class Watched(World):
        def carry_out(self) -> bool:
            goes_on = super().carry_out()
            now = bytes(self.state.status)
            for before, after in zip(getattr(self, "before", b""), now, strict=False):
                seen.add(after)
                if before != after:
                    left.add(before)
            self.before = now
            return goes_on

    for seed in range(count):
        Watched(seed).play()
    return seen, left
