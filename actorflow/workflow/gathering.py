"""What `gather` makes an object with: any callable that takes arguments and returns, as a rule a class that checks them itself."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar
from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import InvalidStep
from actorflow.values import fields_of, resolve_hints
from actorflow.workflow.functions import is_async, is_generator
from actorflow.workflow.promise import is_promise
from actorflow.workflow.signatures import bind_arguments
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

_ANYTHING = Signature([Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)])


class Given:
    """The arguments of one call: those by position, then those by name; defaults are left to the maker itself.

    `names` are the parameters that they are for, in the same order, each once.
    """

    def __init__(self, positional: Sequence[tuple[str, Any]], named: Sequence[tuple[str, Any]]) -> None:
        taken = {name for name, _ in named}
        self.keywords = tuple(name for name, _ in named)
        self.values = [value for _, value in (*positional, *named)]
        self.parameters = [name for name, _ in (*positional, *named)]
        before = [_free(name, taken) for name, _ in positional]
        self.signature = Signature(
            [
                *(Parameter(name, Parameter.POSITIONAL_ONLY) for name in before),
                *(Parameter(name, Parameter.KEYWORD_ONLY) for name in self.keywords),
            ]
        )


def _free(name: str, taken: set[str]) -> str:
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    taken.add(free)
    return free


def given_arguments(maker: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Given:
    """The arguments of a call of the maker. Raises `TypeError` if they don't fit, with a text that continues its name."""
    signature = signature_of_maker(maker)
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:
        bind_arguments(signature, args, kwargs)  # says it better
        raise
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    spread = any(kinds[name] is Parameter.VAR_POSITIONAL for name in bound)
    positional: list[tuple[str, Any]] = []
    named: list[tuple[str, Any]] = []
    for name, value in bound.items():
        match kinds[name]:
            case Parameter.VAR_POSITIONAL:
                positional += [(name, each) for each in value]
            case Parameter.VAR_KEYWORD:
                named += value.items()
            case Parameter.POSITIONAL_ONLY:
                positional.append((name, value))
            case Parameter.KEYWORD_ONLY:
                named.append((name, value))
            case _:
                (positional if spread else named).append((name, value))
    return Given(positional, named)


def named_arguments(signature: Signature, arguments: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Arguments given by the names of their parameters, as they are passed in a call; `*parts` is given as a list.

    Raises `TypeError` with a text that continues the name of what is called.
    """
    args: list[Any] = []
    kwargs = dict(arguments)
    parameters = list(signature.parameters.values())
    spread = any(p.kind is Parameter.VAR_POSITIONAL and p.name in kwargs for p in parameters)
    for parameter in parameters:
        name = parameter.name
        if name not in kwargs:
            if spread and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
                raise TypeError(f"misses its argument {name!r}")
        elif parameter.kind is Parameter.VAR_POSITIONAL:
            if not isinstance(kwargs[name], (list, tuple)):
                raise TypeError(f"takes a list for {name!r}, not {kwargs[name]!r}")
            args += kwargs.pop(name)
        elif parameter.kind is Parameter.POSITIONAL_ONLY or (
            spread and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
        ):
            args.append(kwargs.pop(name))
    return args, kwargs


def signature_of_maker(maker: Callable[..., Any]) -> Signature:
    """What it takes; anything, where there is no telling (`dict`)."""
    try:
        return inspect.signature(typing.get_origin(maker) or maker)
    except (ValueError, TypeError):
        return _ANYTHING


# ── what can't be one, and types ──────────────────────────────────────────────────────────────────────────────────────


def not_a_maker(maker: Any) -> str:
    """Why nothing can be gathered into it; empty if it can."""
    if isinstance(maker, (Step, Workflow)):
        return f"{maker!r} is called by itself: {maker.name}(…)"
    if is_promise(maker) or not callable(maker):
        return f"the first argument is a type or a function, not {maker!r}"
    if is_async(maker) or is_generator(maker):
        return f"{getattr(maker, '__name__', maker)!r} has to be an ordinary function that returns; make it a step"
    return ""


def gathered_types(maker: Any) -> tuple[Mapping[str, Any], Any]:
    """The annotated types of what it takes, where they bind the caller, and the type of what it gives."""
    cls = typing.get_origin(maker) or maker
    if not isinstance(cls, type):
        hints = _hints(maker)
        return hints, hints.get("return", Any)
    fields = _fields(maker)
    if not fields:
        return _hints(inspect.getattr_static(cls, "__init__")), maker
    converted = {each.name for each in getattr(cls, "__attrs_attrs__", ()) if each.converter is not None}
    return {
        name: each for name, each in fields.items() if name not in converted and not isinstance(each, InitVar)
    }, maker


def _fields(maker: Any) -> Mapping[str, Any]:
    try:
        return fields_of(maker)
    except NameError:
        return {}


def _hints(function: Any) -> Mapping[str, Any]:
    try:
        return resolve_hints(function)
    except InvalidStep:
        return {}
