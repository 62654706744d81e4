"""R56: inputs, outputs and errors are stored encoded, and come back as the annotated types."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    NotSerializable,
    Outcome,
    RecordNotFound,
    Recover,
    Retry,
    Runtime,
    Skip,
    choose_first,
    each,
    failed_with,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse


class Colour(enum.Enum):
    RED = "red"


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int = 1


class Flight(msgspec.Struct, frozen=True, tag=True):
    code: str


class Train(msgspec.Struct, frozen=True, tag=True):
    number: int


@dataclasses.dataclass(frozen=True)
class Seat:
    code: str
    trip: Trip


class Place(NamedTuple):
    x: float
    y: float


class Everything(msgspec.Struct, frozen=True):
    trip: Trip
    seat: Seat
    colour: Colour
    place: Place
    rides: tuple[Flight | Train, ...]
    when: datetime
    day: date
    hour: time
    lasts: timedelta
    id: UUID
    price: Decimal
    raw: bytes
    path: Path
    number: complex
    huge: int
    names: frozenset[str]
    by_id: dict[int, Trip]
    maybe: str | None
    plain: Any
    outcome: Outcome[int]


THERE = Everything(
    trip=Trip("Oslo", 3),
    seat=Seat("12A", Trip("Rome")),
    colour=Colour.RED,
    place=Place(1.5, -0.0),
    rides=(Flight("SK1"), Train(7)),
    when=datetime(2030, 1, 2, 3, 4, 5, 6, UTC),
    day=date(2030, 1, 2),
    hour=time(3, 4, 5),
    lasts=timedelta(days=1, microseconds=1),
    id=UUID(int=7),
    price=Decimal("1.10"),
    raw=b"\x00\xff",
    path=Path("a/b"),
    number=1 + 2j,
    huge=2**80,
    names=frozenset({"a", "b"}),
    by_id={1: Trip("Bonn")},
    maybe=None,
    plain={"a": [1, 2.5, None, True, "x"]},
    outcome=Halted("somebody"),
)


@pytest.mark.parametrize("way", ["result", "input", "recovered", "halted", "skipped", "item"])
async def test_values_come_back_as_the_annotated_types(clock: MockClock, open_store: OpenStore, way: str) -> None:
    """R56: all types that the codec has, whatever a value is: after a restart they are of the annotated types, and equal."""
    seen: list[Everything] = []
    stands = True

    @step
    async def give(value: Everything) -> Everything:
        if way == "recovered":
            raise ValueError("no")
        if way == "halted":
            raise Halt(value)
        return value

    @give.compensate
    async def recover(error: Exception, value: Everything) -> Recover[Everything] | None:
        return Recover(value)

    async def skip(value: Everything) -> Skip[Everything] | None:
        return Skip(value) if way == "skipped" else None

    @step
    async def use(value: Everything) -> Everything:
        if stands and way != "halted":
            await forever()
        seen.append(value)
        return value

    @workflow
    def passing(value: Everything) -> Everything:
        return use(value if way == "input" else give.options(guards=[skip])(value))

    @workflow
    def walking(value: Everything) -> list[Everything]:
        return each([value], use)

    chosen: Any = walking if way == "item" else passing
    async with Life(open_store(), clock=clock) as life:
        run = await begin(life.runtime, chosen, THERE)
        if way == "halted":
            await run.outcome()
        await asyncio.sleep(1)
        life.die()
    stands = False
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[chosen]) as runtime:
        run = await (runtime.resume(passing, "r") if way == "halted" else begin(runtime, chosen, THERE))
        result = await run.result()
    assert seen == [THERE] and seen[0] is not THERE
    assert type(seen[0].seat) is Seat and type(seen[0].rides[1]) is Train and type(seen[0].place) is Place
    async with Runtime(store=open_store(), clock=clock) as runtime:
        again = await (await begin(runtime, chosen, THERE)).result()
    assert again == result == ([THERE] if way == "item" else THERE)


class Handle:
    """Nobody knows how to write one."""


BAD = {"rooms": [1, Handle()]}
"""Under `Any` it can't be told before."""


