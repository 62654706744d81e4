"""Opens the store that `--store` names, and tells in a person's words what it has against it."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from actorflow.cli.codecs import find_codec
from actorflow.cli.exits import Refused
from actorflow.cli.log_lines import log_beside
from actorflow.cli.runs_hints import as_command
from actorflow.errors import ActorflowError
from actorflow.runtime import Operator
from actorflow.store import PostgresStore, SQLiteStore, Store

T = TypeVar("T")

FORMS = "sqlite:PATH or postgres://USER@HOST/DATABASE"


def store_of(url: str, *, must_exist: bool = True) -> Store:
    """The store, not entered yet. A SQLite file has to be there, as looking must not make one. Raises `Refused`."""
    kind, colon, rest = url.partition(":")
    if colon and kind in {"postgres", "postgresql"}:
        return PostgresStore(url)
    if not colon or kind != "sqlite" or not rest:
        raise Refused(
            f"--store {url}: expected {FORMS}"
            if url
            else f"no store is given\nGive one: --store {FORMS}, or ACTORFLOW_STORE."
        )
    path = Path(rest.removeprefix("//"))
    if must_exist and not path.is_file():
        raise Refused(f"--store {url}: there is no file {path}")
    return SQLiteStore(path)


def operate(url: str, act: Callable[[Operator], Awaitable[T]], codec: str = "") -> T:
    """What comes of it. Raises `Refused` with what the store, or the run, has against it."""
    store, written_with = store_of(url), find_codec(codec)

    async def main() -> T:
        async with Operator(store, codec=written_with) as operator:
            return await act(operator)

    return complete(main())


def on_store(url: str, act: Callable[[Store], Awaitable[T]], *, must_exist: bool = True) -> T:
    """The same, with the store itself."""
    store = store_of(url, must_exist=must_exist)

    async def main() -> T:
        async with store:
            return await act(store)

    return complete(main())


def complete(main: Coroutine[Any, Any, T]) -> T:
    log_beside()
    try:
        return asyncio.run(main)
    except ActorflowError as error:
        raise Refused(told_plainly(str(error))) from error


def told_plainly(text: str) -> str:
    """What a program should do isn't what a person at a terminal can."""
    what, _, then = text.partition("\n")
    return f"{what}\n{as_command(then, 'RUN')}" if then else what


def person(who: str) -> str:
    """Who does it: as told, or the user of the operating system."""
    if who:
        return who
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "somebody"
