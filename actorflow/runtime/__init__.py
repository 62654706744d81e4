"""RUN: actors that carry a run's messages: the executor, step runners, the pool, and the runtime around them."""

from actorflow.runtime.context import Provided, Resource
from actorflow.runtime.handle import Run
from actorflow.runtime.messages import CancelRun, HaltRun, ResumeRun, Started, StartRun, UndoRun
from actorflow.runtime.middleware import Middleware, RunInfo
from actorflow.runtime.running import StepContext, step_context
from actorflow.runtime.runtime import Runtime

__all__ = [
    "CancelRun",
    "HaltRun",
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
    "step_context",
]
