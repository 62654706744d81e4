"""Strict conversion of plain data (R2)."""

from __future__ import annotations

import pytest

from actorflow.values import ValueMismatch, convert


def test_keys_that_came_as_text_are_converted() -> None:
    """R2: JSON has no other keys; what can't be such a key is told with where it stands."""
    assert convert({"a": {"1": 2}}, dict[str, dict[int, int]]) == {"a": {1: 2}}
    with pytest.raises(ValueMismatch) as caught:
        convert({"a": {"x": 2}}, dict[str, dict[int, int]])
    assert (caught.value.path, caught.value.expected, caught.value.got) == ("[...]", "keys that are int", "str")
