"""How each node of a plan is started, worked out once per plan, so that starting looks nothing up by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final

from actorflow.engine import program_of
from actorflow.plan import HandlerSpec, Plan, StepSpec
from actorflow.runtime.redacting import hides
from actorflow.runtime.workers import in_process, in_thread

ASYNC: Final = 0
INLINE: Final = 1
THREAD: Final = 2
PROCESS: Final = 3
SCOPE: Final = 4
WAIT: Final = 5

_MODES: Final = {"async": ASYNC, "inline": INLINE, "thread": THREAD, "process": PROCESS, "scope": SCOPE, "wait": WAIT}


class Launch:
    """Per node: where it runs, what to call, how long it may take, where its arguments stand.

    `is_limited`: some node takes permits. `hides`: some type has secrets.
    """

    elsewhere: Mapping[int, Callable[..., Coroutine[Any, Any, Any]]] = {THREAD: in_thread, PROCESS: in_process}

    __slots__ = (
        "binders",
        "calls",
        "hides",
        "is_limited",
        "modes",
        "others",
        "plan",
        "program",
        "size",
        "steps",
        "takes",
        "timeouts",
    )

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.size = len(plan)
        self.others: Callable[..., Launch] | None = None  # gives those of bodies
        self.program = program_of(plan)
        self.steps = plan.steps
        self.hides = hides(plan)
        self.is_limited = any(step.limits for step in plan.steps)
        self.modes = bytes(_MODES[step.mode] for step in plan.steps)
        self.timeouts = tuple(step.timeout for step in plan.steps)
        self.takes = plan.takes
        self.binders = plan.binders
        self.calls = tuple(
            with_keywords(step.function, names) for step, names in zip(plan.steps, plan.keywords, strict=True)
        )

    def arguments(self, values: Sequence[Any], node: int) -> list[Any]:
        """A node's arguments in the order of its step's signature. Raises what the values' attributes and items raise."""
        takes = self.takes[node]
        return self.binders[node](values) if takes is None else [values[slot] for slot in takes]

    def named(self, values: Sequence[Any], node: int) -> Mapping[str, Any]:
        """The same by name, for backoffs; `*args` count as one name with what is left over."""
        step = self.steps[node]
        return by_name(step, self.arguments(values, node), self.plan.keywords[node])

    def handler(self, handler: HandlerSpec, node: int, first: Any, values: Sequence[Any]) -> Callable[[], Any]:
        """A call of an undo or a compensation: the value or the error, then the step's arguments if it wants them."""
        if not handler.wants_arguments:
            return partial(handler.function, first)
        call = with_keywords(handler.function, self.plan.keywords[node])
        return partial(call, first, *self.arguments(values, node))


def by_name(step: StepSpec, arguments: Sequence[Any], keywords: Sequence[str]) -> dict[str, Any]:
    split = len(arguments) - len(keywords)
    bound = step.signature.bind(*arguments[:split], **dict(zip(keywords, arguments[split:], strict=True)))
    return bound.arguments


def with_keywords(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """A callable that takes all arguments by position; the last ones are passed on by these names."""
    if not names:
        return function

    def call(*arguments: Any) -> Any:
        split = len(arguments) - len(names)
        return function(*arguments[:split], **dict(zip(names, arguments[split:], strict=True)))

    return call
