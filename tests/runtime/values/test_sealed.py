"""R56: with a seal nothing that a run was given, has made, or has said can be read in its store, and all of it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from actorflow import (
    Cancelled,
    Codec,
    Failed,
    Halt,
    Halted,
    InvalidState,
    InvalidValue,
    MemoryStore,
    NotSerializable,
    Operator,
    Resource,
    RunConflict,
    Runtime,
    Skip,
    SQLiteStore,
    Succeeded,
    TryAgain,
    approval,
    each,
    emit,
    failure,
    step,
    step_context,
    wait_for_signal,
    workflow,
)
from actorflow.testing import Life, MockClock
from examples.sealed.sealing import Compressed, Encrypted

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
PLAIN = (
    "hunter-input", "hunter-context", "hunter-result", "hunter-error", "hunter-note", "hunter-cause", "hunter-again", "hunter-signal", "hunter-item",
    "hunter-outcome", "hunter-resolved", "hunter-halt", "hunter-emitted", "hunter-early", "hunter-undo", "hunter-field",
)  # fmt: skip
"""What must not be found."""


@failure
class Declined(Exception):
    def __init__(self, text: str, field: str = "hunter-field") -> None:
        super().__init__(text)
        self.field = field


class World:
    """`fails`: the last step does. `undo_fails`: so does what takes the card back."""

    def __init__(self, *, fails: bool = False, undo_fails: bool = False, halts: bool = False) -> None:
        self.fails, self.undo_fails, self.halts = fails, undo_fails, halts
        self.tries = 0
        self.seen: list[str] = []


WORLD = Resource[World]("world")


@step
async def charge(card: str) -> str:
    world = WORLD.get()
    world.tries += 1
    if world.tries == 1:
        raise TryAgain(Declined("hunter-again"))
    return f"{card}: hunter-result"


@charge.undo
async def give_back(paid: str) -> None:
    world = WORLD.get()
    world.seen.append(paid)
    if world.undo_fails:
        raise Declined("hunter-undo")


@step
async def book(item: str) -> str:
    return f"{item} booked"


@step
async def noted(text: str) -> str:
    return text


@step
async def adds(paid: str) -> str:
    emit(noted("hunter-emitted"))
    return paid


@step
async def confirm(paid: str, code: str, rooms: list[str]) -> str:
    world = WORLD.get()
    world.seen += [paid, code, *rooms]
    if world.halts:
        world.halts = False
        raise Halt("hunter-halt")
    if not world.fails:
        return "hunter-outcome"
    error = Declined("hunter-error")
    error.add_note("hunter-note")
    raise error from ValueError("hunter-cause")


@workflow
def trip(card: str) -> str:
    paid = adds(charge(card))
    rooms = each(["hunter-item"], book)
    return confirm(paid, wait_for_signal("code", str), rooms)


Options = Mapping[str, Any]


def options(world: World, clock: MockClock, codec: Codec | None, **more: Any) -> dict[str, Any]:
    return {"workflows": [trip], "resources": [WORLD.provide(world)], "codec": codec, "clock": clock, "seed": 0, **more}


def sealed(*keys: bytes) -> Codec:
    return Codec(seal=Encrypted(keys or (NEW,)))


def leaks(path: Path) -> list[str]:
    """What can be read in the database's files."""
    data = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"charge" in data  # names of steps may be read
    return [text for text in PLAIN if text.encode() in data]


async def started(runtime: Runtime, run_id: str = "r") -> Any:
    return await runtime.options(run_id=run_id, context={"user": "hunter-context"}).start(trip, "hunter-input")


@pytest.mark.parametrize("codec", [sealed(), Codec(seal=Compressed(Encrypted([NEW])))], ids=["encrypted", "compressed"])
async def test_r56_a_saga_leaves_nothing_readable(codec: Codec, tmp_path: Path, clock: MockClock) -> None:
    """It succeeds, fails with a rollback that stays incomplete, waits for a signal, and is taken over from a runtime that has died."""
    path = tmp_path / "runs.db"
    store = SQLiteStore(path, clock=clock)
    good, bad = World(), World(fails=True, undo_fails=True)
    async with Life(store, **options(good, clock, codec)) as life:
        await started(life.runtime)
        await asyncio.sleep(5)
        life.die()
    assert leaks(path) == []
    async with Operator(SQLiteStore(path, clock=clock), codec=codec, clock=clock) as operator:
        await operator.signal("r", "code", "hunter-early", who="ann")
    assert leaks(path) == []
    await asyncio.sleep(40)
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(good, clock, codec)) as runtime:
        outcome = await (await started(runtime)).outcome()
        assert isinstance(outcome, Succeeded)
        assert outcome.value == "hunter-outcome"
        assert good.seen == ["hunter-input: hunter-result", "hunter-early", "hunter-item booked"]
        assert leaks(path) == []
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(bad, clock, codec)) as runtime:
        run = await started(runtime, "f")
        await runtime.signal("f", "code", "hunter-signal")
        assert isinstance(await run.outcome(), Failed)
        view = await runtime.inspect("f", values=True)
        assert view.inputs == ("hunter-input",)
        assert view.context == {"user": "hunter-context"}
        assert [(error.step, error.message) for error in view.errors] == [
            ("confirm", "hunter-error"),
            ("charge", "the undo of 'charge' was given up after 5 tries"),
        ]
    assert leaks(path) == []
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(bad, clock, codec)) as runtime:
        failed = await (await started(runtime, "f")).outcome()
        assert isinstance(failed, Failed)
        cause = failed.error.__cause__
        assert isinstance(cause, Declined)
        assert (str(cause), cause.field, str(cause.__cause__)) == ("hunter-error", "hunter-field", "hunter-cause")
        assert cause.__notes__[:1] == ["hunter-note"]
        again = await runtime.retry("f", new_run_id="g", allow_irreversible=["charge"])
        await runtime.signal("g", "code", "hunter-signal")
        assert isinstance(await again.outcome(), Failed)
    assert leaks(path) == []


