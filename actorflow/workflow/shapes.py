"""The shapes of what is given to decorators, for type checkers alone: nothing of it is there when a program runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from actorflow.policy import Recover
from actorflow.workflow.step import Step

P = ParamSpec("P")
R = TypeVar("R")

UndoHandler: TypeAlias = Callable[Concatenate[R, P], Awaitable[None] | None]
UndoOfValue: TypeAlias = Callable[[R], Awaitable[None] | None]
CompensateHandler: TypeAlias = Callable[Concatenate[Exception, P], Recover[R] | Awaitable[Recover[R] | None] | None]


class Undo(Protocol[P, R]):
    @overload
    def __call__(self, handler: UndoHandler[R, P], /) -> UndoHandler[R, P]: ...
    @overload
    def __call__(self, handler: UndoOfValue[R], /) -> UndoOfValue[R]: ...


class Compensate(Protocol[P, R]):
    def __call__(self, handler: CompensateHandler[P, R], /) -> CompensateHandler[P, R]: ...


class Decorate(Protocol):
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Step[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Step[P, R, R]: ...
