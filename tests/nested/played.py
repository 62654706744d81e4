"""Plays a program in a runtime, and holds what happened against the model.

Of a sequential run everything is known: its value or its first error, what is undone, and in which order. Of one that isn't, the model knows the
value if nothing fails, and else which failures it may end with; what is undone must then be what a recorder saw to have succeeded, in reverse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from actorflow import Failed, Halted, Outcome, Succeeded
from actorflow.facts import (
    Event,
    ItemEnded,
    ItemFailed,
    RollbackStarted,
    StepHalted,
    StepRecovered,
    StepSucceeded,
    UndoStarted,
)
from actorflow.testing import MockClock, Recorder, open_runtime
from tests.nested.drawn import HEARD, Heard, drawn
from tests.nested.model import Story, explore, play
from tests.nested.program import Act, Around, Block, Emit, Flow, Program, Statement, blocks_of


class Happened:
    def __init__(self, outcome: Outcome[Any], events: list[Event], heard: Heard) -> None:
        self.outcome = outcome
        self.events = events
        self.undone = heard.undone
        self.halted = heard.halted

    @property
    def value(self) -> Any:
        return self.outcome.value if isinstance(self.outcome, Succeeded) else None

    @property
    def failed(self) -> str:
        return self.outcome.error.errors[0].node if isinstance(self.outcome, Failed) else ""

    def completed(self, undoable: set[str]) -> list[str]:
        done = [e.node for e in self.events if isinstance(e.fact, (StepSucceeded, StepHalted, StepRecovered))]
        return [node for node in dict.fromkeys(done) if last(node) in undoable]

    def lost_items(self) -> list[str]:
        """What the names in items that were taken back by themselves begin with."""
        return [f"{e.node}[{e.fact.index}]." for e in self.events if isinstance(e.fact, ItemEnded)]

    def failed_items(self) -> list[str]:
        """The same of all that have failed: with the run, the rest of them is taken back as a part of that."""
        return [f"{e.node}[{e.fact.index}]." for e in self.events if isinstance(e.fact, ItemFailed)]

    def undone_with_the_run(self) -> list[str]:
        rollback = next((i for i, e in enumerate(self.events) if isinstance(e.fact, RollbackStarted)), len(self.events))
        return [e.node for e in self.events[rollback:] if isinstance(e.fact, UndoStarted)]


def last(node: str) -> str:
    return node.rpartition(".")[2]


class Way(NamedTuple):
    """How a program is run. `halt_at` is the step that halts the run, 0 for none; `elsewhere`: it's resumed from its snapshot, if it has one."""

    halt_at: int = 0
    elsewhere: bool = False
    values: str = "shared"
    max_concurrency: int | None = None


async def happens(program: Program, way: Way, *, sequential: bool) -> Happened:
    flow, heard = drawn(program), Heard(way.halt_at)
    options: dict[str, Any] = {"values": way.values, "resources": [HEARD.provide(heard)]}
    with MockClock().installed() as clock:
        async with open_runtime(clock=clock, **options) as runtime:
            recorder = Recorder(runtime)
            asked = runtime.options(sequential=sequential, max_concurrency=way.max_concurrency)
            run = await asked.start(flow, program.start)
            outcome = await run.outcome()
            snapshot = outcome.snapshot if isinstance(outcome, Halted) and way.elsewhere else None
            if isinstance(outcome, Halted) and snapshot is None:
                outcome = await (await runtime.resume(flow, run.id)).outcome()
            events = list(recorder.events)
        if snapshot is None:
            return Happened(outcome, events, heard)
        async with open_runtime(clock=clock, **options) as runtime:
            recorder = Recorder(runtime)
            outcome = await (await runtime.resume(flow, snapshot)).outcome()
            return Happened(outcome, [*events, *recorder.events], heard)


# ── held against the model ────────────────────────────────────────────────────────────────────────────────────────────


def one_at_a_time(program: Program, way: Way) -> Story:
    """R6, R22: a sequential run does exactly what the model does, also if it is halted on the way and resumed (R16)."""
    story = play(program)
    happened = asyncio.run(happens(program, way, sequential=True))
    assert happened.failed == story.failed
    assert happened.value == story.value
    assert happened.undone == story.undone
    return story


def all_at_once(program: Program, way: Way) -> Story:
    """R1, R22: the same value, or one of the possible errors; what was completed is undone in reverse."""
    story = explore(program)
    happened = asyncio.run(happens(program, way, sequential=False))
    assert bool(happened.failed) == bool(story.may_fail)
    if happened.failed:
        assert happened.failed in story.may_fail
    else:
        assert happened.value == story.value
    undoes_what_was_done(program, happened)
    return story


def undoes_what_was_done(program: Program, happened: Happened) -> None:
    completed = [node for node in happened.completed(undoable_in(program)) if node not in lasting_in(program, happened)]
    lost = happened.lost_items()
    expected = set(completed) if happened.failed else {node for node in completed if node.startswith(tuple(lost))}
    assert sorted(happened.undone) == sorted(expected)
    with_the_run = happened.undone_with_the_run()
    parts = {node: "" if node in with_the_run else innermost(node, happened.failed_items()) for node in happened.undone}
    for part in set(parts.values()):
        in_part = [node for node in happened.undone if parts[node] == part]
        assert in_part == [node for node in reversed(completed) if node in in_part]


def innermost(node: str, parts: list[str]) -> str:
    return max((part for part in parts if node.startswith(part)), key=len, default="")


def undoable_in(program: Program) -> set[str]:
    return {s.name for s in statements(program.body) if isinstance(s, (Act, Emit)) and s.undo}


def lasting_in(program: Program, happened: Happened) -> set[str]:
    """The nodes inside of workflows that are called with `undoable=False`."""
    names = {s.name for s in statements(program.body) if isinstance(s, Flow) and not s.undoable}
    nodes = {event.node for event in happened.events}
    return {node for node in nodes if names.intersection(node.split("."))}


def statements(block: Block) -> Iterator[Statement]:
    for statement in block.does:
        yield statement
        for _, inner, _ in blocks_of(statement):
            yield from statements(inner)


def tries_again(program: Program) -> bool:
    """While a step waits for its next attempt, others go on: a sequential run isn't in the model's order then (R15)."""
    return any(isinstance(s, Act) and s.tries for s in statements(program.body))


def exits_fail(program: Program) -> bool:
    """A halt leaves the arounds too, and fails then."""
    return any(isinstance(s, Around) and s.exit_fails for s in statements(program.body))
