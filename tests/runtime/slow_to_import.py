"""A module that a worker process imports in its own time, or not at all: as the door says that the environment names."""

from __future__ import annotations

import os

from actorflow import step
from actorflow.runtime import process_worker
from tests.runtime.door import knock

DOOR = "ACTORFLOW_TEST_DOOR"

if process_worker.IN_WORKER:
    said = knock(os.environ[DOOR], str(os.getpid()))
    if said == "fail":
        raise ImportError("this module can't be imported here")
    if said == "exit":
        os._exit(7)


@step(mode="process", timeout=5.0)
def work() -> str:
    return "done"
