"""What reaches all the way in: guards, limits, `undoable=False`, middleware; and what a guard on a combinator is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from typing import Any

import pytest

from actorflow import (
    Failed,
    Halt,
    Halted,
    Limit,
    Middleware,
    RunFailed,
    RunInfo,
    Runtime,
    Skip,
    Succeeded,
    TryAgain,
    around,
    choose,
    choose_first,
    each,
    group,
    repeat,
    step,
    transform,
    workflow,
)
from actorflow.workflow import emit
from tests.matrix.shapes import SHAPES, leaf, plain, total, work, workflow_of
from tests.matrix.tale import Boom, Tale
from tests.matrix.witness import START, MakeRuntime, play, play_halted, playing

KINDS = [pytest.param(name, id=name) for name in SHAPES]
Guarded = Callable[..., Callable[[Any], Any]]

# ── guards on each combinator ─────────────────────────────────────────────────────────────────────────────────────────

ran: list[str] = []


@step
async def inside(value: int) -> int:
    ran.append("inside")
    return value + 1


@inside.undo
async def outside(value: int) -> None:
    ran.append("undo")


@step
async def breaks(value: Any) -> int:
    raise Boom(value)


@workflow
def composed(value: int) -> int:
    return inside(value)


@asynccontextmanager
async def nothing():
    ran.append("enter")
    yield None


def emits(options: Mapping[str, Any]) -> Callable[[Any], Any]:
    """The guards stand on what is emitted."""

    @step
    async def emitter(value: int) -> Any:
        emit(inside.options(name="emitter", **options)(value))
        return None

    return emitter


DRAWN: dict[str, tuple[Guarded, Any]] = {
    "workflow": (lambda o: lambda v: composed.options(**o)(v), (7,)),
    "each": (lambda o: lambda v: each.options(**o)([v], inside), ([7],)),
    "choose": (lambda o: lambda v: choose.options(**o)(v, {7: lambda: inside(v)}), (7,)),
    "choose_first": (lambda o: lambda v: choose_first.options(**o)([(lambda _: True, inside)], on=v), (7,)),
    "group": (lambda o: lambda v: group.options(**o)(lambda: inside(v)), ()),
    "around": (lambda o: lambda v: around.options(**o)(nothing, lambda _: inside(v)), ()),
    "repeat": (lambda o: lambda v: repeat.options(**o)(composed, v, at_most=1), (7,)),
    "transform": (lambda o: lambda v: transform.options(**o)(inside(v), lambda i: i), (8,)),
    "emit": (emits, (7,)),
}
"""Per combinator: what draws it with options, and what its guards are given."""

FIXED = ("workflow", "emit")
"""Guards of steps and workflows repeat the parameters; those of combinators may take what comes."""

NAMES = [pytest.param(name, id=name) for name in DRAWN]


def flow_of(name: str, **options: Any) -> Any:
    ran.clear()
    drawn = DRAWN[name][0](fitting(name, options))

    @workflow
    def flow(value: int) -> Any:
        return drawn(value)

    return flow


def fitting(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if name not in FIXED:
        return dict(options)
    return {
        key: [one_value(each) for each in given] if key == "guards" else one_value(given)
        for key, given in options.items()
    }


def one_value(guard: Callable[..., Any]) -> Callable[[int], Any]:
    if iscoroutinefunction(guard):

        async def waits(value: int) -> Any:
            return await guard(value)

        return waits

    def answers(value: int) -> Any:
        return guard(value)

    return answers


def value_of(name: str) -> Any:
    return [8] if name == "each" else 8


@pytest.mark.parametrize("name", NAMES)
async def test_where_says_yes(runtime: Runtime, name: str):
    """R17: it sees what the combinator is given, once."""
    seen: list[Any] = []

    def where(*given: Any) -> bool:
        seen.append(given)
        return True

    assert await runtime.run(flow_of(name, where=where), 7) == value_of(name)
    assert seen == [DRAWN[name][1]]


@pytest.mark.parametrize("name", NAMES)
async def test_where_says_no(runtime: Runtime, name: str):
    """R17: it is skipped with None, nothing inside runs."""
    assert await runtime.run(flow_of(name, where=lambda *_: False), 7) is None
    assert ran == (["inside"] if name == "transform" else [])


@pytest.mark.parametrize("name", NAMES)
async def test_a_guard_skips_with_a_value(runtime: Runtime, name: str):
    """R17: the value flows on, and is never undone."""

    async def guard(*_: Any) -> Skip[Any]:
        return Skip([5] if name == "each" else 5)

    drawn = DRAWN[name][0](fitting(name, {"guards": [guard]}))

    @workflow
    def flow(value: int) -> Any:
        return breaks(drawn(value))

    ran.clear()
    with pytest.raises(RunFailed) as caught:
        await runtime.run(flow, 7)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.args == ([5] if name == "each" else 5,)
    assert ran == (["inside", "undo"] if name == "transform" else [])


@pytest.mark.parametrize("name", NAMES)
async def test_a_guard_tries_again(runtime: Runtime, name: str):
    """R17: it counts as an attempt; the guards run again from the first."""
    asked: list[int] = []

    def first(*_: Any) -> None:
        asked.append(1)

    async def second(*_: Any) -> None:
        asked.append(2)
        if len(asked) == 2:
            raise TryAgain("not yet", after=1.0)

    assert await runtime.run(flow_of(name, guards=[first, second]), 7) == value_of(name)
    assert asked == [1, 2, 1, 2]


@pytest.mark.parametrize("name", NAMES)
async def test_a_guard_raises(runtime: Runtime, name: str):
    """R17: the combinator fails, by its name; nothing inside runs."""

    def guard(*_: Any) -> None:
        raise Boom("no")

    outcome = await (await runtime.start(flow_of(name, guards=[guard]), 7)).outcome()
    assert isinstance(outcome, Failed)
    error = outcome.error.errors[0]
    assert (error.node, error.phase) == (
        {"workflow": "composed", "emit": "emitter[2]", "transform": "transform"}.get(name, name),
        "guard",
    )
    assert ran == (["inside", "undo"] if name == "transform" else [])


@pytest.mark.parametrize("name", NAMES)
async def test_a_guard_halts(runtime: Runtime, name: str):
    """R16, R17: the run pauses; on resume the combinator has the value of the `Halt`."""

    def guard(*_: Any) -> None:
        raise Halt([5] if name == "each" else 5)

    flow = flow_of(name, guards=[guard])
    run = await runtime.start(flow, 7)
    assert isinstance(await run.outcome(), Halted)
    assert await (await runtime.resume(flow, run.id)).result() == ([5] if name == "each" else 5)


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", KINDS)
async def test_a_limit_is_shared_by_all_that_is_nested(make_runtime: MakeRuntime, name: str):
    """R28, R29: also over two runs at once; afterwards the pool is full again, as a third run shows."""
    limit = Limit("narrow", at_most=2)
    at_once: list[int] = [0, 0]

    @step(limit=limit)
    async def narrow(value: int) -> int:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(1)  # the mock clock's
        at_once[0] -= 1
        return value

    shape = SHAPES[name](SHAPES["each"](leaf()._replace(draw=narrow, gives=lambda value: value)))
    cell = workflow_of("cell", lambda value: total(each([value] * 3, shape.draw)))
    tale = Tale()
    async with playing(make_runtime, tale) as (runtime, _):
        runs = [await runtime.start(cell, START) for _ in range(2)]
        for run in runs:
            assert await run.result() == shape.gives(START) * 3
        assert at_once == [0, 2]
        assert await runtime.run(cell, START)
        assert at_once == [0, 2]


@pytest.mark.parametrize("name", KINDS)
async def test_max_concurrency_bounds_all_that_is_nested(make_runtime: MakeRuntime, name: str):
    """R6: what is open holds no slot, so one is enough for any depth."""
    shape = SHAPES[name](SHAPES["each"](SHAPES[name](leaf())))
    cell = workflow_of("cell", shape.draw)
    for most in (1, 2):
        played = await play(make_runtime, cell, run_options={"max_concurrency": most})
        assert isinstance(played.outcome, Succeeded)
        assert played.outcome.value == shape.gives(START)
        assert played.tale.most_at_once <= most


# ── what isn't to be undone ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", KINDS)
async def test_undoable_false_reaches_all_the_way_in(make_runtime: MakeRuntime, name: str):
    """Nothing inside is undone; what stands around it is."""
    shape = SHAPES[name](SHAPES["each"](leaf()))
    lasting = workflow_of("lasting", shape.draw)
    cell = workflow_of("cell", lambda value: plain(lasting.options(undoable=False)(work(value))))
    steps = (await play(make_runtime, cell)).tale.count
    played = await play(make_runtime, cell, "fails", steps, values="shared")
    assert isinstance(played.outcome, Failed)
    assert played.tale.struck == "plain"
    assert played.tale.told("undo") == ["work"]


# ── middleware ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Listening(Middleware):
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def init(self, run: RunInfo, *, resumed: bool) -> None:
        self.heard.append("init again" if resumed else "init")

    async def complete(self, run: RunInfo, value: Any) -> Any:
        self.heard.append("complete")
        return value

    async def error(self, run: RunInfo, error: RunFailed) -> None:
        self.heard.append("error")

    async def halt(self, run: RunInfo) -> None:
        self.heard.append("halt")


@pytest.mark.parametrize("name", KINDS)
async def test_middleware_wraps_the_run_once(make_runtime: MakeRuntime, name: str):
    """R44: not each composed workflow, item, pass or emitted step."""
    cell = workflow_of("cell", SHAPES[name](SHAPES[name](leaf())).draw)
    listening = Listening()
    steps = (await play(make_runtime, cell, middleware=[listening])).tale.count
    assert listening.heard == ["init", "complete"]
    listening.heard.clear()
    await play(make_runtime, cell, "fails", steps // 2, middleware=[listening])
    assert listening.heard == ["init", "error"]
    listening.heard.clear()
    await play_halted(make_runtime, cell, steps // 2, middleware=[listening])
    assert listening.heard == ["init", "halt", "init again", "complete"]


@pytest.mark.parametrize("name", KINDS)
async def test_a_result_that_middleware_refuses_takes_all_back(make_runtime: MakeRuntime, name: str):
    """R44, R22: `complete` raises when all of it has succeeded."""

    class Refusing(Middleware):
        async def complete(self, run: RunInfo, value: Any) -> Any:
            raise Boom("not this one")

    cell = workflow_of("cell", SHAPES[name](leaf()).draw)
    played = await play(make_runtime, cell, middleware=[Refusing()])
    assert isinstance(played.outcome, Failed)
    assert played.completed()
    played.keeps_its_promises()


async def test_the_context_is_that_of_the_run_everywhere(make_runtime: MakeRuntime):
    """R10: in items, passes, branches, and what is emitted."""
    from actorflow import step_context

    @step
    async def told(value: int) -> int:
        return value + int(step_context().context["more"])

    shape = leaf()._replace(draw=told, gives=lambda value: value + 10)
    for name in SHAPES:
        made = SHAPES[name](shape)
        cell = workflow_of("cell", made.draw)
        async with playing(make_runtime, Tale()) as (runtime, _):
            assert await runtime.options(context={"more": 10}).run(cell, START) == made.gives(START)
