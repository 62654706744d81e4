"""What a running step can reach: its own run and attempt, and what the service lends to its steps.

Both travel in context variables, so they are there in everything that a step calls (R10).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actorflow.errors import InvalidState, InvalidStep, brief
from actorflow.runtime.forms import is_text

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")

_lent: ContextVar[Mapping[Resource[Any], Any]] = ContextVar("actorflow_resources")


class Resource(Generic[T]):
    """Something that the service lends to its steps: a client, a connection pool. Never stored, never sent.

    `CARDS = Resource[CardClient]("cards")`, `Runtime(resources=[CARDS.provide(client)])`, and in a step `CARDS.get()`.
    In a unit test: `with CARDS.provide(fake): …`.
    """

    __slots__ = ("__weakref__", "name")

    def __init__(self, name: str) -> None:
        if not is_text(name):
            raise InvalidStep(f"a resource's name is text that isn't empty, not {brief(name)}")
        self.name = name

    def get(self) -> T:
        """What was provided. Raises `InvalidState` where nothing was."""
        lent: Mapping[Resource[Any], Any] = _lent.get({})
        try:
            value: T = lent[self]
        except KeyError:
            raise InvalidState(self._missing()) from None
        return value

    def _missing(self) -> str:
        from actorflow.runtime import process_worker  # only where something is wrong

        if process_worker.IN_WORKER:
            return (
                f"resource {self.name!r} isn't provided in a worker process"
                "\nResources stay in the runtime's own: use another mode, or make what the step needs inside the step."
            )
        return (
            f"resource {self.name!r} isn't provided here"
            f"\nGive it to the runtime: Runtime(resources=[{self.name.upper()}.provide(…)]); worker processes get none."
        )

    def provide(self, value: T) -> Provided:
        return Provided(self, value)

    def __repr__(self) -> str:
        return f"Resource({self.name!r})"


class Provided:
    """A resource with its value: for `Runtime(resources=[…])`, or in a unit test `with resource.provide(value):`."""

    __slots__ = ("_tokens", "resource", "value")

    def __init__(self, resource: Resource[Any], value: Any) -> None:
        self.resource = resource
        self.value = value
        self._tokens: list[Token[Mapping[Resource[Any], Any]]] = []

    def __enter__(self) -> None:
        self._tokens.append(_lent.set({**_lent.get({}), self.resource: self.value}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _lent.reset(self._tokens.pop())


def lend(resources: Mapping[Resource[Any], Any]) -> None:
    """Makes the resources those of the current context; what was lent before stays unless it is given anew."""
    _lent.set({**_lent.get({}), **resources})
