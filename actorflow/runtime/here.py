"""Where code executes: which runner, run, node, attempt, and in which phase of its node. Set in every task of ours."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from actorflow.runtime.row import Row
    from actorflow.runtime.running import StepContext
    from actorflow.runtime.step_runner import StepRunner

Here: TypeAlias = "tuple[StepRunner, Row, int, int, str]"

HERE: ContextVar[Here] = ContextVar("actorflow_here")

THERE: ContextVar[StepContext] = ContextVar("actorflow_there")
"""In a worker process, where there is no runner and no run: the context of the step that it executes."""
