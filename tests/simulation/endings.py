"""What ends, and what the witness concludes from it."""

from __future__ import annotations

from typing import Any

from actorflow.errors import OutcomeUnknown, StepCancelled
from actorflow.facts import (
    AttemptFailed,
    BodyOpened,
    CompensationAttemptFailed,
    GuardFailed,
    GuardsPassed,
    ItemsPulled,
    ScopeLeft,
    StepCompensated,
    StepHalted,
    StepInterrupted,
    StepRecovered,
    StepsEmitted,
    StepSkipped,
    StepSucceeded,
    StepUndone,
    UndoAttemptFailed,
    WaitStarted,
)
from tests.simulation.failing import Failing
from tests.simulation.nodes import Job, Node
from tests.simulation.witness import handler_may_retry


class Endings(Failing):
    """What scopes do about it is said in `scopes.py`."""

    def resolve(self, n: Node, value: Any) -> None:
        raise NotImplementedError

    def opens(self, n: Node, message: BodyOpened | ItemsPulled) -> None:
        raise NotImplementedError

    def was_left(self, n: Node, message: ScopeLeft) -> None:
        raise NotImplementedError

    def emits(self, n: Node, message: StepsEmitted) -> None:
        raise NotImplementedError

    def waits(self, n: Node, message: WaitStarted) -> None:
        raise NotImplementedError

    def settle_items(self) -> None:
        raise NotImplementedError

    # ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, job: Job, message: Any, now: float) -> None:
        """The first answer to a job is delivered to the engine now."""
        job.answered = True
        n = job.n
        n.job = None
        if job.kind == "undo":
            self.undo_answered(n, job, message, now)
        else:
            self.live -= 1
            self.one_answered(n, job, message, now)
        self.settle_items()

    def one_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        if job.kind == "compensate":
            self.compensation_answered(n, job, message, now)
        elif job.kind == "guard":
            self.guards_answered(n, job, message, now)
        elif job.told == "overdue":
            late = job.deadline
            self.attempt_failed(n, job, late.error, again=late.again, delay=late.delay, unknown=False, at=message.at)
        else:
            self.attempt_answered(n, job, message, now)

    def guards_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        match message:
            case GuardsPassed():
                n.passed = n.fresh = True
            case StepSkipped():
                self.resolve(n, message.value)
            case StepHalted():
                self.resolve(n, message.value)
                self.pause()
            case GuardFailed():
                n.counted += 1
                if message.again and self.may_retry(n, message.at + message.delay):
                    n.again = message.at + message.delay
                elif not (message.again and (self.rolling or self.is_rolling(n))):
                    self.stand(n, "guard", job.number, message.error)
            case _:
                assert isinstance(message, StepInterrupted)

    def attempt_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        match message:
            case StepsEmitted():
                self.emits(n, message)
            case StepSucceeded():
                self.succeed(n, message.value)
            case BodyOpened() | ItemsPulled():
                self.opens(n, message)
            case ScopeLeft():
                self.was_left(n, message)
            case WaitStarted():
                self.waits(n, message)
            case StepHalted():
                self.succeed(n, message.value)
                self.pause()
            case StepInterrupted():
                self.interrupted(n, job, message)
            case _:
                assert isinstance(message, AttemptFailed)
                self.attempt_failed(
                    n,
                    job,
                    message.error,
                    again=message.again,
                    delay=message.delay,
                    unknown=message.unknown,
                    at=message.at,
                )

    def interrupted(self, n: Node, job: Job, message: StepInterrupted) -> None:
        rolling = self.rolling or self.is_rolling(n)
        if message.entered:
            self.acted_in_vain(n, StepCancelled())
            n.stopped = True
            n.set_aside = self.halting and not rolling and n.step.irreversible
        if rolling and n.reason is not None:
            self.offer_or_stand(n)

    def attempt_failed(
        self, n: Node, job: Job, error: BaseException, *, again: bool, delay: float, unknown: bool, at: float
    ) -> None:
        n.counted += 1
        self.acted_in_vain(n, error)
        n.unknown = n.unknown or unknown
        if again and self.may_retry(n, at + delay):
            n.again = at + delay
        else:
            self.offer_or_stand(n)

    def was_abandoned(self, job: Job) -> None:
        n = job.n
        job.abandoned = True
        n.job = None
        self.live -= 1
        if job.kind in ("run", "scope"):
            self.attempting -= job.executing
            n.abandoned = n.unknown = True
            self.acted_in_vain(n, OutcomeUnknown())
            self.offer_or_stand(n)
        self.settle_items()

    # ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def compensation_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        match message:
            case StepRecovered():
                self.compensation_over(n)
                self.took_back(n)
                self.succeed(n, message.value)
            case StepCompensated():
                self.compensation_over(n)
                self.took_back(n)
                n.unknown = n.doubtful = False
                if message.again and self.may_retry(n, message.at + message.delay):
                    n.again = message.at + message.delay
                else:
                    assert n.reason is not None
                    self.stand(n, "run", job.number, n.reason)
            case _:
                assert isinstance(message, CompensationAttemptFailed)
                handler = n.step.compensate
                assert handler is not None
                if message.again and handler_may_retry(
                    handler.retry, job, message.at + message.delay - n.handler_first
                ):
                    n.again = message.at + message.delay
                else:
                    self.compensation_over(n)
                    n.unknown = n.doubtful = False
                    self.stays_incomplete(n)
                    assert n.reason is not None
                    self.stand(n, "run", job.number, n.reason, also=job.tries)

    def compensation_over(self, n: Node) -> None:
        n.owed = False
        self.waiting_handlers -= 1

    def undo_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        if isinstance(message, StepUndone):
            self.undone += 1
            self.took_back(n)
            self.undos.remove(n)
            return
        assert isinstance(message, UndoAttemptFailed)
        handler = n.step.undo
        assert handler is not None
        if message.again and handler_may_retry(handler.retry, job, message.at + message.delay - n.handler_first):
            n.again = message.at + message.delay
        else:
            self.stays_incomplete(n)
            self.undos.remove(n)
            self.errors_of(n).append((n.name, "undo", job.tries, message.error))

    def succeed(self, n: Node, value: Any) -> None:
        if n.step.undo is not None:
            self.undos.append(n)
        self.resolve(n, value)
