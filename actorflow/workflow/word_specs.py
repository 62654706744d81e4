"""What words are that have no bodies: `template`, `gather`, `debug`, `fail`.

Each is an inline node: what it does takes microseconds, and runs in the executor's own turn (R9). Here are their specs, one function each,
and what they do at run time, one class each; how they are drawn is in `saying.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any, NoReturn

from actorflow.errors import DeliberateFailure
from actorflow.plan import StepSpec
from actorflow.workflow.debugging import DebugLine
from actorflow.workflow.gathering import Given, gathered_types
from actorflow.workflow.texts import Text

# ── what they do ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Filled:
    """Fills in a text."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __call__(self, /, **values: Any) -> str:
        return self.text.filled(values)


class Failing:
    """Raises a failure with a filled-in text."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __call__(self, /, **values: Any) -> None:
        raise DeliberateFailure(self.text.filled(values))


class Gathered:
    """Makes an object of a type; it goes by the type's name, also in a plan's fingerprint."""

    def __init__(self, maker: Callable[..., Any]) -> None:
        self.maker = maker
        self.__module__ = getattr(maker, "__module__", "")
        self.__qualname__ = getattr(maker, "__qualname__", "") or str(maker)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.maker(*args, **kwargs)


# ── what they are ─────────────────────────────────────────────────────────────────────────────────────────────────────


def template_spec(text: Text) -> StepSpec:
    return _spec("template", Filled(text), _named(text.names), str)


def fail_spec(text: Text) -> StepSpec:
    return _spec("fail", Failing(text), _named(text.names), NoReturn)


def debug_spec(level: str, types: Mapping[str, Any]) -> StepSpec:
    return _spec("debug", DebugLine(level, types), _named(types), type(None))


def gather_spec(maker: Callable[..., Any], given: Given) -> StepSpec:
    """Its arguments have the maker's own annotations, as far as these say what is taken."""
    takes, returns = gathered_types(maker)
    names = given.signature.parameters
    arguments = tuple((name, takes.get(known, Any)) for name, known in zip(names, given.parameters, strict=True))
    return _spec("gather", Gathered(maker), given.signature, returns, arguments)


def _named(names: Iterable[str]) -> Signature:
    return Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])


def _spec(
    name: str,
    function: Callable[..., Any],
    signature: Signature,
    returns: Any,
    arguments: tuple[tuple[str, Any], ...] | None = None,
) -> StepSpec:
    anything = tuple((parameter, Any) for parameter in signature.parameters)
    return StepSpec(
        name=name,
        function=function,
        signature=signature,
        mode="inline",
        returns=returns,
        arguments=anything if arguments is None else arguments,
    )
