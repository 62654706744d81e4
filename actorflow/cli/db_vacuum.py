"""Gives the disk space of deleted runs back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from actorflow.cli.exits import Refused
from actorflow.cli.runs_store import on_store
from actorflow.errors import StoreError
from actorflow.store import vacuum_postgres, vacuum_sqlite


def vacuum(url: str) -> str:
    """What to tell of it. Raises `Refused`."""
    on_store(url, lambda opened: opened.count_runs())  # it is a store of ours, and up to date
    try:
        if not url.startswith("sqlite:"):
            asyncio.run(vacuum_postgres(url))
            return "all tables were vacuumed"
        path = Path(url.removeprefix("sqlite:").removeprefix("//"))
        before, now = vacuum_sqlite(path)
    except StoreError as error:
        raise Refused(f"{error}\nTry again when no runtime uses it.") from error
    except OSError as error:
        raise Refused(f"{url} can't be vacuumed: {error}") from error
    return f"{path}: {before:,} bytes before, {now:,} now"
