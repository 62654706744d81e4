"""The telemetry actor: takes facts from whoever has them, makes events of them, hands them to subscribers (R40 to R43).

Publishing only puts the facts aside; events are built, once for all subscribers, on the hub's own turn, one for each turn of the
loop in which something was published. So a listener never runs inside of the turn that it is told of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from itertools import repeat
from typing import Any, TypeAlias

import structlog

from actorflow.clock import Clock
from actorflow.errors import InvalidState, RuntimeClosed, brief
from actorflow.facts import Event, Fact
from actorflow.telemetry.listeners import AsyncListener, Listener, is_async, name_of
from actorflow.telemetry.subscription import Subscription

_log: Any = structlog.get_logger("actorflow.telemetry")

NodeNames: TypeAlias = Sequence[str] | Mapping[int, str]
"""The names of a run's nodes, by number."""

Published = tuple[Sequence[Any], str, NodeNames, int, float]
"""Facts, their run, the names of its nodes, the number of the first, the wall-clock time."""


class Taken(dict[type, bool]):
    """Which types of facts somebody takes: a plain lookup, filled when a type is first asked for."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        super().__init__()
        self._subscriptions = subscriptions

    def __missing__(self, fact: type) -> bool:
        self[fact] = any(subscription.takes(fact) for subscription in self._subscriptions)
        return self[fact]


class Timed(dict[type, bool]):
    """Which types of facts know when what they end has begun."""

    def __missing__(self, fact: type) -> bool:
        self[fact] = "began" in getattr(fact, "__struct_fields__", ())
        return self[fact]


class Hub:
    """Publish facts here, subscribe to them here.

    `silent` is true while nobody subscribes; `taken[fact_type]` (or `takes`) says whether somebody takes facts of that type: ask
    before a fact is built that nothing else needs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.silent = True
        self.taken = Taken(())
        self._call_soon = loop.call_soon
        self._time = clock.time
        self._context = copy_context()
        self._published: list[Published] = []
        self.is_due = False  # a turn is on its way, soon or after a while
        self._source: Callable[[], None] = _nothing
        self._loop = loop
        self._linger = clock.linger
        self._timer: asyncio.TimerHandle | None = None
        self._is_urgent = False
        self._closed = False
        self._subscriptions: tuple[Subscription, ...] = ()
        self._of_all: tuple[Subscription, ...] = ()
        self._of_run: dict[str, tuple[Subscription, ...]] = {}
        self._builds_all = False
        self._behind: list[Subscription] = []
        self._leaving: set[asyncio.Task[None]] = set()

    def takes(self, fact: type) -> bool:
        """Whether somebody takes facts of this type."""
        return self.taken[fact]

    def publish(self, facts: Sequence[Any], run_id: str = "", names: NodeNames = (), sequence: int = 0) -> None:
        """Takes facts of one run, in order; the first is number `sequence`, and the caller doesn't change the list any more.

        `names` are those of the run's nodes, by number. Facts of no run have the number 0, all of them.
        """
        if self.silent:
            return
        self._published.append((facts, run_id, names, sequence, self._time()))
        self.soon()

    def draw_from(self, source: Callable[[], None]) -> None:
        """Names whom to ask for what has gathered, when the hub hands out: it publishes then."""
        self._source = source

    def soon(self) -> None:
        """Hands out in the next turn of the loop what has come and gathered."""
        if not self._is_urgent:
            self._is_urgent = self.is_due = True
            self._call_soon(self._turn, context=self._context)

    def in_a_while(self) -> None:
        """Something has gathered: it is handed out after a millisecond (at once, by a clock that jumps), so that a run which has
        many facts in that time costs one publication instead of many.
        """
        if self.is_due:
            return
        if self._linger:
            self.is_due = True
            self._timer = self._loop.call_later(self._linger, self._turn, context=self._context)
        else:
            self.soon()

    def subscribe(
        self,
        listener: Callable[[Any], object] | None = None,
        /,
        *types: type,
        buffer: int = 1000,
        run_id: str | None = None,
    ) -> Subscription:
        """Subscribes to facts of these types and their subtypes, all if none is given; of one run only, if `run_id` is given.

        Without a listener, the subscription is read with `async for`. `buffer` is how many events may wait for a subscriber that
        falls behind; then the oldest are dropped, and it gets an `EventsLost` in their place.
        """
        if self._closed:
            raise RuntimeClosed("the runtime is closed: it tells of nothing any more")
        _check(listener, types, buffer)
        self._distribute()
        wanted = () if any(issubclass(Event, kind) or kind is Fact for kind in types) else types
        if listener is None:
            subscription = Subscription(wanted, buffer, run_id, self._detach)
        elif is_async(listener):
            subscription = AsyncListener(listener, wanted, buffer, run_id, self._detach)
        else:
            subscription = Listener(listener, wanted, buffer, run_id, self._detach)
        self._attach(subscription)
        return subscription

    def flush(self) -> None:
        """Buffers with each subscriber what was published so far, ahead of the turn that hands it out."""
        self._distribute()

    async def close(self, timeout: float = 5.0) -> None:
        """Takes nothing more, hands over what is buffered, each subscriber having `timeout` seconds, and lets all go.

        Loops over events read what is buffered, then end.
        """
        self._distribute()
        self._closed = True
        self._source = _nothing
        if self._timer is not None:
            self._timer.cancel()
        subscriptions = self._subscriptions
        self._forget_all()
        for subscription in subscriptions:
            subscription.end()
        await asyncio.gather(*(subscription.drain(timeout) for subscription in subscriptions))
        await self._see_off(timeout)

    # ── a turn ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self) -> None:
        """Hands out what was published; comes again for those who couldn't take all of it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.is_due = self._is_urgent = False
        if self._behind:
            for subscription in self._behind:
                subscription.keep_bound()
            self._behind.clear()
        self._distribute()
        for subscription in self._subscriptions:
            if subscription.deliver():
                self._behind.append(subscription)
        if self._behind:
            self.soon()

    def _distribute(self) -> None:
        """Builds those events that somebody takes, once, and buffers with each subscriber what it takes."""
        self._source()
        published, self._published = self._published, []
        for facts, run_id, names, sequence, time in published:
            subscriptions = self._of_all
            if run_id in self._of_run:
                subscriptions += self._of_run[run_id]
            numbered: Iterable[tuple[int, Any]] = enumerate(facts, sequence) if sequence else zip(repeat(0), facts)
            if not self._builds_all:
                taken = self.taken
                numbered = [one for one in numbered if taken[type(one[1])]]
            events = _events(numbered, run_id, names, time)
            for subscription in subscriptions:
                subscription.add(events)

    # ── who is there ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _attach(self, subscription: Subscription) -> None:
        self._subscriptions += (subscription,)
        self._sort_out(subscription.run_id)

    def _detach(self, subscription: Subscription) -> None:
        if isinstance(subscription, AsyncListener):
            self._leaving.add(subscription.task)
            subscription.task.add_done_callback(self._leaving.discard)
        self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)
        self._sort_out(subscription.run_id)

    def _sort_out(self, run_id: str | None) -> None:
        """Looks who is there now; who it was that came or went asked for this run."""
        same = tuple(one for one in self._subscriptions if one.run_id == run_id)
        if run_id is None:
            self._of_all = same
        elif same:
            self._of_run[run_id] = same
        else:
            self._of_run.pop(run_id, None)
        self.silent = not self._subscriptions
        self.taken = Taken(self._subscriptions)
        self._builds_all = any(one.takes_all for one in self._subscriptions)

    def _forget_all(self) -> None:
        self._subscriptions, self._of_all, self._of_run = (), (), {}
        self._sort_out(None)

    async def _see_off(self, timeout: float) -> None:
        """Waits for the tasks of subscribers that were let go; names those that go on regardless."""
        leaving = self._leaving - {asyncio.current_task()}
        if leaving:
            _, stay = await asyncio.wait(leaving, timeout=timeout)
            for task in stay:
                _log.warning("telemetry subscriber goes on although it was cancelled", subscriber=task.get_name())


def _nothing() -> None:
    """The source of a hub that nobody gathers for."""


_TIMED = Timed()


def _events(numbered: Iterable[tuple[int, Any]], run_id: str, names: NodeNames, time: float) -> list[Event]:
    """Events around numbered facts; written for speed: there are three for each step."""
    timed = _TIMED
    return [
        Event(
            fact,
            run_id,
            number,
            names[fact.node] if fact.node >= 0 else "",  # pyright: ignore[reportArgumentType]
            fact.attempt,
            time,
            fact.at,
            fact.at - fact.began if timed[type(fact)] else None,
        )
        for number, fact in numbered
    ]


def _check(listener: Callable[[Any], object] | None, types: Sequence[Any], buffer: int) -> None:
    if listener is not None and not callable(listener):
        raise InvalidState(f"a telemetry subscriber is a callable that takes an event, not {brief(listener)}")
    if _is_fact(listener):
        name = name_of(listener)
        raise InvalidState(f"subscribe() takes a listener before the types, not {name}\nWrite subscribe(None, {name}).")
    for kind in types:
        if not _is_fact(kind):
            raise InvalidState(f"subscribe() takes types of facts, as StepSucceeded or StepFact, not {brief(kind)}")
    if type(buffer) is not int or buffer < 1:
        raise InvalidState(f"a subscriber's buffer holds one event or more, not {brief(buffer)}")


def _is_fact(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Fact | Event)
