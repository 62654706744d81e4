"""`actorflow runs cancel|halt|release|label|delete|purge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from actorflow.cli.exits import Refused
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

if TYPE_CHECKING:
    from actorflow.runtime import Operator


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

    async def act(operator: Operator, person: str) -> None:
        if (await operator.record(run)).status == "halted":
            raise Refused(
                f"run {run!r} is halted, so nobody has it: it's taken back in this command's process"
                "\nSay where its code is: --app MODULE, or MODULE:WORKFLOW."
            )
        await operator.cancel(run, reason, who=person)

    asked(store, run, act, who, "asked to cancel")


@runs.command()
def halt(run: RunId, store: Store = "", reason: Reason = "", who: Who = "") -> None:
    """Has a run paused, by the runtime that has it or takes it over."""
    asked(store, run, lambda operator, person: operator.halt(run, reason, who=person), who, "asked to halt")


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
