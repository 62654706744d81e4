"""Faults at chosen places: what a step's code meets, said from outside of it.

faults = inject(runtime, Faults())
faults.at("charge", raise_=ConnectionError())               # the first attempt fails before it has done anything
faults.at("charge", attempt=2, when="after", crash=True)    # the second one after it has done its work
faults.at("seat", phase="undo", hang=True)
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actorflow.errors import InvalidState

Phase: TypeAlias = Literal["guard", "run", "compensate", "undo"]
When: TypeAlias = Literal["before", "after"]


class Crash(BaseException):
    """No `Exception`: what a fault with `crash=True` raises. For the runtime it is a `StepCrashed` (R13)."""


@dataclass(slots=True, eq=False)
class Fault:
    """One fault, and how often it struck."""

    node: str
    phase: Phase
    attempt: int | None
    when: When
    error: BaseException | type[BaseException] | None
    hangs: bool
    delay: float
    hits: int = 0

    def matches(self, node: str, phase: Phase, attempt: int, when: When) -> bool:
        place = (self.phase, self.when) == (phase, when)
        return place and self.node in (node, "*") and self.attempt in (attempt, None)

    def __str__(self) -> str:
        number = "" if self.attempt is None else f"#{self.attempt}"
        return f"{self.when} the {self.phase} of {self.node}{number}"


class Faults:
    """A list of faults, to be injected into a runtime. They may be added while runs go on."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def at(
        self,
        node: str,
        *,
        phase: Phase = "run",
        attempt: int | None = 1,
        when: When = "before",
        raise_: BaseException | type[BaseException] | None = None,
        hang: bool = False,
        crash: bool = False,
        cancel: bool = False,
        delay: float = 0.0,
    ) -> Fault:
        """Adds a fault.

        node     the node's name, as `book.charge` for one of a composed workflow; `"*"` for all nodes
        phase    the step's own code, its guards, its compensation or its undo
        attempt  the number of the attempt, for a handler that of its own try; `None` for all of them
        when     before the code is called, or after it has returned: the work is done, and nobody learns of it
        raise_   raises this error
        hang     waits until it is cancelled
        crash    raises `Crash`, which is no `Exception`
        cancel   raises `CancelledError`, though nobody cancelled the step
        delay    waits so many seconds first

        Raises `InvalidState` unless exactly one of these is asked for, or a delay. Inline steps can't wait.
        """
        errors = [raise_, Crash("injected") if crash else None, CancelledError("injected") if cancel else None]
        asked = [error for error in errors if error is not None]
        if len(asked) + hang > 1 or not (asked or hang or delay > 0):
            raise InvalidState(f"a fault at {node!r} is one of raise_, hang, crash, cancel, or a delay in seconds")
        fault = Fault(node, phase, attempt, when, asked[0] if asked else None, hang, delay)
        self._faults.append(fault)
        return fault

    def matching(self, node: str, phase: Phase, attempt: int, when: When) -> list[Fault]:
        """The faults for this place, in the order in which they were added; each of them is counted as a hit."""
        found = [fault for fault in self._faults if fault.matches(node, phase, attempt, when)]
        for fault in found:
            fault.hits += 1
        return found

    @property
    def missed(self) -> list[Fault]:
        """The faults that never struck: a name or a number is wrong, or the run didn't get there."""
        return [fault for fault in self._faults if not fault.hits]

    def clear(self) -> None:
        """Forgets all faults."""
        self._faults.clear()
