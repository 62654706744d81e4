"""What is put off is said in one place, and in the same words for all rules."""

from __future__ import annotations

import re

from tests.conformance.later import LATER


def test_each_clause_that_is_for_later_names_its_rule_and_the_issue_that_brings_it() -> None:
    for later in LATER:
        assert re.fullmatch(r"R([1-9]|[1-3]\d|4[0-4])", later.rule), later
        assert later.issue in (3, 4, 5), later
        assert later.clause.endswith("."), later


def test_no_clause_is_put_off_twice() -> None:
    assert len(LATER) == len({(later.rule, later.clause) for later in LATER})
