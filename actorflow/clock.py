"""Time, as an object that is passed in. `testing.MockClock` is the other one."""

from __future__ import annotations

import time
from time import monotonic


class Clock:
    """The system's time. Timers go through the event loop, so a clock that jumps moves the loop's time too.

    `hold` and `release` say that work goes on which the loop can't see (a thread, a worker process): while any is
    held, a clock that jumps must not.
    """

    linger = 0.001
    """Seconds for which telemetry may gather what happens in a run. None in a clock that jumps: it would have to wait for it."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    monotonic = staticmethod(monotonic)
    """Seconds of a clock that never goes back; the same scale as the running loop's `time()`. It is read twice per step,
    so it is the system's own function here."""

    def hold(self) -> None: ...

    def release(self) -> None: ...
