"""Stores against a small model of runs: several runtimes with leases that lapse and tokens that are stale, several stores on the same records."""

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
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from actorflow.errors import InvalidState, LeaseExpired, RecordNotFound, RunConflict
from actorflow.store import (
    MemoryStore,
    NewRun,
    PostgresStore,
    RunChange,
    RunRecord,
    SQLiteStore,
    Store,
    Turns,
    encode_turns,
)
from actorflow.testing.store_states import StoreClock
from tests.store.model import Refused
from tests.store.run_model import RunModel
from tests.store.servers import empty

WORDS = {LeaseExpired: "lease", InvalidState: "state", RecordNotFound: "not found", RunConflict: "conflict"}
RUNS = st.sampled_from(["a", "b", "c"])
WORKFLOWS = st.sampled_from(["w", "w", "w", "v"])
INPUTS = st.sampled_from([b"1", b"1", b"1", b"2"])
WHO = st.integers(0, 1)
LEASES = st.sampled_from([5.0, 20.0])
LABELS = st.dictionaries(st.sampled_from("xy"), st.sampled_from("01"), max_size=2)
STATUSES = st.sampled_from(["running", "rolling_back", "undoing", "halted", "succeeded", "failed"])
LATER = st.sampled_from([None, 0.0, 3.0, 50.0])


