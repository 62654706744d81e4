"""A pytest plugin for within the copy: what is imported must be the copy, and the last test that began is noted."""

from __future__ import annotations

from pathlib import Path

import actorflow

LAST_TEST = Path(".last-test")
"""Outlives a process that is killed because its test hangs."""


def check_import() -> None:
    imported = Path(str(actorflow.__file__)).parent
    if imported.resolve() != (Path.cwd() / "actorflow").resolve():
        raise RuntimeError(f"actorflow was imported from {imported}, not from the current folder")


def pytest_sessionstart() -> None:
    LAST_TEST.unlink(missing_ok=True)
    check_import()


def pytest_runtest_logstart(nodeid: str) -> None:
    LAST_TEST.write_text(nodeid)
