"""R16: a run that is halted inside of its combinators goes on in another runtime where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    InvalidState,
    Outcome,
    Retry,
    Runtime,
    Skip,
    Succeeded,
    TryAgain,
    Workflow,
    around,
    choose,
    choose_first,
    each,
    group,
    repeat,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock, open_runtime
from tests.runtime.elsewhere import first_outcome, halted, read, resumed, why_not


class Opaque:
    """What no codec knows."""


class Log:
    """What steps did; `charge` halts once at `halts_at`, and fails at `fails_at`."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.halts_at: int | None = None
        self.fails_at: int | None = None

    def charges(self, number: int) -> int:
        self.done.append(step_context().node)
        if number == self.fails_at:
            raise ValueError(number)
        if number == self.halts_at:
            self.halts_at = None
            raise Halt(number * 10)
        return number * 10


log = Log()


@pytest.fixture(autouse=True)
def _new_log() -> None:
    log.__init__()  # type: ignore[misc]


@step
async def charge(number: int) -> int:
    return log.charges(number)


@charge.undo
async def refund(result: int, number: int) -> None:
    log.done.append(f"undo {step_context().node} {result} {number}")


@step
async def plus(number: int, other: int) -> int:
    log.done.append(step_context().node)
    return number + other


@step
async def boom(of: object) -> None:
    raise ValueError(of)


async def value_of(flow: Workflow[..., Any], *inputs: Any) -> Any:
    outcome = await resumed(flow, await halted(flow, *inputs))
    assert isinstance(outcome, Succeeded), outcome
    return outcome.value


# ── each ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS: list[dict[str, Any]] = [
    {},
    {"ordered": False},
    {"concurrency": 1},
    {"concurrency": 2},
    {"concurrency": 2, "ordered": False},
    {"key": lambda number: f"n{number}"},
    {"key": lambda number: f"n{number}", "concurrency": 2},
]


@pytest.mark.parametrize("halts_at", [0, 2, 4])
@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(map(str, options)) or "plain")
async def test_an_each_goes_on_with_its_items(options: dict[str, Any], halts_at: int) -> None:
    """Items that are done, open, and not begun; each has run once, under its own name."""

    @workflow
    def items(numbers: list[int]) -> list[int]:
        return each(numbers, lambda number: plus(charge(number), 1), **options)

    log.halts_at = halts_at
    result = await value_of(items, [0, 1, 2, 3, 4])
    assert (sorted(result) if options.get("ordered") is False else result) == [1, 11, 21, 31, 41]
    name = "n{}" if "key" in options else "{}"
    expected = {f"each[{name.format(i)}].{step}" for i in range(5) for step in ("charge", "plus")}
    assert sorted(log.done) == sorted(expected)


@pytest.mark.parametrize("ordered", [True, False])
async def test_outcomes_of_items_come_over(ordered: bool) -> None:
    """What an item failed with comes back as it was recorded (R13); what it had done was undone before the halt."""

    @workflow
    def collects(numbers: list[int]) -> list[Outcome[int]]:
        return each(
            numbers,
            lambda n: charge.options(name="again")(charge(n)),
            on_error="collect",
            concurrency=1,
            ordered=ordered,
        )

    log.fails_at, log.halts_at = 10, 2
    outcomes = await value_of(collects, [0, 1, 2, 3])
    assert [outcome.value for outcome in outcomes if isinstance(outcome, Succeeded)] == [0, 200, 300]
    failed = outcomes[1]
    assert isinstance(failed, Failed)
    assert failed.rollback == "complete"
    assert [(error.node, repr(error.error)) for error in failed.error.errors] == [("each[1].again", "ValueError(10)")]
    assert [done for done in log.done if "each[1]" in done] == [
        "each[1].charge",
        "each[1].again",
        "undo each[1].charge 10 1",
    ]


async def test_an_item_fails_alone_after_a_resume() -> None:
    """R22: it takes back what it did before the halt."""

    @workflow
    def collects(numbers: list[int]) -> list[Outcome[int]]:
        return each(numbers, lambda n: charge.options(name="again")(charge(n)), on_error="collect", concurrency=1)

    log.halts_at, log.fails_at = 1, 10
    outcomes = await value_of(collects, [0, 1, 2])
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [False, True, False]
    assert [done for done in log.done if done.startswith("undo")] == ["undo each[1].charge 10 1"]


