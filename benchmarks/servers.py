"""A Postgres server of the benchmark's own, on loopback, that syncs its commits; or the one that `ACTORFLOW_TEST_POSTGRES` names."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

PLACES = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt")
TABLES = ("runs", "run_labels", "step_runs", "attempts", "turns", "runtimes", "messages", "notes")


@contextmanager
def some_server() -> Generator[str]:
    """Its address."""
    if named := os.environ.get("ACTORFLOW_TEST_POSTGRES"):
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="afpg"))
    folder.chmod(0o755)
    try:
        with private_server(folder) as dsn:
            yield dsn
    finally:
        shutil.rmtree(folder)


@contextmanager
def private_server(folder: Path) -> Generator[str]:
    place, data, port = binaries(), folder / "data", free_port()
    if os.getuid() == 0:  # the superuser may not run a server: nobody does
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    called(folder, place / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1"
    called(folder, place / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        called(folder, place / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def called(folder: Path, program: Path, *arguments: object) -> None:
    user = "nobody" if os.getuid() == 0 else None
    group = pwd.getpwnam(user).pw_gid if user else None
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        user=user, group=group, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{program.name} failed:\n{done.stderr}")


def binaries() -> Path:
    """The folder that `initdb` and `pg_ctl` are in."""
    found = shutil.which("pg_ctl")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted((path.parent for place in PLACES for path in Path(place).glob("*/bin/pg_ctl")), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists():
            return folder
    package = find_spec("pgserver")
    if package is None:
        raise SystemExit(
            "there is no Postgres to measure\n"
            "Install it, or `pip install pgserver`, or name a server with ACTORFLOW_TEST_POSTGRES=postgresql://…"
        )
    return Path(str(package.origin)).parent / "pginstall" / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def emptied(dsn: str) -> None:
    """Forgets all that is in a store."""
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    db = await cast("Any", asyncpg).connect(dsn)
    try:
        if await db.fetchval("SELECT to_regclass('actorflow.runs')") is not None:
            await db.execute("TRUNCATE " + ", ".join(f"actorflow.{table}" for table in TABLES))
    finally:
        await db.close()
