"""What drawing can't catch is found by parsing the workflow's source: `is`, `isinstance`, `type`, `match`."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

from typing import Any

import pytest

from actorflow.errors import InvalidWorkflow
from actorflow.workflow import around, choose, choose_first, each, group, repeat, step, transform, workflow


@step
async def load(key: str) -> int | None: ...


def is_none(key: str) -> Any:
    found = load(key)
    return key if found is None else found


def is_not_none(key: str) -> Any:
    return load(key) if key is not None else 1


def none_is(key: str) -> Any:
    found = other = load(key)
    return other if None is found else other  # noqa: RUF034


def is_instance(key: str) -> Any:
    return key if isinstance(key, str) else 1


def type_is(key: str) -> Any:
    found = load.options(name="x")(key)
    return found if type(found) is int else 1


def alias(key: str) -> Any:
    found = load(key)
    second = found
    third = second
    return 1 if third is None else 2


def matched(key: str) -> Any:
    match load(key):
        case None:
            return 1
        case found:
            return found


def matched_pair(key: str) -> Any:
    match (1, key):
        case (1, "a"):
            return 1
        case _:
            return 2


def of_transform(key: str) -> Any:
    made = transform(key, len)
    return 1 if made is None else 2


def walrus(key: str) -> Any:
    return 1 if (found := load(key)) is None else found


def call_directly(key: str) -> Any:
    return 1 if load(key) is None else 2


@pytest.mark.parametrize(
    "body",
    [
        is_none,
        is_not_none,
        none_is,
        is_instance,
        type_is,
        alias,
        matched,
        matched_pair,
        of_transform,
        walrus,
        call_directly,
    ],
    ids=lambda body: body.__name__,
)
def test_a_question_that_no_promise_notices_is_refused_with_its_line(body: Any) -> None:
    with pytest.raises(InvalidWorkflow, match=r"test_source\.py:\d+: `.*asks about the promise"):
        workflow(body).compile()


def perhaps(key: str) -> Any:
    found = None
    if FLAG:
        found = load(key)
    return 1 if found is None else found


def within_a_transform(key: str) -> Any:
    return transform(load(key), lambda key: 0 if key is None else key)


def of_something_else(key: str) -> Any:
    flag = FLAG
    return load(key) if flag is None or isinstance(flag, bool) else None


FLAG: bool | None = None


def test_a_name_that_is_a_promise_only_perhaps_gives_a_note() -> None:
    plan = workflow(perhaps).compile()
    assert any("if found is a promise there" in note for note in plan.notes)


def test_questions_about_values_pass() -> None:
    assert not [note for note in workflow(within_a_transform).compile().notes if "asks about" in note]
    assert not [note for note in workflow(of_something_else).compile().notes if "asks about" in note]


def test_a_workflow_without_source_gets_a_note() -> None:
    names: dict[str, Any] = {"load": load}
    exec("def unread(key: str):\n    return load(key)", names)
    plan = workflow(names["unread"]).compile()
    assert any("source of 'unread' can't be read" in note for note in plan.notes)


# ── bodies ──


def in_a_lambda(keys: list[str]) -> Any:
    return each(keys, lambda key: 1 if key is None else 2)


def in_a_def(keys: list[str]) -> Any:
    def one(key: str) -> Any:
        found = load(key)
        return 1 if found is None else 2

    return each.options(name="x")(keys, one)


def about_a_capture(key: str) -> Any:
    found = load(key)
    return group(lambda: 1 if found is None else 2)


def in_a_branch(key: str) -> Any:
    return choose(key, {"a": lambda: load(key), "b": lambda: 1 if isinstance(key, str) else 2})


def in_a_default(key: str) -> Any:
    return choose_first([(bool, load)], on=key, default=lambda value: 1 if value is None else 2)


def in_a_branch_of_a_predicate(key: str) -> Any:
    return choose_first([(lambda key: key is None, lambda value: 1 if value is None else 2)], on=key)


def deep_inside(keys: list[str]) -> Any:
    return each(keys, lambda key: around(lambda: None, lambda client: each([1], lambda n: client is None)))


def before_and_after(key: str) -> Any:
    return group(lambda: load(key), before=lambda: key is None)


def elsewhere(key: str, default: str | None = None) -> Any:
    if default is None:
        return load(key)
    return 1 if key is None else 2


def written_elsewhere(keys: list[str]) -> Any:
    return each(keys, elsewhere)


def of_a_combinator(keys: list[str]) -> Any:
    found = each(keys, load)
    return 1 if found is None else 2


@pytest.mark.parametrize(
    "body",
    [
        in_a_lambda,
        in_a_def,
        about_a_capture,
        in_a_branch,
        in_a_default,
        in_a_branch_of_a_predicate,
        deep_inside,
        before_and_after,
        written_elsewhere,
        of_a_combinator,
    ],
    ids=lambda body: body.__name__,
)
def test_bodies_are_read_as_workflows_are(body: Any) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        workflow(body).compile()
    (problem,) = caught.value.problems
    assert "asks about the promise" in problem


def test_what_is_called_with_values_is_not_read() -> None:
    @workflow
    def run(keys: list[str], number: int) -> Any:
        each(keys, load, key=lambda key: "x" if key is None else "y")
        choose_first([(lambda number: number is None, lambda number: number)], on=number)
        repeat(lambda number: number, number, until=lambda number: number is None)
        return each(keys, lambda key, flag=None: 1 if flag is None else load(key))

    assert not [note for note in run.compile().notes if "asks about" in note]
