"""Functions of steps that execute in worker processes, which find them by module and name."""

from __future__ import annotations

import os
import signal


def lose_the_worker(city: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return city
