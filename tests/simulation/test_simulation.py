"""The engine alone, in many simulated worlds: each run checks every invariant of `witness.py` after each turn, and the books at its end.

`SIMULATED_RUNS` and `SIMULATED_SEED` choose how many and from where; under `CI=true` there are 100,000. `SIMULATED_CRASHES` is the share of
those that lose their process, up to eight times, and are replayed and taken over; without it one in five.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.world import World, play, play_many

RUNS = int(os.environ.get("SIMULATED_RUNS", "100000" if os.environ.get("CI") == "true" else "3000"))
FIRST = int(os.environ.get("SIMULATED_SEED", "0"))

AT_LEAST = {
    "three undos": 0.20,
    "halt and resume": 0.10,
    "timeout": 0.05,
    "crash": 0.05,
    "cancel during rollback": 0.05,
    "halt and failure": 0.05,
    "abandoned": 0.05,
    "incomplete": 0.05,
    "succeeded": 0.10,
    "failed": 0.10,
    "cancelled": 0.02,
    "undone": 0.02,
    "scope": 0.20,
    "emission": 0.05,
    "item taken back": 0.02,
    "around left in a halt": 0.01,
    "around left in a rollback": 0.05,
    "around entered again": 0.005,
    "range used anew": 0.01,
    "taken over": 0.05,
}
"""Which share of the runs must have met what, so that the invariants are asked about all of it."""


@pytest.mark.timeout(600)
def test_no_invariant_breaks_in_any_simulated_run() -> None:
    seen = play_many(FIRST, RUNS)
    shares = {name: seen[name] / RUNS for name in AT_LEAST}
    assert {name: share for name, share in shares.items() if share < AT_LEAST[name]} == {}


def test_a_failure_names_the_seed_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "play", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        play(17)
    assert caught.value.__notes__ == ["repeat it with: python -m tests.simulation.world 17"]


def test_one_seed_gives_the_same_facts_and_orders_twice() -> None:
    for seed in range(FIRST, FIRST + 200):
        one, other = play(seed), play(seed)
        assert list(map(repr, one.sent)) == list(map(repr, other.sent))
        assert list(map(repr, one.recorded)) == list(map(repr, other.recorded))
        assert one.sent


def test_who_listens_changes_nothing() -> None:
    """R43: a run of which nobody takes the facts does the same."""
    for seed in range(FIRST, FIRST + 200):
        silent, heard = World(seed, listen=False), World(seed, listen=True)
        silent.moves = heard.moves = False
        assert silent.play() == heard.play()
        assert list(map(repr, silent.sent)) == list(map(repr, heard.sent))
        assert not silent.recorded
        assert heard.recorded
