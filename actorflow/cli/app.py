"""The commands and their options. What they do stands in the other modules, which are loaded when they are needed."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from actorflow.cli.db import db
from actorflow.cli.exits import Refused
from actorflow.cli.runs import doctor, runs
from actorflow.cli.telling import told

if TYPE_CHECKING:
    from actorflow.cli.forms import Form

app = typer.Typer(
    name="actorflow",
    help="Runs, draws and checks ActorFlow's workflows, and looks after their runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


class GraphFormat(str, Enum):  # noqa: UP042  # typer shows the members of such enums by their values
    text = "text"
    mermaid = "mermaid"
    dot = "dot"


class OnTimeout(str, Enum):  # noqa: UP042  # the same
    cancel = "cancel"
    halt = "halt"


class TakesInputs(TyperCommand):
    """A command that takes an option `--input-NAME` for each input of the workflow, whatever their names are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from actorflow.cli.inputs import taken_out

        with told():
            ctx.obj, rest = taken_out(args)
        return super().parse_args(ctx, rest)


Target = Annotated[
    str, typer.Argument(metavar="MODULE:WORKFLOW", help="As trips:book_trip, or path/to/trips.py:book_trip.")
]
Snapshot = Annotated[
    Path | None,
    typer.Option(
        "--snapshot", help="Where a halted run is written to.", show_default="<run id>.snapshot", metavar="FILE"
    ),
]
LentBy = Annotated[
    str,
    typer.Option(
        "--runtime", help="A function that gives the Runtime, with resources and limits.", metavar="MODULE:FUNCTION"
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", metavar="", help="A line of JSON per event; the last one is the outcome.")
]
Plain = Annotated[bool, typer.Option("--plain", metavar="", help="Lines instead of a tree, on a terminal too.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"actorflow {version('actorflow')}")
        raise typer.Exit


@app.callback(help="Runs, draws and checks ActorFlow's workflows, and looks after their runs.")
def actorflow(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=_version, is_eager=True, help="Says which version this is."),
    ] = False,
) -> None:
    """Options of the command itself; each is dealt with where it's declared."""


@app.command(cls=TakesInputs, epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not started, 3 halted.")
def run(
    ctx: typer.Context,
    target: Target,
    input: Annotated[str | None, typer.Option("--input", help="All inputs, as a JSON object.", metavar="JSON")] = None,
    input_name: Annotated[
        str | None,
        typer.Option(
            "--input-NAME", help="One input: text where it's a str, else JSON. Goes before the others.", metavar="VALUE"
        ),
    ] = None,
    input_file: Annotated[
        str | None, typer.Option("--input-file", help="All inputs, as a file of JSON; - reads it.", metavar="FILE")
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run-id", help="Names the run.", metavar="ID")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds for the whole run.")] = None,
    on_timeout: Annotated[OnTimeout, typer.Option("--on-timeout", help="What then becomes of it.")] = OnTimeout.cancel,
    max_concurrency: Annotated[
        int | None, typer.Option("--max-concurrency", help="How many steps execute at once, at most.", metavar="N")
    ] = None,
    sequential: Annotated[bool, typer.Option("--sequential", metavar="", help="One step at a time.")] = False,
    snapshot: Snapshot = None,
    runtime: LentBy = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Runs a workflow, and shows how it goes.

    Ctrl-C halts the run and says how to go on with it; Ctrl-C again cancels it and takes back what was done.
    """
    from actorflow.cli.inputs import gathered
    from actorflow.cli.running import Job, carry_out, starting

    with told():
        workflow, plan = compiled(target)
        inputs = gathered(workflow, input_file, input, ctx.obj)
        options = {
            "run_id": run_id,
            "timeout": timeout,
            "on_timeout": None if timeout is None else on_timeout.value,
            "max_concurrency": max_concurrency,
            "sequential": sequential,
        }
        start = starting(workflow, inputs, options)
        job = Job(target, workflow, plan, start, False, factory(runtime), runtime, snapshot, form(json, plain))
        code = carry_out(job)
    raise typer.Exit(code)


@app.command(epilog="Exit codes: 0 succeeded, 1 failed or cancelled, 2 not resumed, 3 halted again.")
def resume(
    target: Target,
    file: Annotated[Path, typer.Argument(metavar="SNAPSHOT", help="The file that the halted run was written to.")],
    resolve: Annotated[
        list[str] | None,
        typer.Option(
            "--resolve",
            help="What is to become of an irreversible step that was interrupted.",
            metavar="NODE=retry|fail|skip:JSON",
        ),
    ] = None,
    snapshot: Snapshot = None,
    runtime: LentBy = "",
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Goes on with a halted run."""
    from actorflow.cli.resolving import answers
    from actorflow.cli.running import Job, carry_out, resuming

    with told():
        workflow, plan = compiled(target)
        start = resuming(workflow, file, answers(plan, resolve or []))
        code = carry_out(
            Job(target, workflow, plan, start, True, factory(runtime), runtime, snapshot, form(json, plain))
        )
    raise typer.Exit(code)


@app.command()
def graph(
    target: Target,
    format: Annotated[GraphFormat, typer.Option("--format", help="How it is drawn.")] = GraphFormat.text,
    expand: Annotated[
        bool, typer.Option("--expand", metavar="", help="Show what is inside of combinators and composed workflows.")
    ] = False,
) -> None:
    """Draws a workflow's plan."""
    from actorflow.cli.drawing import drawn
    from actorflow.cli.output import Output

    with told():
        _, plan = compiled(target)
        Output().text(drawn(plan, format.value, expand=expand))


@app.command(epilog="Exit codes: 0 all is well, 1 there are problems, 2 a module can't be imported.")
def check(
    modules: Annotated[list[str], typer.Argument(metavar="MODULE…", help="Dotted names, or paths of .py files.")],
) -> None:
    """Compiles all workflows of modules, and tells all that is wrong with any of them."""
    from actorflow.cli.checking import check as check_all
    from actorflow.cli.output import Output

    raise typer.Exit(check_all(modules, Output()))


app.add_typer(runs)
app.add_typer(db)
app.command(epilog="Exit codes: 0 all is well, 1 there are runs that nobody will move, 2 the store can't be read.")(
    doctor
)


# ── what commands share ───────────────────────────────────────────────────────────────────────────────────────────────


def compiled(target: str) -> tuple[Any, Any]:
    """The workflow and its plan. Raises `Refused`, with all problems."""
    from actorflow.cli.finding import find_workflow
    from actorflow.cli.trace import traceback_of
    from actorflow.errors import InvalidWorkflow

    workflow = find_workflow(target)
    try:
        return workflow, workflow.compile()
    except InvalidWorkflow as error:
        raise Refused(str(error)) from None
    except Exception as error:
        raise Refused(f"{target} can't be drawn\n{traceback_of(error)}") from error


def factory(target: str) -> Any:
    from actorflow.cli.finding import find_factory

    return find_factory(target) if target else None


def form(json: bool, plain: bool) -> Form:
    if json and plain:
        raise Refused("--json and --plain: give one of them")
    return "json" if json else "plain" if plain else "auto"
