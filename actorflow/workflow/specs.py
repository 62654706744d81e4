"""From what was written to plain data: a step's `StepSpec`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Signature
from typing import Any

from msgspec.structs import replace

from actorflow.plan import HandlerSpec, StepSpec
from actorflow.values import resolve_hints
from actorflow.workflow.options import Handlers, StepOptions, check_sendable_values


def step_spec(
    name: str, function: Callable[..., Any], signature: Signature, options: StepOptions, handlers: Handlers
) -> StepSpec:
    """The spec of a step with these options and the handlers that it has by now."""
    if options.hints is None:
        options = replace(options, hints=resolve_hints(function, f"step {name!r}"))
        check_sendable_values(name, options)
    hints = options.hints or {}
    return StepSpec(
        name=name,
        function=function,
        signature=signature,
        mode=options.mode,
        returns=hints.get("return", Any),
        limits=options.limits,
        retry=options.retry,
        timeout=options.timeout,
        irreversible=options.irreversible,
        guards=options.guards,
        description=options.description,
        undo=_with_timeout(handlers.undo, options.timeout),
        compensate=_with_timeout(handlers.compensate, options.timeout),
        arguments=tuple((parameter, hints.get(parameter, Any)) for parameter in signature.parameters),
    )


def _with_timeout(handler: HandlerSpec | None, timeout: float | None) -> HandlerSpec | None:
    """A handler has the step's timeout unless it was given its own (R11)."""
    if handler is None or handler.timeout is not None or timeout is None:
        return handler
    return replace(handler, timeout=timeout)