async def test_r16_a_halted_run_is_sealed_in_the_store_and_in_its_snapshot(tmp_path: Path, clock: MockClock) -> None:
    path = tmp_path / "runs.db"
    world = World(halts=True)
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(world, clock, sealed())) as runtime:
        run = await started(runtime)
        await runtime.signal("r", "code", "hunter-signal")
        assert isinstance(await run.outcome(), Halted)
    assert leaks(path) == []
    async with Runtime(**options(World(halts=True), clock, sealed())) as runtime:
        run = await runtime.start(trip, "hunter-input")
        await asyncio.sleep(1)
        await runtime.signal(run.id, "code", "hunter-signal")
        halted = await run.outcome()
        assert isinstance(halted, Halted)
        assert halted.snapshot is not None
        assert not [text for text in PLAIN if text.encode() in halted.snapshot]
    async with Runtime(**options(World(), clock, sealed())) as runtime:
        resumed = await runtime.resume(trip, halted.snapshot)
        assert await resumed.result() == "hunter-halt"
    async with Runtime(**options(World(), clock, sealed(OLD))) as runtime:
        with pytest.raises(InvalidValue, match="can't be opened"):
            await runtime.resume(trip, halted.snapshot)


@step(irreversible=True)
async def pay(card: str) -> str:
    WORLD.get().tries += 1
    await asyncio.Event().wait()
    return card


@workflow
def paying(card: str) -> str:
    return pay(card)


async def test_r49_what_a_person_says_is_sealed(tmp_path: Path, clock: MockClock) -> None:
    path = tmp_path / "runs.db"
    given: dict[str, Any] = {**options(World(), clock, sealed()), "workflows": [paying]}
    async with Life(SQLiteStore(path, clock=clock), **given) as life:
        await life.runtime.options(run_id="r").start(paying, "hunter-input")
        await asyncio.sleep(1)
        life.die()
    await asyncio.sleep(40)
    async with Runtime(store=SQLiteStore(path, clock=clock), **given) as runtime:
        assert isinstance(await (await runtime.options(run_id="r").start(paying, "hunter-input")).outcome(), Halted)
        run = await runtime.resolve("r", {"pay": Skip("hunter-resolved")}, who="ann", why="asked the bank")
        assert await run.result() == "hunter-resolved"
    data = path.read_bytes()
    assert b"hunter" not in data
    assert b"asked the bank" in data  # what operators say is a record for whoever looks


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_keys_are_changed_while_runs_go_on(tmp_path: Path, clock: MockClock) -> None:
    path, world = tmp_path / "runs.db", World()
    async with Runtime(
        store=SQLiteStore(path, clock=clock), rest_after=0, **options(world, clock, sealed(OLD))
    ) as runtime:
        await started(runtime)
        await asyncio.sleep(5)
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(world, clock, sealed(NEW, OLD))) as runtime:
        run = await started(runtime)
        await runtime.signal("r", "code", "hunter-signal")
        assert await run.result() == "hunter-outcome"


