"""Runs what the executor orders: attempts, guards, compensations, undos; each one ends with exactly one message.

1. An attempt is a task of its own; from Python 3.12 on it starts within the executor's turn, and most never suspend.
2. What it returns or raises becomes the fact that is posted: the message is the fact.
3. What suspends has a `Live` entry: there it is found when its time is over, or when it has to stop.
4. What was told to stop answers in its own time, or is abandoned when its grace is over (R12).
5. Runs that a step has started are settled before its message goes out (R30).
"""

from __future__ import annotations

import sys
from asyncio import CancelledError, Task, current_task
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from inspect import CORO_CREATED, getcoroutinestate, iscoroutine
from typing import TYPE_CHECKING, Any, Final

from actorflow import crash_points
from actorflow.engine import CompensateStep, DeadlinePassed, GraceOver, NothingBegun, UndoStep
from actorflow.errors import InvalidValue, NotSerializable, OutcomeUnknown, StepTimeout, WorkerLost
from actorflow.facts import (
    AttemptFailed,
    CompensationAttemptFailed,
    GuardFailed,
    GuardsPassed,
    StepCompensated,
    StepFact,
    StepHalted,
    StepInterrupted,
    StepRecovered,
    StepSkipped,
    StepSucceeded,
    StepUndone,
    UndoAttemptFailed,
)
from actorflow.policy import Halt, Skip, TryAgain, is_recover, is_skip
from actorflow.runtime.carrying import Around, carried, carried_back, wrapped_async, wrapped_plain
from actorflow.runtime.emitting import succeeded, with_emitted
from actorflow.runtime.here import HERE
from actorflow.runtime.judge import Verdict, as_failure, judge, judge_handler
from actorflow.runtime.launch import ASYNC, INLINE, SCOPE, WAIT
from actorflow.runtime.row import Live, Row
from actorflow.runtime.scopes import ScopeRunner
from actorflow.runtime.waiting import begin_wait
from actorflow.runtime.workers import CouldNotBegin, NeverEntered, in_thread, unwrapped
from actorflow.values import ValueMismatch, check

if TYPE_CHECKING:
    from actorflow.plan import HandlerSpec
    from actorflow.runtime.launch import Launch
    from actorflow.runtime.services import Services

EAGER: Final = sys.version_info >= (3, 12)


