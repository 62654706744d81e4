"""Runtimes made for tests: time that jumps, values through the codec, the same random numbers each time, everything recorded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from actorflow.runtime import Runtime
from actorflow.testing.recorder import Recorder


@asynccontextmanager
async def open_runtime(**options: Any) -> AsyncGenerator[Runtime]:
    """An open runtime that is recorded until it has been left, for `history(run)`. `options` are those of `Runtime`.

    Unless told otherwise values are decoded (each step gets copies made by the codec, R7) and the seed is 0.
    """
    told: dict[str, Any] = {"values": "decoded", "seed": 0, **options}
    async with Runtime(**told) as runtime:
        Recorder(runtime)
        yield runtime
