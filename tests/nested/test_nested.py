"""Random nested workflows, held against a model of the semantics that shares nothing with the engine."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nested.played import Way, all_at_once, exits_fail, one_at_a_time, statements, tries_again
from tests.nested.program import Program
from tests.nested.programs import programs

IN_CI = bool(os.environ.get("CI"))
EXAMPLES = 1000 if IN_CI else 200


@st.composite
def ways(draw: st.DrawFn) -> Way:
    return Way(
        draw(st.one_of(st.just(0), st.integers(1, 12))),
        draw(st.booleans()),
        draw(st.sampled_from(["shared", "decoded"])),
        draw(st.sampled_from([None, None, 1, 2, 3])),
    )


@pytest.mark.timeout(300)
def test_random_nested_workflows_do_what_the_model_does() -> None:
    """Issue 3: same value or same error, same set of undone steps in the model's order."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=IN_CI,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(programs(), ways())
    def does_what_the_model_does(program: Program, way: Way) -> None:
        seen.update({type(s).__name__ for s in statements(program.body)})
        if way.halt_at and exits_fail(program):
            way = way._replace(halt_at=0)
        seen["halted"] += bool(way.halt_at)
        all_at_once(program, way)
        if not tries_again(program):
            story = one_at_a_time(program, way)
            seen["failed"] += bool(story.failed)
            seen["undone three"] += len(story.undone) >= 3

    does_what_the_model_does()
    for kind in (
        "Act",
        "Flow",
        "Each",
        "Choose",
        "First",
        "Group",
        "Around",
        "Repeat",
        "Emit",
        "failed",
        "undone three",
        "halted",
    ):
        assert seen[kind] >= EXAMPLES // 50, f"too few examples with {kind}: {seen}"
