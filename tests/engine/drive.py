"""Drives the engine by hand: what it is told are short texts' worth of messages, what comes out is its whole history as text."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Signature
from typing import Any

from actorflow import facts
from actorflow.engine import RunOptions, State, begin_recording, decide, end_turn, orders, replay
from actorflow.facts import Fact
from actorflow.plan import GuardSpec, HandlerSpec, LimitSpec, Plan, StepSpec
from actorflow.policy import Limit, Retry
from tests.simulation.plans import build, nothing


def handler(*, unknown: bool = False, attempts: int = 5) -> HandlerSpec:
    retry = Retry(attempts=attempts)
    return HandlerSpec(nothing, is_async=False, wants_arguments=False, retry=retry, timeout=None, unknown=unknown)


def step(
    *,
    undo: HandlerSpec | None = None,
    compensate: HandlerSpec | None = None,
    attempts: int | None = 5,
    within: float | None = None,
    guards: int = 0,
    limit: str = "",
    irreversible: bool = False,
) -> StepSpec:
    return StepSpec(
        name="step",
        function=nothing,
        signature=Signature(),
        mode="async",
        returns=Any,
        retry=Retry(attempts=attempts, within=within),
        undo=undo,
        compensate=compensate,
        guards=(GuardSpec(nothing, is_async=False),) * guards,
        limits=(LimitSpec(Limit(limit, at_most=1)),) if limit else (),
        irreversible=irreversible,
    )


def chain(*steps: StepSpec) -> Plan:
    """Each step takes the result of the one before; the last one's is the run's."""
    needs = [() if not node else (node - 1,) for node in range(len(steps))]
    return build(needs, needs, [False] * (len(steps) - 1) + [True], steps)


def fan(*steps: StepSpec) -> Plan:
    """None waits for another."""
    return build([()] * len(steps), [()] * len(steps), [False] * len(steps), steps)


Message = Callable[["Drive"], Any]


class Drive:
    """A run, begun. Attempts and tries in messages are the node's current ones."""

    def __init__(self, plan: Plan, **options: Any) -> None:
        self.plan, self.options = plan, RunOptions(**options)
        self.state = State(plan, "r", (), self.options)
        begin_recording(self.state)
        self.turns: list[list[Any]] = []
        self.now = 0.0
        self.history: list[str] = []
        self.orders: list[Any] = []
        self.tell(lambda _: facts.RunStarted("r", 0.0, "w", {}))

    def tell(self, *messages: Message) -> Drive:
        """A message that is None has been decided already."""
        for message in messages:
            told = message(self)
            if told is not None:
                self.decide(told)
        return self

    def decide(self, message: Any) -> None:
        """One turn: who asks for permits is granted them."""
        state, turn = self.state, [message]
        decide(state, message, message.at)
        while state.asks:
            turn.append(orders.PermitsGranted("r", message.at, tuple(state.asks)))
            state.asks.clear()
            decide(state, turn[-1], message.at)
        self.turns.append(turn)
        self.history += map(text, end_turn(state))
        self.orders += state.orders
        state.started.clear()
        state.orders.clear()

    def built_again(self) -> State:
        """The state that a replay of all turns gives."""
        state = State(self.plan, "r", (), self.options)
        replay(state, self.turns)
        return state

    def crash(self, *, shift: float = 0.0, lost_limit: int = 3) -> Drive:
        """The process is lost; another one, whose clock shows so much more, takes the run over."""
        self.state = self.built_again()
        self.now += shift
        self.decide(orders.TakeOver("r", self.now, shift, lost_limit, "w2"))
        return self

    def take_history(self) -> str:
        history, self.history = self.history, []
        return " ".join(history)

    def take_orders(self) -> list[Any]:
        ordered, self.orders = self.orders, []
        return ordered


SHOWN = ("cancelled", "by", "status", "rollback", "retried")


def text(fact: Fact) -> str:
    """`StepStarted:0#1` is attempt 1 of node 0, `UndoStarted:0#1/2` the second try of its undo."""
    name = type(fact).__name__
    if isinstance(fact, facts.RunFact):
        said = [str(value) for field in SHOWN if (value := getattr(fact, field, "")) not in ("", False, ())]
        return ":".join([name, *said])
    tries = getattr(fact, "tries", 0)
    assert isinstance(fact, facts.StepFact)
    return f"{name}:{fact.node}#{fact.attempt}" + (f"/{tries}" if tries else "")


