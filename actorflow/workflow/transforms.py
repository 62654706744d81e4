"""Functions of a value as nodes of their own: what they take and return, and what can't be one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import InvalidStep
from actorflow.plan import StepSpec
from actorflow.values import bare_function, resolve_hints
from actorflow.workflow.calls import Call
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.fitting import brought_along
from actorflow.workflow.functions import signature_of
from actorflow.workflow.promise import Promise, is_promise, source_of
from actorflow.workflow.signatures import takes_call
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow


def draw_transform(combinator: Combinator, value: object, function: Callable[[Any], Any]) -> Any:
    """Draws the node, and gives the promise of its result. Raises `InvalidState` outside of a workflow that is being drawn."""
    call = Call(combinator, _name(function))
    problem = _misfit(function)
    argument = call.expression(value)
    if problem:
        call.problem(problem)
        return call.nothing()
    return call.place(transform_spec(function, _type_of(value)), (argument,))


def transform_spec(function: Callable[[Any], Any], given: Any) -> StepSpec:
    """The step that a transform is. `given` is the type of the value, if the function doesn't say what it takes."""
    takes, returns = _types(function)
    signature = Signature([Parameter("value", Parameter.POSITIONAL_ONLY)])
    return StepSpec(
        name=_name(function),
        function=function,
        signature=signature,
        mode="inline",
        returns=returns,
        arguments=(("value", given if takes is None else takes),),
    )


def _name(function: Callable[[Any], Any]) -> str:
    name = getattr(bare_function(function), "__name__", "")
    return name if name.isidentifier() else "transform"


def _type_of(value: object) -> Any:
    return source_of(value).type if isinstance(value, Promise) else Any


def _types(function: Callable[[Any], Any]) -> tuple[Any, Any]:
    """What the function takes (None if it doesn't say) and what it returns."""
    if isinstance(function, type):
        return None, function
    try:
        hints = resolve_hints(function)
    except InvalidStep:
        return None, Any
    returns = hints.pop("return", Any)
    return (next(iter(hints.values()), None) if hints else None), returns


# ── what can't be a transform ─────────────────────────────────────────────────────────────────────────────────────────


def _misfit(function: Any) -> str | None:
    if isinstance(function, (Step, Workflow)):
        return f"{function!r} is called by itself: {function.name}(promise)"
    if not callable(function) or is_promise(function):
        return f"the second argument is a function of the value, not {function!r}"
    bare = bare_function(function)
    if inspect.iscoroutinefunction(bare) or inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare):
        return f"{_name(function)!r} has to be an ordinary function that returns; make it a step"
    captured = next(filter(is_promise, brought_along(function)), None)
    if captured is not None:
        return (
            f"the function uses the promise {source_of(captured).label!r} from around it; make a step that takes both"
        )
    signature = signature_of(function)
    if signature is not None and not takes_call(signature, 1):
        return f"{_name(function)!r} has to take one argument, the value"
    return None
