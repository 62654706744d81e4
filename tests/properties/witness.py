"""Plays the code of a scenario's steps, and sees to what may never happen. It is told nothing by the runtime but what steps are told."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio import CancelledError
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from actorflow import Halt, Recover, Skip, TryAgain, step_context
from tests.properties.scenario import Act, Control, Node, Scenario

GRACE = 5.13
HALT_TIMEOUT = 3.31
POOLS = {"airline": 2, "bank": 1}
EAGER = sys.version_info >= (3, 12)
"""Whether a step that was started has always begun."""


class Crash(BaseException):
    """What a step crashes with."""


class Attempt:
    """One call of a step's own code."""

    def __init__(self, me: int, number: int, began: float) -> None:
        self.me = me
        self.number = number
        self.began = began
        self.does = ""
        self.stopped_at: float | None = None
        self.how = ""  # value, failed, cancelled, overdue, abandoned


class Seen:
    """What was seen of one node."""

    def __init__(self) -> None:
        self.name = ""
        self.key = ""
        self.numbers: list[tuple[str, int, int]] = []  # what was called, the number of its attempt, the leg of the run
        self.attempts: list[Attempt] = []
        self.executing: Attempt | None = None
        self.value: str | None = None
        self.resolved = False
        self.compensations: list[tuple[int, str]] = []  # the number of the attempt, and what came of each try
        self.undos: list[str] = []  # what came of each try


