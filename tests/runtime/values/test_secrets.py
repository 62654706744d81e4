"""R56: what annotations mark as secret is shown as `***` in events, logs, `inspect`, history, plans and errors; steps get it as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from structlog.testing import capture_logs

from actorflow import (
    Event,
    Failed,
    Halt,
    InvalidInput,
    MemoryStore,
    Operator,
    Recover,
    Runtime,
    Secret,
    SQLiteStore,
    StartRun,
    choose,
    debug,
    each,
    emit,
    log_events,
    repeat,
    step,
    wait_for_signal,
    workflow,
)
from actorflow.cli.jsonl import encoded, line_of
from actorflow.facts import DeadLetter, StepsEmitted, StepSucceeded
from actorflow.runtime.redacting import letter_hidden
from actorflow.testing import MockClock

Card = Annotated[str, Secret]
SECRET = "4111-hunter2"
CODE: Any = Card
PIN: Any = Annotated[int, Secret]
"""Type checkers take no `Annotated` for a class."""


class Order(msgspec.Struct, frozen=True):
    card: Card
    city: str


@step
async def token(card: Card) -> Card:
    assert card == SECRET
    return card


@step
async def order(card: Card, city: str) -> Order:
    return Order(card, city)


@step
async def use(given: Order) -> Order:
    assert given.card == SECRET
    return given


@step
async def guarded(card: Card) -> Card:
    return card


@guarded.compensate
async def recovered(error: Exception, card: Card) -> Recover[str]:
    return Recover(card)


@step
async def falls(card: Card) -> Card:
    raise ValueError("declined")


@falls.compensate
async def stands(error: Exception, card: Card) -> Recover[str]:
    return Recover(card)


@step(where=lambda card: False)
async def skipped(card: Card) -> Card:
    return card


@step
async def checked(card: Card, code: Card) -> Card:
    return code


@step
async def adds(card: Card) -> Card:
    emit(token(SECRET))
    return card


@step
async def halts(card: Card) -> Card:
    raise Halt(card)


@workflow
def buy(card: Card, city: str = "Oslo") -> Order:
    paid = token(card)
    made = order(paid, city)
    used = each([made], use)
    falls(paid)
    adds(paid)
    debug(card=paid, city=city, part=made.card, all=made, rooms=used)
    repeat(lambda value: token(value), start=paid, until=lambda value: True)
    checked(paid, wait_for_signal("code", CODE))
    return made


async def test_events_logs_inspect_and_history_have_no_secrets(tmp_path: Path, clock: MockClock) -> None:
    path, events = tmp_path / "runs.db", list[Event]()
    with capture_logs() as logs:
        async with Runtime(workflows=[buy], store=SQLiteStore(path, clock=clock), clock=clock) as runtime:
            runtime.subscribe(events.append)
            runtime.subscribe(log_events())
            run = await runtime.options(run_id="r").start(buy, SECRET)
            await runtime.signal("r", "code", SECRET)
            assert await run.result() == Order(SECRET, "Oslo")
            await runtime.explain("r")
            history = await runtime.history("r")
            view = await runtime.inspect("r", values=True)
    assert SECRET not in repr(events)
    assert SECRET not in "".join(encoded(line_of(event)) for event in events)
    assert Order("***", "Oslo") in [event.fact.value for event in events if isinstance(event.fact, StepSucceeded)]
    assert [event.fact.plan for event in events if isinstance(event.fact, StepsEmitted)] == [None]
    assert SECRET not in repr(logs)
    (line,) = [one for one in logs if one["event"] == "debug"]
    assert (line["card"], line["city"], line["part"], line["all"]) == ("***", "Oslo", "***", Order("***", "Oslo"))
    assert SECRET not in repr(history)
    assert view.inputs == ("***", "Oslo")
    assert view.result == {"card": "***", "city": "Oslo"}
    values = {one.name: one.value for one in view.steps}
    assert values["order"] == {"card": "***", "city": "Oslo"}
    assert values["token"] == values["falls"] == values["wait_for_signal"] == "***"
    assert SECRET not in repr(view)
    assert SECRET.encode() in path.read_bytes()  # it is stored whole


async def test_who_does_not_know_the_workflow_sees_no_secrets_either(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Runtime(workflows=[buy], store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(buy, SECRET)
        operator = Operator(store, clock=clock)
        await operator.signal("r", "code", SECRET)
        view = await operator.inspect("r", values=True)
        assert SECRET not in repr(view)
        assert [json.loads(one.data) for one in view.messages] == [{"name": "code"}]
        await run.result()
        view = await operator.inspect("r", values=True)
        assert view.inputs == ("***", "Oslo")
        assert SECRET not in repr(view)
        assert SECRET not in repr(await operator.history("r"))


async def test_without_a_store_events_have_none_either(clock: MockClock) -> None:
    events = list[Event]()
    async with Runtime(workflows=[buy], clock=clock) as runtime:
        runtime.subscribe(events.append)
        run = await runtime.start(buy, SECRET)
        await runtime.signal(run.id, "code", SECRET)
        assert (await run.result()).card == SECRET
    assert events
    assert SECRET not in repr(events)


async def test_skips_halts_and_resolved_values_are_hidden(clock: MockClock) -> None:
    @workflow
    def goes(card: Card) -> Card:
        skipped(card)
        return halts(card)

    events, store = list[Event](), MemoryStore(clock=clock)
    async with Runtime(workflows=[goes], store=store, clock=clock) as runtime:
        runtime.subscribe(events.append)
        run = await runtime.options(run_id="r").start(goes, SECRET)
        await run.outcome()
        view = await runtime.inspect("r", values=True)
    assert {"StepSkipped", "StepHalted"} <= {type(event.fact).__name__ for event in events}
    assert SECRET not in repr(events)
    assert SECRET not in repr(view)


@step
async def wrong(card: Card) -> Annotated[int, Secret]:
    raise Halt(card)


@step
async def unwritten(card: Card) -> dict[Card, object]:
    return {card: {1}}


@workflow
def chooses(card: Card) -> None:
    choose(card, {"visa": lambda: token(card)})


@workflow
def repeats(card: Card) -> Card:
    return repeat(lambda value: token(value), start=card, until=lambda value: False, at_most=1, exhausted="fail")


@workflow
def mistaken(card: Card) -> int:
    return wrong(card)


@workflow
def cant(card: Card) -> Any:
    return unwritten(card)


@pytest.mark.parametrize("flow", [chooses, repeats, mistaken, cant])
async def test_texts_of_errors_have_no_secrets(flow: Any, clock: MockClock) -> None:
    async with Runtime(workflows=[flow], store=MemoryStore(clock=clock), clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(flow, SECRET)
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert SECRET not in str(outcome.error)
        assert SECRET not in repr(await runtime.history("r"))
        assert SECRET not in repr(await runtime.inspect("r"))


async def test_inputs_that_are_refused_are_not_told(clock: MockClock) -> None:
    @workflow
    def pins(pin: Annotated[int, Secret]) -> None:
        return None

    async with Runtime(workflows=[pins], clock=clock) as runtime:
        with pytest.raises(InvalidInput) as raised:
            await runtime.run(pins, SECRET)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert SECRET not in str(raised.value)
        with pytest.raises(InvalidInput) as raised:
            await runtime.executor.ask(StartRun.asking(workflow="pins", inputs={"pin": SECRET}))
        assert SECRET not in str(raised.value)


async def test_a_signal_that_is_refused_is_not_told(clock: MockClock) -> None:
    @workflow
    def waits() -> None:
        wait_for_signal("pin", PIN)

    with capture_logs() as logs:
        async with Runtime(workflows=[waits], store=MemoryStore(clock=clock), clock=clock) as runtime:
            run = await runtime.options(run_id="r").start(waits)
            with pytest.raises(InvalidInput) as raised:
                await runtime.signal("r", "pin", SECRET)
            assert SECRET not in str(raised.value)
            await Operator(runtime.config.store, clock=clock).signal("r", "pin", SECRET)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            await runtime.signal("r", "pin", 1)
            await run.result()
            assert SECRET not in repr(await runtime.history("r"))
    assert [line["event"] for line in logs if line["event"] == "a signal is passed over"]
    assert SECRET not in repr(logs)


async def test_plans_show_no_secrets() -> None:
    @workflow
    def fixed(card: Card = SECRET) -> Order:
        return use(order(SECRET, "Oslo"))

    plan = fixed.compile()
    told = msgspec.json.encode(plan.describe()).decode()
    assert SECRET not in told
    assert '"source":"***"' in told
    assert "'Oslo'" in told
    assert SECRET not in plan.text() + plan.mermaid() + plan.text(descriptions=True)


def test_letters_that_nobody_took_show_no_secrets() -> None:
    message = StartRun("buy", {"card": SECRET})
    shown = letter_hidden(DeadLetter("executor", 1.0, message))
    assert SECRET not in repr(shown)
    assert shown.message.workflow == "buy"
    assert letter_hidden(DeadLetter("a", 1.0, Order(SECRET, "Oslo"))).message == Order("***", "Oslo")
    plain = DeadLetter("a", 1.0, "hello")
    assert letter_hidden(plain) is plain


def test_the_mark_is_told_the_same_everywhere() -> None:
    """It is a part of annotations, which fingerprints of plans are made of."""
    assert Annotated[str, Secret()] == Annotated[str, Secret()]
    assert repr(Secret()) == "Secret"
