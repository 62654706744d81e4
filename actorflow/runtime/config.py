"""The options of a runtime, checked when it's made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from actorflow.errors import InvalidInput
from actorflow.policy import Limit, Rate
from actorflow.runtime.context import Provided, Resource
from actorflow.runtime.middleware import Middleware
from actorflow.runtime.options import is_duration
from actorflow.workflow import Workflow


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

    def __post_init__(self) -> None:
        for name in ("drain_timeout", "shutdown_timeout", "halt_timeout", "cancel_grace"):
            value = getattr(self, name)
            if value != 0 and not is_duration(value):
                raise InvalidInput(f"Runtime({name}=…) is a number of seconds, 0 or more, not {value!r}")
        if self.settle_timeout not in (None, 0) and not is_duration(self.settle_timeout):
            raise InvalidInput(
                f"Runtime(settle_timeout=…) is a number of seconds, 0 or more, not {self.settle_timeout!r}"
            )
        for name, least in (("threads", 1), ("keep_finished", 0), ("max_runs", 1)):
            value = getattr(self, name)
            if not (name == "max_runs" and value is None) and (type(value) is not int or value < least):
                raise InvalidInput(f"Runtime({name}=…) is a whole number from {least} on, not {value!r}")
        if self.on_exit not in ("drain", "halt", "cancel"):
            raise InvalidInput(f'Runtime(on_exit=…) is "drain", "halt" or "cancel", not {self.on_exit!r}')
        if self.values not in ("shared", "decoded"):
            raise InvalidInput(f'Runtime(values=…) is "shared" or "decoded", not {self.values!r}')


def checked(name: str, given: Sequence[Any], kind: type) -> tuple[Any, ...]:
    """The sequence as a tuple. Raises `InvalidInput` if something else is in it."""
    for one in given:
        if not isinstance(one, kind):
            raise InvalidInput(f"Runtime({name}=[…]) takes {kind.__name__} objects, not {one!r}")
    return tuple(given)


def lent(resources: Sequence[Provided]) -> Mapping[Resource[Any], Any]:
    return {given.resource: given.value for given in checked("resources", resources, Provided)}


class Unchanged(Enum):
    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED
"""For `Runtime.limit`: this number stays as it is."""


def check_limit(at_most: object, rate: object) -> None:
    """Raises `InvalidInput` for numbers that no limit can have."""
    if at_most is not UNCHANGED and at_most is not None and (type(at_most) is not int or at_most < 1):
        raise InvalidInput(f"at_most is a whole number from 1 on, or None, not {at_most!r}")
    if rate is not UNCHANGED and rate is not None and not isinstance(rate, Rate):
        raise InvalidInput(f"rate is a Rate, or None, not {rate!r}")
