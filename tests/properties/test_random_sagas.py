"""Random sagas: whatever befalls them, what their steps see keeps the promises of the rules (R1 to R31)."""

from __future__ import annotations

import os
from math import sqrt

import pytest
from hypothesis import given, settings

from tests.properties.play import Play, play
from tests.properties.scenario import Scenario
from tests.properties.scenarios import scenarios, shares

IN_CI = bool(os.environ.get("CI"))
EXAMPLES = 2000 if IN_CI else 200

COUNTED = ("timeout", "crash", "cancel during rollback", "halt and failure", "told to stop", "abandoned")
WANTED = {
    "three undos": 0.20,
    "halted and resumed": 0.10,
    "timeout": 0.05,
    "crash": 0.05,
    "cancel during rollback": 0.05,
    "halt and failure": 0.05,
}
MANY = 1000
"""Among so many runs the shares are what they are; among fewer, chance has its part: three standard deviations."""


@pytest.mark.timeout(600)
def test_random_sagas_keep_their_promises() -> None:
    """R6, R14, R16, R18, R20 to R25, R28, R29: see `Witness` for each promise, and `Play` for those of the end."""
    seen: list[set[str]] = []

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=IN_CI)
    @given(scenarios())
    def keeps_its_promises(scenario: Scenario) -> None:
        seen.append(what_happened(play(scenario)))

    keeps_its_promises()
    found = shares(seen)
    for name, share in WANTED.items():
        least = share if len(seen) >= MANY else share - 3 * sqrt(share * (1 - share) / len(seen))
        assert found.get(name, 0.0) >= least, f"{name}: wanted in {share:.0%} of {len(seen)} runs, found {found}"


def what_happened(played: Play) -> set[str]:
    witness = played.witness
    names = {name for name in COUNTED if witness.counts[name]}
    if len(witness.undone) >= 3:
        names.add("three undos")
    if played.halts:
        names.add("halted and resumed")
    return names | {type(played.outcome).__name__.lower()}
