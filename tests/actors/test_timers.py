"""Timers: due in order, O(1) to start and finish, nothing left in the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from actorflow.actors import Timers


class Handle:
    def __init__(self, when: float, call: Callable[[], object]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """The part of a loop that timers use, with a time that is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.handles: list[Handle] = []
        self.errors: list[Any] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[..., object], *args: Any) -> Handle:
        self.handles.append(Handle(when, lambda: call(*args)))
        return self.handles[-1]

    def call_exception_handler(self, context: Any) -> None:
        self.errors.append(context)

    def armed(self) -> list[Handle]:
        self.handles = [handle for handle in self.handles if not handle.cancelled]
        return self.handles

    def advance(self, to: float) -> None:
        while (due := [handle for handle in self.armed() if handle.when <= to]) != []:
            first = min(due, key=lambda handle: handle.when)
            self.handles.remove(first)
            self.now = max(self.now, first.when)
            first.call()
        self.now = to


def timers() -> tuple[Loop, Timers, list[Any]]:
    loop, fired = Loop(), list[Any]()
    return loop, Timers(cast("asyncio.AbstractEventLoop", loop), fired.append), fired


def test_one_armed_timer_for_each_distinct_delay() -> None:
    loop, waits, fired = timers()
    for number in range(1000):
        waits.after(30, number, f"due {number}")
        waits.after(5, ("short", number), number)
    assert len(loop.armed()) == 2 and len(waits) == 2000
    for number in range(999):
        assert waits.cancel(number)
    assert len(loop.armed()) == 2
    loop.advance(60)
    assert fired == [*range(1000), "due 999"]
    assert len(waits) == 0 and loop.armed() == []


def test_what_is_callable_is_called_and_a_failure_does_not_stop_the_rest() -> None:
    loop, waits, fired = timers()
    waits.after(1, "a", lambda: 1 / 0)
    waits.after(1, "b", lambda: fired.append("b"))
    waits.at(0.5, "c", lambda: 1 / 0)
    waits.at(0.5, "d", "message")
    loop.advance(2)
    assert fired == ["message", "b"] and len(loop.errors) == 2


def test_close_leaves_no_timer() -> None:
    loop, waits, _ = timers()
    waits.after(1, "a", "a")
    waits.at(3, "b", "b")
    waits.close()
    assert loop.armed() == [] and len(waits) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["after", "at", "cancel", "advance"]),
            st.integers(0, 9),
            st.one_of(st.integers(0, 5), st.floats(0, 5)),
        ),
        max_size=120,
    )
)
def test_against_a_plain_dict(moves: list[tuple[str, int, float]]) -> None:
    """A key fires once, at its last due time, and not when it was cancelled."""
    loop, waits, fired = timers()
    due: dict[int, float] = {}
    expected: list[int] = []
    for what, key, seconds in moves:
        if what == "cancel":
            assert waits.cancel(key) is (due.pop(key, None) is not None)
        elif what == "advance":
            to = loop.now + seconds
            expected += [key for key, when in due.items() if when <= to]
            due = {key: when for key, when in due.items() if when > to}
            loop.advance(to)
            assert sorted(fired) == sorted(expected)
        elif what == "after":
            waits.after(seconds, key, key)
            due[key] = loop.now + seconds
        else:
            waits.at(loop.now + seconds, key, key)
            due[key] = loop.now + seconds
        assert len(waits) == len(due)
    loop.advance(1000)
    assert sorted(fired) == sorted([*expected, *due])
    assert loop.armed() == []
