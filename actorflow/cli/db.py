"""`actorflow db …`: brings a store's tables up to date, checks what is in it, and gives disk space back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from actorflow.cli.exits import FAILED
from actorflow.cli.runs import AsJson, Store
from actorflow.cli.telling import told

if TYPE_CHECKING:
    from actorflow.store import Store as AnyStore

db = typer.Typer(name="db", help="Looks after a store.", no_args_is_help=True)


@db.command()
def migrate(store: Store = "") -> None:
    """Makes the store's tables, or brings them up to date. A runtime does the same when it opens the store."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_store import on_store

    with told():
        counts = on_store(store, lambda opened: opened.count_runs(), must_exist=False)
    Output().text(f"{store} is up to date ({sum(counts.values()):,} runs)")


@db.command(epilog="Exit codes: 0 all is well, 1 something isn't as it must be, 2 the store can't be read.")
def check(store: Store = "", json: AsJson = False) -> None:
    """Checks that what is recorded of each run can be, whatever was killed when."""
    from actorflow.cli.output import Output
    from actorflow.cli.runs_show import json_line
    from actorflow.cli.runs_store import on_store
    from actorflow.cli.words import counted

    async def problems(opened: AnyStore) -> tuple[int, list[str]]:
        from actorflow.testing import InvariantBroken, check_store

        count = sum((await opened.count_runs()).values())
        try:
            await check_store(opened)
        except InvariantBroken as broken:
            return count, list(broken.problems)
        return count, []

    with told():
        count, found = on_store(store, problems)
    output = Output()
    for problem in found:
        json_line(output, {"problem": problem}) if json else output.line(("✗ ", "bold red"), (problem, ""))
    if not json:
        output.line(
            ("✗ " if found else "✓ ", "bold red" if found else "green"),
            (f"{counted(count, 'run')}, {counted(len(found), 'problem')}", ""),
        )
    if found:
        raise typer.Exit(FAILED)


@db.command()
def vacuum(store: Store = "") -> None:
    """Gives the disk space of deleted runs back. A large store is busy meanwhile."""
    from actorflow.cli.db_vacuum import vacuum as vacuum_store
    from actorflow.cli.output import Output

    with told():
        Output().text(vacuum_store(store))
