"""One call that a thread is to make, and whom to tell what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, Protocol, TypeAlias

Entered: TypeAlias = Callable[[float], None]
"""Called with the monotonic time at which the function began."""

Ended: TypeAlias = Callable[[Any, "BaseException | None", "float | None", float], None]
"""Called with value, error, begin and end. `began` is `None` if the function was never entered; then the error is
`StepCancelled`, or `RuntimeClosed` when the pool was closed."""


class Pool(Protocol):
    """What a work asks of the pool that it was submitted to."""

    def cancel(self, work: ThreadWork) -> bool: ...

    def abandon(self, work: ThreadWork) -> None: ...


class ThreadWork:
    """One call that a thread is to make. `ended` is called exactly once, unless the work is abandoned.

    `keywords` are the names of the trailing `args`, which are passed by keyword. `cancelled` is what
    `step_context().cancelled` shows to the running step.
    """

    __slots__ = (
        "__weakref__",
        "abandoned",
        "args",
        "cancelled",
        "context",
        "ended",
        "entered",
        "function",
        "held",
        "is_entered",
        "keywords",
        "name",
        "orphan_ended",
        "paused",
        "pool",
    )  # fmt: skip

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any] = (),
        keywords: tuple[str, ...] = (),
        *,
        ended: Ended,
        entered: Entered | None = None,
        orphan_ended: Callable[[], None] | None = None,
        context: Context | None = None,
        name: str = "",
    ) -> None:
        self.function = function
        self.args = args
        self.keywords = keywords
        self.ended = ended
        self.entered = entered
        self.orphan_ended = orphan_ended
        self.context = context
        self.name = name
        self.cancelled = False
        self.abandoned = False
        self.paused = False
        self.held = False
        self.is_entered = False
        self.pool: Pool | None = None

    def cancel(self) -> bool:
        """Takes the work out of the line and returns True; once it was entered it only sets `cancelled`."""
        return self.pool is not None and self.pool.cancel(self)

    def abandon(self) -> None:
        """Waits for it no more: its result will be ignored, and `orphan_ended` is called when it ends after all."""
        if self.pool is not None:
            self.pool.abandon(self)

    def call(self) -> Any:
        """Calls the function, in its context where it has one."""
        if self.keywords:
            first = len(self.args) - len(self.keywords)
            named = dict(zip(self.keywords, self.args[first:], strict=True))
            if self.context is None:
                return self.function(*self.args[:first], **named)
            return self.context.run(self.function, *self.args[:first], **named)
        if self.context is None:
            return self.function(*self.args)
        return self.context.run(self.function, *self.args)
