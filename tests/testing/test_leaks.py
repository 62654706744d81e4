"""The check for leaks finds tasks, threads and child processes, by name."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from actorflow.testing import Outside, tasks_left


async def test_a_task_that_goes_on_is_named_and_those_from_before_are_not() -> None:
    stop = asyncio.Event()
    before = asyncio.all_tasks()
    task = asyncio.create_task(stop.wait(), name="forgotten")
    assert [left.split(" (")[0] for left in tasks_left(before)] == ["task 'forgotten'"]
    assert tasks_left([*before, task]) == []
    stop.set()
    await task
    assert tasks_left(before) == []


@pytest.mark.parametrize(
    ("name", "daemon", "found"),
    [
        ("somebody's", False, ['thread "somebody\'s"']),
        ("actorflow-1", True, ["thread 'actorflow-1'"]),
        ("somebody's", True, []),
    ],
)
def test_threads_are_named_but_for_the_daemons_of_others(
    monkeypatch: pytest.MonkeyPatch, name: str, daemon: bool, found: list[str]
) -> None:
    monkeypatch.setattr("actorflow.testing.leaks.JOIN", 0.0)
    outside = Outside()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name=name, daemon=daemon)
    thread.start()
    left = outside.left()
    stop.set()
    thread.join()
    assert left == found
    assert outside.left() == []


def test_a_child_process_is_found_until_it_has_been_waited_for() -> None:
    outside = Outside()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert outside.left() == [f"child process {child.pid}"]
    child.communicate(b"\n")
    assert outside.left() == []


LEAKY = """
import asyncio, threading

KEPT = []

async def test_task(no_leaks):
    KEPT.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))

def test_thread(no_leaks):
    stop = threading.Event()
    KEPT.append(stop)
    threading.Thread(target=stop.wait, name="actorflow-forgotten", daemon=True).start()

async def test_clean(no_leaks, clock, sequencer):
    await asyncio.create_task(asyncio.sleep(3600))
    async with sequencer(1):
        assert clock.monotonic() == 3600
"""


def test_the_fixture_fails_the_test_that_leaks_and_names_what(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    pytester.makepyfile(LEAKY)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    ended = pytester.runpytest_subprocess("-p", "actorflow.testing.plugin")
    ended.assert_outcomes(passed=3, errors=2)
    ended.stdout.fnmatch_lines_random(["*- task 'forgotten'*", "*- thread 'actorflow-forgotten'"])
