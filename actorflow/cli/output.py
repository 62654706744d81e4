"""Where lines go: styled on a terminal, plain elsewhere. A reader that goes away doesn't disturb the run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """Writes lines to a stream. `is_terminal`: it can be drawn on."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream if stream is not None else sys.stdout
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}
        self._console: Console | None = None
        reconfigure = getattr(self.stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # where there is no ✓ stands a `?`

    @property
    def console(self) -> Console:
        if self._console is None:
            from rich.console import Console  # where there is no terminal nobody needs it

            self._console = Console(file=self.stream, highlight=False, soft_wrap=True)
        return self._console

    def line(self, *spans: tuple[str, str]) -> None:
        """Writes a line, or several, of pieces with their styles; the empty style is the terminal's own."""
        if not self.is_terminal:
            self.text("".join(text for text, _ in spans))
            return
        from rich.text import Text

        try:
            self.console.print(Text.assemble(*spans))
        except BrokenPipeError:
            self._give_up()

    def text(self, text: str) -> None:
        """Writes a text as it is, and a line's end."""
        try:
            self.stream.write(f"{text}\n")
            self.stream.flush()
        except BrokenPipeError:
            self._give_up()

    def _give_up(self) -> None:
        """Nobody reads any more: what follows goes nowhere, and Python finds nothing to complain of at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)
