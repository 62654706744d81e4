"""The options of one use of a step, as far as they aren't the step's own: told as data, and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorflow.plan import GuardSpec, StepSpec
from actorflow.policy import Exponential, Fixed, Retry
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.types import Untold, tell_error


def tell_options(spec: StepSpec, own: StepSpec, registry: Registry) -> dict[str, Any]:
    """How a use of a step differs from the step itself. Raises `Untold`."""
    told: dict[str, Any] = {}
    if spec.timeout != own.timeout:
        told["timeout"] = spec.timeout
    if spec.retry != own.retry:
        told["retry"] = tell_retry(spec.retry, registry)
    if spec.limits != own.limits:
        told["limits"] = [_limit(each.limit, registry) for each in spec.limits]
    if spec.mode != own.mode:
        told["mode"] = spec.mode
    if spec.irreversible != own.irreversible:
        told["irreversible"] = spec.irreversible
    if spec.description != own.description:
        told["description"] = spec.description
    if spec.undo is None and own.undo is not None:
        told["undoable"] = False
    return {**told, **tell_guards(spec.guards, own.guards, registry)}


def tell_guards(guards: tuple[GuardSpec, ...], own: tuple[GuardSpec, ...], registry: Registry) -> dict[str, Any]:
    """The guards, where they aren't the step's own."""
    if guards == own:
        return {}
    told: dict[str, Any] = {}
    asked, own_asked = ([each.function for each in some if not each.is_where] for some in (guards, own))
    where, own_where = (next((each.function for each in some if each.is_where), None) for some in (guards, own))
    if asked != own_asked:
        told["guards"] = [tell_function(each, registry) for each in asked]
    if where is not own_where:
        told["where"] = None if where is None else tell_function(where, registry)
    return told


def tell_function(function: Callable[..., Any], registry: Registry) -> str:
    name = registry.name_of_function(function)
    if name is None:
        shown = getattr(function, "__qualname__", None) or repr(function)
        raise Untold(f"the function {shown} isn't in the registry; give it to Registry(functions=[…])")
    return name


def _limit(limit: Any, registry: Registry) -> str:
    name = registry.name_of_limit(limit)
    if name is None:
        raise Untold(f"the limit {limit.name!r} isn't in the registry; give it to Registry(limits=[…])")
    return name


def tell_retry(retry: Retry, registry: Registry) -> dict[str, Any]:
    told: dict[str, Any] = {"attempts": retry.attempts}
    if retry.on:
        told["on"] = [tell_error(kind, registry) for kind in retry.on]
    if retry.within is not None:
        told["within"] = retry.within
    match retry.backoff:
        case None:
            pass
        case Fixed(seconds):
            told["backoff"] = {"fixed": {"seconds": seconds}}
        case Exponential(first, factor, most, jitter):
            told["backoff"] = {"exponential": {"first": first, "factor": factor, "most": most, "jitter": jitter}}
        case own:
            told["backoff"] = {"function": tell_function(own, registry)}
    return told


def named_arguments_of(spec: StepSpec, arguments: tuple[Any, ...], keywords: tuple[str, ...]) -> Mapping[str, Any]:
    """A node's flat arguments by the names of their parameters; what is spread out is a list under its own name."""
    from inspect import Parameter

    positional = arguments[: len(arguments) - len(keywords)]
    named: dict[str, Any] = {}
    plain = [
        p for p in spec.signature.parameters.values() if p.kind not in {Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD}
    ]
    place = 0
    for parameter in plain:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            named[parameter.name] = list(positional[place:])
        elif place < len(positional):
            named[parameter.name] = positional[place]
            place += 1
    return {**named, **dict(zip(keywords, arguments[len(positional) :], strict=True))}
