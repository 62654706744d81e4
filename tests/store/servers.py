"""A Postgres server of the tests' own: from the binaries on the machine, else from the package `pgserver`; or the one that is named."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from actorflow.store import PostgresStore

PLACES = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"]


def binaries() -> Path:
    """The folder that `initdb` and `pg_ctl` are in."""
    found = shutil.which("pg_ctl")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted((path.parent for place in PLACES for path in Path(place).glob("*/bin/pg_ctl")), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists():
            return folder
    package = find_spec("pgserver")
    assert package is not None, (
        "the tests of PostgresStore need a server: install Postgres, or `pip install pgserver`, "
        "or name one with ACTORFLOW_TEST_POSTGRES=postgresql://…"
    )
    return Path(str(package.origin)).parent / "pginstall" / "bin"


async def empty(store: PostgresStore) -> None:
    """Forgets all that is in a store."""
    db = store._desk._db
    tables = "runs, run_labels, step_runs, attempts, turns, runtimes, messages, notes, schedules"
    await db.execute("TRUNCATE " + ", ".join(f"actorflow.{table}" for table in tables.split(", ")))


class Server:
    """A private server, on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._bin = binaries()
        self.dsn = f"postgresql://postgres@/postgres?host={folder}"

    def make(self) -> None:
        if os.getuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "--no-sync")

    def start(self) -> None:
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        """The superuser may not run a server: nobody does."""
        user = "nobody" if os.getuid() == 0 else None
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=user, group=pwd.getpwnam(user).pw_gid if user else None, cwd=self._folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@contextmanager
def private_server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="afpg"))
    folder.chmod(0o755)
    server = Server(folder)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def some_server() -> Iterator[str]:
    """The address of the server that `ACTORFLOW_TEST_POSTGRES` names, or of a private one."""
    if named := os.environ.get("ACTORFLOW_TEST_POSTGRES"):
        yield named
        return
    with private_server() as server:
        yield server.dsn
