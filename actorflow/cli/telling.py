"""How what is refused is told."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import typer

from actorflow.cli.exits import USAGE, Refused


@contextmanager
def told() -> Generator[None]:
    """What is refused is said on standard error, and the command ends with exit code 2."""
    try:
        yield
    except Refused as refused:
        typer.echo(f"actorflow: {refused}", err=True)
        raise typer.Exit(USAGE) from None
