"""Finds what a test left behind: tasks, threads, child processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Iterable
from multiprocessing import resource_tracker
from pathlib import Path

JOIN = 1.0
"""Real seconds that a thread is given to end, which was told to and wasn't waited for."""


def tasks_left(before: Iterable[asyncio.Task[object]] = ()) -> list[str]:
    """The tasks of the running loop that go on, but for the current one and those of `before`."""
    known = {*before, asyncio.current_task()}
    left = [task for task in asyncio.all_tasks() if task not in known]
    return sorted(f"task {task.get_name()!r} ({task.get_coro()!r})" for task in left)


class Outside:
    """The threads and child processes there are now, to be compared with later ones."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._children = children()

    def left(self) -> list[str]:
        """What has come since and is still there, by name."""
        threads = [thread for thread in threading.enumerate() if thread not in self._threads and _counts(thread)]
        for thread in threads:
            thread.join(JOIN)
        alive = sorted(f"thread {thread.name!r}" for thread in threads if thread.is_alive())
        return alive + [f"child process {pid}" for pid in sorted(children() - self._children)]


def children() -> set[int]:
    """The process ids of this process's children, ended and unread ones included, but for Python's resource tracker."""
    lists = list(Path(f"/proc/{os.getpid()}/task").glob("*/children"))
    if lists:
        pids = {int(pid) for path in lists for pid in _read(path).split()}
    else:
        pids = {child.pid for child in multiprocessing.active_children() if child.pid is not None}
    tracker: object = getattr(resource_tracker, "_resource_tracker", None)
    return pids - {getattr(tracker, "_pid", None)}


def _read(path: Path) -> str:
    """The text of a file of `/proc`: nothing if its thread has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _counts(thread: threading.Thread) -> bool:
    """Whether the thread is anybody's leak: the loop ends its own executor's threads when it is closed."""
    ours = thread.name.startswith("actorflow")
    return ours or not (thread.daemon or thread.name.startswith("asyncio_"))