class StepRunner:
    def __init__(self, services: Services, post: Callable[[Any], None]) -> None:
        self.services = services
        self.post = post
        self.loop = services.loop
        self.monotonic = services.clock.monotonic
        self.timers = services.timers
        self.decodes = services.values.decodes
        self.scopes = ScopeRunner(self)

    # ── starting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, row: Row, node: int) -> None:
        """Starts the attempt that the engine has counted."""
        launch, state = row.launch, row.state
        number = state.attempt[node]
        place = node
        values: Sequence[Any] = state.values
        try:
            if node >= launch.size or self.decodes:
                launch, place, values = self.place_of(row, node)
            takes = launch.takes[place]
            arguments = launch.binders[place](values) if takes is None else [values[slot] for slot in takes]
        except Exception as error:
            self.post(NothingBegun(row.id, node, number, self.monotonic(), error))
            return
        mode = launch.modes[place]
        call = launch.calls[place]
        if row.wraps:
            call = partial(wrapped_async if mode == ASYNC else wrapped_plain, row, carried, call)
        if mode == ASYNC:
            self.spawn(row, node, number, run_attempt(self, row, node, number, call, arguments), launch.timeouts[place])
        elif mode == INLINE:
            self.run_inline(row, node, number, call, arguments)
        elif mode == SCOPE:
            self.scopes.decide(row, node, number, launch.steps[place], arguments)
        elif mode == WAIT:
            self.post(begin_wait(self, row, node, number, launch.steps[place], arguments))
        else:
            live = row.live[node] = Live(number)
            live.is_attempt = True
            away = partial(launch.elsewhere[mode], self, row, node, live, call, arguments)
            self.spawn(row, node, number, run_attempt(self, row, node, number, away, ()), None, live)

    def place_of(self, row: Row, node: int) -> tuple[Launch, int, Sequence[Any]]:
        """Where a node of a frame stands, and what its arguments are made from."""
        tree = row.state.tree
        if tree is not None and not self.decodes:
            frame = tree.frame_of[node]
            if frame is not None and frame.launch is not None:  # written out: it happens once per item of an `each`
                return frame.launch, node - frame.base, row.state.values[frame.base : frame.end]
        launch, place, frame = row.at(node)
        return launch, place, self.services.values.seen_by(row, node) if self.decodes else row.values(frame)

    def spawn(
        self,
        row: Row,
        node: int,
        number: int,
        coroutine: Coroutine[Any, Any, None],
        timeout: float | None,
        live: Live | None = None,
    ) -> None:
        """Starts a task for it; one that has suspended is entered in the row, and its time runs."""
        context = row.context.copy()
        if EAGER:
            task = Task(coroutine, loop=self.loop, context=context, eager_start=True)  # type: ignore[call-arg, unused-ignore]
            if task.done():
                return
        else:
            task = self.loop.create_task(coroutine, context=context)
        if live is None:
            live = row.live.get(node) or Live(number)  # what it called in a thread may have entered one already
            row.live[node] = live
        live.task = task
        if timeout is not None:
            live.timed = True
            self.timers.after(timeout, (row.id, node), partial(self.time_is_over, row, node, live, self.monotonic()))

    def run_inline(self, row: Row, node: int, number: int, call: Callable[..., Any], arguments: Sequence[Any]) -> None:
        """R9: in the executor's own turn; in a context of its own all the same."""
        began = self.monotonic()
        try:
            value = row.context.copy().run(inline, (self, row, node, number, ""), call, arguments)
            if crash_points.listener is not None:
                crash_points.listener("step.returned")
            if self.decodes:
                value = self.services.values.passed_on(row, node, value)
            if row.emissions or row.journal is not None:
                self.post(self.success(row, node, number, value, began))
                return
        except BaseException as error:
            self.attempt_raised(row, node, number, error, began)
        else:
            self.post(StepSucceeded(row.id, node, number, self.monotonic(), value, began))

    # ── attempts end ──────────────────────────────────────────────────────────────────────────────────────────────

    def attempt_raised(self, row: Row, node: int, number: int, error: BaseException, began: float) -> None:
        if crash_points.listener is not None and not isinstance(error, NotSerializable):
            crash_points.listener("step.returned")
        if isinstance(error, CouldNotBegin):
            self.deliver(row, node, self.not_begun(row, node, number, error.reason, began))
            return
        message = self.message_of(row, node, number, error, began)
        if row.emissions:
            message = with_emitted(row, message)
        if row.journal is not None:
            message = self.storable(row, message)
        self.deliver(row, node, message)

    def success(self, row: Row, node: int, number: int, value: Any, began: float) -> StepFact:
        """What the attempt has given, with what it has emitted; written down already if the run is recorded. Raises `NotSerializable`."""
        at = self.monotonic()
        message = succeeded(row, node, number, at, value, began) if row.emissions else None
        message = message or StepSucceeded(row.id, node, number, at, value, began)
        if row.journal is not None:
            row.journal.prepare(row, message)
        return message

    def storable(self, row: Row, message: StepFact) -> StepFact:
        """The message, or, if what it brings can't be stored, the failure that this is (R56)."""
        assert row.journal is not None
        try:
            row.journal.prepare(row, message)
        except NotSerializable as error:
            began = getattr(message, "began", message.at)
            verdict = self.judge(row, message.node, message.attempt, error)
            message = AttemptFailed(row.id, message.node, message.attempt, self.monotonic(), *verdict, began)
        return message

    def not_begun(
        self, row: Row, node: int, number: int, error: Exception, began: float
    ) -> NothingBegun | AttemptFailed:
        """R18: what never came to its worker isn't compensated; a worker that is lost before it entered the step fails the attempt."""
        if isinstance(error, WorkerLost):
            return AttemptFailed(row.id, node, number, self.monotonic(), *self.judge(row, node, number, error), began)
        return NothingBegun(row.id, node, number, self.monotonic(), error)

    def message_of(self, row: Row, node: int, number: int, error: BaseException, began: float) -> StepFact:
        """R13: what the exception says of the attempt."""
        error = unwrapped(error)
        at = self.monotonic()
        live = row.live.get(node)
        if isinstance(error, NeverEntered):
            return StepInterrupted(row.id, node, number, at, entered=False, began=began)
        if isinstance(error, CancelledError) and live is not None and live.stopping:
            return StepInterrupted(row.id, node, number, at, entered=True, began=began, error=error)
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.services.machine.exit_with(error)
            return StepInterrupted(row.id, node, number, at, entered=True, began=began, error=error)
        if isinstance(error, Halt):
            try:
                if error.value is not None:
                    self.check_value(row, node, error.value)
            except InvalidValue as wrong:
                error = wrong
            else:
                return StepHalted(row.id, node, number, at, error.value, began)
        verdict = self.judge(row, node, number, error)
        unknown = isinstance(verdict.error, WorkerLost)
        return AttemptFailed(row.id, node, number, at, *verdict, began, unknown)

    def judge(self, row: Row, node: int, number: int, error: BaseException) -> Verdict:
        retry = row.step(node).retry
        failure = as_failure(error, f"step {row.name(node)!r}")
        return judge(failure, retry, number, partial(row.named, node), self.services.random)

    def check_value(self, row: Row, node: int, value: Any) -> None:
        """R13: values in `Recover`, `Skip` and `Halt` are checked as inputs are, but for the `None` of `where=` and of a bare `Halt`."""
        try:
            check(value, row.step(node).returns)
        except ValueMismatch as wrong:
            raise InvalidValue(f"step {row.name(node)!r} can't have this value{wrong.path}: {wrong}") from None

    def deliver(self, row: Row, node: int, message: StepFact | NothingBegun) -> None:
        """Posts an attempt's or a handler's message, once its time is stopped and its child runs are settled."""
        if row.orphans and self.was_orphan(row, node):
            return
        live = row.live.pop(node, None)
        if live is not None and (live.timed or live.stopping):
            self.timers.cancel((row.id, node))
        if node in row.children and self.services.children.settle_then(row, node, partial(self.post, message)):
            return
        self.post(message)

    def was_orphan(self, row: Row, node: int) -> bool:
        """An abandoned attempt has ended after all: its result is ignored, its permits come back (R12)."""
        task = current_task(self.loop)
        for live in row.orphans:
            if live.task is task:
                row.orphans.discard(live)
                self.orphan_ended(row, node, live)
                return True
        return False

    def orphan_ended(self, row: Row, node: int, live: Live) -> None:
        if live.orphaned:
            self.services.pool.orphan_ended(row, node, self.monotonic())

    # ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────

    def time_is_over(self, row: Row, node: int, live: Live, began: float) -> None:
        """R11: the engine is told what the policy says of it: tried again only if named in `on=`."""
        timeout = row.step(node).timeout or 0.0
        verdict = self.judge(row, node, live.number, StepTimeout(row.name(node), timeout))
        self.post(DeadlinePassed(row.id, node, live.number, self.monotonic(), *verdict, began))

    def stop(self, row: Row, node: int, number: int) -> None:
        """Cancels what executes for the node, and says when its grace is over."""
        live = row.live.get(node)
        if live is None or live.number != number or live.task is None:
            return
        live.stopping = True
        if never_began(live.task):
            live.task.cancel()
            at = self.monotonic()
            self.deliver(row, node, StepInterrupted(row.id, node, number, at, entered=False, began=at))
            return
        grace = row.state.options.cancel_grace
        self.timers.after(grace, (row.id, node), partial(self.grace_is_over, row, node, live))
        live.task.cancel()

    def grace_is_over(self, row: Row, node: int, live: Live) -> None:
        self.post(GraceOver(row.id, node, live.number, self.monotonic()))

    def abandon(self, row: Row, node: int, *, orphaned: bool) -> bool:
        """Waits no longer. A thread's permits come back when the thread ends, a task's when the task does.

        False if nothing executes there any more.
        """
        live = row.live.pop(node, None)
        if live is None:
            return False
        live.orphaned = orphaned
        live.name = row.name(node)
        self.services.machine.report_abandoned(row, node)
        if live.work is not None:
            live.work.let_go(partial(self.orphan_ended, row, node, live))
        else:
            row.orphans.add(live)
        return True

    # ── guards ────────────────────────────────────────────────────────────────────────────────────────────────────

    def guard(self, row: Row, node: int, number: int) -> None:
        try:
            arguments = row.arguments(node, self.services.values.seen_by(row, node))
        except Exception as error:
            self.post(GuardFailed(row.id, node, number, self.monotonic(), error, again=False, delay=0.0, began=0.0))
            return
        live = row.live[node] = Live(number)
        self.spawn(row, node, number, run_guards(self, row, node, live, arguments), None, live)

    # ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def compensate(self, row: Row, order: CompensateStep) -> None:
        handler = row.step(order.node).compensate
        if handler is None:
            raise AssertionError(f"{row.name(order.node)} has no compensation")
        if order.node in row.children and self.services.children.settle_then(
            row, order.node, partial(self.compensate, row, order)
        ):
            return  # they went on when the run was taken over (R30)
        self.spawn_handler(row, order, handler, run_compensation(self, row, order))

    def undo(self, row: Row, order: UndoStep) -> None:
        handler = row.step(order.node).undo
        if handler is None:
            raise AssertionError(f"{row.name(order.node)} has no undo")
        self.spawn_handler(row, order, handler, run_undo(self, row, order))

    def spawn_handler(
        self, row: Row, order: CompensateStep | UndoStep, handler: HandlerSpec, coroutine: Coroutine[Any, Any, None]
    ) -> None:
        """R11: a handler's time runs from its start, that of one in a thread from when it was entered there."""
        timed = partial(self.time_handler, row, order, handler.timeout) if handler.timeout is not None else None
        live = None
        if not handler.is_async:
            live = row.live[order.node] = Live(order.attempt)
            live.enters = timed
        self.spawn(row, order.node, order.attempt, coroutine, None, live)
        if handler.is_async and timed is not None and (started := row.live.get(order.node)) is not None:
            timed(started)

    def time_handler(self, row: Row, order: CompensateStep | UndoStep, timeout: float, live: Live) -> None:
        live.timed = True
        late = partial(self.handler_is_late, row, order, live, timeout)
        self.timers.after(timeout, (row.id, order.node), late)

    def handler_is_late(self, row: Row, order: CompensateStep | UndoStep, live: Live, timeout: float) -> None:
        live.overdue = StepTimeout(row.name(order.node), timeout)
        live.stopping = True
        grace = row.state.options.cancel_grace
        self.timers.after(grace, (row.id, order.node), partial(self.handler_goes_on, row, order, live))
        if live.task is not None:
            live.task.cancel()

    def handler_goes_on(self, row: Row, order: CompensateStep | UndoStep, live: Live) -> None:
        """It ignores that it was cancelled: it is abandoned, and not tried again while it may still execute."""
        unknown = OutcomeUnknown(f"a handler of step {row.name(order.node)!r} went on after it was told to stop")
        unknown.__cause__ = live.overdue
        self.abandon(row, order.node, orphaned=False)
        self.post(self.handler_failed(row, order, Verdict(unknown, again=False, delay=0.0), self.monotonic()))

    def handler_raised(self, row: Row, order: CompensateStep | UndoStep, error: BaseException, began: float) -> None:
        if crash_points.listener is not None:
            crash_points.listener("compensate.returned" if isinstance(order, CompensateStep) else "undo.returned")
        error = unwrapped(error)
        live = row.live.get(order.node)
        if live is not None and live.overdue is not None and isinstance(error, CancelledError):
            error = live.overdue
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.services.machine.exit_with(error)
        step = row.step(order.node)
        handler = step.compensate if isinstance(order, CompensateStep) else step.undo
        failure = as_failure(error, f"a handler of step {row.name(order.node)!r}")
        named = partial(row.named, order.node)
        if isinstance(order, CompensateStep) and isinstance(failure, TryAgain):
            again = judge(failure, step.retry, order.attempt, named, self.services.random)
            self.deliver(row, order.node, StepCompensated(
                row.id, order.node, order.attempt, self.monotonic(), order.tries, again.again, again.delay, again.error, began
            ))  # fmt: skip
            return
        verdict = judge_handler(failure, handler.retry, order.tries, named, self.services.random) if handler else None
        if verdict is not None:
            self.deliver(row, order.node, self.handler_failed(row, order, verdict, began))

    def handler_failed(
        self, row: Row, order: CompensateStep | UndoStep, verdict: Verdict, began: float
    ) -> CompensationAttemptFailed | UndoAttemptFailed:
        kind = CompensationAttemptFailed if isinstance(order, CompensateStep) else UndoAttemptFailed
        return kind(row.id, order.node, order.attempt, self.monotonic(), order.tries, *verdict, began)

    async def call(self, row: Row, node: int, function: Callable[[], Any], around: Around, *, is_async: bool) -> Any:
        """Calls an undo, a compensation or a guard, on the loop or in a thread, as its own kind says (R9)."""
        if row.wraps:
            function = partial(wrapped_async if is_async else wrapped_plain, row, around, function)
        if is_async:
            return await function()
        live = row.live.get(node)
        if live is None:
            live = row.live[node] = Live(row.state.attempt[node])
            live.task = current_task(self.loop)
        return await in_thread(self, row, node, live, function, ())


