"""How a value that isn't of its type is told: what was expected where, and what is there."""

from __future__ import annotations

from typing import Any


class ValueMismatch(Exception):
    """A value isn't of the type that it should be; those who check make their own error of it.

    `path` leads from the value to the part that is wrong, as `.legs[2].city`; it is empty for the value itself.
    """

    def __init__(self, expected: str, got: str, path: str = "") -> None:
        self.expected = expected
        self.got = got
        self.path = path
        super().__init__(expected, got, path)

    def under(self, step: str) -> ValueMismatch:
        """The same, seen from one level up."""
        self.path = step + self.path
        return self

    def __str__(self) -> str:
        return f"{self.path or 'it'}: expected {self.expected}, got {self.got}"


def shown(value: Any) -> str:
    """What is there, briefly: the type of it, and small plain values themselves."""
    if value is None:
        return "None"
    if isinstance(value, bool | int | float | str | bytes):
        text = repr(value)
        return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '…'}"
    return type(value).__name__
