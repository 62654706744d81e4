"""What may stand where a combinator takes a function: bodies, which draw, and functions that are called with values."""

from __future__ import annotations

import inspect
from inspect import Signature
from typing import Any, TypeGuard

from actorflow.errors import brief
from actorflow.values import bare_function
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.functions import is_async, is_generator, signature_of
from actorflow.workflow.promise import is_promise, source_of
from actorflow.workflow.signatures import takes_call
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

_ARGUMENTS = ("no arguments", "one argument")


def body_misfit(body: Any, given: str = "", role: str = "its body") -> str | None:
    """Why something can't be a body that is given so much (`the item`), or nothing (empty); None if it can."""
    if is_promise(body):
        return (
            f"{role} is the promise of {source_of(body).label!r}; it's a function that calls steps: write `lambda: …`"
        )
    if not callable(body) or isinstance(body, Combinator):
        return f"{role} is {brief(body)}; it's a function that calls steps, a step or a workflow"
    if is_async(body):
        return f"{role} is an `async def`; it draws, as a workflow does, and what waits belongs into its steps"
    if is_generator(body):
        return f"{role} is a generator; it returns what its steps give, once"
    count = 1 if given else 0
    signature = drawn_signature(body)
    if signature is not None and not takes_call(signature, count):
        return f"{role} takes ({_written(signature)}), but is given {_ARGUMENTS[count]}{f', {given}' if given else ''}"
    return None


def drawn_signature(body: Any) -> Signature | None:
    """What a body takes."""
    if is_step(body):
        return body.signature
    return body.definition.signature if is_workflow(body) else signature_of(body)


def is_step(value: Any) -> TypeGuard[Step[..., Any, Any]]:
    return isinstance(value, Step)


def is_workflow(value: Any) -> TypeGuard[Workflow[..., Any]]:
    return isinstance(value, Workflow)


def function_misfit(function: Any, role: str, given: str = "") -> str | None:
    """Why something can't be a function that is called while the run goes on, such as `until` or a predicate; None if it can.

    `given` is what it is given (`the item`); nothing, if empty.
    """
    if is_step(function) or is_workflow(function):
        return f"{role} is a plain function, not {function!r}: it's called with values, at run time, and draws nothing"
    if is_promise(function):
        return f"{role} is the promise of {source_of(function).label!r}; it's a plain function{_of(given)}"
    if not callable(function) or isinstance(function, Combinator):
        return f"{role} is {brief(function)}; it's a plain function{_of(given)}"
    if is_async(function) or is_generator(function):
        kind = "an `async def`" if is_async(function) else "a generator"
        return f"{role} is {kind}; it's an ordinary function that returns at once: what waits belongs into a step"
    captured = next(filter(is_promise, brought_along(function)), None)
    if captured is not None:
        sees = f"it sees {given} alone" if given else "it's called without arguments"
        return f"{role} uses the promise {source_of(captured).label!r} from around it, which has no value there: {sees}"
    count = 1 if given else 0
    signature = signature_of(function)
    if signature is not None and not takes_call(signature, count):
        return f"{role} takes ({_written(signature)}), but is given {_ARGUMENTS[count]}{f', {given}' if given else ''}"
    return None


def _of(given: str) -> str:
    return f" of {given}" if given else ""


def brought_along(function: Any) -> list[Any]:
    """The values that a function brings along: of its closure, its defaults, its `partial`."""
    bare = bare_function(function)
    cells = [cell.cell_contents for cell in getattr(bare, "__closure__", None) or () if _is_filled(cell)]
    given = (
        [*getattr(function, "args", ()), *getattr(function, "keywords", {}).values()] if bare is not function else ()
    )
    return [*cells, *(getattr(bare, "__defaults__", None) or ()), *given]


def _is_filled(cell: Any) -> bool:
    try:
        return bool([cell.cell_contents])
    except ValueError:
        return False


def _written(signature: Signature) -> str:
    return ", ".join(
        str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in signature.parameters.values()
    )
