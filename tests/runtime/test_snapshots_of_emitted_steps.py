"""R8, R16: what running steps have emitted is in the snapshot, told by name; what has no name has no snapshot."""

from __future__ import annotations

import pytest

from actorflow import Failed, InvalidState, Succeeded, each, emit, step, workflow
from tests.runtime import emitted_steps
from tests.runtime.elsewhere import halted, resumed, why_not
from tests.runtime.emitted_steps import done, emits_a_copy, emits_a_part, fails, fetch, pause, sign, spread


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()
    fails.clear()


@step
async def boom(of: object) -> None:
    raise ValueError


@workflow
def fetches() -> list[int]:
    return fetch(1)


@workflow
def fetches_and_fails() -> None:
    boom(fetch(1))


@workflow
def spreads() -> str:
    return sign("end", spread([0.5, 1]))


async def test_a_step_that_others_stand_for_goes_on() -> None:
    """R8: generations go on, at any depth."""
    outcome = await resumed(fetches, await halted(fetches))
    assert isinstance(outcome, Succeeded)
    assert outcome.value == [1, 2, 3]
    assert done == ["fetch 1", "fetch 2", "fetch 3", "join [2] [3]", "join [1] [2, 3]"]


async def test_it_is_undone_with_all_that_stood_for_it() -> None:
    """R22: each step's own value and arguments come over."""
    outcome = await resumed(fetches_and_fails, await halted(fetches_and_fails))
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "complete"
    assert done[-3:] == ["unfetch 3", "unfetch 2", "unfetch 1"]


async def test_emitted_steps_keep_their_arguments() -> None:
    """R16: constants come back as what the steps take; results of other emitted steps are waited for."""
    outcome = await resumed(spreads, await halted(spreads))
    assert isinstance(outcome, Succeeded)
    assert outcome.value == "end"
    assert sorted(done) == ["sign a 7", "sign end 2", "store [0.5, 1] 1 a", "store [0.5, 1] 2 b"]


async def test_emitted_steps_are_undone_after_a_resume() -> None:
    snapshot = await halted(spreads)
    fails.append(True)
    outcome = await resumed(spreads, snapshot)
    assert isinstance(outcome, Failed)
    assert done[-2:] == ["unstore [0.5, 1.0] 2 b", "unstore [0.5, 1.0] 1 a"]


async def test_one_that_was_drawn_with_other_options_has_no_snapshot() -> None:
    @workflow
    def copies() -> None:
        emits_a_copy()

    assert "'emits_a_copy.add_one' was emitted, and can't be told to another process" in await why_not(copies)


async def test_one_that_takes_a_part_of_a_result_has_no_snapshot() -> None:
    @workflow
    def parts() -> None:
        emits_a_part()

    assert "'emits_a_part.add_one' was emitted" in await why_not(parts)


async def test_one_that_only_this_process_knows_has_no_snapshot() -> None:
    """R16: the run can be resumed by id all the same."""

    @step
    async def last(number: int) -> None:
        done.append("last")

    @step
    async def emitter() -> None:
        emit(last(pause()))

    @workflow
    def local() -> None:
        emitter()

    why = await why_not(local)
    assert why.startswith("'emitter.last' was emitted, and can't be told to another process")
    assert "test_one_that_only_this_process_knows_has_no_snapshot.<locals>.last isn't this step" in why
    assert done == ["last"]


async def test_what_was_emitted_and_is_done_needs_no_name() -> None:
    """If nothing of it is undone, no other process has to find it."""

    @step
    async def local() -> None:
        pass

    @step
    async def emitter(number: int) -> int:
        emit(local())
        return number

    @workflow
    def flow() -> list[int]:
        return each([1, 2], lambda number: fetched(emitter(number)))

    @step
    async def fetched(number: int) -> int:
        await pause.run() if number == 2 and not done else None
        return number

    done.clear()
    snapshot = await halted(flow)
    done.append("halted")
    outcome = await resumed(flow, snapshot)
    assert isinstance(outcome, Succeeded)
    assert outcome.value == [1, 7]


async def test_a_step_that_is_not_there_any_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = await halted(spreads)
    monkeypatch.delattr(emitted_steps, "store")
    with pytest.raises(
        InvalidState, match=r"has emitted the step 'store', and tests\.runtime\.emitted_steps\.store isn't"
    ):
        await resumed(spreads, snapshot)
