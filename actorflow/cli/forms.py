"""The three forms that a run can be shown in."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

from actorflow.cli.ending import Ending
from actorflow.cli.output import Output
from actorflow.facts import Event
from actorflow.plan import Plan

Form: TypeAlias = Literal["auto", "plain", "json"]


class Reporter(Protocol):
    """Shows a run. `taken` are the types of facts that it's to be told of, as events."""

    taken: tuple[type[Any], ...]

    def begin(self, run_id: str, plan: Plan, *, resumed: bool) -> None: ...

    def take(self, event: Event) -> None: ...

    def say(self, text: str) -> None:
        """Shows a notice to the person at the terminal."""
        ...

    def stop(self) -> None:
        """Leaves the terminal as it should be, whatever has happened."""
        ...

    def end(self, ending: Ending) -> None: ...


def reporter_of(form: Form, output: Output) -> Reporter:
    """`auto`: a tree where it can be drawn, else lines."""
    if form == "json":
        from actorflow.cli.jsonl import JsonLines

        return JsonLines(output)
    if form == "auto" and output.is_terminal:
        from actorflow.cli.live import LiveTree

        return LiveTree(output)
    from actorflow.cli.plain import PlainLines

    return PlainLines(output)
