"""The waits as they are said by name: each calls the word itself, so that what is checked and drawn is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from actorflow.outcome import Approval
from actorflow.workflow.entries import Entry, Said
from actorflow.workflow.waiting import approval, sleep, sleep_until, wait_for_signal

if TYPE_CHECKING:
    from actorflow.workflow.resolving import Resolver


class SaidSleep(Said):
    """A `sleep` or a `sleep_until`."""

    returns = type(None)

    def __init__(self, word: str, until: Any) -> None:
        self._word: Any = sleep if word == "sleep" else sleep_until
        self._until = until

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        return resolver.ready(self._word, entry)(resolver.promise(self._until, entry))


class SaidSignal(Said):
    def __init__(self, signal: Any, kind: Any, timeout: Any, default: Any) -> None:
        self._signal = signal
        self._ends = (timeout, default)
        self._kind: Any = kind
        self.returns = kind

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        return resolver.ready(wait_for_signal, entry)(self._signal, self._kind, **ends(resolver, entry, self._ends))


class SaidApproval(Said):
    returns = Approval

    def __init__(self, asked: Mapping[str, Any], timeout: Any, default: Any, reject: Any) -> None:
        self._asked = asked
        self._ends = (timeout, default)
        self._reject: Any = reject

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        unknown = [name for name in self._asked if name not in ("question", "by")]
        if unknown:
            return resolver.problem(entry, f"it takes a question and by, not {unknown[0]!r}")
        asked: dict[str, Any] = resolver.promises(self._asked, entry)
        return resolver.ready(approval, entry)(**asked, **ends(resolver, entry, self._ends), reject=self._reject)


def ends(resolver: Resolver, entry: Entry, given: tuple[Any, Any]) -> dict[str, Any]:
    """When the wait ends by itself, and what it gives then."""
    timeout, default = given
    told: dict[str, Any] = {} if timeout is None else {"timeout": resolver.promise(timeout, entry)}
    return told if default is UNSET else {**told, "default": resolver.promise(default, entry)}