async def test_what_an_item_left_behind_that_was_taken_back_needs_no_bytes() -> None:
    """A value that nothing will ask for again doesn't keep the run from its snapshot."""

    @step
    async def opaque(number: int) -> Any:
        return Opaque() if number == 0 else number

    @step
    async def use(value: Any, number: int) -> int:
        return log.charges(number)

    @workflow
    def collects(numbers: list[int]) -> list[Outcome[int]]:
        return each(numbers, lambda n: use(opaque(n), n), on_error="collect", concurrency=1)

    log.fails_at, log.halts_at = 0, 1
    async with open_runtime(clock=MockClock(), values="shared") as runtime:
        outcome = await (await runtime.start(collects, [0, 1, 2])).outcome()
    assert isinstance(outcome, Halted)
    assert outcome.snapshot is not None
    ended = await resumed(collects, outcome.snapshot)
    assert isinstance(ended, Succeeded)
    assert [isinstance(one, Failed) for one in ended.value] == [True, False, False]


async def test_ranges_are_used_anew_after_a_resume() -> None:
    """The run's tables are as large at the second halt as at the first."""

    @workflow
    def items(numbers: list[int]) -> list[int]:
        return each(numbers, lambda number: pass_on(number), concurrency=4)

    @step
    async def pass_on(number: int) -> int:
        return log.charges(number)

    async def plain(go_on: bytes | None, halts_at: int) -> bytes:
        log.halts_at = halts_at
        async with Runtime(clock=MockClock()) as runtime:
            run = await (runtime.start(items, list(range(100))) if go_on is None else runtime.resume(items, go_on))
            outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.snapshot is not None
        return outcome.snapshot

    first = await plain(None, 20)
    second = await plain(first, 70)
    sizes = [record.tree.size for record in map(read, (first, second)) if record.tree is not None]
    assert sizes[0] == sizes[1] < 30
    ended = await resumed(items, second)
    assert isinstance(ended, Succeeded)
    assert ended.value == [number * 10 for number in range(100)]


async def test_an_iterator_that_is_not_at_its_end_has_no_snapshot() -> None:
    """No other process has it; in this one it goes on."""

    async def numbers() -> AsyncIterator[int]:
        for number in range(5):
            yield number

    class Numbers:
        def __aiter__(self) -> AsyncIterator[int]:
            return numbers()

    @workflow
    def pulls() -> list[int]:
        return each(Numbers(), charge, batch_size=2)

    log.halts_at = 1
    assert "the items of 'each' come from an iterator that isn't at its end" in await why_not(pulls)
    assert len(log.done) == 5


async def test_an_iterator_that_is_at_its_end_is_not_needed() -> None:
    """R7: the result of the step that gave it is only there to be pulled from."""

    @step
    async def numbers() -> Iterator[int]:
        return iter(range(5))

    @workflow
    def pulls() -> list[int]:
        return each(numbers(), charge)

    log.halts_at = 1
    async with open_runtime(clock=MockClock(), values="shared") as runtime:
        outcome = await (await runtime.start(pulls)).outcome()
    assert isinstance(outcome, Halted)
    assert outcome.snapshot is not None
    ended = await resumed(pulls, outcome.snapshot)
    assert isinstance(ended, Succeeded)
    assert ended.value == [0, 10, 20, 30, 40]


# ── branches, groups, repeats, workflows ──────────────────────────────────────────────────────────────────────────────


async def test_a_branch_goes_on() -> None:
    """The branch that was chosen stays chosen, and nobody is asked again."""
    asked: list[int] = []

    def is_large(number: int) -> bool:
        asked.append(number)
        return number > 1

    @workflow
    def branches(number: int) -> int:
        one = choose(number, {2: lambda: plus(charge(number), 1)}, default=lambda: plus(number, 0))
        return choose_first([(is_large, lambda n: plus(one, charge.options(name="more")(n)))], on=number)

    log.halts_at = 2
    assert await value_of(branches, 2) == 21 + 20
    assert asked == [2]


async def test_a_group_goes_on() -> None:
    """R5: what comes after the body waits for all of it, in the second runtime too."""

    @workflow
    def grouped(number: int) -> int:
        return group(lambda: charge(number), before=lambda: plus(number, 1), after=lambda result: plus(result, 2))

    log.halts_at = 3
    assert await value_of(grouped, 3) == 30
    assert log.done == ["group.plus", "group.charge", "group.plus_2"]


@workflow
def once(number: int, more: int = 1) -> int:
    return plus(charge(number), more)


@workflow
def until_large(number: int) -> int:
    return choose_first([(lambda n: n > 1000, lambda n: plus(n, 0))], on=once(number), default=again)


