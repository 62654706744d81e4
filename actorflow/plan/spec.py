"""What the runtime must know of a step, after all that the developer wrote has been checked: plain data, no behaviour."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Signature
from typing import Any, Literal, TypeAlias

import msgspec

from actorflow.plan.control import Control
from actorflow.plan.waiting import WaitSpec
from actorflow.policy import Limit, Retry

Mode: TypeAlias = Literal["async", "thread", "inline", "process", "scope", "wait"]
"""Where a step executes, decided: `auto` is `async` for `async def` and `thread` for `def` (R9). A `scope` holds other nodes,
a `wait` runs nothing."""


class HandlerSpec(msgspec.Struct, frozen=True):
    """An undo or a compensation.

    `wants_arguments`: called with the step's arguments after the value (undo) or the error (compensate).
    `unknown`: an undo that may be called with `None` when the step's outcome is unknown (R54).
    """

    function: Callable[..., Any]
    is_async: bool
    wants_arguments: bool
    retry: Retry
    timeout: float | None
    unknown: bool = False


class GuardSpec(msgspec.Struct, frozen=True):
    """`is_where`: a predicate, whose no skips with `None`."""

    function: Callable[..., Any]
    is_async: bool
    is_where: bool = False


class LimitSpec(msgspec.Struct, frozen=True):
    """A limit of a step. `picks` are the positions, in the step's arguments, of those that `key` names, with key's names."""

    limit: Limit
    picks: tuple[tuple[str, int], ...] = ()


class StepSpec(msgspec.Struct, frozen=True):
    """A step, or a copy of it with other options. Shared by all nodes that call the same copy.

    Arguments of a step are one flat sequence: all its parameters in the order of its signature, defaults filled in, with `*args`
    spread out in their place; a node's plan tells which trailing ones are passed by keyword. `arguments` has the name and the annotated
    type of each parameter. `control` is what kind of scope it is, if it's one, `wait` what it waits for, if that is all it
    does: then `function` is never called. `lasts`: it stands where nothing
    is to be undone, so nothing of what it emits is either.
    """

    name: str
    function: Callable[..., Any]
    signature: Signature
    mode: Mode
    returns: Any
    limits: tuple[LimitSpec, ...] = ()
    retry: Retry = Retry(attempts=5)
    timeout: float | None = None
    irreversible: bool = False
    guards: tuple[GuardSpec, ...] = ()
    queue: str | None = None
    description: str = ""
    undo: HandlerSpec | None = None
    compensate: HandlerSpec | None = None
    arguments: tuple[tuple[str, Any], ...] = ()
    control: Control | None = None
    lasts: bool = False
    wait: WaitSpec | None = None

    @property
    def acts(self) -> bool:
        """Whether it runs code that may do something outside: scopes decide, and waits wait."""
        return self.control is None and self.wait is None
