"""Timers: many due times on few timers of the loop.

Most waits of a service have one of a few lengths (a timeout, a backoff). Each length has a table of its own, in order of
insertion, which is the order of due times: starting inserts, finishing deletes, both O(1), and one timer of the loop is armed
for each table. A table that empties keeps its timer until that fires once, so that starting and finishing in turn costs the
loop nothing. Odd due times go to a heap.

Time is the loop's own, so a loop whose time jumps moves the timers too. Times are in seconds.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

_LANES = 64
"""Distinct delays that get a table of their own; further ones share the heap."""


class _Lane:
    """All timers of one delay."""

    __slots__ = ("delay", "entries", "handle")

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.entries: dict[Hashable, tuple[float, Any]] = {}
        self.handle: TimerHandle | None = None


class Timers:
    """Due times by key; a key that is started again replaces its old one.

    What is due is called, or, if it isn't callable, given to `deliver` as a message.
    """

    def __init__(self, loop: AbstractEventLoop, deliver: Callable[[Any], object] | None = None) -> None:
        self._loop = loop
        self._deliver = deliver
        self._lanes: dict[float, _Lane] = {}
        self._lane_of: dict[Hashable, _Lane] = {}
        self._heap = _Heap(loop, self._fire)

    def __len__(self) -> int:
        """How many are waiting."""
        return len(self._lane_of) + len(self._heap)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._lane_of or key in self._heap

    def after(self, delay: float, key: Hashable, action: Any) -> None:
        """Has `action` done `delay` seconds from now."""
        due = self._loop.time() + delay
        lane = self._lanes.get(delay)
        if lane is None:
            if len(self._lanes) >= _LANES:
                self.at(due, key, action)
                return
            lane = self._lanes[delay] = _Lane(delay)
        if key in self:
            self.cancel(key)
        lane.entries[key] = (due, action)
        self._lane_of[key] = lane
        if lane.handle is None:
            lane.handle = self._loop.call_at(due, self._lane_due, lane)

    def at(self, when: float, key: Hashable, action: Any) -> None:
        """Has `action` done at the loop's time `when`."""
        self.cancel(key)
        self._heap.push(when, key, action)

    def cancel(self, key: Hashable) -> bool:
        """Forgets the key; whether it was waiting."""
        lane = self._lane_of.pop(key, None)
        if lane is None:
            return self._heap.cancel(key)
        del lane.entries[key]
        return True

    def close(self) -> None:
        """Forgets all, and leaves no timer in the loop."""
        for lane in self._lanes.values():
            if lane.handle is not None:
                lane.handle.cancel()
        self._lanes.clear()
        self._lane_of.clear()
        self._heap.clear()

    def _lane_due(self, lane: _Lane) -> None:
        lane.handle = None
        now = self._loop.time()
        while lane.entries:
            key, (due, action) = next(iter(lane.entries.items()))
            if due > now:
                lane.handle = self._loop.call_at(due, self._lane_due, lane)
                return
            self.cancel(key)
            self._fire(action)
        if lane.handle is None:
            self._lanes.pop(lane.delay, None)

    def _fire(self, action: Any) -> None:
        try:
            if callable(action):
                action()
            elif self._deliver is not None:
                self._deliver(action)
        except Exception as error:
            self._loop.call_exception_handler({"message": "a timer's action failed", "exception": error})


class _Heap:
    """Timers of odd due times. Cancelled ones are swept as soon as they are as many as the living."""

    def __init__(self, loop: AbstractEventLoop, fire: Callable[[Any], None]) -> None:
        self._loop = loop
        self._fire = fire
        self._entries: list[tuple[float, int, Hashable, Any]] = []
        self._living: dict[Hashable, int] = {}
        self._number = count()
        self._handle: TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._living)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._living

    def push(self, when: float, key: Hashable, action: Any) -> None:
        number = next(self._number)
        self._living[key] = number
        heappush(self._entries, (when, number, key, action))
        if self._entries[0][1] == number:
            self._arm()

    def cancel(self, key: Hashable) -> bool:
        if self._living.pop(key, None) is None:
            return False
        if len(self._entries) >= 2 * len(self._living):
            self._entries = [entry for entry in self._entries if self._living.get(entry[2]) == entry[1]]
            heapify(self._entries)
            self._arm()
        return True

    def clear(self) -> None:
        self._entries.clear()
        self._living.clear()
        self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_at(self._entries[0][0], self._due) if self._entries else None

    def _due(self) -> None:
        now = self._loop.time()
        self._handle = None
        while self._entries and self._entries[0][0] <= now:
            _, number, key, action = heappop(self._entries)
            if self._living.get(key) == number:
                del self._living[key]
                self._fire(action)
        self._arm()
