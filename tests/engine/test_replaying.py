"""The same plan and the same messages give the same state, whatever else has happened in the process that replays them."""

from __future__ import annotations

import pytest

from actorflow.engine import State, begin_recording, decide, end_turn, replay_turn
from actorflow.engine.advance import SPAWN_BUDGET
from actorflow.engine.frames import leaves_nothing
from actorflow.engine.state import RunOptions
from actorflow.facts import BodyOpened, RunStarted, StepHeartbeat, StepStarted, StepSucceeded
from actorflow.plan import Body, Call, Draft, DraftNode, Plan, Repeat, compile_draft
from tests.engine.drawn import draft_of, with_a_body
from tests.engine.drive import Drive, chain, fan, handler, step, succeeds
from tests.simulation.sameness import check_same


def drawn_late(draft: Draft) -> Body:
    """A workflow that is compiled when it is first needed."""
    return Body("*", None, 0, (), lambda: compile_draft(draft))


def a_repeat_of(draft: Draft) -> Plan:
    return compile_draft(draft_of(with_a_body("repeat", drawn_late(draft), Repeat(None, 3))))


def test_a_turns_facts_are_given_once() -> None:
    drive = Drive(chain(step(), step()))
    state = drive.built_again()
    decide(state, StepSucceeded("r", 0, 1, 1.0, None, 0.0), 1.0)
    assert [type(fact).__name__ for fact in end_turn(state)] == ["StepSucceeded", "StepScheduled", "StepStarted"]
    assert end_turn(state) == []


def test_a_replay_gives_each_turns_facts_again() -> None:
    drive = Drive(chain(step(), step()))
    drive.tell(succeeds(0), succeeds(1))
    state = State(drive.plan, "r", (), drive.options)
    begin_recording(state)
    again = [[type(fact).__name__ for fact in replay_turn(state, turn)] for turn in drive.turns]
    told = "RunStarted StepScheduled StepStarted StepSucceeded StepScheduled StepStarted StepSucceeded RunEnded"
    assert [name for names in again for name in names] == told.split()
    check_same(drive.state, state)


def test_what_doesnt_count_needs_no_record() -> None:
    """R12, R46: a stale answer, and one after the end."""
    drive = Drive(chain(step()))
    assert not decide(drive.state, StepSucceeded("r", 0, 7, 0.0, None, 0.0), 0.0)
    assert decide(drive.state, StepSucceeded("r", 0, 1, 0.0, None, 0.0), 0.0)
    assert not decide(drive.state, StepSucceeded("r", 0, 1, 0.0, None, 0.0), 0.0)


def test_what_only_informs_needs_no_record_and_starts_nothing() -> None:
    """R40: a heartbeat may come in between the two turns in which a wide run starts."""
    plan = fan(*[step()] * (SPAWN_BUDGET + 1))
    state = State(plan, "r", (), RunOptions())
    begin_recording(state)
    decide(state, RunStarted("r", 0.0, "w", {}), 0.0)
    assert state.more
    end_turn(state)
    assert not decide(state, StepHeartbeat("r", 0, 1, 0.5, "alive"), 0.5)
    assert end_turn(state) == [StepHeartbeat("r", 0, 1, 0.5, "alive")]
    assert len(state.ready) == 1


def test_a_replay_needs_a_state_whose_facts_are_taken() -> None:
    with pytest.raises(AssertionError, match="nobody takes the facts"):
        end_turn(State(chain(step()), "r", (), RunOptions()))


def test_the_end_of_a_turn_frees_what_its_facts_were_named_by() -> None:
    """R5: numbers are used anew in the next turn, in a replay as in the run."""
    body = Body("", draft_of(DraftNode("inside", step(), ())))
    plan = compile_draft(draft_of(with_a_body("group", body, Call())))
    state = State(plan, "r", (), RunOptions())
    begin_recording(state)
    decide(state, RunStarted("r", 0.0, "w", {}), 0.0)
    decide(state, BodyOpened("r", 0, 1, 0.0, 0, 0, "", (), 0.0), 0.0)
    (started,) = [fact.node for fact in end_turn(state) if type(fact) is StepStarted and fact.node]
    decide(state, StepSucceeded("r", started, 1, 1.0, "x", 0.0), 1.0)
    assert state.tree is not None
    assert state.name(started) == "group.inside"
    assert (len(state.tree.spent), sum(map(len, state.tree.free.values()))) == (1, 0)
    end_turn(state)
    assert (len(state.tree.spent), sum(map(len, state.tree.free.values()))) == (0, 1)


@pytest.mark.parametrize("undo", [False, True])
def test_whether_a_range_can_be_used_anew_doesnt_depend_on_what_was_drawn_before(*, undo: bool) -> None:
    """A process that replays a run may have drawn more than the one that ran it, or less."""
    inner = draft_of(DraftNode("inside", step(undo=handler() if undo else None), ()))
    fresh, known = a_repeat_of(inner), a_repeat_of(inner)
    assert known.scopes[0].bodies[0].plan
    assert leaves_nothing(fresh) is leaves_nothing(known) is not undo


def test_a_workflow_that_repeats_itself_without_end_is_looked_at_so_far() -> None:
    endless = draft_of()
    endless.nodes.append(with_a_body("repeat", drawn_late(endless), Repeat(None, 3)))
    assert not leaves_nothing(compile_draft(endless))