class RunStores(RuleBasedStateMachine):
    """Two stores on the same records."""

    owners = Bundle("owners")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = StoreClock()
        self.model = RunModel(now=self.clock.time())
        self.stores = [self.open_store() for _ in range(2)]
        self.turns = 0

    def open_store(self) -> Store:
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
        if wanted is not None:
            assert got == wanted
        return got

    def at(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.model.now + seconds

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @initialize(target=owners)
    def first(self) -> int:
        return self.joined(0, 20.0)

    @rule(target=owners, who=WHO, lease=LEASES)
    def join(self, who: int, lease: float) -> int:
        return self.joined(who, lease)

    def joined(self, who: int, lease: float) -> int:
        owner: int = self.run(self.stores[who].join("w", lease=lease))
        assert owner > max(self.model.leases, default=0)
        self.model.join(owner, lease)
        return owner

    @rule(who=WHO, owner=owners, lease=LEASES)
    def renew(self, who: int, owner: int, lease: float) -> None:
        self.same(self.stores[who].renew(owner, lease=lease), lambda: self.model.renew(owner, lease))

    @rule(who=WHO, owner=owners)
    def leave(self, who: int, owner: int) -> None:
        self.same(self.stores[who].leave(owner), lambda: self.model.fence(owner))

    @rule(seconds=st.sampled_from([1.0, 6.0, 25.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        self.model.now = self.clock.time()

    # ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(who=WHO, owner=owners, run=RUNS, workflow=WORKFLOWS, inputs=INPUTS, labels=LABELS)
    def open(self, who: int, owner: int, run: str, workflow: str, inputs: bytes, labels: dict[str, str]) -> None:
        asked = self.made(self.stores[who], NewRun(run, workflow, inputs, labels=labels), owner)
        self.same(asked, lambda: self.model.open(owner, run, workflow, inputs, labels))

    async def made(self, store: Store, run: NewRun, owner: int) -> bool:
        return (await store.open_run(run, owner=owner)).is_new

    @rule(
        who=WHO, owner=owners, run=RUNS, is_mine=st.booleans(), off=st.sampled_from([1, 1, 1, 1, 0, 2]), is_new=st.booleans(),
        status=st.one_of(st.none(), STATUSES), release=st.booleans(), wake=LATER, takes=st.integers(0, 2),
    )  # fmt: skip
    def append(
        self,
        who: int,
        owner: int,
        run: str,
        off: int,
        status: str | None,
        wake: float | None,
        takes: int,
        *,
        is_mine: bool,
        is_new: bool,
        release: bool,
    ) -> None:
        """By whoever has the run, or by anybody; the next turns, those that are there already, or others."""
        kept = self.model.runs.get(run)
        if kept is not None and is_mine:
            owner = kept.owner or owner
        sequence = (len(kept.turns) if kept is not None else 0) + off
        self.turns += is_new
        data = encode_turns(Turns("w", float(self.turns), []))
        ends = status in {"halted", "succeeded", "failed"}
        wake = self.at(wake) if release else None
        change = RunChange(status, result=b"result" if ends else None, release=release, wake=wake)
        consumed = kept.messages[:takes] if kept is not None else []
        asked = self.stores[who].append(
            run, owner=owner, sequence=max(sequence, 1), turns=data, change=change, consumed=consumed
        )
        self.same(
            asked,
            lambda: self.model.append(owner, run, max(sequence, 1), data, status, wake, consumed, release=release),
        )

    @rule(who=WHO, owner=owners, limit=st.integers(0, 3))
    def claim(self, who: int, owner: int, limit: int) -> None:
        self.same(self.claimed(self.stores[who], owner, limit=limit), lambda: self.model.claim(owner, limit))

    @rule(who=WHO, owner=owners, run=RUNS)
    def claim_one(self, who: int, owner: int, run: str) -> None:
        self.same(self.claimed(self.stores[who], owner, run_id=run), lambda: self.model.claim_one(owner, run))

    async def claimed(self, store: Store, owner: int, **which: Any) -> list[str]:
        return [run.run_id for run in await store.claim_runs(owner, **which)]

    @rule(run=RUNS, limit=st.integers(1, 3))
    def two_claim_at_once(self, run: str, limit: int) -> None:
        """Each run goes to one of them."""
        one, two = (self.joined(who, 20.0) for who in (0, 1))
        wanted = self.model.claim(one, 100)
        got = self.run(self.both(one, two))
        assert sorted(got[0] + got[1]) == sorted(wanted)
        for name in got[1]:
            self.model.runs[name].owner = two

    async def both(self, one: int, two: int) -> list[list[str]]:
        asked = [self.claimed(self.stores[place], owner) for place, owner in enumerate((one, two))]
        return list(await asyncio.gather(*asked))

    @rule(
        who=WHO, owner=owners, run=RUNS, is_mine=st.booleans(), wake=LATER, problem=st.sampled_from([None, None, "odd"])
    )
    def release(
        self, who: int, owner: int, run: str, wake: float | None, problem: str | None, *, is_mine: bool
    ) -> None:
        kept = self.model.runs.get(run)
        if kept is not None and is_mine:
            owner = kept.owner or owner
        until = self.at(wake)
        asked = self.stores[who].release_run(run, owner=owner, wake=until, problem=problem)
        self.same(asked, lambda: self.model.release(owner, run, until, problem))

    # ── keeping order ─────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(who=WHO, run=RUNS)
    def delete(self, who: int, run: str) -> None:
        self.same(self.stores[who].delete_run(run), lambda: self.model.delete(run))

    @rule(who=WHO, older=st.sampled_from([0.0, 5.0]), statuses=st.lists(STATUSES, unique=True), limit=st.integers(0, 2))
    def purge(self, who: int, older: float, statuses: list[str], limit: int) -> None:
        """What isn't finished can't be named."""
        ended = [status for status in statuses if status in {"halted", "succeeded", "failed"}]
        self.same(self.stores[who].purge(older, ended, limit), lambda: self.model.purge(older, ended, limit))

    @rule(who=WHO, run=RUNS)
    def post(self, who: int, run: str) -> None:
        if run not in self.model.runs:
            with pytest.raises(RecordNotFound):
                self.run(self.stores[who].post(run, "signal", b""))
            return
        self.model.post(run, self.run(self.stores[who].post(run, "signal", b"")))

    @rule(who=WHO, run=RUNS, what=st.sampled_from(["halt", "look"]))
    def note(self, who: int, run: str, what: str) -> None:
        self.same(self.stores[who].note(run, who="ann", what=what), lambda: self.model.find(run).notes.append(what))

    @rule(who=WHO, run=RUNS, labels=LABELS, gone=st.booleans())
    def label(self, who: int, run: str, labels: dict[str, str], *, gone: bool) -> None:
        given: dict[str, str | None] = {**labels, **({"x": None} if gone else {})}

        def expected() -> dict[str, str]:
            kept = self.model.find(run)
            merged = {**kept.labels, **given}
            kept.labels = {name: value for name, value in merged.items() if value is not None}
            return kept.labels

        self.same(self.stores[who].label_run(run, given), expected)

    @rule(
        who=WHO,
        statuses=st.lists(STATUSES, max_size=2, unique=True),
        workflow=st.sampled_from([None, "w", "v"]),
        labels=LABELS,
    )
    def pages(self, who: int, statuses: list[str], workflow: str | None, labels: dict[str, str]) -> None:
        """One at a time, newest first: all of them, each once."""
        found = self.run(self.all_pages(self.stores[who], status=statuses, workflow=workflow, labels=labels))
        assert found == self.model.listed(statuses, workflow, labels)

    async def all_pages(self, store: Store, **which: Any) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await store.list_runs(**which, limit=1, after=after)
            found += [run.run_id for run in page.runs]
            after = page.next
            if after is None:
                return found

    @precondition(lambda self: len(set(self.stores)) > 1)
    @rule(who=WHO)
    def reopen(self, who: int) -> None:
        self.run(self.stores[who].__aexit__(None, None, None))
        self.stores[who] = self.open_store()

    # ── what everybody sees ───────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def all_stores_say_what_the_model_says(self) -> None:
        for store in dict.fromkeys(self.stores):
            self.run(self.compare(store))

    async def compare(self, store: Store) -> None:
        model = self.model
        assert {one.number: one.expires for one in await store.runtimes()} == model.leases
        assert sum((await store.count_runs()).values()) == len(model.runs)
        for run in model.runs.values():
            assert picture(await store.get_run(run.id)) == run.picture
            assert await store.turns(run.id) == run.turns
            assert [message.number for message in await store.messages(run_id=run.id)] == run.messages
            assert [note.what for note in await store.notes(run.id)] == run.notes
        for owner in model.leases:
            mine = [number for run in model.runs.values() if run.owner == owner for number in run.messages]
            assert [message.number for message in await store.messages(owner)] == sorted(mine)


def picture(run: RunRecord) -> tuple[object, ...]:
    times = run.ended, run.wake
    return run.run_id, run.workflow, run.labels, run.status, *times, run.owner, run.problem, run.result, run.tail


class MemoryRuns(RunStores):
    def open_store(self) -> Store:
        """Beside each other they share their records."""
        if not hasattr(self, "only"):
            self.only = MemoryStore(clock=self.clock)
        return self.entered(self.only.beside())


class SQLiteRuns(RunStores):
    def open_store(self) -> Store:
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory()
        return self.entered(SQLiteStore(Path(self.folder.name) / "runs.db", synchronous="NORMAL", clock=self.clock))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class PostgresRuns(RunStores):
    dsn: str

    def open_store(self) -> Store:
        store = PostgresStore(self.dsn, clock=self.clock)
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


class TestMemoryRuns(MemoryRuns.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(COMMON, max_examples=60, stateful_step_count=50)


class TestSQLiteRuns(SQLiteRuns.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(COMMON, max_examples=20, stateful_step_count=40)


def test_postgres_runs(postgres: str) -> None:
    PostgresRuns.dsn = postgres
    run_state_machine_as_test(PostgresRuns, settings=settings(COMMON, max_examples=8, stateful_step_count=30))
