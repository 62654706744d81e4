"""The limits of a step: which pools it uses, and which of its arguments tell which (R28)."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import InvalidStep, suggest
from actorflow.plan import LimitSpec
from actorflow.policy import Limit
from actorflow.workflow.functions import signature_of

_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def limit_specs(step: str, given: Any, signature: Signature) -> tuple[LimitSpec, ...]:
    """What was given as `limit=`, checked, in order of name; the same limit given twice counts once."""
    limits: tuple[Any, ...] = given if issubclass(type(given), tuple) else (given,)
    by_name: dict[str, LimitSpec] = {}
    for limit in limits:
        if not isinstance(limit, Limit):
            raise InvalidStep(f"step {step!r} has limit={limit!r}\nGive a Limit, or a tuple of them.")
        if by_name.setdefault(limit.name, spec := _spec(step, limit, signature)) != spec:
            raise InvalidStep(
                f"step {step!r} has two limits named {limit.name!r}\nA step takes a pool once: give one of them."
            )
    return tuple(by_name[name] for name in sorted(by_name))


def _spec(step: str, limit: Limit, signature: Signature) -> LimitSpec:
    if limit.key is None:
        return LimitSpec(limit)
    wanted = signature_of(limit.key)
    if wanted is None or any(parameter.kind not in _NAMED for parameter in wanted.parameters.values()):
        raise InvalidStep(
            f"the key of limit {limit.name!r} doesn't tell which arguments of step {step!r} it takes\n"
            f"Name them: key=lambda {next(iter(signature.parameters), 'argument')}: …"
        )
    picks = [_pick(step, limit, parameter, signature) for parameter in wanted.parameters.values()]
    return LimitSpec(limit, tuple(pick for pick in picks if pick is not None))


def _pick(step: str, limit: Limit, wanted: Parameter, signature: Signature) -> tuple[str, int] | None:
    known = [name for name, parameter in signature.parameters.items() if parameter.kind not in _VARIADIC]
    if wanted.name in known and (place := _place(wanted.name, signature)) is not None:
        return wanted.name, place
    if wanted.default is not Parameter.empty and wanted.name not in signature.parameters:
        return None
    has = f"It has {', '.join(known)}." if known else "It has none."
    raise InvalidStep(
        f"the key of limit {limit.name!r} names {wanted.name!r}, which isn't one of the arguments of step {step!r} that it can take"
        f"{suggest(wanted.name, known)}\n{has}"
    )


def _place(name: str, signature: Signature) -> int | None:
    """Where an argument stands in the flat list: from the front, or behind `*args` from the end; None if there is no telling."""
    names = list(signature.parameters)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    place = names.index(name)
    if Parameter.VAR_POSITIONAL not in kinds[:place]:
        return place
    return None if Parameter.VAR_KEYWORD in kinds else place - len(names)