class Witness:
    def __init__(self, scenario: Scenario, now: Callable[[], float]) -> None:
        self.scenario = scenario
        self.now = now
        self.seen = [Seen() for _ in scenario.nodes]
        self.problems: list[str] = []
        self.lines: list[str] = []
        self.completed: list[int] = []  # in order
        self.undone: list[int] = []  # first tries, in order
        self.counts: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.handlers_in_pool: Counter[str] = Counter()
        self.handling = 0
        self.leg = 1
        self.is_over = False
        self.halted_at: float | None = None  # in this leg
        self.failed_at: float | None = None  # for good
        self.act_on: Callable[[Control], None] = lambda control: None
        self.loop = asyncio.get_running_loop()
        self.lock = threading.Lock()
        self.still: asyncio.Event = asyncio.Event()
        self.calls: defaultdict[tuple[int, str], int] = defaultdict(int)

    # ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def expect(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(f"{self.now():.2f}: {problem}")

    def note(self, line: str) -> None:
        self.lines.append(f"{self.now():8.2f}  {line}")

    def happens(self, what: str) -> None:
        """Counts it, and has whoever waited for it halt or cancel the run."""
        self.happened[what] += 1
        for control in self.scenario.controls:
            if (control.on, control.nth) == (what, self.happened[what]):
                self.act_on(control)

    def halts(self) -> None:
        """The run is halted from here on, unless it's rolled back already."""
        self.counts["halt"] |= 1
        if self.halted_at is None:
            self.halted_at = self.now()

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def attempt(self, me: int, values: list[Any]) -> str:
        attempt, act = self.attempt_begins(me, values)
        try:
            await self.spend(act, attempt)
            return self.attempt_does(attempt, act)
        except CancelledError:
            self.attempt_ends(attempt, self.why_stopped(attempt) or "cancelled")
            raise

    def attempt_at_once(self, me: int, values: list[Any]) -> str:
        with self.lock:
            attempt, act = self.attempt_begins(me, values)
            return self.attempt_does(attempt, act)

    def attempt_begins(self, me: int, values: list[Any]) -> tuple[Attempt, Act]:
        seen, node, context = self.seen[me], self.scenario.nodes[me], step_context()
        attempt = Attempt(me, context.attempt, self.now())
        self.note(f"n{me}#{attempt.number} begins")
        self.check_name(me)
        self.expect(seen.executing is None, f"two attempts of n{me} execute at once")
        self.expect(not seen.resolved, f"n{me} is attempted though it has its value")
        self.expect(not self.undone, f"n{me} is attempted though the run is being undone")
        for at in (self.halted_at, self.failed_at):
            self.expect(at in (None, self.now()), f"n{me} is attempted though nothing new starts since {at}")
        self.expect(not seen.undos, f"n{me} is attempted though it was undone")
        self.check_values(me, values)
        self.check_number(me, "run", attempt.number)
        self.expect(not seen.key or seen.key == context.idempotency_key, f"n{me} has another idempotency key")
        seen.key = context.idempotency_key
        self.expect(self.tried(me) < node.attempts, f"n{me} is attempted more often than {node.attempts} times")
        seen.executing = attempt
        seen.attempts.append(attempt)
        self.check_pools(node)
        self.check_bounds()
        act = self.next_act(me, "run", node.run)
        attempt.does = act.does
        self.counts["crash"] |= act.does == "crash"
        self.happens("attempt")
        return attempt, act

    def attempt_does(self, attempt: Attempt, act: Act) -> str:
        """What the code comes to in the end. An answer counts unless the attempt was overdue or abandoned."""
        me, why = attempt.me, self.why_stopped(attempt)
        value = f"{me}#{attempt.number}"
        if act.does in ("value", "halt", "hang"):
            self.attempt_ends(attempt, why or "value")
            if not why:
                self.completes(me, value)
            if act.does != "halt":
                return value
            if not why:
                self.halts()
            raise Halt(value)
        self.attempt_ends(attempt, why or "failed")
        self.happens("failure")
        raise self.error_of(act, value)

    def error_of(self, act: Act, text: str) -> BaseException:
        kinds: dict[str, type[BaseException]] = {
            "fail": ValueError, "flaky": ConnectionError, "again": TryAgain, "crash": Crash
        }  # fmt: skip
        return kinds[act.does](text)

    def why_stopped(self, attempt: Attempt) -> str:
        """Why the answer of an attempt that was stopped doesn't count, if so."""
        if attempt.stopped_at is None:
            return ""
        if self.now() - attempt.stopped_at > GRACE:
            return "abandoned"
        return "overdue" if self.is_overdue(attempt) else ""

    def is_overdue(self, attempt: Attempt) -> bool:
        """Whether it was its own time that was over when it was stopped; no other time falls together with it."""
        timeout = self.scenario.nodes[attempt.me].timeout
        return (
            timeout is not None
            and attempt.stopped_at is not None
            and abs(attempt.stopped_at - attempt.began - timeout) < 1e-6
        )

    def attempt_ends(self, attempt: Attempt, how: str) -> None:
        attempt.how = how
        self.note(f"n{attempt.me}#{attempt.number} ends: {how}")
        self.seen[attempt.me].executing = None
        self.counts["timeout"] |= self.is_overdue(attempt)
        self.counts["told to stop"] |= attempt.stopped_at is not None and not self.is_overdue(attempt)
        self.counts["abandoned"] |= how == "abandoned"
        self.check_patience(attempt)
        self.look_for_failure(attempt.me)
        self.happens("end")
        self.still.set()

    def completes(self, me: int, value: str) -> None:
        seen = self.seen[me]
        self.expect(not seen.resolved, f"n{me} succeeds twice")
        seen.resolved, seen.value = True, value
        self.completed.append(me)

    # ── guards ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def guard(self, me: int, values: list[Any]) -> Skip[str] | None:
        seen, node = self.seen[me], self.scenario.nodes[me]
        number = step_context().attempt
        self.note(f"n{me}#{number} is guarded")
        self.check_name(me)
        self.check_values(me, values)
        self.check_number(me, "guard", number)
        act = self.next_act(me, "guard", node.guards or ())
        await self.spend(act, None)
        value = f"{me} skipped"
        self.calls[me, "guard asks"] += act.does in ("again", "flaky")
        match act.does:
            case "value" | "hang":
                return None
            case "skip":
                seen.resolved, seen.value = True, value
                return Skip(value)
            case "halt":
                seen.resolved, seen.value = True, value
                self.halts()
                raise Halt(value)
            case _:
                raise self.error_of(act, value)

    # ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def compensate(self, error: Exception, me: int, values: list[Any]) -> Recover[str] | None:
        number, act = self.compensation_begins(error, me, values)
        try:
            await self.spend(act, None)
        except BaseException:
            self.compensation_ends(me, number, "stopped")
            raise
        return self.compensation_does(me, number, act)

    def compensate_at_once(self, error: Exception, me: int, values: list[Any]) -> Recover[str] | None:
        with self.lock:
            number, act = self.compensation_begins(error, me, values)
            return self.compensation_does(me, number, act)

    def compensation_begins(self, error: Exception, me: int, values: list[Any]) -> tuple[int, Act]:
        seen, context = self.seen[me], step_context()
        number = context.attempt
        self.note(f"n{me}#{number} is compensated for {type(error).__name__}: {error}")
        self.check_name(me)
        self.check_values(me, values)
        self.expect(isinstance(error, Exception), f"n{me} is compensated for {error!r}")
        self.expect(not seen.resolved, f"n{me} is compensated though it has its value")
        self.expect(not self.undone, f"n{me} is compensated after the first undo")
        self.expect(context.idempotency_key != seen.key, f"the compensation of n{me} has the key of its step")
        self.expect(self.was_stopped_long_ago(me), f"n{me} is compensated while it executes")
        self.expect(
            bool(seen.attempts) and seen.attempts[-1].number == number,
            f"n{me}#{number} is compensated, but it never ran",
        )
        tried = [how for attempt, how in seen.compensations if attempt == number]
        self.expect(
            len(tried) < 3 and not {"answered", "again", "crash"} & {*tried},
            f"n{me}#{number} is compensated again, after {tried}",
        )
        self.handler_begins(self.scenario.nodes[me])
        act = self.next_act(me, "compensate", self.scenario.nodes[me].compensated)
        self.happens("compensation")
        return number, act

    def compensation_does(self, me: int, number: int, act: Act) -> Recover[str] | None:
        fails = act.does in ("fail", "flaky", "crash", "halt")
        if act.does == "recover":
            self.completes(me, f"{me} recovered")
        self.compensation_ends(
            me, number, act.does if act.does in ("crash", "again") else "failed" if fails else "answered"
        )
        if fails:
            raise Halt if act.does == "halt" else self.error_of(act, f"compensation of {me}")
        if act.does == "again":
            raise TryAgain(f"compensated {me}")
        if act.does == "recover":
            return Recover(f"{me} recovered")
        return None

    def compensation_ends(self, me: int, number: int, how: str) -> None:
        self.note(f"n{me}#{number} compensation ends: {how}")
        self.seen[me].compensations.append((number, how))
        self.handler_ends(self.scenario.nodes[me])
        self.look_for_failure(me)

    async def undo(self, value: str, me: int, values: list[Any]) -> None:
        act = self.undo_begins(value, me, values)
        try:
            await self.spend(act, None)
        except BaseException:
            self.undo_ends(me, "stopped")
            raise
        self.undo_does(me, act)

    def undo_at_once(self, value: str, me: int, values: list[Any]) -> None:
        with self.lock:
            self.undo_does(me, self.undo_begins(value, me, values))

    def undo_begins(self, value: str, me: int, values: list[Any]) -> Act:
        seen, context = self.seen[me], step_context()
        self.note(f"n{me} is undone")
        self.check_name(me)
        self.check_values(me, values)
        self.expect(me in self.completed, f"n{me} is undone, but it never succeeded")
        self.expect(value == seen.value, f"n{me} is undone with {value!r}, but it gave {seen.value!r}")
        self.expect(context.idempotency_key != seen.key, f"the undo of n{me} has the key of its step")
        self.expect(not self.handling, f"n{me} is undone while something else is undone or compensated")
        self.expect(
            all(self.was_stopped_long_ago(other) for other in range(len(self.seen))),
            f"n{me} is undone while a step executes",
        )
        self.expect(
            len(seen.undos) < 3 and not {"done", "crash"} & {*seen.undos}, f"n{me} is undone again, after {seen.undos}"
        )
        if not seen.undos:
            self.undone.append(me)
        self.expect(self.undone[-1] == me, f"n{me} is undone again, after others")
        self.handler_begins(self.scenario.nodes[me])
        act = self.next_act(me, "undo", self.scenario.nodes[me].undone)
        self.happens("undo")
        return act

    def undo_does(self, me: int, act: Act) -> None:
        fails = act.does not in ("value", "hang")
        self.undo_ends(me, "crash" if act.does == "crash" else "failed" if fails else "done")
        if fails:
            raise Halt if act.does == "halt" else self.error_of(act, f"undo of {me}")

    def undo_ends(self, me: int, how: str) -> None:
        self.note(f"n{me} undo ends: {how}")
        self.seen[me].undos.append(how)
        self.handler_ends(self.scenario.nodes[me])

    # ── what may never be ─────────────────────────────────────────────────────────────────────────────────────────────

    def check_name(self, me: int) -> None:
        name = step_context().node
        seen = self.seen[me]
        self.expect(seen.name in ("", name), f"n{me} was {seen.name!r}, and now is {name!r}")
        self.expect(name.rpartition(".")[2] == f"n{me}", f"n{me} is told that it is {name!r}")
        seen.name = name

    def check_values(self, me: int, values: list[Any]) -> None:
        given = [self.seen[need].value for need in self.scenario.nodes[me].needs]
        self.expect(values == given, f"n{me} is given {values!r}, but should be given {given!r}")

    def check_number(self, me: int, kind: str, number: int) -> None:
        """Without gaps; an attempt takes the number of the guards that have passed. A thread may not have got to its code."""
        seen = self.seen[me]
        last_kind, last, leg = seen.numbers[-1] if seen.numbers else ("run", 0, self.leg)
        wanted = last if (last_kind, kind) == ("guard", "run") else last + 1
        gap = self.leg - leg if not EAGER or self.scenario.nodes[me].mode == "thread" else 0
        self.expect(wanted <= number <= wanted + gap, f"{kind} {number} of n{me} comes after {last_kind} {last}")
        seen.numbers.append((kind, number, self.leg))

    def was_stopped_long_ago(self, me: int) -> bool:
        """Nothing executes for the node, but for an attempt that has been abandoned."""
        attempt = self.seen[me].executing
        if attempt is None:
            return True
        return attempt.stopped_at is not None and self.now() - attempt.stopped_at >= GRACE - 1e-6

    def tried(self, me: int) -> int:
        """How many attempts count: not those that were stopped; guards that asked for another one do."""
        seen = self.seen[me]
        return self.calls[me, "guard asks"] + sum(attempt.how not in ("", "cancelled") for attempt in seen.attempts)

    def failure_stands(self, me: int) -> bool:
        """Whether the node's last attempt has failed for good, and nobody recovered it."""
        seen, node = self.seen[me], self.scenario.nodes[me]
        if seen.resolved or not seen.attempts or seen.attempts[-1].how not in ("failed", "overdue"):
            return False
        last, is_left = seen.attempts[-1], self.tried(me) < node.attempts
        asks = last.how == "failed" and last.does in ("again", "flaky")
        if not node.compensate:
            return not (is_left and asks)
        match [how for number, how in seen.compensations if number == last.number]:
            case []:
                return False
            case [*_, "again"]:
                return not is_left
            case [*tries, "failed" | "stopped"]:
                return len(tries) == 2
            case _:
                return True

    def look_for_failure(self, me: int) -> None:
        if self.failed_at is None and self.failure_stands(me):
            self.note(f"n{me} has failed for good")
            self.failed_at = self.now()

    def check_patience(self, attempt: Attempt) -> None:
        """R16, R21: what is in flight when the run halts or fails has its time, and is told to stop then."""
        since = [at for at in (self.halted_at, self.failed_at) if at is not None]
        if since and attempt.stopped_at is None:
            late = self.now() > max(since) + HALT_TIMEOUT + 1e-6
            self.expect(not late, f"n{attempt.me}#{attempt.number} wasn't told to stop")

    def check_bounds(self) -> None:
        bound = 1 if self.scenario.sequential else self.scenario.max_concurrency
        if bound is not None:
            executing = sum(
                one.executing is not None and not self.was_stopped_long_ago(me) for me, one in enumerate(self.seen)
            )
            self.expect(executing <= bound, f"{executing} attempts execute, but max_concurrency is {bound}")

    def check_pools(self, node: Node) -> None:
        """Handlers may use the permits of what was abandoned in their run, or a rollback could wait for it for ever."""
        for name in node.limits:
            users = [
                me for me, seen in enumerate(self.seen) if seen.executing and name in self.scenario.nodes[me].limits
            ]
            orphans = [me for me in users if self.was_stopped_long_ago(me)]
            held = len(users) - len(orphans) + max(len(orphans), self.handlers_in_pool[name])
            self.expect(held <= POOLS[name], f"{held} hold permits of {name!r}")

    def handler_begins(self, node: Node) -> None:
        self.handling += 1
        self.handlers_in_pool.update(node.limits)
        self.check_pools(node)

    def handler_ends(self, node: Node) -> None:
        self.handling -= 1
        self.handlers_in_pool.subtract(node.limits)
        self.still.set()

    # ── playing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def next_act(self, me: int, kind: str, acts: tuple[Act, ...]) -> Act:
        """The act for this call; when all are through, it goes well."""
        index = self.calls[me, kind]
        self.calls[me, kind] += 1
        return acts[index] if index < len(acts) else Act()

    async def spend(self, act: Act, attempt: Attempt | None) -> None:
        """Takes the time that the act takes; goes on regardless of being cancelled, if it does."""
        try:
            await self.wait(act)
        except CancelledError:
            if attempt is not None:
                attempt.stopped_at = self.now()
                self.note(f"n{attempt.me}#{attempt.number} is told to stop")
            if not act.regardless:
                raise
            await self.wait_regardless(self.now() + act.regardless)

    async def wait(self, act: Act) -> None:
        if act.does == "hang":
            await self.loop.create_future()
        elif act.wait == 0:
            await asyncio.sleep(0)
        elif act.wait is not None:
            await self.until(self.now() + act.wait)

    async def wait_regardless(self, due: float) -> None:
        while self.now() < due - 1e-6 and not self.is_over:
            try:
                await self.until(due)
            except CancelledError:
                self.counts["cancelled twice"] += 1

    async def until(self, due: float) -> None:
        arrived = self.loop.create_future()
        timer = self.loop.call_at(due, arrived.set_result, None)
        try:
            await arrived
        finally:
            timer.cancel()

    async def stillness(self) -> None:
        """Waits until what was abandoned has ended, too."""
        while self.handling or any(seen.executing for seen in self.seen):
            self.still.clear()
            await self.still.wait()
