"""Where arguments come from, as a reader of the workflow would say it: `trip.city`, `result of seat`, `3`."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter
from typing import Any

from actorflow.errors import brief
from actorflow.plan.draft import Draft
from actorflow.plan.expression import Attribute, Collected, Constant, Expression, InputValue, Key, NodeValue, Path
from actorflow.plan.plan import Plan
from actorflow.plan.spec import StepSpec
from actorflow.values import MASK, holds_secrets


def sources_of(plan: Plan, node: int) -> list[str]:
    """Per argument of a node where it comes from. A plan that was made by hand has no draft; then as far as its slots tell."""
    if isinstance(plan.draft, Draft):
        arguments = plan.draft.nodes[node].arguments
        kinds = _kinds(plan, node, len(arguments))
        return [source_text(plan, argument, kind) for argument, kind in zip(arguments, kinds, strict=True)]
    slots = plan.takes[node]
    if slots is None:
        return []
    return [_slot_text(plan, slot, kind) for slot, kind in zip(slots, _kinds(plan, node, len(slots)), strict=True)]


def result_text(plan: Plan) -> str:
    """Where a run's result comes from; empty if nobody knows any more."""
    return source_text(plan, plan.draft.result, plan.return_type) if isinstance(plan.draft, Draft) else ""


def shown_constant(value: Any, kind: Any) -> str:
    """As Python shows it; `***` where the type that it is for has secrets."""
    return MASK if holds_secrets(kind) else brief(value)


def _kinds(plan: Plan, node: int, count: int) -> list[Any]:
    known = [kind for _, kind in parameters_of(plan.steps[node], count, plan.keywords[node])]
    return known + [Any] * (count - len(known))


def source_text(plan: Plan, expression: Expression, kind: Any) -> str:
    """`kind` is the annotated type of what it is for."""
    match expression:
        case NodeValue(node):
            return f"result of {plan.names[node]}"
        case InputValue(index):
            return plan.inputs[index].name
        case Constant(value):
            return shown_constant(value, kind)
        case Path(root=root, keys=keys):
            return f"{source_text(plan, root, kind)}{''.join(map(_key_text, keys))}"
        case Collected(shape=shape, keys=keys, items=items):
            return _container_text(shape, keys, [source_text(plan, item, kind) for item in items])


def _key_text(key: Key) -> str:
    return str(key) if isinstance(key, Attribute) else f"[{brief(key.key)}]"


def _container_text(shape: type, keys: Sequence[Key], items: Sequence[str]) -> str:
    if shape is list or shape is tuple:
        inside = ", ".join(items)
        return f"[{inside}]" if shape is list else f"({inside}{',' if len(items) == 1 else ''})"
    named = [
        (key.name if isinstance(key, Attribute) else brief(key.key), item)
        for key, item in zip(keys, items, strict=True)
    ]
    if shape is dict:
        return f"{{{', '.join(f'{key}: {item}' for key, item in named)}}}"
    return f"{shape.__name__}({', '.join(f'{key}={item}' for key, item in named)})"


def _slot_text(plan: Plan, slot: int, kind: Any) -> str:
    count = len(plan)
    if slot < count:
        return f"result of {plan.names[slot]}"
    index = slot - count
    inputs = len(plan.inputs)
    return plan.inputs[index].name if index < inputs else shown_constant(plan.constants[index - inputs], kind)


def parameters_of(spec: StepSpec, count: int, keywords: Sequence[str]) -> list[tuple[str, Any]]:
    """Per argument of `count` its parameter's name and annotated type; those of `*xs` all have its name."""
    types = dict(spec.arguments)
    kinds = {parameter.name: parameter.kind for parameter in spec.signature.parameters.values()}
    before = [name for name, kind in kinds.items() if kind <= Parameter.POSITIONAL_OR_KEYWORD]
    many = next((name for name, kind in kinds.items() if kind == Parameter.VAR_POSITIONAL), None)
    others = next((types.get(name, Any) for name, kind in kinds.items() if kind == Parameter.VAR_KEYWORD), Any)
    plain = [(name, types.get(name, Any)) for name in before]
    spread = [(many, types.get(many, Any))] * (count - len(plain) - len(keywords)) if many else []
    return [*plain, *spread, *((name, types.get(name, others)) for name in keywords)]