def again(number: int) -> int:
    return repeat(until_large, number, at_most=1)


@pytest.mark.parametrize("halts_at", [1, 11, 111])
async def test_a_repeat_goes_on_with_its_pass(halts_at: int) -> None:
    """Passes that are done aren't made again."""

    @workflow
    def passes(number: int) -> int:
        return repeat(once, number, until=lambda n: n > 1000, at_most=9)

    log.halts_at = halts_at
    assert await value_of(passes, 1) == 1111
    assert [done for done in log.done if "charge" in done] == [f"repeat[{i}].charge" for i in (1, 2, 3)]


@pytest.mark.parametrize("halts_at", [1, 11, 111])
async def test_a_workflow_inside_itself_goes_on(halts_at: int) -> None:
    """Bodies that were compiled while the run was going on are compiled again."""
    log.halts_at = halts_at
    assert await value_of(until_large, 1) == 1111
    assert len([done for done in log.done if "charge" in done]) == 3


async def test_a_repeated_workflow_that_has_changed_is_refused() -> None:
    """R51: it isn't part of the fingerprint of the workflow that repeats it."""

    def flow(body: Workflow[..., int]) -> Workflow[..., int]:
        @workflow
        def passes(number: int) -> int:
            return repeat(body, number, at_most=2)

        return passes

    @workflow(name="once")
    def changed(number: int) -> int:
        return plus(plus(charge(number), 1), 1)

    log.halts_at = 1
    snapshot = await halted(flow(once), 1)
    with pytest.raises(InvalidState, match="workflow 'passes' has changed since run"):
        await resumed(flow(changed), snapshot)
    assert isinstance(await resumed(flow(once), snapshot), Succeeded)


async def test_a_guarded_workflow_goes_on() -> None:
    """R17: its guards have passed, and aren't asked again."""
    asked: list[int] = []

    def guard(number: int, more: int = 1) -> Skip[int] | None:
        asked.append(number)
        return None

    @workflow
    def guarded(number: int) -> int:
        return once.options(guards=[guard])(number, more=5)

    log.halts_at = 2
    assert await value_of(guarded, 2) == 25
    assert asked == [2]


# ── arounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Tool:
    """Lent by an around; of no use after it was given back."""

    made = 0

    def __init__(self, kind: str) -> None:
        Tool.made += 1
        self.name = f"{kind}{Tool.made}"
        self.is_out = True
        self.part = self


@asynccontextmanager
async def tool(kind: str) -> AsyncGenerator[Tool]:
    one = Tool(kind)
    log.done.append(f"enter {kind}")
    try:
        yield one
    finally:
        one.is_out = False
        log.done.append(f"leave {kind}")


@step
async def use(tool: Tool, number: int) -> int:
    assert tool.is_out
    return log.charges(number)


@step
async def use_both(tool: Tool, other: Tool, number: int) -> int:
    assert tool.is_out and other.is_out
    return log.charges(number)


@workflow
def with_tool(tool: Tool, number: int) -> int:
    return use(tool, use.options(name="first")(tool, number))


def passes_all(**_: object) -> bool:
    return True


@workflow
def nested_tools(number: int) -> int:
    def inside(outer: Tool) -> int:
        return around(
            lambda: tool("inner"),
            lambda inner: use_both(
                outer.part, inner.part, group(lambda: use(inner.part, use.options(name="out")(outer, number)))
            ),
        )

    return around(lambda: tool("outer"), inside)


@workflow
def guarded_in_around(number: int) -> int:
    return around(
        lambda: tool("one"),
        lambda lent: with_tool.options(where=lambda tool, number: True)(lent.part, number),
    )


@pytest.mark.parametrize("by_snapshot", [True, False])
@pytest.mark.parametrize("flow", [nested_tools, guarded_in_around])
@pytest.mark.parametrize("halts_at", [2, 20, 200])
async def test_bodies_get_what_is_entered_again(flow: Workflow[[int], int], halts_at: int, by_snapshot: bool) -> None:
    """What was lent before the halt isn't used after it: captured, a part of it, or given to a guarded workflow."""
    log.halts_at = halts_at
    async with open_runtime(clock=MockClock(), values="shared") as runtime:
        run = await runtime.start(flow, 2)
        outcome = await run.outcome()
        if not isinstance(outcome, Halted):
            assert halts_at == 200 and flow is guarded_in_around
            return
        assert outcome.snapshot is not None
        if not by_snapshot:
            assert (await (await runtime.resume(flow, run.id)).result()) in (2000, 200)
    if by_snapshot:
        ended = await resumed(flow, outcome.snapshot)
        assert isinstance(ended, Succeeded), ended
        assert ended.value in (2000, 200)
    uses = [done for done in log.done if "." in done]
    assert len(uses) == len(set(uses))
    assert not out(log.done)


