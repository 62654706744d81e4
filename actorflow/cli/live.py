"""A run as a tree that is drawn anew while it goes on, at most ten times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from actorflow.cli.ending import Ending
from actorflow.cli.output import Output
from actorflow.cli.report import tell
from actorflow.cli.tree import TAKEN, Tree
from actorflow.cli.view import Line, lines, totals
from actorflow.facts import Event
from actorflow.plan import Plan

PERIOD = 0.1
"""Seconds between two drawings."""
_EDGES = 4
"""Lines of the terminal that aren't the tree's: the head, the foot, the cursor's, one to spare."""
_NAMES = 48
"""How wide the names' column grows, at most."""


class LiveTree:
    """Draws the tree on a terminal, and lines that are printed meanwhile above it."""

    def __init__(self, output: Output, console: Console | None = None) -> None:
        self._output = output
        self.tree = Tree()
        self._console = console or Console(file=output.stream, highlight=False)
        self._live = Live(
            _Drawing(self), console=self._console, auto_refresh=False, vertical_overflow="crop", redirect_stderr=True
        )
        self._head = Text()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.taken: tuple[type[Any], ...] = TAKEN

    def begin(self, run_id: str, plan: Plan, *, resumed: bool) -> None:
        self._head = Text.assemble((plan.name, "bold"), (f"  run {run_id}", "dim"))
        self._loop = asyncio.get_running_loop()
        self._live.start()
        self._timer = self._loop.call_later(PERIOD, self._draw)

    def take(self, event: Event) -> None:
        self.tree.take(event)

    def say(self, text: str) -> None:
        self._console.print(Text(text, "yellow"))
        self._live.refresh()

    def stop(self) -> None:
        """Draws it for the last time, and leaves it there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._live.stop()

    def end(self, ending: Ending) -> None:
        self.stop()
        self._output.text("")
        tell(ending, self._output)

    def _draw(self) -> None:
        assert self._loop is not None
        began = self._loop.time()
        self._live.refresh()
        took = self._loop.time() - began
        self._timer = self._loop.call_later(max(PERIOD, 10 * took), self._draw)

    # ── drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def drawn(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """All lines that fit, cut at the terminal's width."""
        now = self._loop.time() if self._loop is not None else 0.0
        width, room = options.max_width, max(console.size.height - _EDGES, 4)
        yield from console.render(self._head, options.update(no_wrap=True, overflow="ellipsis"))
        found = lines(self.tree, room, now)
        column = min(max((2 * line.depth + cell_len(line.name) for line in found), default=0), _NAMES, width // 2)
        for line in found:
            yield from _segments(line, column, width)
        yield from console.render(self._foot(), options.update(no_wrap=True, overflow="ellipsis"))

    def _foot(self) -> Text:
        foot = Text("  ")
        for text, style in totals(self.tree):
            foot.append(f"{text}  ", style)
        if self.tree.lost:
            foot.append(f"{self.tree.lost:,} events weren't seen", "dim")
        return foot


class _Drawing:
    """What `Live` draws: the tree as it is when it's asked."""

    def __init__(self, tree: LiveTree) -> None:
        self._drawn = tree.drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from self._drawn(console, options)


_PLAIN = Style()
_STYLES: dict[str, Style] = {}


def _style(name: str) -> Style:
    found = _STYLES.get(name)
    if found is None:
        found = _STYLES[name] = Style.parse(name)
    return found


def _segments(line: Line, column: int, width: int) -> Iterator[Segment]:
    """`  ● charge_card      attempt 2            1.2 s`."""
    style = _style(line.style)
    yield Segment(f"{'  ' * (line.depth + 1)}{line.glyph} ", style)
    left = max(width - 2 * (line.depth + 1) - 2, 1)
    name = max(column - 2 * line.depth, 8)
    detail = max(left - name - (11 if line.time else 1), 0)
    yield Segment(_cut(line.name, min(name, left)), _PLAIN if line.style != "dim" else style)
    if detail:
        yield Segment(f"  {_cut(line.detail, detail - 1)}", style)
        yield Segment(f"{line.time:>10}"[:10], _style("dim"))
    yield Segment.line()


def _cut(text: str, width: int) -> str:
    """The text, as wide as told: filled with spaces, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, max(width - 1, 0))}…"[: max(width, 0)]
