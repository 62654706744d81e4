"""Calls commands: within this process, or as one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import structlog
from typer.testing import CliRunner

from actorflow.cli.app import app

ROOT = Path(__file__).parents[2]
FLOWS = "tests.cli.flows"


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Caller:
    """Runs commands in this process, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, stdin: str | None = None) -> Said:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        structlog.reset_defaults()
        return Said(result.exit_code, result.stdout, result.stderr)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "actorflow.cli", *arguments]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    return {**os.environ, "PYTHONPATH": path, **more}


def spawned(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
