"""`actorflow runs …`: the commands for runs that are in a store. What they do stands in the other modules, which are loaded when they are needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorflow.cli.exits import FAILED, Refused
from actorflow.cli.telling import told

if TYPE_CHECKING:
    from actorflow.runtime import Operator

runs = typer.Typer(
    name="runs", help="Looks at the runs of a store, and says what is to become of them.", no_args_is_help=True
)


class Status(str, Enum):  # noqa: UP042  # typer shows the members of such enums by their values
    running = "running"
    halting = "halting"
    halted = "halted"
    rolling_back = "rolling_back"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    undoing = "undoing"
    undone = "undone"


Store = Annotated[
    str,
    typer.Option(
        "--store", envvar="ACTORFLOW_STORE", help="sqlite:PATH or postgres://USER@HOST/DATABASE.", metavar="STORE"
    ),
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]
App = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        help="Where its workflow is: a module, or MODULE:WORKFLOW. May be given several times.",
        metavar="MODULE[:WORKFLOW]",
    ),
]
LentBy = Annotated[
    str,
    typer.Option(
        "--runtime", help="A function that gives the Runtime, with resources and limits.", metavar="MODULE:FUNCTION"
    ),
]
Who = Annotated[str, typer.Option("--who", help="Who asks for it.", show_default="the user", metavar="NAME")]
Why = Annotated[str, typer.Option("--why", help="Why, for the record.", metavar="TEXT")]
Reason = Annotated[str, typer.Option("--reason", "--why", help="Why: the run keeps it.", metavar="TEXT")]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-irreversible", help="A step that may act twice, by name; may be given several times.", metavar="STEP"
    ),
]
NewRunId = Annotated[str | None, typer.Option("--new-run-id", help="Names the new run.", metavar="ID")]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="JSON, for machines.")]
Plain = Annotated[bool, typer.Option("--plain", metavar="", help="Lines instead of a tree, on a terminal too.")]


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    values: Annotated[
        bool, typer.Option("--values", metavar="", help="Inputs, results and context, as plain data.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Shows a run: its steps, attempts and errors, who has it, what was done to it. It needs no workflow."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line, tell_run

    with told():
        view = operated(store, lambda operator: operator.inspect(run, values=values))
    output = Output()
    json_line(output, view) if json else tell_run(view, output, values=values)


@runs.command()
def explain(run: RunId, store: Store = "", json: AsJson = False) -> None:
    """Says why a run isn't further, and what can be done about it."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line, tell_explanation

    with told():
        found = operated(store, lambda operator: operator.explain(run))
    output = Output()
    json_line(output, found) if json else tell_explanation(found, output)


@runs.command()
def tail(
    run: RunId,
    store: Store = "",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until the run has ended.")] = True,
    json: AsJson = False,
) -> None:
    """Tells what a run has done, and what it does, until it has ended."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_tail import tail as tail_run

    with told():
        operated(store, lambda operator: tail_run(operator, run, Output(), follow=follow, as_json=json))


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@runs.command()
def cancel(
    run: RunId, store: Store = "", app: App = None, runtime: LentBy = "", reason: Reason = "", who: Who = ""
) -> None:
    """Has a run cancelled and taken back, by the runtime that has it or takes it over.

    A halted run is nobody's: it's taken back in this process, with the code that --app names.
    """
    if app:
        from actorflow.cli.runs_go import Going, cancelling

        going(lambda: cancelling(Going(run, store, tuple(app), runtime, who, reason)), False, False)
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
    )


@runs.command()
def approve(
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is to be approved.")],
    reject: Annotated[bool, typer.Option("--reject", metavar="", help="Say no.")] = False,
    store: Store = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Approves what a run waits for, or rejects it."""
    from actorflow.cli.runs_store import person

    answer = {"approved": not reject, "who": person(who), "why": why}
    word = "rejected" if reject else "approved"
    asked(
        store, run, lambda operator, by: operator.signal(run, name, answer, who=by, why=why), who, f"{name} is {word}"
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


# ── going on ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not resumed, 3 halted again.")
def resume(
    run: RunId,
    store: Store = "",
    app: App = None,
    runtime: LentBy = "",
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Goes on with a halted run, or with one that nobody has, in this process, and shows how it goes."""
    from actorflow.cli.runs_go import Going, resuming

    going(lambda: resuming(Going(run, store, tuple(app or ()), runtime, who, why), {}), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not resumed, 3 halted again.")
def resolve(
    run: RunId,
    answers: Annotated[
        list[str],
        typer.Argument(metavar="STEP=retry|fail|skip:JSON…", help="What is to become of each step that was set aside."),
    ],
    store: Store = "",
    app: App = None,
    runtime: LentBy = "",
    who: Who = "",
    why: Why = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Says what is to become of steps that were set aside, and goes on with the run, in this process."""
    from actorflow.cli.runs_go import Going, resuming

    going(lambda: resuming(Going(run, store, tuple(app or ()), runtime, who, why), answers), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not started, 3 halted.")
def retry(
    run: RunId,
    store: Store = "",
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
    given = Going(run, store, tuple(app or ()), runtime, who, why)
    going(lambda: repeating(given, "retry", None, allowed, new_run_id), json, plain)


@runs.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not started, 3 halted.")
def replay(
    run: RunId,
    store: Store = "",
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
    given = Going(run, store, tuple(app or ()), runtime, who, why)
    going(lambda: repeating(given, "replay", from_step, allowed, new_run_id), json, plain)


# ── what commands share ───────────────────────────────────────────────────────────────────────────────────────────────


def operated(store: str, act: Callable[[Operator], Awaitable[Any]]) -> Any:
    from actorflow.cli.runs_store import operate

    return operate(store, act)


def asked(
    store: str, run: str, act: Callable[[Operator, str], Awaitable[Any]], who: str, done: str, *, waits: bool = True
) -> None:
    """Asks for it, and says what becomes of that."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_asked import afterwards
    from actorflow.cli.runs_store import operate, person

    async def main(operator: Operator) -> str:
        await act(operator, person(who))
        return await afterwards(operator, run, done) if waits else f"run {run}: {done}"

    with told():
        text = operate(store, main)
    Output().text(text)


def going(prepare: Callable[[], Any], json: bool, plain: bool) -> None:
    from actorflow.cli.running import carry_out

    with told():
        if json and plain:
            raise Refused("--json and --plain: give one of them")
        code = carry_out(prepare().in_form("json" if json else "plain" if plain else "auto"))
    raise typer.Exit(code)


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
