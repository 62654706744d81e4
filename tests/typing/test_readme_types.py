"""The README's saga passes mypy, strict: what people copy first is typed through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import ROOT, SAGA


@pytest.mark.timeout(300)
def test_the_saga_of_the_readme_is_typed(tmp_path: Path) -> None:
    program = tmp_path / "readme_saga.py"
    program.write_text(SAGA.code, encoding="utf-8")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nfollow_imports = silent\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), str(program)]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
