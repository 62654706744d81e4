"""What an exception of a step or a handler asks for (R13, R14, R15, R19): another attempt, after how long, or none."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from actorflow.errors import RecordedFailure, StepCancelled, StepCrashed, describe
from actorflow.failures import failed_with
from actorflow.policy import Exponential, Retry, TryAgain

BACKOFF: Final = Exponential(0.1, most=5.0)

Arguments = Callable[[], Mapping[str, Any]]
"""Gives the step's arguments by name; only a backoff needs them."""


class Verdict(NamedTuple):
    """`error` is what the attempt failed with, or the `TryAgain` that asks for another; `delay` is in seconds."""

    error: BaseException
    again: bool
    delay: float


def as_failure(error: BaseException, what: str) -> BaseException:
    """R13: an `Exception` stays as it was raised; others are wrapped. A group of nothing but `TryAgain` is one (R14)."""
    if asked := as_try_again(error):
        return asked
    if isinstance(error, Exception) and not was_no_exception(error):
        return error
    if failed_with(error, CancelledError):
        cancelled = StepCancelled(f"{what} raised CancelledError, though nobody had cancelled it")
        cancelled.__cause__ = error
        return cancelled
    return crashed(error, what)


def was_no_exception(error: Exception) -> bool:
    """Whether it is the record of something that isn't an `Exception` where it was raised, in a worker process."""
    return isinstance(error, RecordedFailure) and bool(error.kinds) and "Exception" not in error.kinds


def crashed(error: BaseException, what: str) -> StepCrashed:
    crash = StepCrashed(f"{what} raised {describe(error)}")
    crash.__cause__ = error
    return crash


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions of a group that aren't groups themselves; of any other, itself."""
    if isinstance(error, RecordedFailure) and error.parts:
        return [leaf for part in error.parts for leaf in leaves(part)]
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    members: tuple[BaseException, ...] = cast("BaseExceptionGroup[BaseException]", error).exceptions
    return [leaf for member in members for leaf in leaves(member)]


def as_try_again(group: BaseException) -> TryAgain | None:
    """The group as one `TryAgain`, if it is one and all its leaves are; the longest wait wins."""
    if not isinstance(group, BaseExceptionGroup):
        return None
    asked = leaves(cast("BaseExceptionGroup[BaseException]", group))
    tries = [error for error in asked if isinstance(error, TryAgain)]
    if len(tries) < len(asked):
        return None
    longest = max(tries, key=lambda error: -1.0 if error.after is None else error.after)
    again = TryAgain(longest.reason, after=longest.after)
    again.__cause__ = cast("BaseException", group)
    return again


def matches(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether `on=` names the error, or every leaf of it if it's a group, or what was wrapped as a crash."""
    if not kinds:
        return False
    if is_one(error, kinds) or all(is_one(leaf, kinds) for leaf in leaves(error)):
        return True
    cause = error.__cause__
    return isinstance(error, (StepCrashed, StepCancelled)) and cause is not None and is_one(cause, kinds)


def is_one(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether it is of one of the classes; what was raised in a worker process may be known by name alone."""
    if isinstance(error, RecordedFailure):
        return any(failed_with(error, kind) for kind in kinds)
    return isinstance(error, kinds)


def judge(
    error: BaseException, retry: Retry, attempt: int, arguments: Arguments, random: Callable[[], float]
) -> Verdict:
    """The verdict on an attempt of a step."""
    if not isinstance(error, TryAgain) and not matches(error, retry.on):
        return Verdict(error, again=False, delay=0.0)
    return after_backoff(error, retry, attempt, arguments, random)


def judge_handler(
    error: BaseException, retry: Retry, tries: int, arguments: Arguments, random: Callable[[], float]
) -> Verdict:
    """The verdict on a try of an undo or a compensation: `on=()` means any `Exception` (R19)."""
    wanted = (
        matches(error, retry.on) if retry.on else isinstance(error, Exception) and not isinstance(error, StepCrashed)
    )
    if not wanted and not isinstance(error, TryAgain):
        return Verdict(error, again=False, delay=0.0)
    return after_backoff(error, retry, tries, arguments, random)


def after_backoff(
    error: BaseException, retry: Retry, attempt: int, arguments: Arguments, random: Callable[[], float]
) -> Verdict:
    """R15: `TryAgain(after=…)` overrides the backoff; a backoff that raises fails the attempt with that error."""
    if isinstance(error, TryAgain) and error.after is not None:
        return Verdict(error, again=True, delay=max(0.0, error.after))
    reason = error
    if isinstance(error, TryAgain):
        reason = error.reason if isinstance(error.reason, BaseException) else error
    backoff = retry.backoff or BACKOFF
    try:
        known: Mapping[str, Any] = {} if isinstance(backoff, Exponential) else arguments()
        delay = float(backoff(attempt, reason, known, random))
        if delay != delay:  # noqa: PLR0124  (only NaN differs from itself)
            raise ValueError(f"backoff {backoff!r} gave NaN seconds")
    except Exception as problem:
        return Verdict(problem, again=False, delay=0.0)
    return Verdict(error, again=True, delay=max(0.0, delay))
