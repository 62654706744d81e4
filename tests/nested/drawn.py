"""A nested program as a workflow, and what its steps tell of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any

from actorflow import (
    Halt,
    Recover,
    Resource,
    Retry,
    Succeeded,
    TryAgain,
    Workflow,
    around,
    choose,
    choose_first,
    each,
    group,
    repeat,
    step,
    step_context,
    transform,
    workflow,
)
from actorflow.workflow import emit
from tests.nested.model import folded
from tests.nested.program import (
    LENT,
    LOST,
    MODULUS,
    Act,
    Around,
    Block,
    Choose,
    Each,
    Emit,
    First,
    Flow,
    Group,
    Program,
    Repeat,
    Statement,
)


class Refused(Exception):
    """A step fails because the program says so."""


class Heard:
    """What steps and undos tell. `halt_at`: the step that halts the run, by how many have begun before it, from 1."""

    def __init__(self, halt_at: int = 0) -> None:
        self.undone: list[str] = []
        self.halt_at = halt_at
        self.halted = False
        self._begun = 0

    def undo(self) -> None:
        self.undone.append(step_context().node)

    def done(self, value: int) -> int:
        """The value; or a halt with it, once."""
        self._begun += 1
        if self._begun == self.halt_at:
            self.halted = True
            raise Halt(value)
        return value


HEARD = Resource[Heard]("heard")


@lru_cache(maxsize=4)
def drawn(program: Program) -> Workflow[[int], int]:
    @workflow(name="nested")
    def flow(v0: int) -> int:
        result: int = block(program.body, [v0])
        return result

    return flow


def block(body: Block, known: Sequence[Any]) -> Any:
    return all_of(body, known)[body.gives]


def all_of(body: Block, known: Sequence[Any]) -> Sequence[Any]:
    """What is known, and what its statements give."""
    values = list(known)
    for statement in body.does:
        values.append(called(statement, values))
    return values


def called(statement: Statement, known: Sequence[Any]) -> Any:
    match statement:
        case Act(of=of):
            return act_of(statement)(*(known[place] for place in of))
        case Emit(of=of):
            return emitter_of(statement)(*(known[place] for place in of))
        case Flow(name=name, of=of, undoable=undoable):
            return flow_of(statement).options(name=name, undoable=undoable)(*(known[place] for place in of))
        case Each(of=of):
            return each_of(statement, known[of], known)
        case Repeat(of=of):
            return repeat_of(statement, known[of], known)
        case Choose(name=name, of=of):
            case_of = transform.options(name=f"{name}_by")(known[of], lambda v: v % 3)
            cases = {i: partial(block, branch, known) for i, branch in enumerate(statement.branches)}
            return choose.options(name=name)(case_of, cases, **default_of(statement, known))
        case First(name=name, of=of):
            says_yes: list[Callable[[int], bool]] = [lambda v: v % 2 == 0, lambda v: v % 3 == 0]
            pairs = [(says_yes[i], given(branch, known)) for i, branch in enumerate(statement.branches)]
            return choose_first.options(name=name)(pairs, on=known[of], **default_of(statement, known))
        case Group():
            return group_of(statement, known)
        case Around(name=name, body=body, exit_fails=exit_fails):
            return around.options(name=name)(partial(lends, exit_fails=exit_fails), given(body, known))


def given(body: Block, known: Sequence[Any]) -> Callable[[Any], Any]:
    return lambda value: block(body, [*known, value])


def default_of(statement: Choose | First, known: Sequence[Any]) -> Mapping[str, Any]:
    if statement.default is None:
        return {}
    made = (
        partial(block, statement.default, known) if isinstance(statement, Choose) else given(statement.default, known)
    )
    return {"default": made}


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def act_of(act: Act) -> Any:
    async def does(*of: int) -> int:
        for _ in range(act.pauses):
            await asyncio.sleep(0)
        if step_context().attempt <= act.tries:
            raise TryAgain("not yet", after=0.5)
        x = sum(of) + act.plus
        if x % 5 in act.fails:
            raise Refused(x)
        return HEARD.get().done(3 * x % MODULUS)

    made = step(name=act.name, retry=Retry(attempts=act.tries + 1))(does)
    if act.undo:
        made.undo(undone)
    recovered = act.recovers
    if recovered is not None:

        async def recovers(error: Exception, *of: int) -> Recover[int] | None:
            return Recover(recovered) if isinstance(error, Refused) else None

        made.compensate(recovers)
    return made


async def undone(value: int) -> None:
    HEARD.get().undo()


def emitter_of(emits: Emit) -> Any:
    async def does(*of: int) -> int:
        value = sum(of) + emits.plus
        values = all_of(emits.body, [value])
        calls = values[1:]
        if emits.replaced:
            calls = [*calls, more.options(name=emits.name)(values[emits.body.gives])]
        if calls:
            emit(*calls)
        return value

    @step
    async def more(value: int) -> int:
        return value + 1

    made = step(name=emits.name)(does)
    if emits.undo:
        made.undo(undone)
    return made


def flow_of(flow: Flow) -> Any:
    made: Any = workflow(name=flow.name)(TAKES[len(flow.of)](partial(block, flow.body)))
    return made


def _takes_none(body: Callable[[Sequence[Any]], Any]) -> Callable[..., int]:
    def composed() -> int:
        result: int = body([])
        return result

    return composed


def _takes_one(body: Callable[[Sequence[Any]], Any]) -> Callable[..., int]:
    def composed(first: int) -> int:
        result: int = body([first])
        return result

    return composed


def _takes_two(body: Callable[[Sequence[Any]], Any]) -> Callable[..., int]:
    def composed(first: int, second: int) -> int:
        result: int = body([first, second])
        return result

    return composed


TAKES = (_takes_none, _takes_one, _takes_two)


# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def each_of(statement: Each, number: Any, known: Sequence[Any]) -> Any:
    items = transform.options(name=f"{statement.name}_items")(number, lambda v: [v + i for i in range(v % 4)])
    results: Any = each.options(name=statement.name)(
        items,
        given(statement.body, known),
        concurrency=statement.concurrency,
        ordered=statement.ordered,
        on_error="collect" if statement.collects else "fail",
    )
    return transform.options(name=f"{statement.name}_sum")(
        results, lambda found: folded(list(map(worth, found)), ordered=statement.ordered)
    )


def worth(outcome: Any) -> int:
    if isinstance(outcome, int):
        return outcome
    return int(outcome.value) if isinstance(outcome, Succeeded) else LOST


def repeat_of(statement: Repeat, number: Any, known: Sequence[Any]) -> Any:
    until = statement.until
    return repeat.options(name=statement.name)(
        given(statement.body, known),
        number,
        until=None if until is None else lambda v: v % 3 == until,
        at_most=statement.at_most,
        exhausted="fail" if statement.exhausts else "return",
    )


def group_of(statement: Group, known: Sequence[Any]) -> Any:
    parts: dict[str, Any] = {}
    if statement.before is not None:
        parts["before"] = partial(block, statement.before, known)
    if statement.after is not None:
        parts["after"] = given(statement.after, known)
    return group.options(name=statement.name)(partial(block, statement.body, known), **parts)


@asynccontextmanager
async def lends(*, exit_fails: bool) -> AsyncGenerator[int]:
    yield LENT
    if exit_fails:
        raise Refused("the exit")
