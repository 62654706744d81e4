"""A pytest plugin that sees to it that the code under test is the one in the current folder."""

from __future__ import annotations

from pathlib import Path

import actorflow


def pytest_sessionstart() -> None:
    imported = Path(str(actorflow.__file__)).parent
    if imported.resolve() != (Path.cwd() / "actorflow").resolve():
        raise RuntimeError(f"actorflow was imported from {imported}, not from the current folder")
