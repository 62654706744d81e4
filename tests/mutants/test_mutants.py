"""The mutants are up to date: each changes something that is there, and what it makes is Python."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_its_old_text_occurs_exactly_once(mutant: Mutant) -> None:
    ast.parse(mutant.applied(), mutant.path)


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTANTS) >= 45
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []


def test_each_breaks_rules_that_there_are() -> None:
    rules = {f"R{number}" for number in range(1, 57)}
    assert {rule for mutant in MUTANTS for rule in mutant.rules.split()} <= rules
    assert all(mutant.rules for mutant in MUTANTS)
