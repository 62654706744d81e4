"""What the commands `actorflow runs …` have in common: their options, and how they ask a store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorflow.cli.exits import Refused
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
CodecAt = Annotated[
    str,
    typer.Option(
        "--codec",
        envvar="ACTORFLOW_CODEC",
        help="The codec that its values are written with, or a function that gives it.",
        metavar="MODULE:NAME",
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


# ── what commands share ───────────────────────────────────────────────────────────────────────────────────────────────


def operated(store: str, act: Callable[[Operator], Awaitable[Any]], codec: str = "") -> Any:
    from actorflow.cli.runs_store import operate

    return operate(store, act, codec)


def asked(
    store: str,
    run: str,
    act: Callable[[Operator, str], Awaitable[Any]],
    who: str,
    done: str,
    *,
    waits: bool = True,
    codec: str = "",
) -> None:
    """Asks for it, and says what becomes of that."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_asked import afterwards
    from actorflow.cli.runs_store import operate, person

    async def main(operator: Operator) -> str:
        await act(operator, person(who))
        return await afterwards(operator, run, done) if waits else f"run {run}: {done}"

    with told():
        text = operate(store, main, codec)
    Output().text(text)


def going(prepare: Callable[[], Any], json: bool, plain: bool) -> None:
    from actorflow.cli.running import carry_out

    with told():
        if json and plain:
            raise Refused("--json and --plain: give one of them")
        code = carry_out(prepare().in_form("json" if json else "plain" if plain else "auto"))
    raise typer.Exit(code)
