"""Models of pydantic as data, and back (R56); pydantic isn't imported for that, it's there if somebody has such a model.

A model is written as plain data, by the names of its fields; if it doesn't come back from that as it was (strict models, urls, addresses), as
JSON text. One that comes back from neither is refused: a field holds a subclass with fields of its own, or a validator changes what it gets.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from inspect import signature
from typing import Any, TypeGuard, cast

Pack = Callable[[Any], bytes]
Unpack = Callable[[bytes], Any]


def is_model(cls: Any) -> bool:
    """Whether it is a class of pydantic models. Its dataclasses are dataclasses like any other."""
    return (
        isinstance(cls, type)
        and hasattr(cls, "__pydantic_validator__")
        and hasattr(cls, "model_validate")
        and not dataclasses.is_dataclass(cls)
    )


def is_secret_class(cls: Any) -> bool:
    """`SecretStr`, `SecretBytes` and the like."""
    return isinstance(cls, type) and hasattr(cls, "get_secret_value") and cls.__module__.partition(".")[0] == "pydantic"


def model_fields_of(cls: Any) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """By name the annotation of each field, without its `Annotated`, and what that had."""
    return {name: (field.annotation, tuple(field.metadata)) for name, field in cls.model_fields.items()}


def dumped(model: Any, pack: Pack, unpack: Unpack) -> Any:
    """What stands for the model: plain data, or JSON text. Raises `ValueError` if it doesn't come back from either."""
    reasons: list[str] = []
    for dump in (_as_data, _as_json):
        try:
            written = dump(model)
            if _is_same(built(type(model), unpack(pack(written))), model):
                return written
        except Exception as error:
            reasons.append(f"{type(error).__name__}: {error}")
    why = reasons[-1] if reasons else "a field may hold a subclass of its type, or a validator changes what it gets"
    raise ValueError(f"this {type(model).__name__} doesn't come back from its own data as it is: {why}")


def built(cls: Any, written: Any) -> Any:
    """The model again. Raises `ValueError` that doesn't show the data."""
    try:
        if isinstance(written, str):
            return cls.model_validate_json(written)
        return (
            cls.model_validate(written, by_name=True, by_alias=True) if _by_name(cls) else cls.model_validate(written)
        )
    except ValueError as error:
        raise ValueError(problem_of(cls, error)) from None


def from_outside(cls: Any, value: Any) -> Any:
    """A model of what came as a message, a file or JSON: by the names that others use. Raises `ValueError` that doesn't show the data."""
    try:
        return cls.model_validate(value)
    except ValueError as error:
        raise ValueError(problem_of(cls, error)) from None


def problem_of(cls: type, error: ValueError) -> str:
    """What is wrong where, without the values: texts of errors end in logs."""
    listed: Any = getattr(error, "errors", None)
    if not callable(listed):
        return f"no {cls.__name__} can be made of it ({type(error).__name__})"
    found = cast("list[dict[str, Any]]", listed(include_url=False, include_context=False, include_input=False))
    told = (f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found)
    return f"it is no {cls.__name__}: {'; '.join(told)}"


# ── how ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_data(model: Any) -> Any:
    """Raises `ValueError` for text, which would be taken for JSON."""
    data = model.model_dump(round_trip=True, warnings=False, by_alias=not _by_name(type(model)))
    if isinstance(data, str):
        raise ValueError("its data is text")  # noqa: TRY004  # it is no wrong type: it is written in the other way
    return data


def _as_json(model: Any) -> Any:
    return model.model_dump_json(round_trip=True, warnings=False, by_alias=not _by_name(type(model)))


def _by_name(cls: Any) -> bool:
    """Whether models can be read by the names of their fields, which this version of pydantic says by a parameter."""
    return _has_by_name(cls.model_validate.__func__)


@cache
def _has_by_name(function: Hashable) -> bool:
    return "by_name" in signature(cast("Callable[..., Any]", function)).parameters


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if _is_float(one):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))  # pyright: ignore[reportUnknownArgumentType]
    if is_model(type(one)):
        return all(map(_is_same, _parts(one), _parts(other)))
    return bool(one == other)


def _is_float(value: Any) -> TypeGuard[float]:
    return isinstance(value, float)


def _parts(model: Any) -> Iterator[Any]:
    yield vars(model)
    yield getattr(model, "__pydantic_extra__", None)
    yield getattr(model, "__pydantic_private__", None)
