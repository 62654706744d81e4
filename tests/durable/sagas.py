"""Sagas that have to survive. What their steps do is done in the ledger, once for each idempotency key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from actorflow import (
    Approval,
    Fixed,
    Limit,
    Operator,
    RecordNotFound,
    Recover,
    Resource,
    Retry,
    Store,
    TryAgain,
    Workflow,
    approval,
    around,
    choose,
    each,
    emit,
    group,
    repeat,
    sleep,
    step,
    step_context,
    wait_for_signal,
    workflow,
)
from tests.durable.ledger import Ledger, Refused

LEDGER = Resource[Ledger]("ledger")
SOON = Retry(attempts=8, on=(Refused,), backoff=Fixed(0.01))


def key() -> str:
    return step_context().idempotency_key


# ── a chain: async, in a thread, inline ───────────────────────────────────────────────────────────────────────────────


@step
async def seat(trip: str) -> str:
    return LEDGER.get().take(f"{trip} seat", key())


@step
def room(trip: str, after: str) -> str:
    return LEDGER.get().take(f"{trip} room", key())


@step(mode="inline")
def ticket(seat: str, room: str) -> str:
    return f"{seat}, {room}"


@workflow
def chain(trip: str) -> str:
    reserved = seat(trip)
    return ticket(reserved, room(trip, reserved))


# ── a fan, more than its limit lets in ────────────────────────────────────────────────────────────────────────────────


@step
async def plan_legs(trip: str) -> list[str]:
    return [f"{trip} leg {number}" for number in range(3)]


@step(limit=Limit("airline", at_most=2))
async def leg(legs: list[str], number: int) -> str:
    await asyncio.sleep(0.002 * number)
    return LEDGER.get().take(legs[number], key())


@step
async def itinerary(legs: list[str]) -> list[str]:
    return legs


@workflow
def fan(trip: str) -> list[str]:
    legs = plan_legs(trip)
    return itinerary([leg(legs, number) for number in range(3)])


# ── one in the other ──────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def session() -> AsyncIterator[str]:
    """What it gives goes with the process; the next one opens another."""
    yield "a session"


@step
async def pay(session: str, thing: str) -> str:
    assert session == "a session"
    return LEDGER.get().take(f"{thing} paid", key())


@step
async def count_on(count: int) -> int:
    LEDGER.get().take(f"pass {count}", key())
    return count + 1


@step
async def receipt(thing: str) -> str:
    return LEDGER.get().take(f"{thing} receipt", key())


@step
async def send_receipt(thing: str) -> str:
    emit(receipt(thing))
    return thing


@workflow
def paid(session: str, thing: str) -> str:
    return pay(session, thing)


@workflow
def in_session(thing: str) -> str:
    return around(session, lambda held: paid(held, thing))


@workflow
def for_free(thing: str) -> str:
    return send_receipt(thing)


@workflow
def counted(count: int) -> int:
    return count_on(count)


@workflow
def item(thing: str) -> str:
    return choose(kind(thing), {"paid": lambda: in_session(thing), "free": lambda: for_free(thing)})


@step(mode="inline")
def kind(thing: str) -> str:
    return "paid" if thing.startswith("p") else "free"


@step
async def opened() -> None:
    LEDGER.get().take("the shop", key())


@step
async def closed() -> None:
    LEDGER.get().give_back("the shop", key())


@workflow
def nested(things: list[str]) -> dict[str, Any]:
    return {
        "sold": group(lambda: each(things, item), before=opened, after=closed),
        "passes": repeat(counted, 0, at_most=2),
    }


# ── one that gets into trouble, and out of it ─────────────────────────────────────────────────────────────────────────


@step(retry=SOON)
async def stubborn(trip: str) -> str:
    return LEDGER.get().take(f"{trip} seat", key(), refuses=2)


@step
async def charge(trip: str, seat: str) -> str:
    """It did the work, and nobody is told."""
    LEDGER.get().take(f"{trip} charge", key())
    raise Refused("the line was cut")


@charge.compensate
async def settle(error: Exception, trip: str, seat: str) -> Recover[str] | None:
    if LEDGER.get().holds(f"{trip} charge"):
        return Recover(f"{trip} charged after all")
    return None


@step(retry=Retry(attempts=6, backoff=Fixed(0.01)))
async def confirm(charged: str) -> str:
    try:
        return LEDGER.get().take("confirmed", key(), refuses=1)
    except Refused as error:
        raise TryAgain(error) from error


@workflow
def compensating(trip: str) -> list[str]:
    charged = charge(trip, stubborn(trip))
    return [charged, confirm(charged)]


# ── one that is taken back ────────────────────────────────────────────────────────────────────────────────────────────


@step
async def reserve(thing: str, after: str = "") -> str:
    return LEDGER.get().take(thing, key())


@reserve.undo
async def release(value: str, thing: str, after: str = "") -> None:
    LEDGER.get().give_back(thing, key())


@step
async def lend(thing: str) -> str:
    return LEDGER.get().take(thing, key())


@lend.undo(retry=Retry(attempts=8, backoff=Fixed(0.01)))
async def get_back(value: str, thing: str) -> None:
    """The ink's fails at first."""
    LEDGER.get().give_back(thing, key(), refuses=int(thing == "ink"))


