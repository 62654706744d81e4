"""`actorflow runs resume|resolve|retry|replay`: what has to run, runs in the command's own process."""

from __future__ import annotations

from typing import Annotated

import typer

from actorflow.cli.runs_options import (
    Allowed,
    App,
    AsJson,
    CodecAt,
    LentBy,
    NewRunId,
    Plain,
    RunId,
    Store,
    Who,
    Why,
    going,
    runs,
)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not resumed, 3 halted again.")
def resume(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    runtime: LentBy = "",
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Goes on with a halted run, or with one that nobody has, in this process, and shows how it goes."""
    from actorflow.cli.runs_go import Going, resuming

    going(lambda: resuming(Going(run, store, tuple(app or ()), runtime, who, why, codec), {}), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not resumed, 3 halted again.")
def resolve(
    run: RunId,
    answers: Annotated[
        list[str],
        typer.Argument(metavar="STEP=retry|fail|skip:JSON…", help="What is to become of each step that was set aside."),
    ],
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    runtime: LentBy = "",
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Says what is to become of steps that were set aside, and goes on with the run, in this process."""
    from actorflow.cli.runs_go import Going, resuming

    going(lambda: resuming(Going(run, store, tuple(app or ()), runtime, who, why, codec), answers), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not started, 3 halted.")
def retry(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    runtime: LentBy = "",
    allow_irreversible: Allowed = None,
    new_run_id: NewRunId = None,
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Runs a failed or cancelled run again from where it failed, as a new run, in this process. It keeps what still stands."""
    from actorflow.cli.runs_go import Going, repeating

    allowed = allow_irreversible or []
    given = Going(run, store, tuple(app or ()), runtime, who, why, codec)
    going(lambda: repeating(given, "retry", None, allowed, new_run_id), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not started, 3 halted.")
def replay(
    run: RunId,
    store: Store = "",
    codec: CodecAt = "",
    app: App = None,
    runtime: LentBy = "",
    from_step: Annotated[
        str | None,
        typer.Option("--from-step", help="It runs again, with all that follows; all do unless told.", metavar="STEP"),
    ] = None,
    allow_irreversible: Allowed = None,
    new_run_id: NewRunId = None,
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Runs a run that has ended again with the same inputs, as a new run, in this process: from the start, or from a step."""
    from actorflow.cli.runs_go import Going, repeating

    allowed = allow_irreversible or []
    given = Going(run, store, tuple(app or ()), runtime, who, why, codec)
    going(lambda: repeating(given, "replay", from_step, allowed, new_run_id), json, plain)