async def failure_of(runtime: Runtime, workflow: Any, *inputs: Any) -> Failed:
    outcome = await (await begin(runtime, workflow, *inputs)).outcome()
    assert isinstance(outcome, Failed), outcome
    return outcome


def is_refused(outcome: Failed, node: str, path: str) -> bool:
    error = outcome.error.errors[0]
    return error.node == node and isinstance(error.error, NotSerializable) and error.error.path == path


async def test_a_result_that_cannot_be_encoded_fails_its_step(clock: MockClock, open_store: OpenStore) -> None:
    """R56: `NotSerializable`, naming the path, before it counts as done: it's compensated, and nothing depends on it."""
    seen: list[object] = []

    @step
    async def give() -> Any:
        return BAD

    @give.compensate
    async def settle(error: Exception) -> None:
        seen.append(type(error))

    @give.undo
    async def take(value: Any) -> None:
        seen.append("undone")

    @step
    async def use(value: Any) -> int:
        seen.append("used")
        return 1

    @workflow
    def giving() -> int:
        return use(give())

    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await failure_of(runtime, giving)
    assert is_refused(outcome, "give", "$['rooms'][1]")
    assert (outcome.rollback, seen) == ("complete", [NotSerializable])


async def test_no_value_of_a_halt_a_skip_or_a_recover_is_excepted(clock: MockClock, open_store: OpenStore) -> None:
    """R56: values of `Halt`, `Skip` and `Recover` likewise: the attempt, the guard or the compensation fails with it."""

    @step
    async def halts() -> Any:
        raise Halt(BAD)

    @workflow
    def halting() -> Any:
        return halts()

    def skip() -> Skip[Any] | None:
        return Skip(BAD)

    @step(guards=[skip])
    async def skips() -> Any:
        return 1

    @workflow
    def skipping() -> Any:
        return skips()

    @step
    async def fails() -> Any:
        raise ValueError("no")

    @fails.compensate(retry=Retry(attempts=1))
    async def recover(error: Exception) -> Recover[Any] | None:
        return Recover(BAD)

    @workflow
    def recovering() -> Any:
        return fails()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        halted = await (await begin(runtime, halting, run_id="halting")).outcome()
        skipped = await (await begin(runtime, skipping, run_id="skipping")).outcome()
        recovered = await (await begin(runtime, recovering, run_id="recovering")).outcome()
    assert isinstance(halted, Failed) and is_refused(halted, "halts", "$['rooms'][1]")
    assert isinstance(skipped, Failed) and is_refused(skipped, "skips", "$['rooms'][1]")
    assert isinstance(recovered, Failed) and recovered.rollback == "incomplete"
    assert [error.phase for error in recovered.error.errors] == ["run", "compensate"]
    given_up = recovered.error.errors[1].error
    assert isinstance(given_up.__cause__, NotSerializable)


async def test_items_that_cannot_be_encoded_fail_their_each(clock: MockClock, open_store: OpenStore) -> None:
    """R56: an item is recorded before its body begins."""
    seen: list[object] = []

    @step
    async def use(item: Any) -> int:
        seen.append(item)
        return 1

    @workflow
    def walking() -> list[int]:
        return each([1, BAD], use)

    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await failure_of(runtime, walking)
    assert is_refused(outcome, "each", "$['rooms'][1]")
    assert seen in ([], [1])


async def test_inputs_and_context_are_refused_at_the_start(clock: MockClock, open_store: OpenStore) -> None:
    """R56: what a run is given is encoded before it starts: nothing runs, nothing is stored."""
    seen: list[object] = []

    @step
    async def use(value: Any) -> int:
        seen.append(value)
        return 1

    @workflow
    def using(value: Any) -> int:
        return use(value)

    async with Runtime(store=open_store(), clock=clock, max_value_bytes=1000, max_runs=1) as runtime:
        with pytest.raises(NotSerializable) as refused:
            await begin(runtime, using, BAD)
        assert refused.value.path == "$['rooms'][1]"
        assert "'value'" in str(refused.value)
        with pytest.raises(NotSerializable, match="max_value_bytes"):
            await begin(runtime, using, "x" * 1001)
        with pytest.raises(NotSerializable, match="context"):
            await begin(runtime, using, 1, context={"handle": Handle()})
        with pytest.raises(RecordNotFound):
            await runtime.record("r")
        assert runtime.list_runs() == []
        assert await (await begin(runtime, using, 1)).result() == 1
    assert seen == [1]


