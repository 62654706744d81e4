"""Random nested workflows, held against a model of the semantics that shares nothing with the engine."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nested.played import all_at_once, exits_fail, one_at_a_time, statements, tries_again
from tests.nested.program import Program
from tests.nested.programs import programs

IN_CI = bool(os.environ.get("CI"))
EXAMPLES = 1000 if IN_CI else 200


@pytest.mark.timeout(300)
def test_random_nested_workflows_do_what_the_model_does() -> None:
    """Issue 3: same value or same error, same set of undone steps in the model's order."""
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=IN_CI, suppress_health_check=list(HealthCheck))
    @given(programs(), st.integers(1, 12), st.sampled_from(["shared", "decoded"]), st.sampled_from([None, 1, 2, 3]))
    def does_what_the_model_does(program: Program, halt_at: int, values: str, most: int | None) -> None:
        seen.update({type(s).__name__ for s in statements(program.body)})
        if not tries_again(program):
            story = one_at_a_time(program)
            seen["failed"] += bool(story.failed)
            seen["undone three"] += len(story.undone) >= 3
            if not exits_fail(program):
                one_at_a_time(program, halt_at)
        all_at_once(program, 0, values, max_concurrency=most)
        if not exits_fail(program):
            all_at_once(program, halt_at, values, max_concurrency=most)

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
    ):
        assert seen[kind] >= EXAMPLES // 20, f"too few examples with {kind}: {seen}"
