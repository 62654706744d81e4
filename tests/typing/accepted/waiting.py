"""Waits, with what they give."""

from datetime import UTC, datetime, timedelta

import msgspec

from actorflow import Approval, Runtime, approval, each, sleep, sleep_until, step, wait_for_signal, workflow


class Payment(msgspec.Struct, frozen=True):
    amount: int


@step
async def receipt(payment: Payment) -> str:
    return str(payment.amount)


@step
async def decide(answer: Approval, late: Payment | None) -> bool:
    return answer.approved and late is not None


@step
async def opens_at(city: str) -> datetime:
    return datetime.now(UTC)


@workflow
def order(city: str, seconds: float) -> bool:
    rest = sleep(seconds)
    sleep(timedelta(days=3), after=[rest], name="nap")
    sleep_until(opens_at(city))
    paid = wait_for_signal("paid", Payment)
    receipt.options(after=[rest])(paid)
    late = wait_for_signal("late", Payment, timeout=timedelta(hours=1), default=None)
    sure = wait_for_signal("sure", Payment, timeout=60, default=Payment(0))
    receipt(sure)
    answer = approval.options(name="manager")("Send it?", by=["ann"], timeout=5, default=Approval(True, "nobody"))
    return decide(answer, late)


@workflow
def amounts(cities: list[str]) -> list[int]:
    return each(cities, lambda city: wait_for_signal("amount", int))


async def main(runtime: Runtime) -> None:
    run = await runtime.start(order, "Oslo", 3.0)
    await runtime.signal(run.id, "paid", Payment(3), who="bank")
    await runtime.approve(run.id, who="ann")
    await runtime.reject(run.id, "manager", who="bob", why="no")
    print(await run.result())