def never_began(task: Task[None]) -> bool:
    """Whether the task waits for its first turn. One that is cancelled before doesn't enter its coroutine, so it can't answer."""
    coroutine = task.get_coro()
    return iscoroutine(coroutine) and getcoroutinestate(coroutine) == CORO_CREATED


# ── the bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def run_attempt(
    runner: StepRunner, row: Row, node: int, number: int, call: Callable[..., Awaitable[Any]], arguments: Sequence[Any]
) -> None:
    """One attempt, from its start to its message."""
    HERE.set((runner, row, node, number, ""))
    began = runner.monotonic()
    if crash_points.listener is not None:
        crash_points.listener("step.entering")
    try:
        value = await call(*arguments)
        if crash_points.listener is not None:
            crash_points.listener("step.returned")
        if runner.decodes:
            value = runner.services.values.passed_on(row, node, value)
        if row.emissions or row.journal is not None:
            message = runner.success(row, node, number, value, began)
            runner.deliver(row, node, message)
            return
    except BaseException as error:
        runner.attempt_raised(row, node, number, error, began)
    else:
        if row.live or row.children or row.orphans:
            runner.deliver(row, node, StepSucceeded(row.id, node, number, runner.monotonic(), value, began))
        else:
            runner.post(StepSucceeded(row.id, node, number, runner.monotonic(), value, began))


