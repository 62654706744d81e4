"""What a developer says of a step: when to try again, how long to wait, what to share, what to answer.

`raise TryAgain(…)` and `raise Halt(…)` leave a step; `return Recover(value)` from a compensation and
`return Skip(value)` from a guard give a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

T_co = TypeVar("T_co", covariant=True)


class Recover(msgspec.Struct, Generic[T_co], frozen=True):
    """A compensation's answer: the step succeeded after all, with this value (R18)."""

    value: T_co


class Skip(msgspec.Struct, Generic[T_co], frozen=True):
    """A guard's answer: the step isn't run, this value flows on (R17)."""

    value: T_co


class TryAgain(Exception):
    """Asks for another attempt (R14). `after` is the wait in seconds, instead of the backoff's."""

    def __init__(self, reason: BaseException | str | None = None, *, after: float | None = None) -> None:
        self.reason = reason
        self.after = after
        super().__init__(str(reason) if reason is not None else "")


class Halt(Exception):
    """Pauses the run; the step is done with `value` (R16)."""

    def __init__(self, value: object = None) -> None:
        self.value = value
        super().__init__()


class Backoff(Protocol):
    """Seconds to wait before attempt `attempt + 1`; `random` gives numbers in [0, 1) from the runtime's own source."""

    def __call__(
        self, attempt: int, reason: BaseException | None, arguments: Mapping[str, Any], random: Callable[[], float], /
    ) -> float: ...


class Fixed(msgspec.Struct, frozen=True):
    """The same wait before every attempt."""

    seconds: float

    def __call__(
        self, attempt: int, reason: BaseException | None, arguments: Mapping[str, Any], random: Callable[[], float], /
    ) -> float:
        return self.seconds


class Exponential(msgspec.Struct, frozen=True):
    """`min(most, first * factor ** (attempt - 1)) * (1 - jitter * random())` seconds (R15)."""

    first: float
    factor: float = 2.0
    most: float = 60.0
    jitter: float = 0.5

    def __call__(
        self, attempt: int, reason: BaseException | None, arguments: Mapping[str, Any], random: Callable[[], float], /
    ) -> float:
        try:
            grown = self.first * self.factor ** (attempt - 1)
        except OverflowError:
            grown = self.most
        return min(self.most, grown) * (1 - self.jitter * random())


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often and when a step is tried again (R14): `attempts` in all (`None`: no end), exceptions named in `on`
    by themselves, attempts and waits together within `within` seconds. `backoff=None` is `Exponential(0.1, most=5)`.
    """

    attempts: int | None = 5
    on: tuple[type[BaseException], ...] = ()
    within: float | None = None
    backoff: Backoff | None = None


class Rate(msgspec.Struct, frozen=True):
    """At most `starts` starts in any window of `per` seconds."""

    starts: int
    per: float


class Limit(msgspec.Struct, frozen=True):
    """A concurrency key (R28): a pool shared by all runs of a runtime. `key` computes the pool from the step's arguments."""

    name: str
    at_most: int | None = None
    rate: Rate | None = None
    key: Callable[..., object] | None = None
