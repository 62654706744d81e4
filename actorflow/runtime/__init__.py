"""RUN: actors that carry a run's messages: the executor, step runners, the pool, and the runtime around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.runtime.context import Provided, Resource
from actorflow.runtime.handle import Run
from actorflow.runtime.here import HERE
from actorflow.runtime.messages import CancelRun, HaltRun, ResumeRun, Started, StartRun, UndoRun
from actorflow.runtime.middleware import Middleware, RunInfo
from actorflow.runtime.running import StepContext, step_context
from actorflow.runtime.runtime import Runtime

if TYPE_CHECKING:
    from actorflow.runtime.launch import Launch
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.vanishing import vanish
    from actorflow.runtime.workers import entered
else:
    __getattr__ = loads_later(__name__, launch="Launch", machine="Machine", vanishing="vanish", workers="entered")

__all__ = [
    "HERE",
    "CancelRun",
    "HaltRun",
    "Launch",
    "Machine",
    "Middleware",
    "Provided",
    "Resource",
    "ResumeRun",
    "Run",
    "RunInfo",
    "Runtime",
    "StartRun",
    "Started",
    "StepContext",
    "UndoRun",
    "entered",
    "step_context",
    "vanish",
]
