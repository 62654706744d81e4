"""Always restarting: the runtime is built again from the store after every commit, and the outcome is what it is without (R48, R50)."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from actorflow import Failed, Succeeded
from actorflow.failures import failure
from actorflow.testing import Crashing, MockClock, Saga, Story, at_every_commit
from actorflow.testing.crashes import Strikes
from actorflow.testing.everywhere import never, once_at
from tests.durable.compared import check_world, saga_of, what_came
from tests.durable.sagas import ALL, Case
from tests.nested.drawn import HEARD, Heard, Refused, drawn
from tests.nested.model import play
from tests.nested.played import exits_fail, statements, tries_again
from tests.nested.program import Around, Block, Emit, First, Flow, Program, Repeat, Statement, blocks_of
from tests.nested.programs import programs

failure(Refused)  # compensations look at it, after a restart too
IN_CI = bool(os.environ.get("CI"))
EXAMPLES = int(os.environ.get("RESTARTS", "300" if IN_CI else "60"))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
async def test_a_saga_whose_runtime_dies_after_every_commit_ends_as_if_it_had_not(clock: MockClock, case: Case) -> None:
    """R53: steps that happen to be in flight are lost each time, so many times are allowed."""
    undisturbed = await Crashing(saga_of(case), clock=clock).run(never)
    restarted = await Crashing(saga_of(case, lost_limit=100), clock=clock).run(at_every_commit())
    assert what_came(restarted.outcome) == what_came(undisturbed.outcome)
    assert restarted.lives > 3
    for story in (undisturbed, restarted):
        check_world(case, story.saga.world)
        story.saga.world.close()


@pytest.mark.timeout(300)
def test_random_nested_workflows_do_what_the_model_does_whatever_dies_when() -> None:
    """The model knows nothing of crashes: same value or same error, and the same steps undone in the same order."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=IN_CI,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(programs(), st.integers(0, 1 << 30), st.booleans())
    def does_what_the_model_does(program: Program, seed: int, always: bool) -> None:
        assume(not tries_again(program) and not exits_fail(program))
        assume(not any(isinstance(statement, Emit) for statement in statements(program.body)))
        assume(not gives_what_is_lent(program.body, [False]))
        expected = play(program)
        story = asyncio.run(told(program, seed, always=always))
        heard: Heard = story.saga.world
        assert failed(story) == expected.failed, str(story)
        assert value(story) == expected.value, str(story)
        assert list(dict.fromkeys(heard.undone)) == expected.undone, str(story)
        seen.update({type(statement).__name__ for statement in statements(program.body)})
        seen["failed"] += bool(expected.failed)
        seen["deaths"] += len(story.deaths)

    does_what_the_model_does()
    for kind in ("Act", "Flow", "Each", "Choose", "First", "Group", "Around", "Repeat", "failed", "deaths"):
        assert seen[kind] >= EXAMPLES // 50, f"too few examples with {kind}: {seen}"


def gives_what_is_lent(block: Block, lent: Sequence[bool]) -> bool:
    """Whether a block gives what an around has lent, and not what a step has made of it: that goes with its process, so it can't be given then."""
    known = list(lent)
    for statement in block.does:
        for label, body, count in blocks_of(statement):
            if gives_what_is_lent(body, seen_by(statement, label, count, known)):
                return True
        known.append(False)
    return known[block.gives]


def seen_by(statement: Statement, label: str, count: int, known: Sequence[bool]) -> list[bool]:
    """Which of the numbers that a body of the statement sees are lent."""
    if isinstance(statement, Flow):
        return [known[place] for place in statement.of]
    if isinstance(statement, (Repeat, First)):
        return [*known, known[statement.of]]
    return [*known, *[isinstance(statement, Around)] * count]


async def told(program: Program, seed: int, *, always: bool) -> Story:
    """In a sequential run all is known beforehand."""
    heard = Heard()
    options = {"resources": [HEARD.provide(heard)], "values": "decoded", "lost_limit": 100}
    saga = Saga(drawn(program), (program.start,), options, {"sequential": True}, heard)
    random = Random(seed)
    strikes: Strikes = at_every_commit() if always else once_at(random.randint(1, 40), random.randint(1, 60))
    with MockClock().installed() as clock:
        return await Crashing(saga, clock=clock).run(strikes)


def failed(story: Story) -> str:
    return story.outcome.error.errors[0].node if isinstance(story.outcome, Failed) else ""


def value(story: Story) -> object:
    return story.outcome.value if isinstance(story.outcome, Succeeded) else None
