"""`actorflow runs list|show|explain|tail`, and `actorflow doctor`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from actorflow.cli.exits import FAILED
from actorflow.cli.runs_options import (
    AsJson,
    CodecAt,
    RunId,
    Status,
    Store,
    operated,
    runs,
)
from actorflow.cli.telling import told


@runs.command("list")
def list_runs(
    store: Store = "",
    status: Annotated[
        list[Status] | None, typer.Option("--status", help="Only those; may be given several times.")
    ] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", help="Only runs of this workflow.", metavar="NAME")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Only runs that have it.", metavar="NAME=VALUE")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", help="Only the children of this run.", metavar="RUN")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Created since: a date and time, or 2h, 30m, 7d ago.", metavar="TIME")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Created before: the same.", metavar="TIME")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", metavar="N", min=1)] = 50,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on where the page before ended.", metavar="PLACE")
    ] = None,
    json: AsJson = False,
) -> None:
    """Lists runs, newest first."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_given import labels_of, moment_of
    from actorflow.cli.runs_show import json_line, summary, tell_page

    with told():
        asked: dict[str, Any] = {
            "status": [one.value for one in status or []], "workflow": workflow, "labels": labels_of(label or []), "parent": parent,
            "since": moment_of(since, "--since"), "until": moment_of(until, "--until"), "limit": limit, "after": after,
        }  # fmt: skip
        page = operated(store, lambda operator: operator.find_runs(**asked))
    output = Output()
    if not json:
        tell_page(page, output)
        return
    for run in page.runs:
        json_line(output, summary(run))


@runs.command()
def show(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    values: Annotated[
        bool, typer.Option("--values", metavar="", help="Inputs, results and context, as plain data.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Shows a run: its steps, attempts and errors, who has it, what was done to it. It needs no workflow."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line, tell_run

    with told():
        view = operated(store, lambda operator: operator.inspect(run, values=values), codec)
    output = Output()
    json_line(output, view) if json else tell_run(view, output, values=values)


@runs.command()
def explain(run: RunId, store: Store = "", codec: CodecAt = "", json: AsJson = False) -> None:
    """Says why a run isn't further, and what can be done about it."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line, tell_explanation

    with told():
        found = operated(store, lambda operator: operator.explain(run), codec)
    output = Output()
    json_line(output, found) if json else tell_explanation(found, output)


@runs.command()
def tail(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until the run has ended.")] = True,
    json: AsJson = False,
) -> None:
    """Tells what a run has done, and what it does, until it has ended."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_tail import tail as tail_run

    with told():
        operated(store, lambda operator: tail_run(operator, run, Output(), follow=follow, as_json=json), codec)


def doctor(store: Store = "", json: AsJson = False) -> None:
    """Finds unfinished runs that nothing will move, and says what to do."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line, tell_findings

    with told():
        found = operated(store, lambda operator: operator.doctor())
    output = Output()
    if json:
        for finding in found:
            json_line(output, finding)
    else:
        tell_findings(found, output)
    if found:
        raise typer.Exit(FAILED)
