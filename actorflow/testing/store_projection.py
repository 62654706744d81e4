"""Step runs made of what a run did are those that the step functions make (R46). A part of `StoreContract`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

import pytest

from actorflow.store import Entry, Store, Turn, Turns, encode_turns
from actorflow.testing.store_states import opened, told

Story: TypeAlias = "Sequence[tuple[str, str, bytes | None]]"
"""Kind, step, value."""

BEGIN, DONE, FAIL = "StepStarted", "StepSucceeded", "AttemptFailed"
STORIES: dict[str, Story] = {
    "claimed": [(BEGIN, "a", None)],
    "completed": [(BEGIN, "a", None), (DONE, "a", b"out")],
    "completed out of order": [(BEGIN, "a", None), (BEGIN, "b", None), (DONE, "b", b"b"), (DONE, "a", b"a")],
    "halted": [(BEGIN, "a", None), ("StepHalted", "a", b"out")],
    "emitted": [(BEGIN, "a", None), ("StepsEmitted", "a", b"out")],
    "failed": [(BEGIN, "a", None), (FAIL, "a", b"bad")],
    "abandoned": [(BEGIN, "a", None), ("StepAbandoned", "a", b"bad")],
    "tried again": [(BEGIN, "a", None), (FAIL, "a", b"bad"), (BEGIN, "a", None), (DONE, "a", b"out")],
    "lost": [(BEGIN, "a", None), ("AttemptLost", "a", None), (BEGIN, "a", None)],
    "interrupted": [(BEGIN, "a", None), ("StepInterrupted", "a", None)],
    "undone": [(BEGIN, "a", None), (DONE, "a", b"out"), ("UndoStarted", "a", None), ("StepUndone", "a", None)],
    "undo tried again": [
        (BEGIN, "a", None),
        (DONE, "a", b"out"),
        ("UndoStarted", "a", None),
        ("UndoAttemptFailed", "a", b"stuck"),
        ("UndoStarted", "a", None),
        ("StepUndone", "a", None),
    ],
    "undo given up": [
        (BEGIN, "a", None),
        (DONE, "a", b"out"),
        ("UndoStarted", "a", None),
        ("UndoAttemptFailed", "a", b"stuck"),
        ("UndoGaveUp", "a", b"stuck"),
    ],
    "undo lost": [
        (BEGIN, "a", None),
        (DONE, "a", b"out"),
        ("UndoStarted", "a", None),
        ("UndoStarted", "a", None),
        ("StepUndone", "a", None),
    ],
    "outcome unknown": [
        (BEGIN, "a", None),
        ("StepAbandoned", "a", b"bad"),
        ("UndoStarted", "a", None),
        ("StepUndone", "a", None),
    ],
    "skipped": [("StepSkipped", "a", b"value")],
}
BEYOND: dict[str, tuple[Story, str, list[tuple[str, str | None]]]] = {
    "recovered": (
        [(BEGIN, "a", None), (FAIL, "a", b"bad"), ("StepRecovered", "a", b"value")],
        "completed",
        [("run", "failed")],
    ),
    "lost, then skipped by a person": (
        [(BEGIN, "a", None), ("AttemptLost", "a", None), ("StepSkipped", "a", b"value")],
        "completed",
        [("run", "lost")],
    ),
    "lost, then said to have failed": (
        [(BEGIN, "a", None), ("AttemptLost", "a", None), (FAIL, "a", b"bad")],
        "failed",
        [("run", "lost")],
    ),
    "lost in a rollback, and undone": (
        [(BEGIN, "a", None), ("AttemptLost", "a", None), ("UndoStarted", "a", None), ("StepUndone", "a", None)],
        "undone",
        [("run", "lost"), ("undo", "completed")],
    ),
    "begun again though nobody said that it was lost": (
        [(BEGIN, "a", None), (BEGIN, "a", None), (DONE, "a", b"value")],
        "completed",
        [("run", "lost"), ("run", "completed")],
    ),
    "undone, and run again": (
        [
            (BEGIN, "a", None),
            (DONE, "a", b"out"),
            ("UndoStarted", "a", None),
            ("StepUndone", "a", None),
            (BEGIN, "a", None),
            (DONE, "a", b"value"),
        ],
        "completed",
        [("run", "completed"), ("undo", "completed"), ("run", "completed")],
    ),
}
"""What no step function makes: the status, and the attempts."""


def entry(kind: str, step: str, value: bytes | None = None, at: float = 1.0) -> Entry:
    return Entry(kind, step, 0, 1, at, value)


def rows(story: Story) -> list[bytes]:
    """A row for each entry: a message or a fact, as it comes."""
    return [
        encode_turns(Turns("w", 1000.0, [Turn([told], []) if number % 2 else Turn([], [told])]))
        for number, told in enumerate(entry(*each, float(number)) for number, each in enumerate(story))
    ]


async def append_all(store: Store, owner: int, turns: Sequence[bytes], run_id: str = "r") -> None:
    tail = (await store.get_run(run_id)).tail
    for sequence, each in enumerate(turns, tail + 1):
        await store.append(run_id, owner=owner, sequence=sequence, turns=each)


async def play(store: Store, run_id: str, story: Story) -> None:
    """The story, by the step functions."""
    for kind, step, value in story:
        known = await store.get_step_run(run_id, step)
        id = known.id if known is not None else ""
        if kind in {BEGIN, "StepSkipped"}:
            id = (await store.begin_step(run_id, step, b"", worker="w")).step_run.id
        if kind == "UndoStarted":
            if known is not None and known.status == "undoing":
                await store.lose_attempt(id)
            await store.begin_undo(run_id, step, worker="w", unknown=True)
        elif kind in {DONE, "StepHalted", "StepsEmitted", "StepSkipped"}:
            await store.complete_step(id, value or b"")
        elif kind in {FAIL, "StepAbandoned"}:
            await store.fail_step(id, value or b"")
        elif kind in {"AttemptLost", "StepInterrupted"}:
            await store.lose_attempt(id)
        elif kind == "UndoAttemptFailed":
            await store.fail_undo(id, value or b"")
        elif kind == "StepUndone":
            await store.complete_undo(id)


async def seen(store: Store, run_id: str) -> list[Any]:
    """All that a store tells of a run's steps, but for ids, numbers and times."""
    statuses = await store.step_statuses(run_id)
    found: list[Any] = [statuses, await store.completed_steps(run_id), await store.completed_outputs(run_id)]
    for step in statuses:
        now = await store.get_step_run(run_id, step)
        assert now is not None
        tries = [told(each) for each in await store.attempts(now.id)]
        found.append((now.input, now.output, now.error, now.token, now.sequence > 0, tries))
    return found


