"""What may stand where a combinator takes a function: bodies, which draw, and functions that are called with values."""

from __future__ import annotations

import inspect
from inspect import Signature
from typing import Any

from actorflow.values import bare_function
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.functions import display_name, is_async, is_generator, signature_of
from actorflow.workflow.promise import is_promise, source_of
from actorflow.workflow.signatures import takes_call
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

_ARGUMENTS = {0: "no arguments", 1: "one argument", 2: "two arguments"}


def body_misfit(body: Any, given: str = "") -> str | None:
    """Why something can't be a body that is given so much (`the item`), or nothing (empty); None if it can."""
    if is_promise(body):
        return f"a body is a function that calls steps, not the promise of {source_of(body).label!r}; write `lambda: …`"
    if not callable(body) or isinstance(body, Combinator):
        return f"a body is a function that calls steps, a step or a workflow, not {body!r}"
    if is_async(body):
        return f"its body {display_name(body)!r} is an `async def`; a body draws, as a workflow does: what waits belongs into its steps"
    if is_generator(body):
        return f"its body {display_name(body)!r} is a generator; a body returns what its steps give, once"
    count = 1 if given else 0
    signature = drawn_signature(body)
    if signature is not None and not takes_call(signature, count):
        return f"its body {display_name(body)!r} takes ({_written(signature)}), but is given {_ARGUMENTS[count]}{f', {given}' if given else ''}"
    return None


def drawn_signature(body: Any) -> Signature | None:
    """What a body takes."""
    if isinstance(body, Step):
        step: Step[..., Any, Any] = body
        return step.signature
    if isinstance(body, Workflow):
        workflow: Workflow[..., Any] = body
        return workflow.definition.signature
    return signature_of(body)


def function_misfit(function: Any, role: str, given: str, count: int = 1) -> str | None:
    """Why something can't be a function that is called while the run goes on, such as `until` or a predicate; None if it can."""
    if isinstance(function, (Step, Workflow)):
        return f"{role} is a plain function, not {function!r}: it's called with values, at run time, and draws nothing"
    if not callable(function) or is_promise(function) or isinstance(function, Combinator):
        shown = f"the promise of {source_of(function).label!r}" if is_promise(function) else repr(function)
        return f"{role} is a function of {given}, not {shown}"
    name = display_name(function)
    if is_async(function) or is_generator(function):
        kind = "an `async def`" if is_async(function) else "a generator"
        return (
            f"{role} {name!r} is {kind}; it's an ordinary function that returns at once. What waits belongs into a step"
        )
    captured = next(filter(is_promise, brought_along(function)), None)
    if captured is not None:
        return f"{role} {name!r} uses the promise {source_of(captured).label!r} from around it, which has no value there; it sees {given} alone"
    signature = signature_of(function)
    if signature is not None and not takes_call(signature, count):
        return f"{role} {name!r} takes ({_written(signature)}), but is given {_ARGUMENTS[count]}{f', {given}' if count else ''}"
    return None


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
