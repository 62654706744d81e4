"""`actorflow runs cancel|halt|signal|approve|release|label|delete|purge`."""

from __future__ import annotations

from typing import Annotated

import typer

from actorflow.cli.runs_options import (
    App,
    CodecAt,
    LentBy,
    Reason,
    RunId,
    Status,
    Store,
    Who,
    Why,
    asked,
    going,
    operated,
    runs,
)
from actorflow.cli.telling import told


@runs.command()
def cancel(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    runtime: LentBy = "",
    reason: Reason = "",
    who: Who = "",
) -> None:
    """Has a run cancelled and taken back, by the runtime that has it or takes it over.

    A halted run is nobody's: it's taken back in this process, with the code that --app names.
    """
    if app:
        from actorflow.cli.runs_go import Going, cancelling

        going(lambda: cancelling(Going(run, store, tuple(app), runtime, who, reason, codec)), False, False)
    asked(store, run, lambda operator, person: operator.cancel(run, reason, who=person), who, "asked to cancel")


@runs.command()
def halt(run: RunId, store: Store = "", reason: Reason = "", who: Who = "") -> None:
    """Has a run paused, by the runtime that has it or takes it over."""
    asked(store, run, lambda operator, person: operator.halt(run, reason, who=person), who, "asked to halt")


@runs.command()
def signal(
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the run waits for.")],
    value: Annotated[str, typer.Argument(metavar="JSON", help="The value.")] = "null",
    store: Store = "",
    codec: CodecAt = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Sends a run a signal with a value. One that comes before the run waits for it is kept."""
    from actorflow.cli.runs_given import json_of

    with told():
        given = json_of(value, "JSON")
    asked(
        store,
        run,
        lambda operator, person: operator.signal(run, name, given, who=person, why=why),
        who,
        f"signal {name} is sent",
        codec=codec,
    )


@runs.command()
def approve(
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is to be approved.")],
    reject: Annotated[bool, typer.Option("--reject", metavar="", help="Say no.")] = False,
    store: Store = "",
    codec: CodecAt = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Approves what a run waits for, or rejects it."""
    from actorflow.cli.runs_store import person

    answer = {"approved": not reject, "who": person(who), "why": why}
    word = "rejected" if reject else "approved"
    asked(
        store,
        run,
        lambda operator, by: operator.signal(run, name, answer, who=by, why=why),
        who,
        f"{name} is {word}",
        codec=codec,
    )


@runs.command("release")
def release_run(run: RunId, store: Store = "", who: Who = "", why: Why = "") -> None:
    """Has a run that was left alone taken over again."""
    asked(
        store, run, lambda operator, person: operator.release(run, who=person, why=why), who, "may be taken over again"
    )


@runs.command()
def label(
    run: RunId,
    labels: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="NAME= takes it away.")],
    store: Store = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Sets labels of a run."""
    from actorflow.cli.runs_given import labels_of

    with told():
        given = {name: value or None for name, value in labels_of(labels).items()}
    asked(
        store,
        run,
        lambda operator, person: operator.label(run, given, who=person, why=why),
        who,
        "labelled",
        waits=False,
    )


@runs.command()
def delete(run: RunId, store: Store = "", who: Who = "", why: Why = "") -> None:
    """Deletes a run with all that belongs to it."""
    asked(store, run, lambda operator, person: operator.delete(run, who=person, why=why), who, "deleted", waits=False)


@runs.command()
def purge(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Ended longer ago than this: 30d, 12h, 90m.", metavar="AGE")
    ],
    status: Annotated[
        list[Status] | None, typer.Option("--status", help="Only those; all but halted unless told.")
    ] = None,
    store: Store = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Deletes runs that ended long ago."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_given import age_of
    from actorflow.cli.runs_store import person
    from actorflow.cli.words import counted

    with told():
        age = age_of(older_than, "--older-than")
        which = {"statuses": [one.value for one in status]} if status else {}
        count = operated(store, lambda operator: operator.purge(older_than=age, who=person(who), why=why, **which))
    Output().text(f"{counted(count, 'run')} deleted")
