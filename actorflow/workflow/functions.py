"""What may be a step: functions, and which mode they can execute in (R9)."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from inspect import Signature
from typing import Any, Literal, TypeAlias, get_args

from actorflow.errors import InvalidStep, suggest
from actorflow.plan import Mode

RequestedMode: TypeAlias = Literal["auto", "inline", "thread", "process"]
"""How a step asks to be executed; `auto` is on the loop for `async def`, in a thread for `def`."""

_MODES: tuple[str, ...] = get_args(RequestedMode)
_CALL = "__call__"
_MUTABLE: tuple[type, ...] = (list, dict, set, bytearray)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call gives a coroutine: of an `async def`, a partial of one, or an object whose `__call__` is one."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, _CALL, None))


def signature_of(function: Callable[..., Any]) -> Signature | None:
    """The signature, or None if there is no telling (some functions written in C)."""
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def is_generator(function: Callable[..., Any]) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def check_function(function: Any) -> Signature:
    """Refuses what can't be a step, with `InvalidStep`; gives the signature of what can."""
    _refuse_other_things(function)
    name = display_name(function)
    if is_generator(function):
        raise InvalidStep(
            f"step {name!r} is a generator\nA step returns one value: return a list, or make a step per item."
        )
    if _hides_a_coroutine(function):
        raise InvalidStep(
            f"step {name!r} is an `async def` inside a wrapper that is a `def`\n"
            "Nobody can tell whether a call of it must be awaited: make the wrapper an `async def` too."
        )
    signature = signature_of(function)
    if signature is None:
        raise InvalidStep(
            f"step {name!r} has no signature that Python can tell\nWrap it in a `def` with named parameters."
        )
    _check_parameters(name, function, signature)
    return signature


def check_name(name: Any) -> str:
    """A name that may stand in the name of a node (R5)."""
    if not isinstance(name, str) or not name:
        raise InvalidStep(f"a step's name is a text that isn't empty, not {name!r}")
    if bad := next((mark for mark in ".[]" if mark in name), None):
        raise InvalidStep(
            f"the step name {name!r} holds {bad!r}\nNames of nodes use '.', '[' and ']' for nesting: leave them out."
        )
    return name


def name_of(function: Any) -> str:
    """The name that a function gives to its step; lambdas and partials have none."""
    name = getattr(function, "__name__", None)
    if name is None or name == "<lambda>":
        kind = "a lambda" if name else "a functools.partial"
        raise InvalidStep(
            f"a step made of {kind} has no name of its own\nGive one: step(name=…)({display_name(function)})."
        )
    return check_name(name)


def display_name(function: Any) -> str:
    """What to call a function in an error, whatever it is."""
    inner = function.func if isinstance(function, functools.partial) else function
    return str(getattr(inner, "__name__", None) or repr(inner))


def resolve_mode(name: str, function: Callable[..., Any], requested: Any, timeout: float | None) -> Mode:
    """Where the function executes; refuses what can't be there."""
    if requested not in _MODES:
        hint = suggest(requested, _MODES) if isinstance(requested, str) else ""
        raise InvalidStep(f"step {name!r} has mode={requested!r}{hint}\nModes are {', '.join(map(repr, _MODES))}.")
    if is_async(function):
        return _async_mode(name, requested)
    if requested == "inline" and timeout is not None:
        raise InvalidStep(
            f"step {name!r} is inline and has a timeout\n"
            "An inline step executes in the executor's own turn, where nothing can stop it: use mode='thread', or no timeout."
        )
    if requested == "process":
        _check_sendable(name, function)
        return "process"
    return "inline" if requested == "inline" else "thread"


def _async_mode(name: str, requested: str) -> Mode:
    if requested == "auto":
        return "async"
    raise InvalidStep(
        f"step {name!r} is an `async def` with mode={requested!r}\n"
        f"An `async def` executes on the loop: leave the mode out, or write it as a `def`."
    )


def _refuse_other_things(function: Any) -> None:
    what = _kind_of_thing(function)
    if what:
        raise InvalidStep(
            f"{what} can't be a step\nSteps are functions: write a `def` or an `async def`, and lend it what it needs as a Resource."
        )


def _kind_of_thing(thing: Any) -> str:
    match thing:
        case types.FunctionType() | types.BuiltinFunctionType():
            owner = getattr(thing, "__self__", None)
            return f"the method {thing.__qualname__}" if not isinstance(owner, types.ModuleType | None) else ""
        case functools.partial():
            return _kind_of_thing(thing.func)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        case type():
            return f"the class {thing.__name__}"
        case types.MethodType():
            return f"the method {thing.__qualname__}"
        case staticmethod() | classmethod():
            return f"a {type(thing).__name__} object"  # pyright: ignore[reportUnknownArgumentType]
        case _ if callable(thing):
            return f"a callable object of type {type(thing).__name__}"
        case _:
            return f"{thing!r}, which isn't a function,"


def _hides_a_coroutine(function: Any) -> bool:
    return not is_async(function) and inspect.iscoroutinefunction(inspect.unwrap(function))


def _check_parameters(name: str, function: Any, signature: Signature) -> None:
    if _is_a_method(function, list(signature.parameters)):
        raise InvalidStep(
            f"step {name!r} is a method\nSteps are functions: take it out of its class, and lend it the object as a Resource."
        )
    for parameter in signature.parameters.values():
        if isinstance(parameter.default, _MUTABLE):
            raise InvalidStep(
                f"step {name!r} has a mutable default: {parameter.name}={parameter.default!r}\n"
                "All runs would share it: use None, a tuple or a frozenset."
            )


def _is_a_method(function: Any, parameters: list[str]) -> bool:
    parts: list[str] = getattr(function, "__qualname__", "").split(".")
    in_class = len(parts) > 1 and parts[-2] != "<locals>"
    return in_class and parameters[:1] in (["self"], ["cls"])


def _check_sendable(name: str, function: Any) -> None:
    reason = _why_not_sendable(function)
    if reason:
        raise InvalidStep(
            f"step {name!r} can't be sent to a worker process: it is {reason}\n"
            "It is sent as module and name: define it with `def` at the top of a module that can be imported."
        )


def _why_not_sendable(function: Any) -> str:
    if isinstance(function, functools.partial):
        return "a functools.partial"
    if function.__name__ == "<lambda>":
        return "a lambda"
    if "<locals>" in function.__qualname__:
        return "defined inside a function"
    if function.__module__ == "__main__" and not hasattr(sys.modules.get("__main__"), "__file__"):
        return "defined in a notebook or a console"
    return ""
