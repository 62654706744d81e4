"""The runtime's own threads: order, growth, cancelling, abandoning, waiting for the loop, closing (R9, R11, R12, R30)."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from actorflow.clock import Clock
from actorflow.errors import RuntimeClosed, StepCancelled
from actorflow.runtime.threads import Threads, ThreadWork


class CountingClock(Clock):
    def __init__(self) -> None:
        self.held = 0

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.held -= 1


class Call:
    """One submitted call and what came of it."""

    def __init__(self, threads: Threads, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self.orphan_ended = asyncio.Event()
        self.entered: list[float] = []
        self.times: tuple[float | None, float] = (None, 0)
        self.work = ThreadWork(
            function,
            args,
            ended=self._ended,
            entered=self.entered.append,
            orphan_ended=self.orphan_ended.set,
            **options,
        )
        threads.submit(self.work)

    def _ended(self, value: Any, error: BaseException | None, began: float | None, at: float) -> None:
        self.times = (began, at)
        self.ended.set_result((value, error))

    async def value(self) -> Any:
        value, error = await self.ended
        assert error is None, error
        return value

    async def error(self) -> BaseException:
        value, error = await self.ended
        assert value is None
        assert isinstance(error, BaseException)
        return error


class Gate:
    """A function that says when it was entered and waits until it is opened."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.inside = asyncio.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.loop.call_soon_threadsafe(self.inside.set)
        assert self.open.wait(10)
        return "through"


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


@pytest.fixture
async def threads(clock: CountingClock) -> AsyncIterator[Threads]:
    before = set(threading.enumerate())
    threads = Threads(asyncio.get_running_loop(), clock, size=2)
    yield threads
    assert await threads.close(10) == []
    assert clock.held == 0
    assert set(threading.enumerate()) <= before


async def test_value_times_and_keywords(threads: Threads) -> None:
    def spell(*args: int, sep: str, end: str) -> str:
        return sep.join(map(str, args)) + end

    call = Call(threads, spell, 1, 2, "-", "!", keywords=("sep", "end"))
    assert await call.value() == "1-2!"
    began, at = call.times
    assert began is not None
    assert call.entered == [began]
    assert began <= at


async def test_context_is_seen_and_changes_stay_inside(threads: Threads) -> None:
    """R10"""
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("outside")

    def look_and_change() -> str:
        seen = variable.get()
        variable.set("inside")
        return seen

    assert await Call(threads, look_and_change, context=contextvars.copy_context()).value() == "outside"
    assert variable.get() == "outside"
    assert await Call(threads, variable.get).value() == "unset"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_whatever_is_raised_is_delivered_and_the_thread_goes_on(
    clock: CountingClock, kind: type[BaseException]
) -> None:
    """R39: the loop decides what it means."""
    threads = Threads(asyncio.get_running_loop(), clock, size=1)

    def fail() -> None:
        raise kind("bad")

    assert type(await Call(threads, fail).error()) is kind
    assert await Call(threads, lambda: threading.current_thread().name).value() == "actorflow-1"
    assert await threads.close(10) == []


async def test_first_come_first_served_and_never_more_than_size(threads: Threads) -> None:
    """R9: `threads=` bounds how many work at once."""
    order: list[int] = []
    gates = [Gate(), Gate()]
    first = [Call(threads, gate) for gate in gates]
    for gate in gates:
        await gate.inside.wait()
    rest = [Call(threads, order.append, n) for n in range(20)]
    assert order == []
    gates[0].open.set()
    for call in rest:
        await call.value()
    gates[1].open.set()
    assert [await call.value() for call in first] == ["through", "through"]
    assert order == list(range(20))


async def test_idle_threads_are_used_again(threads: Threads) -> None:
    names = {await Call(threads, lambda: threading.current_thread().name).value() for _ in range(20)}
    assert names <= {"actorflow-1", "actorflow-2"}


async def test_cancelled_in_line_it_never_enters(threads: Threads) -> None:
    gates = [Gate(), Gate()]
    running = [Call(threads, gate) for gate in gates]
    entered: list[str] = []
    waiting = Call(threads, entered.append, "entered")
    assert waiting.work.cancel() is True
    assert isinstance(await waiting.error(), StepCancelled)
    assert waiting.times[0] is None
    for gate in gates:
        gate.open.set()
    for call in running:
        await call.value()
    assert entered == []


async def test_cancelled_while_it_runs_it_sees_the_flag(threads: Threads) -> None:
    """R12: `cancelled` lets a sync step look; what it returns is still delivered."""
    gate = Gate()
    call = Call(threads, lambda: (gate(), call.work.cancelled))
    await gate.inside.wait()
    assert call.work.cancel() is False
    gate.open.set()
    assert await call.value() == ("through", True)


async def test_abandoned_the_pool_grows_and_the_late_result_is_ignored(threads: Threads, clock: CountingClock) -> None:
    """R12"""
    gates = [Gate(), Gate()]
    calls = [Call(threads, gate, name="book") for gate in gates]
    for gate in gates:
        await gate.inside.wait()
    waiting = Call(threads, lambda: "served")
    calls[0].work.abandon()
    calls[0].work.abandon()
    assert await waiting.value() == "served"
    assert clock.held == 1, "only the other one holds the clock"
    gates[0].open.set()
    await calls[0].orphan_ended.wait()
    assert not calls[0].ended.done()
    gates[1].open.set()
    await calls[1].value()


async def test_after_an_orphan_ended_no_more_than_size_work_again(threads: Threads) -> None:
    gates = [Gate() for _ in range(4)]
    orphan, second = Call(threads, gates[0]), Call(threads, gates[1])
    await gates[0].inside.wait()
    orphan.work.abandon()
    third, fourth = Call(threads, gates[2]), Call(threads, gates[3])
    await gates[1].inside.wait()
    await gates[2].inside.wait()
    gates[0].open.set()
    await orphan.orphan_ended.wait()
    assert not gates[3].inside.is_set()
    for gate in gates[1:]:
        gate.open.set()
    for call in (second, third, fourth):
        assert await call.value() == "through"