def out(done: list[str]) -> set[str]:
    """The arounds that were entered and not left."""
    entered = [one.split()[1] for one in done if one.startswith("enter")]
    for one in done:
        if one.startswith("leave"):
            entered.remove(one.split()[1])
    return set(entered)


async def test_an_each_inside_of_an_around_goes_on() -> None:
    """Its items are stored, what they are used with isn't."""

    @workflow
    def items(numbers: list[int]) -> list[int]:
        return around(lambda: tool("one"), lambda lent: each(numbers, lambda n: use(lent, charge(n)), concurrency=2))

    log.halts_at = 3
    assert await value_of(items, [1, 2, 3, 4]) == [100, 200, 300, 400]
    assert [done for done in log.done if done[:5] in ("enter", "leave")] == ["enter one", "leave one"] * 2


# ── values from around ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_capture_that_is_late_comes_after_the_resume(depth: int) -> None:
    """R1: only the step that takes it waits for it, through all bodies in between."""

    @step
    async def slow(number: int) -> int:
        log.done.append("slow")
        if len([done for done in log.done if done == "slow"]) == 1:
            await asyncio.Event().wait()
        return number

    def nest(late: int, level: int) -> Any:
        if level == 0:
            return lambda n: plus(charge(n), late)
        inner = nest(late, level - 1)
        return lambda n: group(lambda: inner(n))

    @workflow
    def flow(numbers: list[int]) -> list[int]:
        return each(numbers, nest(slow(100), depth))

    log.halts_at = 1
    assert await value_of(flow, [0, 1, 2]) == [100, 110, 120]
    assert log.done.count("slow") == 2


async def test_undos_get_their_arguments_after_a_resume() -> None:
    """R22: items, captures and what was computed in the body, of bodies that were over before the halt."""

    @step
    async def book(number: int, of: list[int], more: int) -> int:
        return number

    @book.undo
    async def unbook(result: int, number: int, of: list[int], more: int) -> None:
        log.done.append(f"unbook {result} {number} {of} {more}")

    @workflow
    def flow(numbers: list[int]) -> None:
        booked = each(numbers, lambda n: book(n, numbers, charge(n)), concurrency=1)
        once_more = group(lambda: book(charge.options(name="other")(5), numbers, 0), after=lambda: plus(1, 1))
        boom.options(after=[charge.options(name="last", after=[booked, once_more])(7)])(0)

    log.halts_at = 7
    ended = await resumed(flow, await halted(flow, [1, 2]))
    assert isinstance(ended, Failed)
    assert ended.rollback == "complete"
    undone = [done for done in log.done if done.startswith("un")]
    assert sorted(undone) == sorted(
        [
            "undo last 70 7",
            "unbook 1 1 [1, 2] 10",
            "unbook 2 2 [1, 2] 20",
            "unbook 50 50 [1, 2] 0",
            "undo each[0].charge 10 1",
            "undo each[1].charge 20 2",
            "undo group.other 50 5",
        ]
    )
    assert undone[0] == "undo last 70 7"


# ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_attempts_in_bodies_are_counted_on() -> None:
    """R14: the count of an item's attempts survives halt and resume."""
    attempts: list[int] = []

    @step(retry=Retry(attempts=3))
    async def tries(number: int) -> int:
        attempts.append(step_context().attempt)
        if len(attempts) == 1:
            raise TryAgain(after=60)
        raise ValueError if len(attempts) == 9 else TryAgain

    @step
    async def pause() -> None:
        raise Halt

    @workflow
    def flow() -> None:
        each([1], tries)
        pause()

    ended = await resumed(flow, await halted(flow))
    assert isinstance(ended, Failed)
    assert attempts == [1, 2, 3]


