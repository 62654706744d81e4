"""From what was written to plain data: a step's `StepSpec`, and the specs of its handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Signature
from typing import Any

from actorflow.errors import InvalidStep
from actorflow.plan import HandlerSpec, StepSpec
from actorflow.policy import Retry
from actorflow.values import resolve_hints, why_not_encodable
from actorflow.workflow.functions import is_async
from actorflow.workflow.handlers import (
    HANDLER_RETRY,
    Handlers,
    attach_compensate,
    attach_undo,
    check_compensate,
    check_handler_options,
    check_undo,
)
from actorflow.workflow.options import StepOptions

Attach = Callable[[Callable[..., Any]], Callable[..., Any]]


def new_undo(
    step: str, signature: Signature, handlers: Handlers, retry: Retry | None, timeout: float | None, unknown: bool
) -> Attach:
    """A decorator that attaches an undo and gives its function back."""
    check_handler_options(step, "undo", retry, timeout, unknown)

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        wants = check_undo(step, signature, function)
        spec = HandlerSpec(function, is_async(function), wants, retry or HANDLER_RETRY, timeout, unknown)
        attach_undo(step, handlers, spec)
        return function

    return attach


def new_compensate(
    step: str, signature: Signature, handlers: Handlers, retry: Retry | None, timeout: float | None
) -> Attach:
    """A decorator that attaches a compensation and gives its function back."""
    check_handler_options(step, "compensate", retry, timeout, unknown=False)

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        check_compensate(step, signature, function)
        spec = HandlerSpec(function, is_async(function), True, retry or HANDLER_RETRY, timeout)
        attach_compensate(step, handlers, spec)
        return function

    return attach


def hints_by_now(step: str, function: Callable[..., Any]) -> Mapping[str, Any] | None:
    """The annotations as types, at decoration, while local names are in sight; None if one names what isn't there yet."""
    try:
        return resolve_hints(function, f"step {step!r}")
    except InvalidStep:
        return None


def check_sendable_values(step: str, options: StepOptions) -> None:
    """What goes to a worker process and back is encoded; refuses types that surely can't be. Those not known yet pass for now."""
    if options.mode != "process":
        return
    for name, annotation in (options.hints or {}).items():
        if reason := why_not_encodable(annotation):
            what = "returns what" if name == "return" else f"takes a {name!r} that"
            raise InvalidStep(f"step {step!r} executes in a worker process, and {what} can't be encoded: {reason}")


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
