"""What the simulated steps see, and what they may never see.

The witness knows the rules of SEMANTICS in its own words: it is told what was delivered to the engine, predicts what follows, and looks
at what is started. It reads neither the engine's status of a node nor its facts.
"""

from __future__ import annotations

from typing import Any

from actorflow.errors import OutcomeUnknown, StepCancelled
from actorflow.facts import (
    AttemptFailed,
    CompensationAttemptFailed,
    GuardFailed,
    GuardsPassed,
    StepCompensated,
    StepHalted,
    StepInterrupted,
    StepRecovered,
    StepSkipped,
    StepSucceeded,
    StepUndone,
    UndoAttemptFailed,
)
from actorflow.plan import Plan
from actorflow.policy import Retry, TryAgain
from tests.simulation.nodes import Job, Node

PATIENCE = 0.6
"""Seconds for which what is in flight may go on in a halt or a rollback."""

TRAVEL = 0.2
"""Seconds for which a message travels at most; patience runs from when it was sent."""


class Witness:
    def __init__(self, plan: Plan, *, cap: int, max_steps: int | None, sequential: bool) -> None:
        self.plan = plan
        self.steps = plan.steps
        self.nodes = [Node() for _ in plan.steps]
        self.unresolved = len(plan)
        self.cap = cap
        self.sequential = sequential
        self.max_steps = max_steps
        self.attempts = 0  # since start or resume
        self.attempting = 0  # attempts that execute, but for abandoned ones
        self.live = 0  # what executes or whose answer is on its way, but for abandoned attempts and undos
        self.waiting_handlers = 0  # compensations that are owed, or between two tries
        self.now = 0.0
        self.patient_until = (
            0.0  # in a halt or a rollback: what is in flight isn't told to stop before, but by a cancel
        )
        self.hurried = False
        self.halting = False
        self.closing = False
        self.rolling = False
        self.cancelled = False
        self.undoing = False
        self.undo_all = False
        self.ended = ""
        self.undos: list[int] = []  # what must be undone, in order of completion
        self.undone = 0
        self.acted = False
        self.incomplete = False
        self.failures = 0
        self.errors: list[tuple[str, str, int, BaseException | type]] = []

    # ── what begins ───────────────────────────────────────────────────────────────────────────────────────────────────

    def check_start(self, n: Node, node: int, number: int, now: float) -> None:
        assert not self.rolling, f"{node} starts though a rollback goes on"
        assert not self.halting, f"{node} starts though the run is halting"
        assert not self.ended, f"{node} starts though the run has ended"
        assert n.job is None, f"{node} starts though an earlier try of it goes on"
        assert not n.abandoned, f"{node} starts after an attempt of it was abandoned"
        assert not n.resolved
        assert not n.stood
        assert not n.set_aside, f"{node} starts though a person must decide"
        assert not n.owed
        assert all(self.nodes[other].resolved for other in self.plan.needs[node]), f"{node} starts before what it needs"
        assert number == n.last + (not n.fresh), f"{node} has try {number} after {n.last}"
        assert now >= n.again - 1e-9, f"{node} starts before its wait is over"
        attempts = self.steps[node].retry.attempts
        assert attempts is None or n.counted < attempts, f"{node} has more than {attempts} tries"
        n.last = number
        if n.first is None:
            n.first = now
        if self.sequential:
            assert self.live == 0, f"{node} starts in a sequential run while something executes"

    def guards_start(self, node: int, number: int, now: float) -> Job:
        n = self.nodes[node]
        assert self.steps[node].guards
        assert not n.passed, f"the guards of {node} run again though they have passed"
        self.check_start(n, node, number, now)
        self.live += 1
        n.job = Job("guard", node, number, 0, now)
        return n.job

    def attempt_starts(self, node: int, number: int, values: list[Any], now: float) -> Job:
        n = self.nodes[node]
        assert n.passed or not self.steps[node].guards, f"{node} starts without its guards"
        self.check_start(n, node, number, now)
        self.check_values(node, values)
        n.fresh = False
        self.live += 1
        self.attempts += 1
        self.attempting += 1
        assert self.attempting <= self.cap, "more attempts execute than may"
        assert self.max_steps is None or self.attempts <= self.max_steps, "more attempts than max_steps"
        n.job = Job("run", node, number, 0, now)
        return n.job

    def check_values(self, node: int, values: list[Any]) -> None:
        for other in self.plan.reads[node]:
            assert values[other] is self.nodes[other].value, f"{node} doesn't get the result of {other}"

    def compensation_starts(
        self, node: int, number: int, tries: int, error: BaseException, values: list[Any], now: float
    ) -> Job:
        n = self.nodes[node]
        assert self.steps[node].compensate is not None
        assert n.job is None, f"{node} is compensated while it executes"
        assert n.owed, f"{node} is compensated, but nothing is owed to it"
        assert number == n.last
        assert not self.undoing, f"{node} is compensated after the first undo"
        assert not isinstance(error, TryAgain), "a compensation gets what TryAgain stands for"
        n.comp_tries += 1
        assert tries == n.comp_tries, f"the compensation of {node} has try {tries} after {n.comp_tries - 1}"
        assert now >= n.again - 1e-9
        if n.offered:
            assert tries > 1, f"{node} is offered to its compensation twice"
        else:
            n.handler_first = now
        n.offered = True
        self.check_values(node, values)
        self.live += 1
        n.job = Job("compensate", node, number, tries, now)
        return n.job

    def undo_starts(self, node: int, tries: int, values: list[Any], now: float) -> Job:
        n = self.nodes[node]
        assert self.rolling, f"{node} is undone though nothing is taken back"
        assert not self.ended
        assert self.live == 0, f"{node} is undone before all was settled"
        assert self.waiting_handlers == 0, f"{node} is undone before all compensations have ended"
        assert not any(m.reason is not None and not m.stood for m in self.nodes), (
            "an undo begins before all that failed was dealt with"
        )
        assert self.undos, f"{node} is undone though nothing is left to undo"
        assert self.undos[-1] == node, f"{node} is undone, it is the turn of {self.undos[-1]}"
        handler = self.steps[node].undo
        assert handler is not None
        assert n.job is None
        n.undo_tries += 1
        assert tries == n.undo_tries
        if tries == 1:
            n.handler_first = now
        assert now >= n.again - 1e-9
        assert values[node] is n.value, f"the undo of {node} doesn't get its value"
        if handler.wants_arguments:
            self.check_values(node, values)
        self.undoing = True
        n.job = Job("undo", node, n.last, tries, now)
        return n.job

    # ── what ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def told_to_stop(self, job: Job) -> None:
        assert job.kind in ("guard", "run"), "a compensation or an undo is told to stop"
        if not job.told:
            job.told = "stop"
            assert self.halting or self.rolling, f"{job.node} is told to stop, and nobody asked for it"
            assert self.hurried or self.now >= self.patient_until - 1e-9, f"{job.node} is told to stop too early"

    def code_ended(self, job: Job) -> None:
        job.executing = False
        if job.kind == "run" and not job.abandoned:
            self.attempting -= 1

    def answered(self, job: Job, message: Any, now: float) -> None:
        """The first answer to a job is delivered to the engine now."""
        job.answered = True
        n = self.nodes[job.node]
        n.job = None
        if job.kind == "undo":
            self.undo_answered(n, job, message, now)
            return
        self.live -= 1
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
                if message.again and self.may_retry(n, job, message.at + message.delay):
                    n.again = message.at + message.delay
                elif not (message.again and self.rolling):
                    self.stand(n, job.node, "guard", job.number, message.error)
            case _:
                assert isinstance(message, StepInterrupted)

    def attempt_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        match message:
            case StepSucceeded():
                self.succeed(n, job.node, message.value)
            case StepHalted():
                self.succeed(n, job.node, message.value)
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
        if message.entered:
            self.acted_in_vain(n, StepCancelled())
            n.stopped = True
            n.set_aside = self.halting and not self.rolling and self.steps[job.node].irreversible
        if self.rolling and n.reason is not None:
            self.offer_or_stand(n, job.node)

    def attempt_failed(
        self, n: Node, job: Job, error: BaseException, *, again: bool, delay: float, unknown: bool, at: float
    ) -> None:
        n.counted += 1
        self.acted_in_vain(n, error)
        n.unknown = n.unknown or unknown
        if again and self.may_retry(n, job, at + delay):
            n.again = at + delay
        else:
            self.offer_or_stand(n, job.node)

    def acted_in_vain(self, n: Node, error: BaseException) -> None:
        if n.reason is None:
            self.failures += 1
            n.since = self.failures
        n.reason = error
        n.offered = n.stopped = False

    def was_abandoned(self, job: Job) -> None:
        n = self.nodes[job.node]
        job.abandoned = True
        n.job = None
        self.live -= 1
        if job.kind == "run":
            self.attempting -= job.executing
            n.abandoned = n.unknown = True
            self.acted_in_vain(n, OutcomeUnknown())
            self.offer_or_stand(n, job.node)

    def may_retry(self, n: Node, job: Job, due: float) -> bool:
        if self.rolling or n.abandoned:
            return False
        retry = self.steps[job.node].retry
        if retry.attempts is not None and n.counted >= retry.attempts:
            return False
        return retry.within is None or n.first is None or due - n.first <= retry.within

    def offer_or_stand(self, n: Node, node: int) -> None:
        if self.steps[node].compensate is not None and not n.offered:
            n.owed = True
            n.comp_tries = 0
            n.again = 0.0
            self.waiting_handlers += 1
        else:
            assert n.reason is not None
            self.stand(n, node, "run", n.last, n.reason)

    def compensation_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        match message:
            case StepRecovered():
                self.compensation_over(n)
                self.acted = True
                self.succeed(n, job.node, message.value)
            case StepCompensated():
                self.compensation_over(n)
                self.acted = True
                n.unknown = False
                if message.again and self.may_retry(n, job, message.at + message.delay):
                    n.again = message.at + message.delay
                else:
                    assert n.reason is not None
                    self.stand(n, job.node, "run", job.number, n.reason)
            case _:
                assert isinstance(message, CompensationAttemptFailed)
                handler = self.steps[job.node].compensate
                assert handler is not None
                if message.again and handler_may_retry(
                    handler.retry, job, message.at + message.delay - n.handler_first
                ):
                    n.again = message.at + message.delay
                else:
                    self.compensation_over(n)
                    n.unknown = False
                    self.incomplete = True
                    assert n.reason is not None
                    self.stand(n, job.node, "run", job.number, n.reason, also=job.tries)

    def compensation_over(self, n: Node) -> None:
        n.owed = False
        self.waiting_handlers -= 1

    def undo_answered(self, n: Node, job: Job, message: Any, now: float) -> None:
        if isinstance(message, StepUndone):
            self.undone += 1
            self.acted = True
            self.undos.pop()
            return
        assert isinstance(message, UndoAttemptFailed)
        handler = self.steps[job.node].undo
        assert handler is not None
        if message.again and handler_may_retry(handler.retry, job, message.at + message.delay - n.handler_first):
            n.again = message.at + message.delay
        else:
            self.incomplete = True
            self.undos.pop()
            self.errors.append((self.plan.names[job.node], "undo", job.tries, message.error))

    # ── how the run goes on ───────────────────────────────────────────────────────────────────────────────────────────

    def succeed(self, n: Node, node: int, value: Any) -> None:
        if self.steps[node].undo is not None:
            self.undos.append(node)
        self.resolve(n, value)

    def resolve(self, n: Node, value: Any) -> None:
        n.resolved = True
        n.value = value
        n.reason = None
        n.unknown = False
        self.unresolved -= 1

    def stand(self, n: Node, node: int, phase: str, number: int, error: BaseException, *, also: int = 0) -> None:
        n.stood = True
        n.again = 0.0
        name = self.plan.names[node]
        if not n.stopped:
            self.errors.append((name, phase, number, error))
        if also:
            self.errors.append((name, "compensate", also, error))
        if n.unknown:
            handler = self.steps[node].undo
            if handler is not None and handler.unknown:
                self.undos.append(node)
                n.value = None
            else:
                self.incomplete = True
        self.roll_back(cancelled=False)

    def roll_back(self, *, cancelled: bool) -> None:
        if self.rolling or self.ended:
            return
        self.rolling = True
        self.cancelled = cancelled
        self.patient_until = self.now + PATIENCE - TRAVEL
        for node in sorted(range(len(self.nodes)), key=lambda node: self.nodes[node].since):
            n = self.nodes[node]
            if n.reason is not None and n.job is None and not n.owed and not n.stood:
                self.offer_or_stand(n, node)

    def pause(self) -> None:
        if not (self.rolling or self.halting or self.closing or self.ended):
            self.halting = True
            self.patient_until = self.now + PATIENCE - TRAVEL

    def runs_out(self, *, halts: bool) -> None:
        if halts:
            self.pause()
        elif not (self.rolling or self.halting or self.closing or self.ended):
            self.hurried = True
            self.roll_back(cancelled=True)

    def resume(self) -> None:
        self.ended = ""
        self.halting = False
        self.attempts = 0

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def expected_end(self) -> str:
        if self.undo_all:
            return "undone"
        if self.rolling:
            return "cancelled" if self.cancelled else "failed"
        return "halted" if self.halting else "succeeded"

    def expected_rollback(self) -> str:
        return "incomplete" if self.incomplete else "complete" if self.acted else "none"

    def end(self, status: str) -> None:
        assert status == self.expected_end(), f"the run ended {status}, it should have {self.expected_end()}"
        assert not self.ended
        assert self.live == 0, "the run ended while something executes"
        assert self.waiting_handlers == 0, "the run ended though a compensation is owed"
        if self.rolling:
            assert not self.undos, f"the run ended though {self.undos} should be undone"
            assert not any(n.reason is not None and not n.stood for n in self.nodes), (
                "something that failed was passed over"
            )
        elif status == "succeeded":
            assert not self.unresolved, "the run succeeded though not all is resolved"
        self.ended = status


def handler_may_retry(retry: Retry, job: Job, spent: float) -> bool:
    return (retry.attempts is None or job.tries < retry.attempts) and (retry.within is None or spent <= retry.within)
