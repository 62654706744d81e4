"""Stores against a small model: several claimants with claims old and new, several stores on one file, files opened again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from actorflow.errors import InvalidState, RecordNotFound, StaleClaim
from actorflow.store import Claim, MemoryStore, PostgresStore, Scheduled, SQLiteStore, StepRun, Store
from tests.store.model import Model, Refused, Said
from tests.store.servers import empty

RUN = "run"
STEPS = st.sampled_from(["charge", "pay", "fly"])
VALUES = st.sampled_from([b"", b"one", b"two"])
WORDS = {StaleClaim: "stale", InvalidState: "state", RecordNotFound: "not found"}
ENDS = ["completed", "failed", "undone", "undo_failed"]


def said(step_run: StepRun) -> Said:
    now = step_run
    return Said(str(now.status), now.input, now.output, now.error, now.token)


class Stores(RuleBasedStateMachine):
    """Two claimants, each with a store of its own on the same records."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.ids: dict[str, str] = {}
        self.stores = [self.open() for _ in range(2)]
        self.run(self.stores[0].create_run(run_id=RUN, workflow="w", inputs=b""))

    def open(self) -> Store:
        raise NotImplementedError

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def entered(self, store: Any) -> Store:
        return self.run(store.__aenter__())  # type: ignore[no-any-return]

    def teardown(self) -> None:
        for store in dict.fromkeys(self.stores):
            self.run(store.__aexit__(None, None, None))
        self.runner.close()

    def same(self, asked: Coroutine[Any, Any, Any], expected: Callable[[], Any]) -> Any:
        """The store answers, or refuses, as the model does."""
        try:
            wanted = expected()
        except Refused as refused:
            with pytest.raises(tuple(WORDS)) as caught:
                self.run(asked)
            assert WORDS[caught.type] == refused.args[0]
            return None
        got = self.run(asked)
        if isinstance(got, Claim | Scheduled):
            self.ids.setdefault(got.step_run.step, got.step_run.id)
            assert (got.decision, said(got.step_run)) == wanted
            return got
        assert said(got) == wanted
        return got

    # ── what claimants do ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(who=st.integers(0, 1), step=STEPS, input=VALUES)
    def schedule(self, who: int, step: str, input: bytes) -> None:
        self.same(self.stores[who].schedule_step(RUN, step, input), lambda: self.model.schedule(step, input))

    @rule(target=claims, who=st.integers(0, 1), step=STEPS, input=VALUES)
    def begin(self, who: int, step: str, input: bytes) -> Any:
        got = self.same(self.stores[who].begin_step(RUN, step, input), lambda: self.model.begin(step, input))
        return (step, got.step_run.token)

    @rule(target=claims, step=STEPS, input=VALUES, claimants=st.integers(2, 8))
    def begin_at_once(self, step: str, input: bytes, claimants: int) -> Any:
        """All with the same input: the model needn't know who comes first."""
        got = self.run(self.all_at_once(step, input, claimants))
        expected = [self.model.begin(step, input) for _ in range(claimants)]
        assert sorted(claim.decision for claim in got) == sorted(decision for decision, _ in expected)
        assert {said(claim.step_run) for claim in got} == {expected[0][1]}
        self.ids.setdefault(step, got[0].step_run.id)
        return (step, got[0].step_run.token)

    async def all_at_once(self, step: str, input: bytes, claimants: int) -> list[Claim]:
        asked = [self.stores[each % 2].begin_step(RUN, step, input) for each in range(claimants)]
        return await asyncio.gather(*asked)

    @rule(target=claims, who=st.integers(0, 1), step=STEPS, unknown=st.booleans())
    def begin_undo(self, who: int, step: str, unknown: bool) -> Any:
        asked = self.stores[who].begin_undo(RUN, step, unknown=unknown)
        got = self.same(asked, lambda: self.model.begin_undo(step, unknown))
        return (step, got.step_run.token) if got is not None else multiple()

    @rule(who=st.integers(0, 1), claim=claims, how=st.sampled_from(ENDS), value=VALUES, with_token=st.booleans())
    def end(self, who: int, claim: tuple[str, int], how: str, value: bytes, with_token: bool) -> None:
        step, token = claim[0], claim[1] if with_token else None
        store, id = self.stores[who], self.ids[claim[0]]
        asked = {
            "completed": lambda: store.complete_step(id, value, token=token),
            "failed": lambda: store.fail_step(id, value, token=token),
            "undone": lambda: store.complete_undo(id, token=token),
            "undo_failed": lambda: store.fail_undo(id, value, token=token),
        }[how]
        given = None if how == "undone" else value
        self.same(asked(), lambda: self.model.end(step, how, given, token))

    @rule(who=st.integers(0, 1), claim=claims, with_token=st.booleans())
    def lose(self, who: int, claim: tuple[str, int], with_token: bool) -> None:
        step, token = claim[0], claim[1] if with_token else None
        self.same(self.stores[who].lose_attempt(self.ids[step], token=token), lambda: self.model.lose(step, token))

    @precondition(lambda self: len(set(self.stores)) > 1)
    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.run(self.stores[who].__aexit__(None, None, None))
        self.stores[who] = self.open()

    # ── what everybody sees ───────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def all_stores_say_what_the_model_says(self) -> None:
        for store in dict.fromkeys(self.stores):
            self.run(self.compare(store))

    async def compare(self, store: Store) -> None:
        model = self.model
        assert await store.step_statuses(RUN) == {step: now.status for step, now in sorted(model.steps.items())}
        assert await store.completed_steps(RUN) == model.completed()
        assert await store.completed_outputs(RUN) == [model.steps[step].output for step in model.completed()]
        for step, tries in model.tries.items():
            found = await store.attempts(self.ids[step])
            assert [(each.phase, each.outcome, each.error) for each in found] == tries


class MemoryStores(Stores):
    stores: list[Store]

    def open(self) -> Store:
        """One for both: there's no second way in."""
        if not hasattr(self, "only"):
            self.only = self.entered(MemoryStore())
        return self.only


class SQLiteStores(Stores):
    def open(self) -> Store:
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory()
        return self.entered(SQLiteStore(Path(self.folder.name) / "runs.db", synchronous="NORMAL"))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class PostgresStores(Stores):
    dsn: str

    def open(self) -> Store:
        store = PostgresStore(self.dsn)
        entered = self.entered(store)
        if not hasattr(self, "is_empty"):
            self.run(empty(store))
            self.is_empty = True
        return entered


COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)


class TestMemoryStores(MemoryStores.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(COMMON, max_examples=60, stateful_step_count=40)


class TestSQLiteStores(SQLiteStores.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(COMMON, max_examples=25, stateful_step_count=30)


def test_postgres_stores(postgres: str) -> None:
    PostgresStores.dsn = postgres
    run_state_machine_as_test(PostgresStores, settings=settings(COMMON, max_examples=12, stateful_step_count=25))
