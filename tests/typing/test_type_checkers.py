"""Wiring mistakes are type errors: what both checkers must accept in strict mode, and what both must reject.

Each checker runs once over all programs. In `rejected/` each line marked `# BAD` must be rejected, and no other line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPTED = sorted((HERE / "accepted").glob("*.py"))
REJECTED = sorted((HERE / "rejected").glob("*.py"))
Found: TypeAlias = Mapping[str, Mapping[int, str]]
"""By program: the lines that a checker rejects, each with what it says."""


@pytest.fixture(scope="session")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> Found:
    config = tmp_path_factory.mktemp("mypy") / "mypy.ini"
    config.write_text(
        "[mypy]\nstrict = true\nexplicit_package_bases = true\nfollow_imports = silent\n", encoding="utf-8"
    )
    search = os.pathsep.join([str(HERE / "accepted"), str(HERE / "rejected"), str(ROOT)])
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--output", "json"]
    done = _run([*command, *map(str, ACCEPTED + REJECTED)], {"MYPYPATH": search})
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return _by_program(
        (each["file"], each["line"], each["message"]) for each in messages if each["severity"] == "error"
    )


@pytest.fixture(scope="session")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> Found:
    project = tmp_path_factory.mktemp("pyright") / "pyrightconfig.json"
    settings = {
        "include": [
            os.path.relpath(HERE / "accepted", project.parent),
            os.path.relpath(HERE / "rejected", project.parent),
        ],
        "extraPaths": [str(HERE / "accepted"), str(ROOT)],
        "typeCheckingMode": "strict",
    }
    project.write_text(json.dumps(settings), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--project",
        str(project),
        "--pythonpath",
        sys.executable,
    ]
    done = _run(command, {})
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    report = json.loads(done.stdout)
    messages = report["generalDiagnostics"]
    assert report["summary"]["filesAnalyzed"] >= len(ACCEPTED + REJECTED)
    return _by_program(
        (each["file"], each["range"]["start"]["line"] + 1, each["message"])
        for each in messages
        if each["severity"] == "error"
    )


def _run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def _by_program(messages) -> Found:
    found: dict[str, dict[int, str]] = {}
    for file, line, message in messages:
        found.setdefault(Path(file).stem, {}).setdefault(line, message)
    return found


def _marked(program: Path) -> list[int]:
    lines = program.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if "# BAD" in line]


def _differences(program: Path, found: Found) -> list[str]:
    rejected, marked = found.get(program.stem, {}), _marked(program)
    accepted = [f"{program.name}:{line}: is accepted" for line in marked if line not in rejected]
    return accepted + [f"{program.name}:{line}: {rejected[line]}" for line in rejected if line not in marked]


def test_there_are_a_dozen_to_accept_and_two_dozen_to_reject() -> None:
    assert len(ACCEPTED) >= 12
    assert sum(len(_marked(program)) for program in REJECTED) >= 24
    assert not any(_marked(program) for program in ACCEPTED)
    stems = [program.stem for program in ACCEPTED + REJECTED]
    assert len(set(stems)) == len(stems)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_programs_that_are_right_are_accepted(checker: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(checker)
    assert not [each for program in ACCEPTED for each in _differences(program, found)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_each_marked_mistake_is_rejected_and_no_other_line(checker: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(checker)
    assert not [each for program in REJECTED for each in _differences(program, found)]