# ── what it is told ───────────────────────────────────────────────────────────────────────────────────────────────────


def at(drive: Drive, node: int) -> tuple[str, int, int, float]:
    return "r", node, drive.state.attempt[node], drive.now


def succeeds(node: int, value: object = None) -> Message:
    return lambda drive: facts.StepSucceeded(*at(drive, node), value, 0.0)


def halts(node: int, value: object = None) -> Message:
    return lambda drive: facts.StepHalted(*at(drive, node), value, 0.0)


def fails(
    node: int, error: BaseException, *, again: bool = False, delay: float = 0.0, unknown: bool = False
) -> Message:
    return lambda drive: facts.AttemptFailed(*at(drive, node), error, again, delay, 0.0, unknown)


def is_interrupted(node: int, *, entered: bool = True) -> Message:
    return lambda drive: facts.StepInterrupted(*at(drive, node), entered, 0.0)


def guards_pass(node: int) -> Message:
    return lambda drive: facts.GuardsPassed(*at(drive, node), 0.0)


def guard_fails(node: int, error: BaseException, *, again: bool = False) -> Message:
    return lambda drive: facts.GuardFailed(*at(drive, node), error, again, 0.0, 0.0)


def is_skipped(node: int, value: object) -> Message:
    return lambda drive: facts.StepSkipped(*at(drive, node), value, 0.0)


def is_overdue(node: int, error: BaseException, *, again: bool = False) -> Message:
    return lambda drive: orders.DeadlinePassed(*at(drive, node), error, again, 0.0, 0.0)


def grace_is_over(node: int) -> Message:
    return lambda drive: orders.GraceOver(*at(drive, node))


def retry_is_due(node: int) -> Message:
    return lambda drive: orders.RetryDue(*at(drive, node))


def handler_is_due(node: int) -> Message:
    return lambda drive: orders.HandlerDue("r", node, drive.state.attempt[node], drive.state.retry_at[node])


def recovers(node: int, value: object) -> Message:
    return lambda drive: facts.StepRecovered(*at(drive, node), drive.state.tries[node], value, 0.0)


def is_compensated(node: int, *, again: bool = False) -> Message:
    return lambda drive: facts.StepCompensated(*at(drive, node), drive.state.tries[node], again, 0.0, None, 0.0)


def compensation_fails(node: int, error: BaseException, *, again: bool = True) -> Message:
    return lambda drive: facts.CompensationAttemptFailed(
        *at(drive, node), drive.state.tries[node], error, again, 1.0, 0.0
    )


def is_undone(node: int) -> Message:
    return lambda drive: facts.StepUndone(*at(drive, node), drive.state.tries[node], 0.0)


def undo_fails(node: int, error: BaseException, *, again: bool = True) -> Message:
    return lambda drive: facts.UndoAttemptFailed(*at(drive, node), drive.state.tries[node], error, again, 1.0, 0.0)


def nothing_begun(node: int, error: BaseException) -> Message:
    return lambda drive: orders.NothingBegun(*at(drive, node), error)


def pause(by: str = "somebody") -> Message:
    return lambda drive: orders.Pause("r", drive.now, by)


def cancel(reason: str = "enough") -> Message:
    return lambda drive: orders.Cancel("r", drive.now, reason)


def resume() -> Message:
    return lambda drive: orders.Resume("r", drive.now, {})


def resume_with(answers: dict[int, Any]) -> Message:
    return lambda drive: orders.Resume("r", drive.now, answers)


def undo_all() -> Message:
    return lambda drive: orders.UndoAll("r", drive.now)


def patience_is_over() -> Message:
    return lambda drive: orders.PatienceOver("r", drive.state.patience, drive.state.phase)


def time_is_over() -> Message:
    return lambda drive: orders.RunOverdue("r", drive.now)


def permit_comes(node: int) -> Message:
    return lambda drive: orders.PermitsGranted("r", drive.now, (node,))


def crash(*, shift: float = 0.0, lost_limit: int = 3) -> Message:
    """In a list of messages: the process is lost, and the run taken over."""

    def crashes(drive: Drive) -> None:
        drive.crash(shift=shift, lost_limit=lost_limit)

    return crashes