async def test_values_are_bounded(clock: MockClock, open_store: OpenStore) -> None:
    """R56: at most `max_value_bytes` each, 1 MiB unless told; the error says so, and what to do."""

    @step
    async def give(size: int) -> bytes:
        return b"x" * size

    @workflow
    def giving(size: int) -> bytes:
        return give(size)

    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await failure_of(runtime, giving, 1 << 20)
        assert "max_value_bytes=1,048,576" in str(outcome.error.errors[0].error)
        fits = (1 << 20) - 10
        assert len(await (await begin(runtime, giving, fits, run_id="fits")).result()) == fits
    async with Runtime(store=open_store(), clock=clock, max_value_bytes=100) as runtime:
        small = await (await begin(runtime, giving, 100, run_id="small")).outcome()
        assert isinstance(small, Failed) and is_refused(small, "give", "$")


async def test_a_runs_own_result_is_looked_at_too(clock: MockClock, open_store: OpenStore) -> None:
    """R56: a result that is collected of several, or that the workflow annotates otherwise: the run fails, and is rolled back."""
    seen: list[str] = []

    @step
    async def give(size: int) -> Any:
        return "x" * size

    @give.undo
    async def take(value: Any) -> None:
        seen.append("undone")

    @workflow
    def many() -> list[Any]:
        return [give(60), give(60)]

    @workflow
    def wrong() -> int:
        value: int = give(1)
        return value

    async with Runtime(store=open_store(), clock=clock, max_value_bytes=100) as runtime:
        large = await (await begin(runtime, many, run_id="many")).outcome()
        other = await (await begin(runtime, wrong, run_id="wrong")).outcome()
    for outcome in (large, other):
        assert isinstance(outcome, Failed) and is_refused(outcome, "", "$")
        assert outcome.rollback == "complete"
    assert seen == ["undone", "undone", "undone"]


async def test_what_is_skipped_is_none_whatever_the_type(clock: MockClock, open_store: OpenStore) -> None:
    """R56, R17: the `None` of `where=` passes, as a step's result, a run's, an item, and what a body is given."""

    @step(where=lambda: False)
    async def number() -> int:
        return 1

    @step
    async def shown(value: int) -> str:
        return repr(value)

    @workflow
    def skipping() -> int:
        return number()

    @workflow
    def walking() -> list[str]:
        return each([number()], shown)

    @workflow
    def choosing() -> str:
        return choose_first([(always, shown)], on=number())

    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, skipping, run_id="s")).result() is None
        assert await (await begin(runtime, walking, run_id="w")).result() == ["None"]
        assert await (await begin(runtime, choosing, run_id="c")).result() == "None"
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, skipping, run_id="s")).result() is None


def always(value: object) -> bool:
    return True


async def test_an_error_that_is_too_large_is_cut_down(clock: MockClock, open_store: OpenStore) -> None:
    """R56, R13: errors are bounded too; a failure stays one: it says what it is, and how it begins."""

    @step
    async def fail() -> int:
        raise ValueError("begins like this " + "x" * 5000)

    @workflow
    def failing() -> int:
        return fail()

    async with Runtime(store=open_store(), clock=clock, max_value_bytes=2000) as runtime:
        await failure_of(runtime, failing)
    async with Runtime(store=open_store(), clock=clock, max_value_bytes=2000) as runtime:
        outcome = await failure_of(runtime, failing)
    error = outcome.error.errors[0].error
    assert failed_with(error, ValueError)
    assert "begins like this" in str(error) and "too large" in str(error)


async def test_a_retry_may_give_what_can_be_stored(clock: MockClock, open_store: OpenStore) -> None:
    """R56, R14: it is a failure of the attempt like any other: tried again if `on=` names it."""

    @step(retry=Retry(on=(NotSerializable,)))
    async def give() -> Any:
        return BAD if step_context().attempt == 1 else "plain"

    @workflow
    def giving() -> Any:
        return give()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, giving)).result() == "plain"