async def test_an_item_that_was_set_aside_is_resolved_by_its_name() -> None:
    """R16, R49: the irreversible step of one item."""

    both = asyncio.Barrier(3)

    @step(irreversible=True)
    async def send(number: int) -> int:
        await both.wait()
        await asyncio.Event().wait()
        return number

    @step
    async def pause() -> None:
        await both.wait()
        raise Halt

    @workflow
    def flow() -> list[int]:
        pause()
        return each([1, 2], send)

    outcome = await first_outcome(flow)
    assert isinstance(outcome, Halted)
    assert outcome.set_aside == ("each[0].send", "each[1].send")
    assert outcome.snapshot is not None
    how = {"resolve": {"each[0].send": Skip(5), "each[1].send": Skip(6)}}
    ended = await resumed(flow, outcome.snapshot, **how)
    assert isinstance(ended, Succeeded)
    assert ended.value == [5, 6]


async def test_it_is_halted_again_and_again() -> None:
    """A snapshot of a run that came from a snapshot."""

    @step
    async def often(number: int) -> int:
        log.done.append(step_context().node)
        if len(log.done) % 3 == 0:
            raise Halt(number + 1)
        return number + 1

    @workflow
    def twice(number: int) -> int:
        return often(often(number))

    @workflow
    def flow(numbers: list[int]) -> list[int]:
        return each(numbers, lambda n: repeat(twice, n, at_most=2), concurrency=2)

    outcome = await first_outcome(flow, [0, 1, 2, 3])
    halts = 0
    while isinstance(outcome, Halted):
        halts += 1
        assert outcome.snapshot is not None
        outcome = await resumed(flow, outcome.snapshot)
    assert isinstance(outcome, Succeeded), outcome
    assert outcome.value == [4, 5, 6, 7]
    assert len(log.done) == len(set(log.done)) == 16
    assert halts == 5


async def test_a_sequential_run_goes_on_in_order() -> None:
    """R6: in the second runtime too."""

    @workflow
    def flow(numbers: list[int]) -> int:
        return plus.options(name="last", after=[each(numbers, lambda n: plus(charge(n), 1))])(1, 1)

    log.halts_at = 1
    ended = await resumed(flow, await halted(flow, [0, 1, 2], sequential=True))
    assert isinstance(ended, Succeeded)
    assert log.done == [*(f"each[{i}].{name}" for i in range(3) for name in ("charge", "plus")), "last"]


# ── what can't be encoded ─────────────────────────────────────────────────────────────────────────────────────────────


@step
async def opaque(number: int) -> Any:
    return Opaque() if number == 3 else number


@step
async def swallow(value: Any, number: int) -> int:
    return number


@workflow
def opaque_results() -> list[int]:
    return each([1, 2, 3], lambda n: swallow(opaque(n), charge(n)))


@workflow
def opaque_keyed() -> list[int]:
    return each([1, 3], lambda n: swallow(opaque(n), charge(n)), key=lambda n: f"n{n}")


@workflow
def opaque_items() -> list[int]:
    return each([opaque(i) for i in (1, 2, 3)], lambda item: swallow(item, charge(3)), concurrency=1)


@workflow
def opaque_outcomes() -> list[Any]:
    return each([3, 4, 5], lambda n: group(lambda: opaque(n), after=lambda: charge(n)), concurrency=1)


@pytest.mark.parametrize(
    ("flow", "halts_at", "named"),
    [
        (opaque_results, 3, "each[2].opaque"),
        (opaque_keyed, 3, "each[n3].opaque"),
        (opaque_items, 3, "each[2], its item"),
        (opaque_outcomes, 4, "each[0]"),
    ],
)
async def test_a_value_that_cannot_be_encoded_is_named_with_its_path(
    flow: Workflow[[], Any], halts_at: int, named: str
) -> None:
    """R16: the snapshot is None, and an event names the path."""
    log.halts_at = halts_at
    assert (await why_not(flow)).startswith(f"{named} wouldn't come back from its bytes as it is")


async def test_a_snapshot_of_an_older_format_is_refused() -> None:
    log.halts_at = 1

    @workflow
    def flow() -> int:
        return group(lambda: charge(1))

    snapshot = await halted(flow)
    older = msgspec.msgpack.encode({**msgspec.msgpack.decode(snapshot), "version": 1, "tree": None})
    with pytest.raises(InvalidState, match="this snapshot has format 1; this version of ActorFlow reads 2"):
        await resumed(flow, older)


async def test_a_tree_that_does_not_fit_the_plan_is_refused() -> None:
    """Bytes that were tampered with are never half-run."""
    log.halts_at = 1

    @workflow
    def flow() -> int:
        return group(lambda: charge(1))

    record = msgspec.msgpack.decode(await halted(flow))
    record["tree"]["scopes"][0][0] = 5
    with pytest.raises(InvalidState, match="has changed since"):
        await resumed(flow, msgspec.msgpack.encode(record))
