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
    from actorflow.runtime.operating import Operator
    from actorflow.runtime.schedule_triggers import Cron, Every
    from actorflow.runtime.schedules import Schedule
    from actorflow.runtime.vanishing import vanish
    from actorflow.runtime.views import (
        AttemptView,
        ErrorView,
        Explanation,
        Finding,
        HistoryEntry,
        Reason,
        RunView,
        StepView,
    )
    from actorflow.runtime.workers import entered
else:
    __getattr__ = loads_later(
        __name__,
        launch="Launch",
        machine="Machine",
        operating="Operator",
        schedule_triggers="Cron Every",
        schedules="Schedule",
        vanishing="vanish",
        views="AttemptView ErrorView Explanation Finding HistoryEntry Reason RunView StepView",
        workers="entered",
    )

__all__ = [
    "HERE",
    "AttemptView",
    "CancelRun",
    "Cron",
    "ErrorView",
    "Every",
    "Explanation",
    "Finding",
    "HaltRun",
    "HistoryEntry",
    "Launch",
    "Machine",
    "Middleware",
    "Operator",
    "Provided",
    "Reason",
    "Resource",
    "ResumeRun",
    "Run",
    "RunInfo",
    "RunView",
    "Runtime",
    "Schedule",
    "StartRun",
    "Started",
    "StepContext",
    "StepView",
    "UndoRun",
    "entered",
    "step_context",
    "vanish",
]
