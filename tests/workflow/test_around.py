"""`around`: a body inside of an async context manager; whose value is a resource, used in there alone."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, call-overload, misc, return, return-value, redundant-expr, type-arg, unused-ignore, no-untyped-def, list-item, dict-item, operator, attr-defined, type-var, func-returns-value, used-before-def, has-type, unused-coroutine, no-any-return"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUnusedExpression=false, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportUnusedCoroutine=false, reportUnhashable=false, reportInvalidTypeForm=false

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Self

import pytest

from actorflow.plan import Around
from actorflow.workflow import around, choose_first, each, group, step, workflow
from tests.workflow.drawn import body, note, problems, ready, returns, shape


class Client:
    rows: list[int]
    url: str

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None: ...


class Cursor:
    async def __aenter__(self) -> Client: ...
    async def __aexit__(self, *exc: object) -> None: ...


class File:
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


@asynccontextmanager
async def connect(url: str = "") -> AsyncIterator[Client]:
    yield Client()


@asynccontextmanager
async def connected() -> AsyncGenerator[Client]:
    yield Client()


@asynccontextmanager
async def untyped():
    yield 1


def opened() -> AbstractAsyncContextManager[Client]:
    return connect()


@contextmanager
def sync() -> Generator[File]:
    yield File()


@step
async def copy(client: Client, row: int) -> int: ...


@step
async def send(client: Client, row: int) -> int: ...


@send.undo
async def unsend(value: int, client: Client, row: int) -> None: ...


@step
async def post(row: int, url: str = "") -> int: ...


@post.undo
async def unpost(value: int, row: int, url: str = "") -> None: ...


@step
async def put(client: Client) -> int: ...


@put.undo
async def unput(value: int) -> None: ...


def test_the_body_is_given_what_entering_gives() -> None:
    @workflow
    def run(row: int) -> int:
        return around(connect, lambda client: copy(client, row))

    plan = run.compile()
    assert shape(plan) == ["around", {"(value | row)": ["copy"]}]
    control = plan.scopes[0].control
    assert isinstance(control, Around)
    assert control.factory is connect
    assert plan.takes[0] == ()
    assert returns(plan, "around") is int


FACTORIES: dict[str, tuple[Any, Any]] = {
    "@asynccontextmanager of an iterator": (connect, Client),
    "@asynccontextmanager of a generator": (connected, Client),
    "@asynccontextmanager without annotations": (untyped, Any),
    "a function that says what it gives": (opened, Client),
    "a class that gives itself": (Client, Client),
    "a class that gives something else": (Cursor, Client),
    "a lambda": (lambda: connect("x"), Any),
    "a partial": (functools.partial(connect, "x"), Client),
    "a class that says nothing": (AsyncExitStack, Any),
}


@pytest.mark.parametrize(("factory", "value"), FACTORIES.values(), ids=FACTORIES)
def test_the_value_has_the_type_that_the_factory_tells(factory: Any, value: Any) -> None:
    @workflow
    def run() -> Any:
        return around(factory, note)

    assert body(run.compile(), "around").inputs[0].type == value


def test_the_factory_is_not_called_when_drawing() -> None:
    calls = []

    @workflow
    def run() -> Any:
        return around(lambda: calls.append(1), note)

    run.compile()
    assert calls == []


def test_factories_that_make_no_sense_are_refused_with_their_line() -> None:
    async def waits() -> Client: ...

    async def yields() -> Any:
        yield 1

    def number() -> int:
        return 1

    def file() -> File:
        return File()

    def run(city: str) -> Any:
        around(connect(), note)
        around(Client(), note)
        around(sync, note)
        around(File, note)
        around(file, note)
        around(number, note)
        around(waits, note)
        around(yields, note)
        around(3, note)
        around(ready, note)
        around(lambda: connect(city), note)
        around(lambda url: connect(url), note)
        around(connect, lambda: ready())
        around(ready(), note)
        around(connect, ready())

    how = "give a function that makes an async context manager, such as one with @asynccontextmanager"
    found = problems(run)
    assert found[0].startswith("+1: around: its factory is a context manager, ")
    assert found[0].endswith("that can be entered once; give what makes it: `lambda: …`")
    assert found[1].startswith("+2: around_2: its factory is a context manager, ")
    assert found[2:] == [
        f"+3: around_3: its factory makes an ordinary context manager; {how}",
        f"+4: around_4: its factory gives File, which isn't an async context manager; {how}",
        f"+5: around_5: its factory gives File, which isn't an async context manager; {how}",
        f"+6: around_6: its factory gives int, which isn't an async context manager; {how}",
        f"+7: around_7: its factory is an `async def`; {how}: what waits belongs into its `__aenter__`",
        "+8: around_8: its factory is an async generator; put @asynccontextmanager on it",
        "+9: around_9: its factory is 3; it's a plain function",
        (
            "+10: around_10: its factory is a plain function, not <step ready>: "
            "it's called with values, at run time, and draws nothing"
        ),
        (
            "+11: around_11: its factory uses the promise 'city' from around it, which has no value there: "
            "it's called without arguments"
        ),
        "+12: around_12: its factory takes (url), but is given no arguments",
        "+13: around_13: its body takes (), but is given one argument, what the context manager gives",
        f"+14: around_14: its factory is the promise of 'ready'; {how}",
        "+15: around_15: its body is the promise of 'ready_2'; it's a function that calls steps: write `lambda: …`",
    ]


LATE: dict[str, Any] = {
    "the value": lambda client: send(client, 1),
    "a part of it": lambda client: post(client.rows[0]),
    "in a container": lambda client: post(1, [client.url]),
    "in an each": lambda client: each([1], lambda row: send(client, row)),
    "item by item": lambda client: each(client.rows, lambda row: post(row)),
    "in an each in an each": lambda client: each([1], lambda a: each([2], lambda b: send(client, b))),
    "as what a branch is given": lambda client: choose_first([(bool, lambda url: post(1, url))], on=client.url),
    "in a group": lambda client: group(lambda: send(client, 1)),
    "in a workflow": lambda client: sends(client),
    "in a guarded workflow": lambda client: sends.options(where=lambda client: True)(client),
}


@workflow
def sends(client: Client) -> int:
    return send(client, 1)


@pytest.mark.parametrize("draw", LATE.values(), ids=LATE)
def test_an_undo_that_would_get_what_has_been_left_is_refused(draw: Any) -> None:
    def run() -> Any:
        around(connect, draw)

    found = [problem for problem in problems(run) if "is given a list" not in problem]
    assert len(found) == 1
    assert (
        found[0]
        .partition(": ")[2]
        .partition("'")[2]
        .endswith(
            "its undo takes the arguments, and one of them is the value of 'around': "
            "its undo would get what has been left by then; write the undo with the value alone"
        )
    )


def test_an_undo_of_the_value_alone_or_of_other_arguments_is_fine() -> None:
    @workflow
    def run(rows: list[int]) -> Any:
        def inside(client: Client) -> Any:
            put(client)
            copy(client, 1)
            return each(rows, lambda row: post(row))

        around(connect, inside)
        around(connect, lambda client: sends.options(undoable=False)(client))

    run.compile()
