"""Plays a cell, and says what must be true of it whatever combinators it is made of.

What was undone is worked out by a rule of its own: the steps with an undo, in the reverse order of their first success as a recorder saw it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from actorflow import Halted, Outcome, Run, Runtime, Succeeded, Workflow
from actorflow.facts import Event, RunEnded, StepHalted, StepRecovered, StepSucceeded, StepUndone
from actorflow.testing import Recorder
from tests.matrix.shapes import UNDOABLE
from tests.matrix.tale import TALE, Boom, Fate, Heard, Tale, Tool

MakeRuntime = Callable[..., AbstractAsyncContextManager[Runtime]]
Flow = Workflow[[int], int]

START = 1
AROUND = re.compile(r"\baround\.")
ITEM = re.compile(r"\bgather\[\d+\]\.")
"""What stands before the names in an item whose outcome is collected."""


class Played:
    """One run of a cell: what its steps told, and all its events, those of a second runtime after those of the first."""

    def __init__(self, tale: Tale) -> None:
        self.tale = tale
        self.events: list[Event] = []
        self.outcome: Outcome[Any] | None = None
        self.is_resumed = False
        self.tools_before_halt = 0

    # ── playing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def ends(self, run: Run[Any], recorder: Recorder) -> Outcome[Any]:
        self.outcome = await run.outcome()
        self.events += [event for event in recorder.events if event.run_id == run.id and event not in self.events]
        return self.outcome

    def pauses(self) -> None:
        """The run is halted: all arounds have been left."""
        assert isinstance(self.outcome, Halted), self.outcome
        assert self.outcome.by == self.tale.struck
        assert not self.tools_out()
        self.is_resumed = True
        self.tools_before_halt = len(self.tale.tools)
        self.tale.struck = ""

    # ── what must be true ─────────────────────────────────────────────────────────────────────────────────────────

    def keeps_its_promises(self) -> None:
        """R22 and issue 3: whatever happened."""
        self.runs_nothing_twice()
        self.enters_and_leaves()
        self.groups_are_in_order()
        undone = self.tale.told("undo")
        assert undone == self.undone_by_the_rule()
        assert undone == names(self.events, StepUndone), "telemetry tells of the same undos"
        self.undoes_last()

    def undoes_last(self) -> None:
        undone = self.tale.told("undo")
        acts = [heard.what for heard in self.tale.heard if heard.what in ("run", "undo")]
        assert acts == ["run"] * (len(acts) - len(undone)) + ["undo"] * len(undone)

    def undone_by_the_rule(self) -> list[str]:
        ended = next(event.fact.status for event in reversed(self.events) if isinstance(event.fact, RunEnded))
        return self.completed()[::-1] if ended in ("failed", "cancelled", "undone") else []

    def completed(self) -> list[str]:
        """The steps with an undo, in the order in which they were first seen to have succeeded."""
        found = names(self.events, StepSucceeded, StepHalted, StepRecovered)
        return [node for node in dict.fromkeys(found) if is_undoable(node)]

    def runs_nothing_twice(self) -> None:
        ran = self.tale.told("run")
        assert len(ran) == len(set(ran)), ran

    def enters_and_leaves(self) -> None:
        """Every around is left once, before the first undo; steps run inside of theirs; one that is entered again is needed."""
        out: list[str] = []
        for what, who, why in self.tale.heard:
            if what == "enter":
                out.append(who)
            elif what == "leave":
                beside = [
                    number for number in out if self.tool(number).node.startswith(self.part_of(self.tool(who).node))
                ]
                assert not why or who == beside[-1], "with a failure, the last one entered is left first"
                out.remove(who)
            elif what == "run":
                assert len(out) >= len(AROUND.findall(who)), f"{who} runs outside of its around"
            else:
                lent = [number for number in out if self.tool(number).node.startswith(self.part_of(who))]
                assert not lent, f"{who} is undone while tools {lent} are lent"
        assert not out
        again = self.tale.tools[self.tools_before_halt :] if self.is_resumed and not self.tale.struck else []
        for tool in again:
            assert tool.uses, f"tool {tool.number} was lent again, and nobody needed it"

    def groups_are_in_order(self) -> None:
        """Nothing of a body before `before` has ended, nothing of `after` before all of the body has."""
        ran = self.tale.told("run")
        for group in {node[: found.end()] for node in ran for found in re.finditer(r"\bgroup\.", node)}:
            inside = [node for node in ran if node.startswith(group)]
            assert inside[0] == f"{group}note"
            assert f"{group}note_2" not in inside[:-1]

    def tool(self, number: str) -> Tool:
        return self.tale.tools[int(number) - 1]

    def part_of(self, node: str) -> str:
        """The part of the run that the node is undone with: all of it, or one item of an each that collects."""
        found = ITEM.search(node)
        return node[: found.end()] if found and isinstance(self.outcome, Succeeded) else ""

    def tools_out(self) -> list[int]:
        return [tool.number for tool in self.tale.tools if tool.is_out]

    def leaves_with(self, why: str) -> bool:
        """Whether the arounds that the step was in which something befell were left with this, and no other with anything else."""
        struck = self.tale.heard.index(Heard("run", self.tale.struck))
        left = [heard.why for heard in self.tale.heard[struck:] if heard.what == "leave"]
        return set(left) <= {why, ""} and left.count(why) >= len(AROUND.findall(self.tale.struck))


def names(events: Iterable[Event], *kinds: type[Any]) -> list[str]:
    return [event.node for event in events if isinstance(event.fact, kinds)]


def is_undoable(node: str) -> bool:
    last = re.fullmatch(r"([a-z_]+?)(_\d+)?", node.rpartition(".")[2])
    return last is not None and last[1] in UNDOABLE


# ── the four ways ─────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def playing(make_runtime: MakeRuntime, tale: Tale, **options: Any) -> AsyncGenerator[tuple[Runtime, Recorder]]:
    async with make_runtime(resources=[TALE.provide(tale)], **options) as runtime:
        recorder = Recorder(runtime)
        try:
            yield runtime, recorder
        finally:
            recorder.close()


async def play(
    make_runtime: MakeRuntime,
    cell: Flow,
    fate: Fate = "fine",
    strike: int = 0,
    run_options: Mapping[str, Any] | None = None,
    played: type[Played] = Played,
    **options: Any,
) -> Played:
    """Plays it until its first end; one that waits is cancelled."""
    told = played(Tale(fate, strike))
    async with playing(make_runtime, told.tale, **options) as (runtime, recorder):
        run = await runtime.options(**(run_options or {})).start(cell, START)
        if fate == "waits":
            await told.tale.waiting.wait()
            await run.cancel("enough")
        await told.ends(run, recorder)
    return told


async def play_and_undo(make_runtime: MakeRuntime, cell: Flow) -> Played:
    """Plays it to its end, and takes it back."""
    played = Played(Tale())
    async with playing(make_runtime, played.tale, values="shared") as (runtime, recorder):
        run = await runtime.options(reversible=True).start(cell, START)
        await run.outcome()
        await run.undo()
        await played.ends(run, recorder)
    return played


async def play_halted(
    make_runtime: MakeRuntime,
    cell: Flow,
    strike: int,
    then: Fate = "fine",
    later: int = 0,
    played: type[Played] = Played,
    **options: Any,
) -> Played:
    """Halts it, and resumes it by id; `later` is the step after that, from 1, which something else befalls."""
    told = played(Tale("halts", strike))
    async with playing(make_runtime, told.tale, values="shared", **options) as (runtime, recorder):
        run = await runtime.start(cell, START)
        await told.ends(run, recorder)
        told.pauses()
        told.tale.fate, told.tale.strike = then, told.tale.count + later
        await told.ends(await runtime.resume(cell, run.id), recorder)
    return told


async def play_elsewhere(
    make_runtime: MakeRuntime, cell: Flow, strike: int, then: Fate = "fine", later: int = 0
) -> Played:
    """Halts it, and resumes it from its snapshot in another runtime, if it has one."""
    played = Played(Tale("halts", strike))
    async with playing(make_runtime, played.tale, values="shared") as (runtime, recorder):
        await played.ends(await runtime.start(cell, START), recorder)
        played.pauses()
    outcome = played.outcome
    if not isinstance(outcome, Halted) or outcome.snapshot is None:
        return played
    played.tale.fate, played.tale.strike = then, played.tale.count + later
    async with playing(make_runtime, played.tale, values="shared") as (runtime, recorder):
        await played.ends(await runtime.resume(cell, outcome.snapshot), recorder)
    return played


def has_failed_with(outcome: object, node: str) -> bool:
    error = getattr(outcome, "error", None)
    return error is not None and isinstance(error.__cause__, Boom) and error.errors[0].node == node
