"""The mock clock: hours in milliseconds, in the right order, and never past work that the loop can't see."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import anyio
import pytest

from actorflow.errors import InvalidState
from actorflow.testing import EPOCH, MockClock


async def test_a_hundred_hours_pass_in_milliseconds(clock: MockClock) -> None:
    began = time.perf_counter()
    for _ in range(100):
        await asyncio.sleep(3600)
    assert time.perf_counter() - began < 1
    assert clock.monotonic() == 360_000


async def test_a_year_passes_although_the_loop_waits_a_day_at_most(clock: MockClock) -> None:
    await asyncio.sleep(365 * 86_400)
    assert clock.monotonic() == 365 * 86_400


async def test_wall_time_begins_in_2030_and_goes_with_monotonic_time(clock: MockClock) -> None:
    assert clock.time() == EPOCH
    await asyncio.sleep(90)
    assert (clock.time(), clock.monotonic(), asyncio.get_running_loop().time()) == (EPOCH + 90, 90, 90)


async def test_timers_of_every_kind_go_off_in_order(clock: MockClock) -> None:
    happened: list[tuple[float, str]] = []

    def tell(what: str) -> None:
        happened.append((clock.monotonic(), what))

    async def asyncio_timeout() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        tell("asyncio.timeout")

    async def wait_for() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 10)
        tell("wait_for")

    async def fail_after() -> None:
        with pytest.raises(TimeoutError):
            with anyio.fail_after(20):
                await anyio.Event().wait()
        tell("fail_after")

    async def anyio_sleep() -> None:
        await anyio.sleep(15)
        tell("anyio.sleep")

    asyncio.get_running_loop().call_later(25, tell, "call_later")
    await asyncio.gather(asyncio_timeout(), wait_for(), fail_after(), anyio_sleep())
    assert happened == [
        (10, "wait_for"),
        (15, "anyio.sleep"),
        (20, "fail_after"),
        (25, "call_later"),
        (30, "asyncio.timeout"),
    ]


async def test_what_is_ready_goes_before_time(clock: MockClock) -> None:
    async def busy() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return clock.monotonic()

    sleeper = asyncio.create_task(asyncio.sleep(1))
    assert await busy() == 0
    await sleeper
    assert clock.monotonic() == 1


async def test_a_timeout_that_is_not_reached_costs_no_time(clock: MockClock) -> None:
    async with asyncio.timeout(60):
        await asyncio.sleep(1)
    assert clock.monotonic() == 1


async def test_a_thread_that_holds_the_clock_stops_it(clock: MockClock) -> None:
    """A minute's timeout doesn't strike while a thread works, however long that takes."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    may_end = threading.Event()

    def finish() -> None:
        clock.release()
        done.set()

    def work() -> None:
        may_end.wait()
        loop.call_soon_threadsafe(finish)

    clock.hold()
    thread = threading.Thread(target=work)
    thread.start()
    threading.Timer(0.02, may_end.set).start()
    async with asyncio.timeout(60):
        await done.wait()
    thread.join()
    assert (clock.monotonic(), clock.held) == (0, 0)


async def test_a_release_from_a_thread_wakes_the_loop_and_time_goes_on(clock: MockClock) -> None:
    clock.hold()
    thread = threading.Thread(target=clock.release)
    asyncio.get_running_loop().call_soon(thread.start)
    await asyncio.sleep(5)
    thread.join()
    assert clock.monotonic() == 5


async def test_to_thread_and_run_in_executor_hold_the_clock_by_themselves(clock: MockClock) -> None:
    def work() -> int:
        return clock.held

    async with asyncio.timeout(1):
        assert await asyncio.to_thread(work) == 1
        assert await asyncio.get_running_loop().run_in_executor(None, work) == 1
    assert (clock.monotonic(), clock.held) == (0, 0)


async def test_advance_moves_time_past_whoever_holds_it(clock: MockClock) -> None:
    struck: list[float] = []
    asyncio.get_running_loop().call_later(3, lambda: struck.append(clock.monotonic()))
    clock.hold()
    await clock.advance(10)
    clock.release()
    assert (clock.monotonic(), struck) == (10, [3])


async def test_advance_lets_what_is_due_at_the_same_moment_go_first(clock: MockClock) -> None:
    order: list[str] = []
    asyncio.get_running_loop().call_later(10, order.append, "timer")
    await clock.advance(10)
    order.append("advance")
    assert order == ["timer", "advance"]


async def test_an_advance_that_is_cancelled_moves_nothing_any_more(clock: MockClock) -> None:
    advance = asyncio.create_task(clock.advance(100))
    await asyncio.sleep(0)
    advance.cancel()
    await asyncio.gather(advance, return_exceptions=True)
    clock.hold()
    thread = threading.Thread(target=clock.release)
    thread.start()
    await asyncio.sleep(1)
    thread.join()
    assert clock.monotonic() == 1


async def test_bytes_on_a_socket_come_before_a_jump(clock: MockClock) -> None:
    """Loopback within the process needs no patience: what was sent is there."""
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    loop = asyncio.get_running_loop()
    with left, right:
        async with asyncio.timeout(1):
            for _ in range(10):
                await loop.sock_sendall(left, b"seat 12")
                assert await loop.sock_recv(right, 100) == b"seat 12"
    assert clock.monotonic() == 0


async def test_patience_waits_for_what_nobody_holds_for() -> None:
    clock = MockClock(patience=30)
    loop = asyncio.get_running_loop()
    answered = loop.create_future()
    thread = threading.Timer(0.02, loop.call_soon_threadsafe, (answered.set_result, "an answer"))
    with clock.installed():
        thread.start()
        assert await asyncio.wait_for(answered, 1) == "an answer"
        assert clock.monotonic() == 0
    thread.join()


async def test_timers_from_before_keep_their_distance_and_those_left_do_too() -> None:
    loop = asyncio.get_running_loop()
    struck: list[str] = []
    loop.call_later(3600, struck.append, "from before")
    clock = MockClock()
    with clock.installed():
        await asyncio.sleep(3599)
        assert struck == []
        await asyncio.sleep(2)
        assert struck == ["from before"]
        later = loop.call_later(3600, struck.append, "left")
    assert 3590 < later.when() - loop.time() <= 3600
    later.cancel()


async def test_uninstalling_gives_the_loop_its_own_time_back() -> None:
    loop = asyncio.get_running_loop()
    with MockClock().installed():
        assert loop.time() == 0
    assert abs(loop.time() - time.monotonic()) < 5
    assert "time" not in vars(loop)


async def test_two_clocks_on_one_loop_are_refused(clock: MockClock) -> None:
    with pytest.raises(InvalidState, match="another mock clock"):
        MockClock().install()
    with pytest.raises(InvalidState, match="installed already"):
        clock.install()


def test_a_loop_without_a_selector_is_refused_by_name() -> None:
    class Foreign(asyncio.BaseEventLoop): ...

    loop = Foreign()
    with pytest.raises(InvalidState, match=r"Foreign[\s\S]*selector loop"):
        MockClock().install(loop)
    loop.close()


async def test_misuse_is_told() -> None:
    clock = MockClock()
    with pytest.raises(InvalidState, match="released more often"):
        clock.release()
    with pytest.raises(InvalidState, match="isn't installed"):
        await clock.advance(1)
    with clock.installed(), pytest.raises(InvalidState, match="doesn't go back"):
        await clock.advance(-1)
    with pytest.raises(InvalidState, match="patience"):
        MockClock(patience=-1)
    clock.uninstall()
