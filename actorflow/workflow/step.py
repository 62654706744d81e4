"""The step: a typed function, with what undoes it, what compensates it, and how it is to be executed.

    @step(timeout=10)
    async def charge_card(seat: Seat, nights: int) -> Charge: ...

    @charge_card.undo
    async def refund(charge: Charge) -> None: ...

A step called inside a `@workflow` function draws a node of the plan: to the type checker the call gives the step's result. Everything that makes
no sense is refused here, where it is written, with `InvalidStep`; the table is in `docs/steps.md`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import Signature
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar, cast, overload

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from actorflow.errors import InvalidStep
from actorflow.plan import StepSpec
from actorflow.policy import Limit, Retry, Skip
from actorflow.workflow.functions import RequestedMode, check_function, check_name, name_of
from actorflow.workflow.options import (
    Handlers,
    Placement,
    StepOptions,
    changed_options,
    check_sendable_values,
    checked_placement,
    first_options,
    hints_by_now,
)

if TYPE_CHECKING:
    from actorflow.workflow.shapes import Compensate, CompensateHandler, Decorate, Undo, UndoHandler, UndoOfValue

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X")

Mode: TypeAlias = RequestedMode
Guard: TypeAlias = Callable[P, Skip[R] | Awaitable[Skip[R] | None] | None]
Where: TypeAlias = Callable[P, bool | Awaitable[bool]]


class Step(Generic[P, R, X]):
    """A unit of work. `P` are its parameters, `R` is its result, `X` what the bare function gives: `R`, or a coroutine of `R`."""

    def __init__(
        self,
        function: Callable[P, X],
        name: str,
        signature: Signature,
        options: StepOptions,
        placement: Placement,
        handlers: Handlers,
    ) -> None:
        self.function = function
        self.name = name
        self.signature = signature
        self.placement = placement
        self._options = options
        self.handlers = handlers
        self._spec: StepSpec | None = None
        self._spec_changes = -1
        self.__name__ = name
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__qualname__ = getattr(function, "__qualname__", name)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Draws a node of the workflow that is being drawn. Raises outside of one: a unit test calls `step.run(…)`."""
        from actorflow.workflow.drawing import draw_step_call

        return cast("R", draw_step_call(self, args, kwargs))

    def run(self, *args: P.args, **kwargs: P.kwargs) -> X:
        """Calls the bare function, for a unit test; an `async def` gives its coroutine."""
        return self.function(*args, **kwargs)

    @overload
    def undo(self, handler: UndoHandler[R, P], /) -> UndoHandler[R, P]: ...
    @overload
    def undo(self, handler: UndoOfValue[R], /) -> UndoOfValue[R]: ...
    @overload
    def undo(
        self, /, *, retry: Retry | None = None, timeout: float | None = None, unknown: bool = False
    ) -> Undo[P, R]: ...
    def undo(
        self,
        handler: Callable[..., Any] | None = None,
        /,
        *,
        retry: Retry | None = None,
        timeout: float | None = None,
        unknown: bool = False,
    ) -> Any:
        """Attaches what undoes the step after it succeeded, when its run is rolled back (R22).

        The handler takes the step's result, and either nothing else or all of the step's arguments; `def` or `async def`.
        `timeout` (seconds) is the step's own unless given. `unknown=True`: it may be called with `None` when nobody knows whether
        the step did its work (R54). Raises `InvalidStep` with the signature that was expected.
        """
        from actorflow.workflow.handlers import new_undo

        attach = new_undo(self.name, self.signature, self.handlers, retry, timeout, unknown)
        return attach if handler is None else attach(handler)

    @overload
    def compensate(self, handler: CompensateHandler[P, R], /) -> CompensateHandler[P, R]: ...
    @overload
    def compensate(self, /, *, retry: Retry | None = None, timeout: float | None = None) -> Compensate[P, R]: ...
    def compensate(
        self,
        handler: Callable[..., Any] | None = None,
        /,
        *,
        retry: Retry | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Attaches what is asked after each failed attempt (R18).

        The handler takes the exception and all of the step's arguments. It returns `Recover(value)` or `None`, or raises `TryAgain`.
        """
        from actorflow.workflow.handlers import new_compensate

        attach = new_compensate(self.name, self.signature, self.handlers, retry, timeout)
        return attach if handler is None else attach(handler)

    def options(
        self,
        *,
        name: str | UnsetType = UNSET,
        after: Sequence[object] | UnsetType = UNSET,
        keep: bool | UnsetType = UNSET,
        mode: Mode | UnsetType = UNSET,
        limit: Limit | tuple[Limit, ...] | UnsetType = UNSET,
        retry: Retry | UnsetType = UNSET,
        timeout: float | UnsetType | None = UNSET,
        irreversible: bool | UnsetType = UNSET,
        guards: Sequence[Guard[P, R]] | UnsetType = UNSET,
        where: Where[P] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
    ) -> Step[P, R, X]:
        """A copy for one use, with what is given changed.

        `name` is the node's name, `after` lists what it waits for without taking the value, `keep=True` keeps its result to the end of the
        run (R7). The copy shares its handlers with the step.
        """
        changes = {
            "mode": mode,
            "limit": limit,
            "retry": retry,
            "timeout": timeout,
            "irreversible": irreversible,
            "guards": guards,
            "where": where,
            "description": description,
        }
        options = changed_options(self.name, self.function, self.signature, self._options, changes)
        check_sendable_values(self.name, options)
        placement = checked_placement(f"step {self.name!r}", self.placement, name, after, keep)
        _refuse_undo_of_irreversible(self.name, options, self.handlers)
        return Step(self.function, self.name, self.signature, options, placement, self.handlers)

    @property
    def spec(self) -> StepSpec:
        """All that the runtime must know of the step; made when asked for, and again after a handler was attached.

        Raises `InvalidStep` if an annotation names what isn't there.
        """
        if self._spec is None or self._spec_changes != self.handlers.changes:
            from actorflow.workflow.specs import step_spec

            self._spec_changes = self.handlers.changes
            self._spec = step_spec(self.name, self.function, self.signature, self._options, self.handlers)
        return self._spec

    def __repr__(self) -> str:
        return f"<step {self.name}>"


AnyStep: TypeAlias = Step[P, R, Any]


@overload
def step(function: Callable[P, Coroutine[Any, Any, R]], /) -> Step[P, R, Coroutine[Any, Any, R]]: ...
@overload
def step(function: Callable[P, R], /) -> Step[P, R, R]: ...
@overload
def step(
    *,
    name: str | UnsetType = UNSET,
    mode: Mode | UnsetType = UNSET,
    limit: Limit | tuple[Limit, ...] | UnsetType = UNSET,
    retry: Retry | UnsetType = UNSET,
    timeout: float | UnsetType | None = UNSET,
    irreversible: bool | UnsetType = UNSET,
    guards: Sequence[Callable[..., Any]] | UnsetType = UNSET,
    where: Callable[..., Any] | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
) -> Decorate: ...
def step(
    function: Any = UNSET,
    /,
    *,
    name: str | UnsetType = UNSET,
    mode: Mode | UnsetType = UNSET,
    limit: Limit | tuple[Limit, ...] | UnsetType = UNSET,
    retry: Retry | UnsetType = UNSET,
    timeout: float | UnsetType | None = UNSET,
    irreversible: bool | UnsetType = UNSET,
    guards: Sequence[Callable[..., Any]] | UnsetType = UNSET,
    where: Callable[..., Any] | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
) -> Any:
    """Makes a step of a function: `@step`, or `@step(timeout=10, …)`.

    `mode` says where it executes (R9): `auto` is the loop for `async def` and a thread for `def`; `inline` is for work of microseconds,
    `process` for work that would hold up all other threads. `timeout` is for one attempt, in seconds. `retry` says what is tried again:
    unless given only what the step asks for with `TryAgain`, five attempts in all. `guards` and `where` see the arguments before the
    first attempt. `description` is the docstring unless given. Raises `InvalidStep` for what makes no sense.
    """
    changes = {
        "mode": mode,
        "limit": limit,
        "retry": retry,
        "timeout": timeout,
        "irreversible": irreversible,
        "guards": guards,
        "where": where,
        "description": description,
    }

    def decorate(function: Any, /) -> Any:
        return _new_step(function, name, changes)

    return decorate if function is UNSET else decorate(function)


def _new_step(function: Any, name: str | UnsetType, changes: dict[str, Any]) -> Step[..., Any, Any]:
    if isinstance(function, Step):
        raise InvalidStep(f"{function!r} is a step already\nFor a changed copy use its .options(…).")
    signature = check_function(function)
    own_name = name_of(function) if name is UNSET else check_name(name)
    options = replace(first_options(own_name, function, signature, changes), hints=hints_by_now(own_name, function))
    check_sendable_values(own_name, options)
    handlers = Handlers(irreversible=options.irreversible)
    return Step(function, own_name, signature, options, Placement(), handlers)


def _refuse_undo_of_irreversible(name: str, options: StepOptions, handlers: Handlers) -> None:
    if options.irreversible and handlers.undo is not None:
        raise InvalidStep(f"step {name!r} has an undo, so it can't be irreversible\nLeave out one of the two.")
    handlers.irreversible = handlers.irreversible or options.irreversible
