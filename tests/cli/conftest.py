from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import Caller


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Runs a command in this process, in an empty folder; what it puts on the path goes again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return Caller(tmp_path)
