"""Approvals: yes or no, who it was, and why."""

from __future__ import annotations

import pytest

from actorflow import (
    Approval,
    InvalidInput,
    InvalidState,
    InvalidWorkflow,
    Rejected,
    RunFailed,
    Runtime,
    StepTimeout,
    approval,
    each,
    step,
    template,
    workflow,
)
from actorflow.facts import WaitStarted
from actorflow.testing import MockClock


@step
async def pay(amount: int, answer: Approval) -> str:
    return f"{amount} paid, says {answer.who}" if answer.approved else f"refused by {answer.who}: {answer.why}"


@workflow
def refund(amount: int) -> str:
    return pay(amount, approval(template("Send {amount}?", amount=amount), by=["ann", "bob"]))


async def test_a_yes(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(refund, 30)
    await clock.advance(1)
    await runtime.approve(run.id, who="ann")
    assert await run.result() == "30 paid, says ann"


async def test_a_no_is_an_answer(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(refund, 30)
    await clock.advance(1)
    await runtime.reject(run.id, who="bob", why="too much")
    assert await run.result() == "refused by bob: too much"


async def test_the_question_is_told(runtime: Runtime, clock: MockClock) -> None:
    asked: list[tuple[object, object]] = []
    runtime.subscribe(lambda event: asked.append((event.fact.question, event.fact.by)), WaitStarted)
    run = await runtime.start(refund, 30)
    await clock.advance(1)
    await runtime.approve(run.id, who="ann")
    await run.result()
    assert asked == [("Send 30?", ("ann", "bob"))]


async def test_only_those_who_are_named_may_answer(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(refund, 30)
    await clock.advance(1)
    with pytest.raises(InvalidInput, match=r"eve may not answer 'approval'.*ann, bob"):
        await runtime.approve(run.id, who="eve")
    await runtime.approve(run.id, who="bob")
    assert await run.result() == "30 paid, says bob"


async def test_an_early_answer_of_somebody_else_isnt_taken(runtime: Runtime, clock: MockClock) -> None:
    run = await runtime.start(refund, 30)
    await runtime.approve(run.id, "approval", who="eve")
    await clock.advance(1)
    assert run.status() == "running"
    await runtime.approve(run.id, who="ann")
    assert await run.result() == "30 paid, says ann"


async def test_an_early_answer_counts_if_it_names_the_approval(runtime: Runtime) -> None:
    run = await runtime.start(refund, 30)
    with pytest.raises(InvalidState, match="no approval now"):
        await runtime.approve(run.id, who="ann")
    await runtime.approve(run.id, "approval", who="ann")
    assert await run.result() == "30 paid, says ann"


async def test_a_no_may_fail_it(runtime: Runtime, clock: MockClock) -> None:
    undone: list[str] = []

    @step
    async def book() -> str:
        return "seat"

    @book.undo
    async def release(seat: str) -> None:
        undone.append(seat)

    @workflow
    def guarded() -> None:
        approval.options(name="manager", after=[book()])("Go?", reject="fail")

    run = await runtime.start(guarded)
    await clock.advance(1)
    await runtime.reject(run.id, "manager", who="ann", why="not now")
    with pytest.raises(RunFailed) as caught:
        await run.result()
    cause = caught.value.__cause__
    assert isinstance(cause, Rejected)
    assert (cause.node, cause.who, cause.why) == ("manager", "ann", "not now")
    assert undone == ["seat"]


async def test_one_of_several_is_named(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def both() -> list[Approval]:
        return [approval.options(name="one")(), approval.options(name="other")()]

    run = await runtime.start(both)
    await clock.advance(1)
    with pytest.raises(InvalidState, match="2 approvals: one, other"):
        await runtime.approve(run.id, who="ann")
    await runtime.reject(run.id, "other", who="ann")
    await clock.advance(1)
    await runtime.approve(run.id, who="bob")
    assert await run.result() == [Approval(True, "bob"), Approval(False, "ann")]


async def test_of_the_items_of_an_each_one_is_named_by_its_path(runtime: Runtime, clock: MockClock) -> None:
    @workflow
    def legs(cities: list[str]) -> list[Approval]:
        return each(cities, lambda city: approval(template("Book {city}?", city=city)))

    run = await runtime.start(legs, ["Oslo", "Rome"])
    await clock.advance(1)
    await runtime.approve(run.id, "each[1].approval", who="ann")
    await clock.advance(1)
    await runtime.reject(run.id, who="bob")
    assert await run.result() == [Approval(False, "bob"), Approval(True, "ann")]


async def test_a_timeout_fails_it_or_gives_the_default(runtime: Runtime) -> None:
    @workflow
    def impatient() -> Approval:
        return approval(timeout=60)

    @workflow
    def patient() -> Approval:
        return approval(timeout=60, default=Approval(True, "nobody", "nobody said no"))

    with pytest.raises(RunFailed) as caught:
        await runtime.run(impatient)
    assert isinstance(caught.value.__cause__, StepTimeout)
    assert await runtime.run(patient) == Approval(True, "nobody", "nobody said no")


async def test_who_may_answer_may_be_a_result(runtime: Runtime, clock: MockClock) -> None:
    @step
    async def manager_of(person: str) -> list[str]:
        return [f"{person}'s manager"]

    @workflow
    def asks(person: str) -> Approval:
        return approval(by=manager_of(person))

    run = await runtime.start(asks, "ann")
    await clock.advance(1)
    await runtime.approve(run.id, who="ann's manager")
    assert (await run.result()).who == "ann's manager"


@pytest.mark.parametrize("who", ["", None, 3])
async def test_whoever_answers_has_a_name(runtime: Runtime, clock: MockClock, who: str) -> None:
    run = await runtime.start(refund, 1)
    await clock.advance(1)
    with pytest.raises(InvalidInput, match="who"):
        await runtime.approve(run.id, who=who)
    await runtime.approve(run.id, who="ann")
    await run.result()


def test_what_cant_be_asked_is_refused() -> None:
    @workflow
    def asks() -> None:
        approval(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        approval(by=[])
        approval(reject="maybe")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        approval(timeout=-1)

    with pytest.raises(InvalidWorkflow) as caught:
        asks.compile()
    assert len(caught.value.problems) == 4