def inline(here: Any, call: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    HERE.set(here)
    if crash_points.listener is not None:
        crash_points.listener("step.entering")
    return call(*arguments)


async def run_guards(runner: StepRunner, row: Row, node: int, live: Live, arguments: Sequence[Any]) -> None:
    """R17: in the order declared, until one skips, halts or raises, or all have passed."""
    HERE.set((runner, row, node, live.number, "guard"))
    began = runner.monotonic()
    if crash_points.listener is not None:
        crash_points.listener("guard.entering")
    step = row.step(node)
    keywords = row.keywords(node)
    message: StepFact | None = None
    try:
        for guard in step.guards:
            asked = partial(call_guard, guard.function, keywords, arguments)
            answer = await runner.call(row, node, asked, carried, is_async=guard.is_async)
            if guard.is_where:
                answer = None if answer else Skip(None)
            if is_skip(answer):
                if not guard.is_where:
                    runner.check_value(row, node, answer.value)
                message = StepSkipped(row.id, node, live.number, runner.monotonic(), answer.value, began)
                break
            if answer is not None:
                raise InvalidValue(f"a guard of step {row.name(node)!r} returned {answer!r}, neither None nor a Skip")
        if message is not None and row.journal is not None:
            row.journal.prepare(row, message)
    except BaseException as error:
        message = guard_message(runner, row, node, live, error, began)
    if crash_points.listener is not None:
        crash_points.listener("guard.returned")
    runner.deliver(row, node, message or GuardsPassed(row.id, node, live.number, runner.monotonic(), began))


def call_guard(function: Callable[..., Any], keywords: Sequence[str], arguments: Sequence[Any]) -> Any:
    split = len(arguments) - len(keywords)
    return function(*arguments[:split], **dict(zip(keywords, arguments[split:], strict=True)))


def guard_message(runner: StepRunner, row: Row, node: int, live: Live, error: BaseException, began: float) -> StepFact:
    message = runner.message_of(row, node, live.number, error, began)
    if isinstance(message, AttemptFailed):
        again = message.again and isinstance(message.error, TryAgain)
        return GuardFailed(row.id, node, live.number, message.at, message.error, again, message.delay, began)
    if isinstance(message, StepInterrupted):
        return StepInterrupted(row.id, node, live.number, message.at, entered=False, began=began)
    return message


async def run_compensation(runner: StepRunner, row: Row, order: CompensateStep) -> None:
    """R18: once per failed attempt, with the exception and the arguments."""
    node = order.node
    HERE.set((runner, row, node, order.attempt, "compensate"))
    began = runner.monotonic()
    if crash_points.listener is not None:
        crash_points.listener("compensate.entering")
    handler = row.step(node).compensate
    try:
        if handler is None:
            raise AssertionError(f"{row.name(node)} has no compensation")
        function = row.handler(handler, node, order.error, runner.services.values.seen_by(row, node))
        answer = await runner.call(row, node, function, carried_back, is_async=handler.is_async)
        if is_recover(answer):
            runner.check_value(row, node, answer.value)
            if row.journal is not None:
                row.journal.desk.encode(answer.value, row.step(node).returns, row.name(node))
        elif answer is not None:
            raise InvalidValue(
                f"the compensation of {row.name(node)!r} returned {answer!r}, neither None nor a Recover"
            )
    except BaseException as error:
        runner.handler_raised(row, order, error, began)
        return
    if crash_points.listener is not None:
        crash_points.listener("compensate.returned")
    at = runner.monotonic()
    if is_recover(answer):
        runner.deliver(row, node, StepRecovered(row.id, node, order.attempt, at, order.tries, answer.value, began))
    else:
        runner.deliver(row, node, StepCompensated(
            row.id, node, order.attempt, at, order.tries, again=False, delay=0.0, reason=None, began=began
        ))  # fmt: skip


async def run_undo(runner: StepRunner, row: Row, order: UndoStep) -> None:
    """R22: with the value that the step gave, and its arguments."""
    node = order.node
    HERE.set((runner, row, node, order.attempt, "undo"))
    began = runner.monotonic()
    if crash_points.listener is not None:
        crash_points.listener("undo.entering")
    handler = row.step(node).undo
    try:
        if handler is None:
            raise AssertionError(f"{row.name(node)} has no undo")
        seen = runner.services.values.seen_by(row, node)
        function = row.handler(handler, node, runner.services.values.own(row, node), seen)
        await runner.call(row, node, function, carried_back, is_async=handler.is_async)
    except BaseException as error:
        runner.handler_raised(row, order, error, began)
        return
    if crash_points.listener is not None:
        crash_points.listener("undo.returned")
    runner.deliver(row, node, StepUndone(row.id, node, order.attempt, runner.monotonic(), order.tries, began))