@pytest.mark.parametrize("codec", [sealed(OLD), None], ids=["wrong key", "no seal"])
async def test_r51_a_run_that_can_t_be_opened_is_left_alone_and_nothing_is_lost(
    codec: Codec | None, tmp_path: Path, clock: MockClock
) -> None:
    path, world = tmp_path / "runs.db", World()
    async with Runtime(
        store=SQLiteStore(path, clock=clock), rest_after=0, **options(world, clock, sealed())
    ) as runtime:
        await started(runtime)
        await asyncio.sleep(5)
    with capture_logs() as logs:
        async with Runtime(store=SQLiteStore(path, clock=clock), **options(World(), clock, codec)) as runtime:
            await asyncio.sleep(5)
            with pytest.raises((InvalidState, InvalidValue), match=r"sealed|can't be opened"):
                await started(runtime)
            view = await runtime.inspect("r", values=True)
            assert view.problem is not None
            assert "can't be opened" in view.problem or "is sealed" in view.problem
            assert view.inputs is not None
            assert all("can't be opened" in one or "is sealed" in one for one in view.inputs)
            kinds = [reason.kind for reason in (await runtime.explain("r")).reasons]
            assert "left_alone" in kinds
            assert [finding.run_id for finding in await runtime.doctor()] == ["r"]
    assert [line["run"] for line in logs if line["event"] == "a run is left alone"] == ["r"]
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(world, clock, sealed())) as runtime:
        await runtime.release("r", who="ann", why="the keys were wrong")
        await asyncio.sleep(40)
        await runtime.signal("r", "code", "hunter-signal")
        assert await (await started(runtime)).result() == "hunter-outcome"


async def test_what_was_stored_before_there_was_a_seal_is_read(tmp_path: Path, clock: MockClock) -> None:
    path, world = tmp_path / "runs.db", World()
    async with Runtime(store=SQLiteStore(path, clock=clock), rest_after=0, **options(world, clock, None)) as runtime:
        await started(runtime)
        await asyncio.sleep(5)
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(world, clock, sealed())) as runtime:
        run = await started(runtime)
        await runtime.signal("r", "code", "hunter-signal")
        assert await run.result() == "hunter-outcome"


async def test_r47_the_same_inputs_are_the_same_run_though_they_are_other_bytes(clock: MockClock) -> None:
    store, one, other = MemoryStore(clock=clock), World(), World()
    async with (
        Runtime(store=store, **options(one, clock, sealed())) as first,
        Runtime(store=store.beside(), **options(other, clock, sealed())) as second,
    ):
        runs = await asyncio.gather(started(first), started(second))
        await first.signal("r", "code", "hunter-signal")
        assert [await run.result() for run in runs] == ["hunter-outcome"] * 2
        assert one.tries + other.tries == 2
        with pytest.raises(RunConflict, match="with other inputs"):
            await second.options(run_id="r").start(trip, "another")


async def test_a_signal_of_a_wrong_type_is_passed_over_without_its_value(tmp_path: Path, clock: MockClock) -> None:
    path = tmp_path / "runs.db"
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(World(), clock, sealed())) as runtime:
        run = await started(runtime)
        async with Operator(SQLiteStore(path, clock=clock), codec=sealed(), clock=clock) as operator:
            await operator.signal("r", "code", ["hunter-signal"])
        await asyncio.sleep(5)
        await runtime.signal("r", "code", "fine")
        assert await run.result() == "hunter-outcome"
    assert leaks(path) == []


async def test_a_seal_that_fails_fails_the_step_and_the_run_is_rolled_back(clock: MockClock) -> None:
    class Away:
        calls = 0

        def seal(self, data: bytes, /) -> bytes:
            self.calls += 1
            if b"hunter-outcome" in data:
                raise ConnectionError("the key service is away")
            return data

        def open(self, data: bytes, /) -> bytes:
            return data

    world = World()
    async with Runtime(store=MemoryStore(clock=clock), **options(world, clock, Codec(seal=Away()))) as runtime:
        run = await started(runtime)
        await runtime.signal("r", "code", "fine")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error.__cause__, NotSerializable)
        assert "can't be sealed: ConnectionError" in str(outcome.error.__cause__)
        assert outcome.rollback == "complete"


async def test_a_cancelled_run_is_sealed_too(tmp_path: Path, clock: MockClock) -> None:
    path = tmp_path / "runs.db"
    async with Runtime(store=SQLiteStore(path, clock=clock), **options(World(), clock, sealed())) as runtime:
        run = await started(runtime)
        await asyncio.sleep(5)
        await run.cancel("enough")
        assert isinstance(await run.outcome(), Cancelled)
    assert leaks(path) == []


# ── worker processes, approvals ───────────────────────────────────────────────────────────────────────────────────────


class Trip(pydantic.BaseModel):
    city: str


@step(mode="process")
def shout(trip: Trip) -> str:
    return trip.city.upper() + str(step_context().context["user"])


@workflow
def shouting(trip: Trip) -> str:
    return said(shout(trip), approval("who may shout", by="ann"))


@step
async def said(text: str, yes: object) -> str:
    return text


async def test_worker_processes_get_their_arguments_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with Runtime(workflows=[shouting], store=SQLiteStore(path), codec=sealed()) as runtime:
        run = await runtime.options(run_id="r", context={"user": "hunter-context"}).start(
            shouting, Trip(city="hunter-input")
        )
        await runtime.approve("r", who="ann")
        assert await run.result() == "HUNTER-INPUThunter-context"
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"hunter" not in data.lower()
