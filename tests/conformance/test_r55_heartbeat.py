"""R55: a heartbeat doesn't depend on the loop being free, and what blocks the loop is named."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest
from structlog.testing import capture_logs

from actorflow import Runtime, SQLiteStore, step, workflow
from actorflow.runtime import heart


class Listening(SQLiteStore):
    """A store that says when another thread has renewed a lease in it."""

    def __init__(self, path: Path, renewed: threading.Event) -> None:
        super().__init__(path)
        self.path, self.renewed = path, renewed

    def beside(self) -> Self:
        return type(self)(self.path, self.renewed)

    async def renew(self, owner: int, *, lease: float) -> bool:
        is_there = await super().renew(owner, lease=lease)
        if is_there and threading.current_thread() is not threading.main_thread():
            self.renewed.set()
        return is_there


async def test_a_step_that_blocks_the_loop_costs_no_lease_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R55: a step that blocks the loop doesn't cost the runtime its leases, and the blocking is reported with the step's name."""
    monkeypatch.setattr(heart, "BLOCKED", 0.05)
    monkeypatch.setattr(heart, "LOOKS_EVERY", 0.01)
    renewed = threading.Event()

    @step
    async def blocks() -> bool:
        return renewed.wait(30.0)

    @workflow
    def blocked() -> bool:
        return blocks()

    with capture_logs() as logs:
        async with Runtime(store=Listening(tmp_path / "runs.db", renewed), lease=0.3) as runtime:
            assert await runtime.run(blocked)
    assert [(line["step"], line["log_level"]) for line in logs if "blocks the event loop" in line["event"]] == [
        ("blocks", "warning")
    ]
