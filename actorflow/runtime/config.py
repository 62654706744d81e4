"""The options of a runtime, checked when it's made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from actorflow.clock import Clock
from actorflow.errors import InvalidInput, brief
from actorflow.policy import DURABILITIES, Durability, Limit, Rate
from actorflow.runtime.context import Provided, Resource
from actorflow.runtime.forms import (
    HOW_DURABLE,
    Form,
    is_count,
    is_duration,
    is_integer,
    is_seconds,
    is_text,
    is_whole,
    is_yes_or_no,
    one_of,
    or_none,
    refuse_others,
)
from actorflow.runtime.middleware import Middleware
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.store import Codec, Store


@dataclass(frozen=True, slots=True)
class Config:
    """See `Runtime` for what each means. Times in seconds."""

    workflows: tuple[Workflow[..., Any], ...]
    lent: Mapping[Resource[Any], Any]
    limits: tuple[Limit, ...]
    threads: int
    max_runs: int | None
    keep_finished: int
    on_exit: Literal["drain", "halt", "cancel"]
    drain_timeout: float
    shutdown_timeout: float
    halt_timeout: float
    settle_timeout: float | None
    cancel_grace: float
    values: Literal["shared", "decoded"]
    middleware: tuple[Middleware, ...]
    seed: int | None
    store: Store | None = None
    durability: Durability = "strict"
    lease: float = 30.0
    max_value_bytes: int = 1 << 20
    store_patience: float = 60.0
    takes_over: bool = True
    rest_after: float = 60.0
    lost_limit: int = 3
    codec: Codec | None = None

    def __post_init__(self) -> None:
        for name, (what, form) in FORMS.items():
            refuse_others(f"Runtime({name}=…)", getattr(self, name), what, form)


FORMS: Mapping[str, tuple[str, Form]] = {
    **dict.fromkeys(
        ("rest_after", "drain_timeout", "shutdown_timeout", "halt_timeout", "cancel_grace"),
        ("a number of seconds, 0 or more", is_seconds),
    ),
    "settle_timeout": ("a number of seconds, 0 or more", or_none(is_seconds)),
    "threads": ("a whole number from 1 on", is_count),
    "keep_finished": ("a whole number from 0 on", is_whole),
    "max_runs": ("a whole number from 1 on", or_none(is_count)),
    "on_exit": ('"drain", "halt" or "cancel"', one_of("drain", "halt", "cancel")),
    "values": ('"shared" or "decoded"', one_of("shared", "decoded")),
    "seed": ("a whole number", or_none(is_integer)),
    "durability": (HOW_DURABLE, one_of(*DURABILITIES)),
    "takes_over": ("True or False", is_yes_or_no),
    "lease": ("a positive number of seconds", is_duration),
    "lost_limit": ("a whole number from 1 on", is_count),
    "max_value_bytes": ("a whole number from 1 on", is_count),
}


def checked(name: str, given: Iterable[Any], kind: type) -> tuple[Any, ...]:
    """What was listed, as a tuple. Raises `InvalidInput` if something else is in it."""
    try:
        listed = tuple(given)
    except Exception:
        raise InvalidInput(f"Runtime({name}=[…]) takes a list of {kind.__name__} objects, not {brief(given)}") from None
    for one in listed:
        if not isinstance(one, kind):
            raise InvalidInput(f"Runtime({name}=[…]) takes {kind.__name__} objects, not {brief(one)}")
    return listed


def checked_clock(clock: Clock | None) -> Clock:
    """The system's clock unless another is given. Raises `InvalidInput` for what isn't one."""
    if clock is None:
        return Clock()
    if not isinstance(clock, Clock):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(f"Runtime(clock=…) is a Clock, not {brief(clock)}")
    return clock


def checked_store(store: Store | None) -> Store | None:
    """Raises `InvalidInput` for what isn't a store."""
    if store is not None and not hasattr(store, "together"):
        raise InvalidInput(f"Runtime(store=…) is a store, as SQLiteStore(path), not {brief(store)}")
    return store


def checked_codec(codec: Codec | None) -> Codec | None:
    """Raises `InvalidInput` for what isn't a codec."""
    if codec is not None and not hasattr(codec, "can_encode"):
        raise InvalidInput(f"Runtime(codec=…) is a Codec, not {brief(codec)}")
    return codec


def lent(resources: Sequence[Provided]) -> Mapping[Resource[Any], Any]:
    return {given.resource: given.value for given in checked("resources", resources, Provided)}


class Unchanged(Enum):
    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED
"""For `Runtime.limit`: this number stays as it is."""


def check_limit(name: object, at_most: object, rate: object) -> None:
    """Raises `InvalidInput` for names and numbers that no limit can have."""
    refuse_others("a limit's name", name, "text that isn't empty", is_text)
    if at_most is not UNCHANGED:
        refuse_others("at_most", at_most, "a whole number from 1 on, or None", or_none(is_count))
    if rate is not UNCHANGED:
        refuse_others("rate", rate, "a Rate, or None", lambda value: value is None or isinstance(value, Rate))
