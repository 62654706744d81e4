"""Strict reading: whatever is wrong with a spec is a problem with its path, `$.nodes[3].each.items`, and all are told together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, TypeGuard

from actorflow.errors import brief, suggest


class Fields:
    """An object of a spec. What it doesn't have is None, and so is what is wrong: that has been told."""

    def __init__(self, data: Mapping[str, Any], path: str, problems: list[str]) -> None:
        self.data = data
        self.path = path
        self._problems = problems

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def at(self, name: str) -> str:
        return f"{self.path}.{name}"

    def get(self, name: str) -> Any:
        return self.data.get(name)

    def problem(self, name: str, text: str) -> None:
        self._problems.append(f"{self.at(name)}: {text}")

    def text(self, name: str, *, empty: bool = False) -> str | None:
        value = self.data.get(name)
        if name not in self.data:
            return None
        if isinstance(value, str) and (value or empty):
            return value
        self._wrong(name, "a text" if empty else "a text that isn't empty", value)
        return None

    def boolean(self, name: str) -> bool | None:
        value: bool | None = self._of(name, "true or false", lambda value: isinstance(value, bool))
        return value

    def whole(self, name: str) -> int | None:
        value: int | None = self._of(name, "a whole number", _is_whole)
        return value

    def number(self, name: str) -> float | None:
        value: float | None = self._of(name, "a number", _is_number)
        return value

    def items(self, name: str) -> Sequence[Any]:
        return self._of(name, "a list", is_list) or ()

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        items = self.items(name)
        for i, value in enumerate(items):
            if not isinstance(value, str):
                self._problems.append(f"{self.at(name)}[{i}]: expected a text, got {brief(value)}")
        return [value for value in items if isinstance(value, str)]

    def one_of(self, name: str, *choices: str) -> str | None:
        value = self.text(name)
        if value is None or value in choices:
            return value
        self.problem(name, f"{value!r} is none of {', '.join(choices)}{suggest(value, choices)}")
        return None

    def _of(self, name: str, wanted: str, is_right: Callable[[Any], bool]) -> Any:
        value = self.data.get(name)
        if name not in self.data or is_right(value):
            return value
        self._wrong(name, wanted, value)
        return None

    def _wrong(self, name: str, wanted: str, value: Any) -> None:
        self.problem(name, f"expected {wanted}, got {brief(value)}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict) and all(isinstance(name, str) for name in value)  # pyright: ignore[reportUnknownVariableType]


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def fields(
    data: Any, path: str, problems: list[str], *, needs: Collection[str] = (), may: Collection[str] = ()
) -> Fields | None:
    """An object that has what it needs, and nothing but that and what it may have; None if it's something else."""
    if not is_object(data):
        problems.append(f"{path}: expected an object, got {brief(data)}")
        return None
    known = [*needs, *may]
    problems.extend(
        f"{path}: there is no field {name!r} here{suggest(name, known)}" for name in data if name not in known
    )
    problems.extend(f"{path}: its field {name!r} is missing" for name in needs if name not in data)
    return Fields(data, path, problems)


def each_item(owner: Fields, name: str) -> Iterator[tuple[str, Any]]:
    """The items of a list, each with its path."""
    for i, item in enumerate(owner.items(name)):
        yield f"{owner.at(name)}[{i}]", item
