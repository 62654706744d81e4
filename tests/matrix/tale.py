"""What is told of a run by its own steps, undos and context managers; and what befalls one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple

from actorflow import Halt, Resource, step_context

Fate = Literal["fine", "fails", "halts", "waits"]


class Boom(Exception):
    """A step fails because it was to."""


class Heard(NamedTuple):
    """`what` is run, undo, enter or leave; `who` a node, or the number of a tool; `why` what an around is left with."""

    what: str
    who: str
    why: str = ""


class Tool:
    """What the around `node` lends to its steps. It can't be encoded, and is of no use once it was put back."""

    def __init__(self, number: int, node: str) -> None:
        self.number = number
        self.node = node
        self.is_out = True
        self.uses = 0

    def use(self) -> None:
        assert self.is_out, f"tool {self.number} was put back, and is used"
        self.uses += 1

    def __reduce__(self) -> Any:
        raise AssertionError("a tool was to be stored")


class Tale:
    """Steps tell it that they run. The one that is the `strike`-th to run (from 1) meets its `fate`, once."""

    def __init__(self, fate: Fate = "fine", strike: int = 0) -> None:
        self.fate: Fate = fate
        self.strike = strike
        self.heard: list[Heard] = []
        self.tools: list[Tool] = []
        self.struck = ""
        self.waiting = asyncio.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._count = 0

    async def runs(self, value: Any, *, halts: bool = True) -> Any:
        """Gives the value, unless the step is the one that something befalls; one that doesn't halt passes that on to the next."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)  # others begin meanwhile
            return await self._meets_its_fate(value, halts=halts)
        finally:
            self._at_once -= 1

    async def _meets_its_fate(self, value: Any, *, halts: bool) -> Any:
        node = step_context().node
        self.heard.append(Heard("run", node))
        self._count += 1
        if self.fate == "halts" and self._count == self.strike and not halts:
            self.strike += 1
        if self._count != self.strike:
            return value
        self.struck = node
        if self.fate == "fails":
            raise Boom(node)
        if self.fate == "halts":
            raise Halt(value)
        self.waiting.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody ends this wait but by cancelling it")

    def undoes(self) -> None:
        self.heard.append(Heard("undo", step_context().node))

    @asynccontextmanager
    async def lends(self) -> AsyncGenerator[Tool]:
        tool = Tool(len(self.tools) + 1, step_context().node)
        self.tools.append(tool)
        self.heard.append(Heard("enter", str(tool.number)))
        why = ""
        try:
            yield tool
        except BaseException as error:
            why = type(error).__name__
            raise
        finally:
            tool.is_out = False
            self.heard.append(Heard("leave", str(tool.number), why))

    def told(self, what: str) -> list[str]:
        """Who did this, in order."""
        return [heard.who for heard in self.heard if heard.what == what]

    @property
    def count(self) -> int:
        """How many attempts there were."""
        return self._count


TALE = Resource[Tale]("tale")