class ProjectionContract:
    """What a run did, as step runs."""

    @pytest.mark.parametrize("name", STORIES)
    @pytest.mark.parametrize("looks", [False, True])
    async def test_r46_turns_make_the_step_runs_that_the_step_functions_make(
        self, store: Store, one: int, name: str, looks: bool
    ) -> None:
        """Whether they are made at once, or bit by bit because somebody looks."""
        await opened(store, "r", one)
        await opened(store, "played", one)
        await play(store, "played", STORIES[name])
        for row in rows(STORIES[name]):
            await append_all(store, one, [row])
            if looks:
                await store.step_statuses("r")
        assert await seen(store, "r") == await seen(store, "played")

    @pytest.mark.parametrize("name", BEYOND)
    async def test_what_no_step_function_makes_is_told_as_it_was(self, store: Store, one: int, name: str) -> None:
        story, status, tries = BEYOND[name]
        await opened(store, "r", one)
        await append_all(store, one, rows(story))
        now = await store.get_step_run("r", "a")
        assert now is not None
        assert now.status == status
        assert [(each.phase, each.outcome) for each in await store.attempts(now.id)] == tries
        if status == "completed":
            assert (now.output, now.error) == (b"value", None)
            assert await store.completed_steps("r") == ["a"]

    async def test_attempts_have_the_times_of_the_runtime_that_made_them(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        story = [entry(BEGIN, "a", None, 5.0), entry(DONE, "a", b"out", 7.5)]
        await append_all(store, one, [encode_turns(Turns("w1", 1000.0, [Turn([], story[:1]), Turn(story[1:], [])]))])
        now = await store.get_step_run("r", "a")
        assert now is not None
        (attempt,) = await store.attempts(now.id)
        assert (attempt.worker, attempt.started, attempt.ended) == ("w1", 1005.0, 1007.5)

    async def test_messages_come_before_the_facts_that_followed(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        turn = Turn([entry(DONE, "a", b"out")], [entry(BEGIN, "b")])
        await append_all(store, one, [encode_turns(Turns("w", 0.0, [Turn([], [entry(BEGIN, "a")]), turn]))])
        assert await store.step_statuses("r") == {"a": "completed", "b": "running"}

    async def test_what_is_not_of_steps_or_makes_no_sense_is_passed_over(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        odd = [
            entry("RunStarted", ""),
            entry("StepStarted", ""),
            entry("Unheard", "a"),
            entry("StepUndone", "a"),
            entry("UndoStarted", "a"),
            entry("AttemptLost", "a"),
            entry(FAIL, "a"),
            entry(BEGIN, "a"),
            entry("StepUndone", "a"),
            entry("UndoStarted", "a"),
            entry(DONE, "a", b"out"),
            entry(DONE, "a", b"other"),
            entry(BEGIN, "a"),
            entry(FAIL, "a", b"late"),
        ]
        await append_all(store, one, [b"no turns", encode_turns(Turns("w", 0.0, [Turn(odd, [])])), b""])
        assert await store.completed_outputs("r") == [b"out"]
        assert await store.step_statuses("r") == {"a": "completed"}

    async def test_step_functions_go_on_from_what_the_run_did(self, store: Store, one: int) -> None:
        await opened(store, "r", one)
        await append_all(store, one, rows([(BEGIN, "a", None)]))
        claim = await store.begin_step("r", "a", b"")
        assert (claim.decision, claim.step_run.token) == ("skip", 1)
        await append_all(store, one, rows([(FAIL, "a", b"bad")]))
        again = await store.lose_attempt((await store.begin_step("r", "a", b"new", worker="w2")).step_run.id)
        assert (again.status, again.input, again.token) == ("pending", b"new", 2)
        await append_all(store, one, rows([(BEGIN, "a", None), (DONE, "a", b"out")]))
        done = await store.complete_step(claim.step_run.id, b"out", token=3)
        assert (done.status, done.token) == ("completed", 3)
        assert len(await store.attempts(done.id)) == 3

    async def test_many_runs_are_made_into_step_runs_at_once(self, store: Store, one: int) -> None:
        for each in range(5):
            await opened(store, f"r{each}", one)
            await append_all(store, one, rows(STORIES["tried again"]), f"r{each}")
        found = await asyncio.gather(*(store.completed_outputs(f"r{each}") for each in range(5)))
        assert found == [[b"out"]] * 5
