"""What the parts of a runtime share: time, telemetry, permits, workers, and who ends a run."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorflow.actors import Timers
    from actorflow.clock import Clock
    from actorflow.runtime.children import Children
    from actorflow.runtime.endings import Endings
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.passing import Passing
    from actorflow.runtime.pool import Pool
    from actorflow.runtime.recorder import Recorder
    from actorflow.runtime.threads import Threads
    from actorflow.telemetry import Hub


@dataclass(slots=True, eq=False)
class Services:
    loop: AbstractEventLoop
    clock: Clock
    hub: Hub
    timers: Timers
    values: Passing
    random: Callable[[], float]
    threads: Threads
    processes: Any
    children: Children
    endings: Endings
    machine: Machine
    pool: Pool = field(init=False)
    recorder: Recorder = field(init=False)