@workflow
def lent(things: list[str]) -> list[str]:
    return each(things, lend, concurrency=1)


@step
async def never(after: Sequence[str]) -> str:
    LEDGER.get().take("never", key())
    raise Refused("no")


@never.compensate
async def forget(error: Exception, after: Sequence[str]) -> None:
    LEDGER.get().give_back("never", key())


@workflow
def rolled_back(things: list[str]) -> str:
    return never([reserve("seat"), lent(things)[0]])


# ── one that waits: for time, for two payments of the same name, for a person ─────────────────────────────────────────


@step
async def board(answer: Approval, paid: Sequence[int]) -> str:
    return LEDGER.get().take(pass_of(answer, paid), key())


@board.undo
async def leave_board(value: str, answer: Approval, paid: Sequence[int]) -> None:
    LEDGER.get().give_back(pass_of(answer, paid), key())


def pass_of(answer: Approval, paid: Sequence[int]) -> str:
    return f"pass by {answer.who}, for {' and '.join(map(str, paid))}"


@workflow
def waited() -> str:
    """The first payment comes early, before it is waited for; the second one late."""
    slept = sleep(11, after=[reserve("seat")])
    first = wait_for_signal.options(after=[slept])("paid", int)
    second = wait_for_signal.options(after=[first])("paid", int, timeout=86_400, default=0)
    answer = approval.options(after=[second])("May they fly?", by=["ann", "bob"])
    return never([board(answer, [first, second])])


async def say_what_is_waited_for(store: Store) -> None:
    """Each thing once: whoever says it is told that it is accepted, and never comes back to it."""
    async with Operator(store) as operator:
        await until(operator, None)
        await operator.signal("saga", "paid", 1, who="bank")
        await until(operator, "wait_for_signal_2")
        await asyncio.sleep(10.5)
        await operator.signal("saga", "paid", 2, who="bank")
        await until(operator, "approval")
        await asyncio.sleep(10.5)
        await operator.approve("saga", who="ann", why="they have paid")


WAITING = frozenset({"waiting for a signal", "waiting for approval"})


async def until(operator: Operator, step: str | None) -> None:
    """Waits until the step waits; until there is a run, if no step is named."""
    seen = 0
    for _ in range(10_000):
        with suppress(RecordNotFound):
            tail = (await operator.record("saga")).tail
            if step is None or (tail > seen and step in await waiting(operator)):
                return
            seen = tail
        await asyncio.sleep(3.0)
    raise AssertionError(f"nothing waits at {step!r}")


async def waiting(operator: Operator) -> set[str]:
    return {step.name for step in (await operator.inspect("saga")).steps if step.status in WAITING}


# ── all of them ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Case:
    """`held`: what must be held in the end; `options`: of `Runtime`; `outside`: what people do meanwhile."""

    workflow: Workflow[..., Any]
    inputs: tuple[Any, ...]
    held: frozenset[str]
    options: Mapping[str, Any]
    outside: Callable[[Store], Coroutine[Any, Any, None]] | None = None

    @property
    def name(self) -> str:
        return self.workflow.name


def case(workflow: Workflow[..., Any], *inputs: Any, held: Sequence[str], outside: Any = None, **options: Any) -> Case:
    return Case(workflow, inputs, frozenset(held), options, outside)


CASES = [
    case(chain, "Oslo", held=["Oslo seat", "Oslo room"]),
    case(fan, "Oslo", held=["Oslo leg 0", "Oslo leg 1", "Oslo leg 2"]),
    case(nested, ["paper", "fish"], held=["paper paid", "fish receipt", "pass 0", "pass 1"], values="decoded"),
    case(compensating, "Oslo", held=["Oslo seat", "Oslo charge", "confirmed"]),
    case(rolled_back, ["pen", "ink"], held=[]),
]
"""Those that need nobody."""
WAITED = case(waited, held=[], outside=say_what_is_waited_for)
ALL = [*CASES, WAITED]
