"""The yardsticks of the figures stay as they are: a ratio means nothing if its denominator moves."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("yardstick", "sha256"),
    [
        ("raw.py", "ed5e8ab84818fb0f8040c48bee170032a8a98abcf9ca414ecd7afa57358dfeb2"),
        ("bare_inserts.py", "69b9dadb4772c9dfc1a18a03be87cf2d2bace406a31849a7b56959d5cd75a7af"),
    ],
)
def test_a_yardstick_is_unchanged(yardstick: str, sha256: str) -> None:
    assert hashlib.sha256((BENCHMARKS / yardstick).read_bytes()).hexdigest() == sha256