async def test_blocked_the_pool_grows_meanwhile(threads: Threads, clock: CountingClock) -> None:
    """R30: both threads wait for work that only a third can do."""
    loop = asyncio.get_running_loop()
    served: list[Call] = []

    def wait_for_another() -> str:
        answer = threading.Event()
        with threads.blocked() as pause:
            loop.call_soon_threadsafe(hand_out, pause, answer)
            assert answer.wait(10)
        return "answered"

    def hand_out(pause: Any, answer: threading.Event) -> None:
        call = Call(threads, lambda: "inner")
        served.append(call)

        def tell(_: object) -> None:
            pause.resume()
            assert clock.held >= 1
            answer.set()

        call.ended.add_done_callback(tell)

    calls = [Call(threads, wait_for_another) for _ in range(2)]
    assert [await call.value() for call in calls] == ["answered"] * 2
    assert len(served) == 2


async def test_blocked_the_clock_is_let_go(threads: Threads, clock: CountingClock) -> None:
    """A clock that jumps may do so while a thread only waits for the loop."""
    loop = asyncio.get_running_loop()
    held: list[int] = []
    answer = threading.Event()

    def look() -> None:
        held.append(clock.held)
        answer.set()

    def wait() -> None:
        with threads.blocked():
            loop.call_soon_threadsafe(look)
            assert answer.wait(10)

    await Call(threads, wait).value()
    assert held == [0]


async def test_blocked_is_for_the_pools_own_threads(threads: Threads) -> None:
    with pytest.raises(RuntimeError, match="only a thread of this pool"), threads.blocked():
        pass


async def test_close_refuses_the_line_and_waits_for_what_runs(clock: CountingClock) -> None:
    threads = Threads(asyncio.get_running_loop(), clock, size=1)
    gate = Gate()
    running = Call(threads, gate)
    waiting = Call(threads, lambda: None)
    await gate.inside.wait()
    closing = asyncio.ensure_future(threads.close(10))
    assert isinstance(await waiting.error(), RuntimeClosed)
    gate.open.set()
    assert await running.value() == "through"
    assert await closing == []
    assert clock.held == 0
    with pytest.raises(RuntimeClosed):
        Call(threads, lambda: None)


async def test_close_names_the_abandoned(clock: CountingClock) -> None:
    """R37: nothing is left behind but for abandoned threads, by name."""
    threads = Threads(asyncio.get_running_loop(), clock)
    gate = Gate()
    call = Call(threads, gate, name="charge_card")
    idle = Call(threads, lambda: threading.current_thread())
    await gate.inside.wait()
    idle_thread = await idle.value()
    call.work.abandon()
    assert await threads.close(10) == ["actorflow-1 (charge_card)"]
    assert not idle_thread.is_alive()
    gate.open.set()
    await call.orphan_ended.wait()
    assert await threads.close(10) == []


async def test_close_stops_waiting_after_its_timeout(clock: CountingClock) -> None:
    threads = Threads(asyncio.get_running_loop(), clock)
    gate = Gate()
    call = Call(threads, gate, name="slow")
    await gate.inside.wait()
    assert await threads.close(0) == ["actorflow-1 (slow)"]
    gate.open.set()
    await call.value()
    assert await threads.close(10) == []


async def test_close_holds_the_clock_until_the_threads_have_ended(clock: CountingClock) -> None:
    """A clock that jumps would take the threads' last moments for hours."""
    threads = Threads(asyncio.get_running_loop(), clock, 1)
    gate = Gate()
    call = Call(threads, gate)
    await gate.inside.wait()
    closing = asyncio.ensure_future(threads.close(10.0))
    await asyncio.sleep(0)
    assert clock.held == 2
    gate.open.set()
    assert await closing == []
    assert clock.held == 0
    await call.value()


async def test_a_parked_thread_keeps_nothing_alive(threads: Threads) -> None:
    class Big:
        pass

    big = Big()
    gone = weakref.ref(big)
    call = Call(threads, lambda it: None, big)
    await call.value()
    del call, big
    while threads._idle == []:  # it parks an instant after it has answered
        await asyncio.sleep(0)
    gc.collect()
    assert gone() is None


async def test_a_callback_that_raises_takes_no_others_with_it(threads: Threads) -> None:
    loop = asyncio.get_running_loop()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))

    def bad(*_: object) -> None:
        raise ZeroDivisionError

    threads.submit(ThreadWork(lambda: None, ended=bad))
    calls = [Call(threads, lambda: "fine") for _ in range(10)]
    assert [await call.value() for call in calls] == ["fine"] * 10
    assert len(reported) == 1


def test_a_thread_that_ends_after_the_loop_was_closed_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    open_it = threading.Event()
    workers: list[threading.Thread] = []

    async def leave_one() -> None:
        threads = Threads(asyncio.get_running_loop(), Clock())
        inside = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            workers.append(threading.current_thread())
            loop.call_soon_threadsafe(inside.set)
            assert open_it.wait(10)

        call = Call(threads, work)
        await inside.wait()
        call.work.abandon()

    asyncio.run(leave_one())
    open_it.set()
    for worker in workers:
        worker.join(0.2)
    assert capfd.readouterr().err == ""


async def test_a_thousand_calls_from_a_burst_all_answer(threads: Threads) -> None:
    calls = [Call(threads, lambda n=n: n) for n in range(1000)]
    assert [await call.value() for call in calls] == list(range(1000))
