"""A store in front of another one: the base of those that a test puts between a runtime and its store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeVar

from actorflow.store import Request, Store, StoreFace

T = TypeVar("T")


class StoreAround(StoreFace):
    """It asks, enters and leaves the store that it stands in front of. All that is asked comes through `_ask_all`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.store!r})"

    async def __aenter__(self) -> Self:
        await self.store.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.store.__aexit__(*exc)

    async def _ask(self, request: Request[T], /) -> T:
        (answer,) = await self._ask_all([request])
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        return await self.store.together(requests)
