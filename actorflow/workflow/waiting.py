"""The words for time and people: a node that waits, and holds nothing while it does. How they are drawn is in `wait_drawing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import UnionType
from typing import Any, Final, Literal, Self, TypeVar, cast, overload

from msgspec import UNSET, UnsetType

from actorflow.outcome import Approval
from actorflow.workflow.combinators import Combinator

T = TypeVar("T")

_UNSET: Any = UNSET


class Waiting(Combinator):
    """What they have in common."""

    def placed(self, name: str | UnsetType, after: Sequence[object] | UnsetType) -> Self:
        return self if name is UNSET and after is UNSET else self.options(name=name, after=after)


class Sleep(Waiting):
    """`sleep(3600)`."""

    word = "sleep"

    def __call__(
        self, seconds: float | timedelta, *, name: str | UnsetType = UNSET, after: Sequence[object] | UnsetType = UNSET
    ) -> Any:
        """Waits for a while, from when all is there that it waits for; gives None. It outlives restarts.

        To the type checker it gives anything, so that it can stand in `after=[…]`.

        `name` and `after` are those of `options`. A negative time is a problem of the workflow, or fails the node with `InvalidValue` if it
        comes as a result. Raises `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.wait_drawing import draw_sleep

        return draw_sleep(self.placed(name, after), seconds)


class SleepUntil(Waiting):
    """`sleep_until(trip.starts)`."""

    word = "sleep_until"

    def __call__(
        self, when: datetime, *, name: str | UnsetType = UNSET, after: Sequence[object] | UnsetType = UNSET
    ) -> Any:
        """Waits until a moment, which has a time zone; gives None. One that is past is over at once.

        A moment without a time zone is a problem of the workflow, or fails the node with `InvalidValue` if it comes as a result.
        """
        from actorflow.workflow.wait_drawing import draw_sleep

        return draw_sleep(self.placed(name, after), when)


class WaitForSignal(Waiting):
    """`wait_for_signal("paid", Payment, timeout=timedelta(days=3))`."""

    word = "wait_for_signal"

    @overload
    def __call__(self, name: str, type: type[T], *, timeout: None = None) -> T: ...
    @overload
    def __call__(self, name: str, type: type[T], *, timeout: float | timedelta, default: None) -> T | None: ...
    @overload
    def __call__(self, name: str, type: type[T], *, timeout: float | timedelta, default: T = ...) -> T: ...
    @overload
    def __call__(
        self, name: str, type: UnionType, *, timeout: float | timedelta | None = None, default: Any = ...
    ) -> Any: ...
    def __call__(self, name: str, type: Any, *, timeout: float | timedelta | None = None, default: Any = UNSET) -> Any:
        """Waits for `runtime.signal(run_id, name, value)`, and gives the value, which is of this type.

        A signal counts once. One that comes early is kept; several waits for one name get them in order. After `timeout` (seconds, or a
        timedelta) it gives `default`, or fails with `StepTimeout` if there is none. Raises `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.wait_drawing import draw_signal

        return draw_signal(self, name, type, timeout, default)


class ApprovalWord(Waiting):
    """`approval("Send the refund?", by=["ann", "bob"])`."""

    word = "approval"

    def __call__(
        self,
        question: str = "",
        *,
        by: str | Sequence[str] | None = None,
        timeout: float | timedelta | None = None,
        default: Approval = _UNSET,
        reject: Literal["value", "fail"] = "value",
    ) -> Approval:
        """Waits until somebody says yes or no: `runtime.approve(run_id, who="ann")`, `runtime.reject(…)`; gives the answer.

        `by` names who may answer. After `timeout` (seconds, or a timedelta) it gives `default`, or fails with `StepTimeout`. A no is an answer
        like a yes; with `reject="fail"` it fails the node with `Rejected`. Its signal is its node's name: `approval.options(name="refund")(…)`.
        """
        from actorflow.workflow.wait_drawing import draw_approval

        return cast("Approval", draw_approval(self, question, by, timeout, default, reject))


sleep: Final = Sleep()
sleep_until: Final = SleepUntil()
wait_for_signal: Final = WaitForSignal()
approval: Final = ApprovalWord()
