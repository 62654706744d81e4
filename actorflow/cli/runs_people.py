"""`actorflow runs signal|approve|reject`: what a run waits for that somebody has to say."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from actorflow.cli.runs_options import App, CodecAt, RunId, Store, Who, Why, asked, runs
from actorflow.cli.telling import told

Approval = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Which one is meant, if the run waits for several.")
]


@runs.command()
def signal(
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the run waits for.")],
    value: Annotated[str, typer.Argument(metavar="JSON", help="The value; with --app, text needs no quotes.")] = "null",
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    who: Who = "",
    why: Why = "",
) -> None:
    """Sends a run a signal with a value. One that comes before the run waits for it is kept.

    Whoever has the run reads the value as the type that is waited for. With --app it's looked at here first.
    """
    with told():
        given = signal_value(run, name, value, store, tuple(app or ()))
    asked(
        store,
        run,
        lambda operator, person: operator.signal(run, name, given, who=person, why=why),
        who,
        f"signal {name} is sent",
        codec=codec,
    )


def signal_value(run: str, name: str, text: str, store: str, app: tuple[str, ...]) -> Any:
    """Raises `Refused` for what isn't JSON, or isn't what the workflow waits for."""
    from actorflow.cli.runs_given import json_of, value_for

    if not app:
        return json_of(text, "JSON")
    from actorflow.cli.runs_go import Going, workflow_of

    return value_for(workflow_of(Going(run, store, app)).compile(), name, text)


@runs.command()
def approve(
    run: RunId, name: Approval = None, store: Store = "", codec: CodecAt = "", who: Who = "", why: Why = ""
) -> None:
    """Says yes to the approval that a run waits for."""
    asked(
        store,
        run,
        lambda operator, person: operator.approve(run, name, who=person, why=why),
        who,
        f"{name or 'it'} is approved",
        codec=codec,
    )


@runs.command()
def reject(
    run: RunId, name: Approval = None, store: Store = "", codec: CodecAt = "", who: Who = "", why: Why = ""
) -> None:
    """Says no to the approval that a run waits for."""
    asked(
        store,
        run,
        lambda operator, person: operator.reject(run, name, who=person, why=why),
        who,
        f"{name or 'it'} is rejected",
        codec=codec,
    )
