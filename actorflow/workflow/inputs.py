"""What a workflow is given: the inputs of a run, checked or converted (R2), and the arguments of a call inside another workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import InvalidInput, brief, suggest
from actorflow.plan import UNUSABLE, Expression, InputSpec
from actorflow.values import ValueMismatch, check, convert
from actorflow.workflow.drawing import Drawing

_REQUIRED = Parameter.empty


def bind_inputs(
    what: str, inputs: Sequence[InputSpec], signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, ...]:
    """The values of the inputs in order, checked as they are. Raises `InvalidInput`."""
    given = _named(what, signature, args, kwargs)
    values = _complete(what, inputs, given)
    for spec, value in zip(inputs, values, strict=True):
        if value is not spec.default:
            _check(what, spec, value)
    return values


def convert_inputs(what: str, inputs: Sequence[InputSpec], given: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of the inputs in order, converted strictly from plain data. Raises `InvalidInput`."""
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(f"{what}: the inputs are a mapping of names to values, not {brief(given)}")
    values = dict(given)
    for spec in inputs:
        if spec.name in values:
            values[spec.name] = _converted(what, spec, values[spec.name])
    return _complete(what, inputs, values)


def bind_values(
    drawing: Drawing,
    inputs: Sequence[InputSpec],
    signature: Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    what: str,
) -> list[Expression]:
    """The expressions of the inputs of a workflow called in another one; a call that doesn't fit is a problem of the drawing."""
    try:
        given = _named(what, signature, args, kwargs)
        values = _complete(what, inputs, given)
    except InvalidInput as error:
        drawing.problem(str(error))
        return [UNUSABLE for _ in inputs]
    found = [
        drawing.expression(value, f"{what}, input {spec.name!r}") for spec, value in zip(inputs, values, strict=True)
    ]
    drawing.check_inputs(what, inputs, found)
    return found


def _named(what: str, signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the name of their input."""
    parameters = [p for p in signature.parameters.values() if p.kind is not Parameter.KEYWORD_ONLY]
    if len(args) > len(parameters):
        raise InvalidInput(f"{what} takes {len(parameters)} inputs by position, but {len(args)} were given")
    named = {parameter.name: value for parameter, value in zip(parameters, args, strict=False)}
    twice = [name for name in kwargs if name in named]
    if twice:
        raise InvalidInput(f"{what}: input {twice[0]!r} is given twice")
    return named | dict(kwargs)


def _complete(what: str, inputs: Sequence[InputSpec], given: Mapping[str, Any]) -> tuple[Any, ...]:
    """All inputs in order, defaults filled in."""
    names = [spec.name for spec in inputs]
    unknown = [name for name in given if name not in names]
    if unknown:
        takes = f"\nIt takes {', '.join(names)}." if names else "\nIt takes no inputs."
        raise InvalidInput(f"{what} has no input {unknown[0]!r}{suggest(str(unknown[0]), names)}{takes}")
    missing = [spec.name for spec in inputs if spec.name not in given and spec.default is _REQUIRED]
    if missing:
        listed = ", ".join(map(repr, missing))
        raise InvalidInput(f"{what} misses its {'input' if len(missing) == 1 else 'inputs'} {listed}")
    return tuple(given.get(spec.name, spec.default) for spec in inputs)


def _check(what: str, spec: InputSpec, value: Any) -> None:
    try:
        check(value, spec.type)
    except ValueMismatch as error:
        raise _wrong(what, spec, error) from None


def _converted(what: str, spec: InputSpec, value: Any) -> Any:
    try:
        return convert(value, spec.type)
    except ValueMismatch as error:
        raise _wrong(what, spec, error) from None


def _wrong(what: str, spec: InputSpec, error: ValueMismatch) -> InvalidInput:
    return InvalidInput(f"{what}, input {spec.name}{error.path}: expected {error.expected}, got {error.got}")
