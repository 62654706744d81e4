"""R48: what the store acknowledged survives a `kill -9` at any of the crash points; the sagas come to the same end, in another process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.durable.kill_server import Played, Plot
from tests.durable.sagas import CASES

ROOT = Path(__file__).parents[2]
PAIRS = 20
"""How many stories of each saga have two kills."""
LEAST = 300


class Server:
    """Plays stories in processes of their own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.played = 0
        self.deaths = 0

    def play(self, case: str, *kills: int) -> Played:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.played += 1
        self.process.stdin.write(msgspec.json.encode(Plot(str(self.played), case, kills)) + b"\n")
        self.process.stdin.flush()
        played = msgspec.json.decode(self.process.stdout.readline(), type=Played)
        self.deaths += played.deaths
        assert not played.problem, f"{case}, killed at {kills}:\n{played.problem}"
        return played


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.durable.kill_server", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Server(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(30)


@pytest.mark.timeout(600)
def test_sagas_survive_being_killed_at_every_point(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Each saga once for every point that it reaches, and some pairs of points."""
    random = Random(0)
    for case in CASES:
        undisturbed = server.play(case.name)
        assert undisturbed.deaths == 0
        points = range(1, undisturbed.points + 1)
        kills: list[tuple[int, ...]] = [(point,) for point in points]
        kills += [(first, random.choice(points)) for first in random.choices(points, k=PAIRS)]
        for chosen in kills:
            assert server.play(case.name, *chosen).outcome == undisturbed.outcome, f"{case.name}, killed at {chosen}"
    with capsys.disabled():
        print(f"\n{server.deaths} processes were killed ", end="")
    assert server.deaths >= LEAST
