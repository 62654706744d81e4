"""All stores say the same: random requests, alone and many in one commit, to a `MemoryStore` and to two stores on the same records."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actorflow.clock import Clock
from actorflow.store import (
    Entry,
    MemoryStore,
    NewRun,
    PostgresStore,
    RunChange,
    RunRecord,
    SQLiteStore,
    Store,
    Turn,
    Turns,
    encode_turns,
)
from actorflow.store import requests as ask
from actorflow.testing.store_states import StoreClock
from tests.store.servers import empty

KINDS = [
    "StepStarted", "StepSucceeded", "StepSkipped", "StepRecovered", "AttemptFailed", "AttemptLost", "UndoStarted", "StepUndone",
    "UndoAttemptFailed", "UndoGaveUp", "Unheard",
]  # fmt: skip

RUNS = st.sampled_from(["r0", "r0", "r0", "r1", "r1", "r2"])
HOLDER = -1
"""Who has the run."""
OWNERS = st.sampled_from([0, 0, 1, 1, 2, 3])
SMALL = st.integers(0, 3)
TEXTS = st.sampled_from(["a", "b"])
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=2)
STATUSES = st.sampled_from(["running", "rolling_back", "undoing", "halted", "succeeded", "failed", "undone"])
VALUES = st.one_of(st.none(), st.sampled_from([b"", b"one", b"two"]))
TIMES = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 5.0, 20.0]))
CHANGES = st.builds(RunChange, st.one_of(st.none(), STATUSES), VALUES, VALUES, TIMES, st.booleans())
ENTRIES = st.lists(
    st.builds(Entry, st.sampled_from(KINDS), TEXTS, st.just(0), st.just(1), st.floats(0, 9), VALUES), max_size=4
)
APPENDS = st.tuples(st.just("append"), st.just(HOLDER), RUNS, st.just(1), ENTRIES, st.none(), st.just([]))
CHANGING = st.tuples(
    st.just("append"), st.just(HOLDER), RUNS, st.just(1), ENTRIES, CHANGES, st.lists(SMALL, max_size=2)
)
ODD = st.tuples(
    st.just("append"), OWNERS, RUNS, SMALL, ENTRIES, st.one_of(st.none(), CHANGES), st.lists(SMALL, max_size=2)
)
CLAIMS = st.tuples(
    st.just("claim"), OWNERS, SMALL, st.one_of(st.none(), st.none(), RUNS), st.one_of(st.none(), st.lists(TEXTS))
)
READS = st.sampled_from(["run", "turns", "statuses", "outputs", "count", "runtimes", "notes", "schedules"])
OPENS = st.tuples(st.just("open"), OWNERS, RUNS, st.sampled_from("aaaab"), LABELS)
OTHERS = st.one_of(
    st.tuples(st.just("join"), st.sampled_from([3.0, 30.0])),
    st.tuples(st.just("renew"), OWNERS, st.sampled_from([3.0, 30.0])),
    st.tuples(st.just("leave"), st.just(3)),
    st.tuples(st.just("release"), st.sampled_from([HOLDER, HOLDER, 0]), RUNS, TIMES, st.one_of(st.none(), TEXTS)),
    st.tuples(st.just("label"), RUNS, st.dictionaries(TEXTS, st.one_of(st.none(), TEXTS))),
    st.tuples(st.just("delete"), st.just("r2")),
    st.tuples(st.just("purge"), st.sampled_from([0.0, 5.0]), SMALL),
    st.tuples(st.just("post"), RUNS, VALUES),
    st.tuples(st.just("messages"), st.one_of(st.none(), OWNERS), RUNS),
    st.tuples(
        st.just("list"), st.lists(STATUSES, max_size=2, unique=True), st.one_of(st.none(), TEXTS), LABELS, TIMES, TIMES
    ),
    st.tuples(st.just("begin"), RUNS, TEXTS),
    st.tuples(st.just("note"), RUNS),
    st.tuples(st.just("begin_schedule"), TEXTS, st.sampled_from("aab"), SMALL),
    st.tuples(st.just("move_schedule"), TEXTS, SMALL),
    st.tuples(st.just("schedule"), TEXTS),
)
WORDS = st.one_of(OPENS, APPENDS, APPENDS, CHANGING, ODD, CLAIMS, OTHERS, st.tuples(st.just("read"), READS, RUNS))
FIRST: Any = (
    (0, 0.0, [("join", 3.0), ("join", 30.0)]),
    (0, 0.0, [("open", 0, "r0", "a", {}), ("open", 1, "r1", "a", {"a": "b"})]),
)
STORIES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.0, 1.0, 4.0]), st.lists(WORDS, min_size=1, max_size=6)),
    max_size=25,
)


class Side(NamedTuple):
    """Stores on the same records, and the numbers that they gave."""

    stores: Sequence[Store]
    clock: StoreClock
    runtimes: list[int]
    messages: list[int]


class Known(NamedTuple):
    """Of a run, before a commit: which runtime has it, and its tail."""

    owner: int
    tail: int


def request(side: Side, word: tuple[Any, ...], known: dict[str, Known], start: float) -> Any:
    """What is said, with the numbers that this side has given."""

    def owner(which: int, run: str = "") -> int:
        which = known[run].owner if which == HOLDER and run in known else which
        return side.runtimes[which % len(side.runtimes)] if side.runtimes else 0

    def at(seconds: float | None) -> float | None:
        return None if seconds is None else start + seconds

    match word:
        case "join", lease:
            return ask.Join("w", lease)
        case "renew", who, lease:
            return ask.Renew(owner(who), lease)
        case "leave", who:
            return ask.Leave(owner(who))
        case "open", who, run, workflow, labels:
            return ask.OpenRun(NewRun(run, workflow, b"in", labels=labels), owner(who))
        case "append", who, run, more, entries, change, consumed:
            turns = encode_turns(Turns("w", 100.0, [Turn(entries, [])]))
            taken = [side.messages[each] for each in consumed if each < len(side.messages)]
            before = known.get(run, Known(0, 0))
            known[run] = before._replace(tail=before.tail + (more == 1))
            return ask.Append(run, owner(who, run), before.tail + more, turns, change, taken)
        case "claim", who, limit, run, workflows:
            return ask.ClaimRuns(owner(who), limit, run, workflows)
        case "release", who, run, wake, problem:
            return ask.ReleaseRun(run, owner(who, run), at(wake), problem)
        case "label", run, labels:
            return ask.LabelRun(run, labels)
        case "delete", run:
            return ask.DeleteRun(run)
        case "purge", older, limit:
            return ask.Purge(older, ("succeeded", "failed", "halted"), limit)
        case "post", run, value:
            return ask.Post(run, "signal", value or b"")
        case "messages", who, run:
            return ask.ListMessages(None if who is None else owner(who), run if who is None else None)
        case "list", status, workflow, labels, since, until:
            return ask.ListRuns(status, workflow, labels, None, at(since), at(until), 2)
        case "begin", run, step:
            return ask.BeginStep(run, step, b"in", "w")
        case "note", run:
            return ask.TakeNote(run, "ann", "looked", "")
        case "begin_schedule", name, trigger, since:
            return ask.OpenSchedule(name, trigger, start + since)
        case "move_schedule", name, last:
            return ask.MoveSchedule(name, start + last)
        case "schedule", name:
            return ask.ListSchedules(name)
        case _:
            return reading(word[1], word[2])


def reading(what: str, run: str) -> Any:
    return {
        "run": ask.GetRun(run), "turns": ask.ReadTurns(run), "statuses": ask.StepStatuses(run), "notes": ask.ListNotes(run),
        "outputs": ask.CompletedOutputs(run), "count": ask.CountRuns(), "runtimes": ask.ListRuntimes(),
        "schedules": ask.ListSchedules(),
    }[what]  # fmt: skip


def plain(answer: Any, side: Side) -> Any:
    """The answer without what each store numbers in its own way."""
    if isinstance(answer, Exception):
        return type(answer)
    if isinstance(answer, list | tuple):
        return [plain(each, side) for each in answer]
    if isinstance(answer, msgspec.Struct):
        fields = {name: plain(getattr(answer, name), side) for name in answer.__struct_fields__}
        if fields.get("owner") is not None:
            fields["owner"] = side.runtimes.index(fields["owner"])
        for own in ("id", "number", "next", "sequence"):
            if own in fields:
                fields[own] = bool(fields[own])
        return type(answer), fields
    return answer


async def told(
    side: Side, who: int, words: Sequence[tuple[Any, ...]], known: dict[str, Known], start: float
) -> list[Any]:
    store: Any = side.stores[who % len(side.stores)]
    requests = [request(side, word, known, start) for word in words]
    answers = await store.together(requests)
    found = list[Any]()
    for word, answer in zip(words, answers, strict=True):
        given = {"join": side.runtimes, "post": side.messages}.get(word[0])
        if given is not None and isinstance(answer, int):
            given.append(answer)
            found.append(len(given))
        else:
            found.append(plain(answer, side))
    return found


async def agree(story: Any, make: Callable[[Clock], Sequence[Any]], clean: Callable[[Any], Any] | None = None) -> None:
    async with AsyncExitStack() as stack:
        model, real = (Side([], StoreClock(), [], []) for _ in range(2))
        model = model._replace(stores=[await stack.enter_async_context(MemoryStore(clock=model.clock))])
        real = real._replace(stores=[await stack.enter_async_context(each) for each in make(real.clock)])
        if clean is not None:
            await clean(real.stores[0])
        start = model.clock.time()
        for who, seconds, words in (*FIRST, *story):
            known = {run.run_id: what_is_known(run, model) for run in (await model.stores[0].list_runs()).runs}
            model.clock.pass_by(seconds)
            real.clock.pass_by(seconds)
            expected = await told(model, 0, words, dict(known), start)
            assert await told(real, who, words, dict(known), start) == expected, words
        assert await pictures(real) == await pictures(model)


def what_is_known(run: RunRecord, model: Side) -> Known:
    return Known(model.runtimes.index(run.owner) if run.owner is not None else 0, run.tail)


async def pictures(side: Side) -> list[Any]:
    """All that each of the stores tells in the end."""
    found: list[Any] = []
    for store in side.stores:
        runs = (await store.list_runs()).runs
        found = [[await picture(store, run.run_id, side) for run in runs], await store.count_runs()]
        found.append(await store.schedules())
    return found


async def picture(store: Store, run_id: str, side: Side) -> Any:
    steps = [await store.get_step_run(run_id, step) for step in await store.step_statuses(run_id)]
    attempts = [await store.attempts(step.id) for step in steps if step]
    asked = [store.get_run(run_id), store.turns(run_id), store.completed_steps(run_id), store.messages(run_id=run_id)]
    return plain([steps, attempts, [await each for each in asked]], side)


def on_one_file(folder: str) -> Callable[[Clock], Sequence[Any]]:
    return lambda clock: [SQLiteStore(Path(folder) / "runs.db", synchronous="NORMAL", clock=clock) for _ in range(2)]


def on_one_server(dsn: str) -> Callable[[Clock], Sequence[Any]]:
    return lambda clock: [PostgresStore(dsn, clock=clock) for _ in range(2)]


COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)


@settings(COMMON, max_examples=100)
@given(STORIES)
def test_sqlite_and_memory_agree(story: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(agree(story, on_one_file(folder)))


@pytest.fixture(scope="module")
def server(postgres: str) -> str:
    return postgres


def test_postgres_and_memory_agree(server: str) -> None:
    @settings(COMMON, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(STORIES)
    def agrees(story: Any) -> None:
        asyncio.run(agree(story, on_one_server(server), empty))

    agrees()
