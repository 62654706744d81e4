"""A trace that goes through runs: each attempt is a span, below the span in which its run was started.

What names the parent span travels in the run's `context`, as plain text. So it's there in the snapshot of a halted run, and the spans of
what is resumed in another process belong to the same trace.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

from actorflow import Halt, Middleware, RunInfo, step_context

CARRIED = "trace"
"""The key in the run's context."""


class Tracing(Middleware):
    """Carries the caller's trace into the steps of a run, and into what takes them back: `undo reserve` is a span of its own."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.tracer = tracer or trace.get_tracer("actorflow")

    async def init(self, run: RunInfo, *, resumed: bool) -> Mapping[str, Any] | None:
        """Keeps the span that is current where the run is started. A run that is resumed has one already."""
        if CARRIED in run.context:
            return None
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return {**run.context, CARRIED: carrier}

    def step(self, run: RunInfo) -> AbstractContextManager[None]:
        return self.span_of_an_attempt(run)

    @contextmanager
    def span_of_an_attempt(self, run: RunInfo) -> Generator[None]:
        here = step_context()
        attributes: dict[str, str | int] = {"run": run.run_id, "workflow": run.workflow, "attempt": here.attempt}
        with self.tracer.start_as_current_span(
            here.node if here.phase == "run" else f"{here.phase} {here.node}",
            context=propagate.extract(run.context.get(CARRIED, {})),
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Halt:
                raise  # the run pauses: no error
            except Exception as error:
                mark(span, error)
                raise


def mark(span: Span, error: Exception) -> None:
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, str(error)))
