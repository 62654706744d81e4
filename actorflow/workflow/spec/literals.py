"""Constants as data: plain JSON as it is, everything else with the name of its type, containers of such by item.

    {"value": 3}    {"value": "2024-05-01", "type": "date"}    {"tuple": [{"value": {"city": "Oslo"}, "type": "Trip"}]}

Where a container could hold references too, one that is a constant is marked so: `{"constant": {"tuple": […]}}`.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from actorflow.errors import brief
from actorflow.plan import shape_of
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.types import Untold, tell_type

CONTAINERS: dict[str, type[Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}

_BIG = 2**63


def tell_literal(value: Any, registry: Registry) -> dict[str, Any]:
    """The data of a constant. Raises `Untold` for one that wouldn't come back as it is."""
    if is_plain(value):
        return {"value": value}
    for name, shape in CONTAINERS.items():
        if shape_of(value) is shape:
            items = sorted(value, key=repr) if shape in {set, frozenset} else value
            return {name: [tell_literal(item, registry) for item in items]}
    return _dict(value, registry) if shape_of(value) is dict else _typed(value, registry)


def _dict(value: dict[Any, Any], registry: Registry) -> dict[str, Any]:
    if all(type(key) is str for key in value):
        return {"dict": {key: tell_literal(item, registry) for key, item in value.items()}}
    return {"pairs": [[tell_literal(key, registry), tell_literal(item, registry)] for key, item in value.items()]}


def tell_constant(value: Any, registry: Registry) -> dict[str, Any]:
    """The same, where it could be a reference. Raises `Untold`."""
    told = tell_literal(value, registry)
    return told if "value" in told else {"constant": told}


def _typed(value: Any, registry: Registry) -> dict[str, Any]:
    shape = shape_of(value)
    name = tell_type(shape, registry)
    try:
        data = msgspec.json.decode(msgspec.json.encode(value))
        back = msgspec.convert(data, shape, str_keys=True)
        if shape_of(back) is shape and bool(back == value) and is_plain(data):
            return {"value": data, "type": name}
    except Exception as error:
        raise Untold(f"the constant {brief(value)} can't be told as data: {error}") from None
    raise Untold(f"the constant {brief(value)} can't be told as data: it wouldn't come back as it is")


def is_plain(value: Any) -> bool:
    """Whether a value is JSON already."""
    shape = shape_of(value)
    if value is None or shape in {bool, str}:
        return True
    if shape is int:
        return bool(-_BIG <= value < _BIG)
    if shape is float:
        return math.isfinite(value)
    if shape is list:
        return all(map(is_plain, value))
    return shape is dict and all(type(key) is str and is_plain(item) for key, item in value.items())
