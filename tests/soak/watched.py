"""What a process takes, seen from outside."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

WARM = 0.3
"""The share of all looks after which a process is warm: what it takes then is what it may take."""
GROWTH = 1.15
SPARE = 8 << 20
"""Bytes by which a process may grow besides: allocators keep what was asked of them for a moment."""
FEW = 6
"""Handles that come and go: connections to the services."""


class Look(NamedTuple):
    trips: int
    most_bytes: int
    handles: int


class Watched:
    """Memory at its highest (`VmHWM`, what `ru_maxrss` gives), and open handles, over time."""

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def look(self, pid: int, trips: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            return
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        self.looks.append(Look(trips, int(kilobytes) << 10, handles))

    @property
    def warm(self) -> Look:
        return self.looks[int(len(self.looks) * WARM)]

    def most_handles(self, looks: list[Look]) -> int:
        return max(look.handles for look in looks)

    def halves(self) -> tuple[int, int]:
        """The most handles in the first half, and in the second one."""
        middle = len(self.looks) // 2
        return self.most_handles(self.looks[:middle]), self.most_handles(self.looks[middle:])

    def __str__(self) -> str:
        if len(self.looks) < 4:
            return "hardly looked at"
        warm, last = self.warm, self.looks[-1]
        before, after = self.halves()
        return (
            f"{warm.most_bytes / 2**20:.1f} MiB at most after {warm.trips} trips, {last.most_bytes / 2**20:.1f} after {last.trips};"
            f" {before} handles at most in the first half, {after} in the second"
        )

    @property
    def problems(self) -> list[str]:
        if len(self.looks) < 4:
            return ["the one that isn't killed was hardly looked at"]
        found: list[str] = []
        if self.looks[-1].most_bytes > self.warm.most_bytes * GROWTH + SPARE:
            found.append("its memory grows")
        before, after = self.halves()
        if after > before + FEW:
            found.append("its handles grow")
        return found
