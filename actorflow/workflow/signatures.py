"""What a function takes: binding a call's arguments, and whether one function can be given another's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import suggest

_PLAIN = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def bind_arguments(
    signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], tuple[str, ...]]:
    """The arguments of a call as one flat list, and the names of the trailing ones that are passed by keyword.

    All parameters in the signature's order, defaults filled in, `*args` spread out in their place. Raises `TypeError` if they don't
    fit, with a text that continues the function's name: `misses its argument 'nights'`.
    """
    if not kwargs and _takes_exactly(signature, len(args)):
        return list(args), ()
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(_misfit(signature, kwargs, error)) from None
    bound.apply_defaults()
    return _flatten(signature, bound.arguments)


def takes_arguments_of(signature: Signature, step: Signature, *, after: int = 0) -> bool:
    """Whether a handler takes the step's arguments as they are, once its first `after` parameters are filled.

    Either the same names, kinds and defaults, or `*args, **kwargs`.
    """
    parameters = list(signature.parameters.values())
    if len(parameters) < after or any(first.kind not in _PLAIN for first in parameters[:after]):
        return False
    rest = parameters[after:]
    return _takes_anything(rest) or _shape(rest) == _shape(step.parameters.values())


def takes_names_of(signature: Signature, step: Signature) -> bool:
    """Whether a guard takes the step's arguments: the same names and kinds; all are given, so defaults don't matter."""
    mine = list(signature.parameters.values())
    names = [(parameter.name, parameter.kind) for parameter in mine]
    return _takes_anything(mine) or names == [(each.name, each.kind) for each in step.parameters.values()]


def takes_call(signature: Signature, count: int, keywords: Sequence[str] = ()) -> bool:
    """Whether a function can be called with so many arguments by position, and these by name."""
    try:
        signature.bind(*[None] * count, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def takes_one(signature: Signature) -> bool:
    parameters = list(signature.parameters.values())
    return len(parameters) == 1 and parameters[0].kind in _PLAIN


def written(name: str, first: Sequence[str], step: Signature, returns: str) -> str:
    """A function's header, as the developer should write it: `refund(value: Charge, seat: Seat) -> None`."""
    given = [_written_parameter(parameter) for parameter in step.parameters.values()]
    return f"{name}({', '.join(_with_markers([*first], given, step))}) -> {returns}"


def type_name(annotation: Any) -> str:
    """An annotation as it is written; `Any` if there is none."""
    if annotation is Parameter.empty:
        return "Any"
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _takes_exactly(signature: Signature, count: int) -> bool:
    parameters = signature.parameters
    return len(parameters) == count and all(parameter.kind in _PLAIN for parameter in parameters.values())


def _flatten(signature: Signature, arguments: Mapping[str, Any]) -> tuple[list[Any], tuple[str, ...]]:
    flat: list[Any] = []
    keywords: list[str] = []
    for name, parameter in signature.parameters.items():
        value = arguments[name]
        if parameter.kind is Parameter.VAR_POSITIONAL:
            flat.extend(value)
        elif parameter.kind is Parameter.VAR_KEYWORD:
            flat.extend(value.values())
            keywords.extend(value)
        else:
            flat.append(value)
            if parameter.kind is Parameter.KEYWORD_ONLY:
                keywords.append(name)
    return flat, tuple(keywords)


def _misfit(signature: Signature, kwargs: Mapping[str, Any], error: TypeError) -> str:
    parameters = signature.parameters
    named = [name for name, parameter in parameters.items() if parameter.kind is not Parameter.POSITIONAL_ONLY]
    unknown = [name for name in kwargs if name not in parameters]
    if unknown and all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return f"takes no argument {unknown[0]!r}{suggest(unknown[0], named)}"
    text = str(error)
    missing = text.removeprefix("missing a required argument: ").removeprefix(
        "missing a required keyword-only argument: "
    )
    return f"misses its argument {missing}" if missing != text else text


def _takes_anything(parameters: Sequence[Parameter]) -> bool:
    return [parameter.kind for parameter in parameters] == [Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD]


def _shape(parameters: Iterable[Parameter]) -> list[tuple[Any, ...]]:
    return [(parameter.name, parameter.kind, _Default(parameter.default)) for parameter in parameters]


class _Default:
    """A default that compares without surprises: by identity, then by type and equality, whatever `==` answers."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Default) and (self.value is other.value or _same(self.value, other.value))

    __hash__ = None  # type: ignore[assignment]  # compared only


def _same(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # an == of somebody else's that raises tells us that they aren't known to be the same
        return False


def _written_parameter(parameter: Parameter) -> str:
    stars = (
        "*" if parameter.kind is Parameter.VAR_POSITIONAL else "**" if parameter.kind is Parameter.VAR_KEYWORD else ""
    )
    annotated = "" if parameter.annotation is Parameter.empty else f": {type_name(parameter.annotation)}"
    default = "" if parameter.default is Parameter.empty else f"{' = ' if annotated else '='}{parameter.default!r}"
    return f"{stars}{parameter.name}{annotated}{default}"


def _with_markers(first: list[str], given: list[str], step: Signature) -> list[str]:
    """Puts `/` and a bare `*` where Python wants them."""
    kinds = [parameter.kind for parameter in step.parameters.values()]
    words = list(given)
    if Parameter.KEYWORD_ONLY in kinds and Parameter.VAR_POSITIONAL not in kinds:
        words.insert(kinds.index(Parameter.KEYWORD_ONLY), "*")
    if Parameter.POSITIONAL_ONLY in kinds:
        words.insert(kinds.count(Parameter.POSITIONAL_ONLY), "/")
    return first + words
