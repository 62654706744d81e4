"""What a developer says of a step: when to try again, how long to wait, what to share, what to answer.

`raise TryAgain(…)` and `raise Halt(…)` leave a step; `return Recover(value)` from a compensation and
`return Skip(value)` from a guard give a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeGuard, TypeVar

import msgspec

from actorflow.errors import InvalidStep

T_co = TypeVar("T_co", covariant=True)

Durability: TypeAlias = Literal["none", "write_behind", "strict"]
"""How a run is recorded in its runtime's store: not at all; soon, so that a crash may repeat its last steps; before anything depends on it."""

DURABILITIES: Final[tuple[Durability, ...]] = ("none", "write_behind", "strict")


class Recover(msgspec.Struct, Generic[T_co], frozen=True):
    """A compensation's answer: the step succeeded after all, with this value (R18)."""

    value: T_co


class Skip(msgspec.Struct, Generic[T_co], frozen=True):
    """A guard's answer: the step isn't run, this value flows on (R17)."""

    value: T_co


def is_recover(answer: object) -> TypeGuard[Recover[Any]]:
    return isinstance(answer, Recover)


def is_skip(answer: object) -> TypeGuard[Skip[Any]]:
    return isinstance(answer, Skip)


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

    def __post_init__(self) -> None:
        _number("Fixed", "seconds", self.seconds, least=0)

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

    def __post_init__(self) -> None:
        _number("Exponential", "first", self.first, least=0)
        _number("Exponential", "factor", self.factor, above=0)
        _number("Exponential", "most", self.most, least=0)
        _number("Exponential", "jitter", self.jitter, least=0, most=1)

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

    def __post_init__(self) -> None:
        _whole("Retry", "attempts", self.attempts)
        if self.within is not None:
            _number("Retry", "within", self.within, above=0)
        if self.backoff is not None and not callable(self.backoff):
            raise _refused("Retry", "backoff", self.backoff, "Fixed(…), Exponential(…) or a function of your own")
        _exceptions(self.on)


class Rate(msgspec.Struct, frozen=True):
    """At most `starts` starts in any window of `per` seconds."""

    starts: int
    per: float

    def __post_init__(self) -> None:
        _whole("Rate", "starts", self.starts, none=False)
        _number("Rate", "per", self.per, above=0)


class Limit(msgspec.Struct, frozen=True):
    """A concurrency key (R28): a pool shared by all runs of a runtime. `key` computes the pool from the step's arguments."""

    name: str
    at_most: int | None = None
    rate: Rate | None = None
    key: Callable[..., object] | None = None

    def __post_init__(self) -> None:
        _instance("Limit", "name", self.name or None, str, "a text that isn't empty")
        _whole("Limit", "at_most", self.at_most)
        if self.rate is not None:
            _instance("Limit", "rate", self.rate, Rate, "a Rate, as in Rate(5, per=1.0)")
        if self.key is not None and not callable(self.key):
            raise _refused("Limit", "key", self.key, "a function of the step's arguments")


def limits_clash(one: Limit, other: Limit) -> str:
    """Why two limits of one name can't be one pool, as their numbers differ; empty if they don't (R28)."""
    if one is other or (one.at_most, one.rate) == (other.at_most, other.rate):
        return ""
    numbers = [f"at_most={limit.at_most}, rate={limit.rate}" for limit in (one, other)]
    return f"two limits are named {one.name!r}: {numbers[0]} and {numbers[1]}"


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def _refused(owner: str, field: str, value: object, wanted: str) -> InvalidStep:
    return InvalidStep(f"{owner} has {field}={value!r}\nGive {wanted}.")


def _instance(owner: str, field: str, value: Any, cls: type, wanted: str) -> None:
    if not isinstance(value, cls):
        raise _refused(owner, field, value, wanted)


def _whole(owner: str, field: str, value: Any, *, none: bool = True) -> None:
    if value is None and none:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _refused(owner, field, value, "a whole number from 1" + (", or None for no bound" if none else ""))


def _number(
    owner: str, field: str, value: Any, *, least: float | None = None, above: float | None = None, most: float = inf
) -> None:
    bound = f"of {least} or more" if least is not None else f"above {above}"
    wanted = f"a number {bound}" + (f", up to {most}" if most < inf else "")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _refused(owner, field, value, wanted)
    if (least is not None and value < least) or (above is not None and value <= above) or value > most:
        raise _refused(owner, field, value, wanted)


def _exceptions(classes: Any) -> None:
    """A halt isn't a failure, and neither is the wish to stop the program (R16, R39)."""
    _instance("Retry", "on", classes, tuple, "a tuple of exception classes, as in on=(ConnectionError,)")
    for cls in classes:
        if not _is_subclass(cls, BaseException):
            raise _refused("Retry", "on", cls, "exception classes only")
        if _is_subclass(cls, (Halt, KeyboardInterrupt, SystemExit)):
            raise _refused("Retry", "on", cls, "failures only: it isn't one")


def _is_subclass(thing: Any, classes: type | tuple[type, ...]) -> bool:
    return isinstance(thing, type) and issubclass(thing, classes)
