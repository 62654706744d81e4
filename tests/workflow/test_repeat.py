"""`repeat`: pass after pass, each with what the last one gave; and workflows that contain themselves through it."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

from typing import Any

import pytest

from actorflow.errors import InvalidStep, InvalidWorkflow
from actorflow.plan import Repeat
from actorflow.workflow import Workflow, WorkflowBuilder, choose, each, repeat, step, workflow
from tests.workflow.drawn import Seat, bodies, problems, ready, returns, seat, shape


@step
async def grow(number: int) -> int:
    return number + 1


@grow.undo
async def shrink(value: int) -> None: ...


@workflow
def next_number(number: int) -> int:
    return grow(grow(number))


@workflow
def more(number: int, by: int = 2, *, times: int = 3) -> int:
    return grow.options(guards=[])(add(number, by, times))


@step
async def add(number: int, by: int, times: int) -> int: ...


def is_big(number: int) -> bool:
    return number > 3


def test_a_workflow_is_compiled_when_its_first_pass_needs_it() -> None:
    @workflow
    def run(start: int) -> int:
        return repeat(next_number, start, until=is_big, at_most=4, exhausted="fail")

    plan = run.compile()
    assert shape(plan) == ["repeat"]
    control = plan.scopes[0].control
    assert isinstance(control, Repeat)
    assert (control.until, control.at_most, control.fails) == (is_big, 4, True)
    (body,) = plan.scopes[0].bodies
    assert (body.key, body.given, body.takes, body.is_drawn) == ("*", 1, (), False)
    assert body.plan is next_number.compile()
    assert returns(plan, "repeat") is int


def test_its_other_inputs_have_their_defaults() -> None:
    @workflow
    def run() -> int:
        return repeat(more, 1, at_most=2)

    (body,) = bodies(run.compile(), "repeat")
    assert body.plan.names == ("add", "grow")
    assert [spec.name for spec in body.plan.inputs] == ["number"]
    assert body.plan.takes[0] is not None
    assert body.plan.constants == (2, 3)


def test_undoable_false_drops_the_undos_of_all_passes() -> None:
    @workflow
    def run() -> int:
        return repeat(next_number.options(undoable=False), 1, at_most=2)

    (body,) = bodies(run.compile(), "repeat")
    assert [spec.undo for spec in body.plan.steps] == [None, None]
    assert next_number.compile().steps[0].undo is not None


def test_a_step_or_a_function_is_repeated_too() -> None:
    @workflow
    def run(by: int) -> Any:
        repeat(grow, 1, at_most=2)
        repeat(lambda number: add(number, by, 1), 1, until=is_big)
        repeat(lambda number: next_number(number), 1, until=is_big)

    assert shape(run.compile()) == [
        "repeat", {"*(value)": ["grow"]},
        "repeat_2", {"*(value | by)": ["add"]},
        "repeat_3", {"*(value)": ["next_number.grow", "next_number.grow_2 <next_number.grow"]},
    ]  # fmt: skip


def test_a_built_workflow_is_repeated() -> None:
    builder = WorkflowBuilder("built").add_input("by", int, 1).add_input("number", int)
    builder.add_step("grow", add, arguments={"number": "number", "by": "by", "times": "by"})
    built = builder.returns("grow").build()

    @workflow
    def run() -> Any:
        return repeat(built, 1, at_most=2)

    (body,) = bodies(run.compile(), "repeat")
    assert [spec.name for spec in body.plan.inputs] == ["number"]


# ── workflows that contain themselves ──


def test_a_workflow_contains_itself_through_repeat() -> None:
    @workflow
    def countdown(number: int) -> int:
        less = grow(number)
        return choose(less, {0: lambda: less}, default=lambda: repeat(countdown, less, at_most=1))

    plan = countdown.compile()
    assert shape(plan) == ["grow", "choose <grow", {"0( | grow)": []}, {"default( | grow)": ["repeat"]}]
    (inner,) = bodies(plan.scopes[1].bodies[1].plan, "repeat")
    assert inner.plan is plan


def test_workflows_contain_each_other_through_repeat_whichever_is_compiled_first() -> None:
    def made() -> tuple[Workflow[..., Any], Workflow[..., Any]]:
        @workflow
        def ping(number: int) -> int:
            return choose(number, {0: lambda: number}, default=lambda: pong(number))

        @workflow
        def pong(number: int) -> int:
            return repeat(ping, number, at_most=1)

        return ping, pong

    ping, pong = made()
    assert ping.compile().names == ("choose",)
    assert pong.compile().names == ("repeat",)
    ping, pong = made()
    assert pong.compile().names == ("repeat",)


def test_a_workflow_that_contains_itself_otherwise_is_told_of_repeat() -> None:
    def itself(number: int) -> Any:
        return choose(number, {1: lambda: looped(number)})

    looped: Any = workflow(name="looped")(itself)
    with pytest.raises(InvalidWorkflow, match=r"contains itself: looped → looped; it can through repeat\(looped, …\)"):
        looped.compile()

    @workflow
    def drawn(number: int) -> Any:
        return repeat(lambda number: drawn(number), number, at_most=1)

    with pytest.raises(InvalidWorkflow, match="contains itself: drawn → drawn"):
        drawn.compile()


def test_what_is_wrong_with_a_repeated_workflow_is_told_before_anything_runs() -> None:
    mends: list[int] = []

    @workflow
    def broken(number: int) -> int:
        return grow(number) if mends else seat(number)

    @workflow
    def run() -> int:
        return repeat(broken, 1, at_most=1)

    @workflow
    def outer() -> int:
        return run()

    for whole in (run, outer):
        with pytest.raises(InvalidWorkflow) as caught:
            whole.compile()
        assert [problem.partition(": ")[0] for problem in caught.value.problems] == ["workflow 'broken'"] * 2
    mends.append(1)
    assert run.compile().names == ("repeat",)
    assert outer.compile().names == ("run.repeat",)


def test_a_step_of_a_repeated_workflow_gets_no_handlers_any_more() -> None:
    @step
    async def late(number: int) -> int: ...

    @workflow
    def inner(number: int) -> int:
        return late(number)

    @workflow
    def run() -> int:
        return repeat(inner, 1, at_most=1)

    run.compile()
    with pytest.raises(InvalidStep, match="after workflow 'inner' was compiled"):
        late.undo(lambda value: None)


def test_a_step_of_a_body_gets_no_handlers_any_more() -> None:
    @step
    async def late(number: int) -> int: ...

    @workflow
    def run() -> Any:
        return each([1], lambda n: each([2], late))

    run.compile()
    with pytest.raises(InvalidStep, match="after workflow 'run' was compiled"):
        late.undo(lambda value: None)


# ── refusals ──


def test_what_makes_no_sense_is_refused_together() -> None:
    async def waits(number: int) -> bool:
        return True

    @workflow
    def two(a: int, b: int) -> int:
        return a

    def run(number: int, city: str) -> Any:
        repeat(next_number, number)
        repeat(next_number, number, until=3, at_most=0, exhausted="maybe")
        repeat(next_number, number, until=waits, at_most=True)
        repeat(next_number, number, until=lambda n: n > number)
        repeat(next_number, number, at_most=2, exhausted="fail")
        repeat(next_number.options(name="n"), number, at_most=2)
        repeat(two, number, at_most=2)
        repeat(ready, number, at_most=2)
        repeat(3, number, at_most=2)
        repeat(ready(), number, until=ready())

    assert problems(run) == [
        "+1: repeat: says neither until= nor at_most=, so it would never end",
        "+2: repeat_2: until is 3; it's a plain function of the result of a pass",
        "+2: repeat_2: at_most is how many passes there may be, 1 or more, not 0",
        "+2: repeat_2: exhausted is 'return' or 'fail', not 'maybe'",
        (
            "+3: repeat_3: until is an `async def`; "
            "it's an ordinary function that returns at once: what waits belongs into a step"
        ),
        "+3: repeat_3: at_most is how many passes there may be, 1 or more, not True",
        (
            "+4: repeat_4: until uses the promise 'number' from around it, which has no value there: "
            "it sees the result of a pass alone"
        ),
        "+5: repeat_5: exhausted='fail' is for at_most= with until=: without both it would fail always, or never",
        "+6: repeat_6: the options of 'next_number' say how it stands by itself; say them of the repeat: repeat.options(…)",
        "+7: repeat_7: its body takes (a, b), but is given one argument, the result of the last pass",
        "+8: repeat_8: its body takes (), but is given one argument, the result of the last pass",
        "+9: repeat_9: its body is 3; it's a function that calls steps, a step or a workflow",
        "+10: repeat_10: its body is the promise of 'ready'; it's a function that calls steps: write `lambda: …`",
        "+10: repeat_10: until is the promise of 'ready_2'; it's a plain function of the result of a pass",
    ]


def test_r3_what_a_pass_takes_is_what_it_starts_with_and_what_a_pass_gives() -> None:
    @workflow
    def text_of(number: int) -> str:
        return "x"

    def run(number: int, city: str) -> Any:
        repeat(next_number, city, at_most=2)
        repeat(text_of, number, at_most=2)
        repeat(seat, city, at_most=2)
        repeat(next_number, "one", at_most=2)

    assert problems(run) == [
        "+1: repeat, what it starts with: takes int, but input 'city' is str",
        "+2: repeat_2: a pass gives str, but the next one takes int",
        "+3: repeat_3: a pass gives Seat, but the next one takes str",
        "+4: repeat_4, what it starts with: expected int, got str 'one'",
    ]


def test_the_result_is_of_the_type_of_a_pass() -> None:
    @workflow
    def unknown(number: Any):
        return number

    @workflow
    def run(one: Seat) -> Any:
        repeat(unknown, one, at_most=1)
        repeat(lambda seat: seat, one, at_most=1)

    plan = run.compile()
    assert [returns(plan, "repeat"), returns(plan, "repeat_2")] == [Any, Seat]
