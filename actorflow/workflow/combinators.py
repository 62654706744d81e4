"""What all combinators are: callable objects that draw, with options for one use of them.

    each.options(name="seats", after=[paid])(trip.legs, reserve_seat)

How they draw is in modules of their own, loaded when one is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from msgspec import UNSET, UnsetType

from actorflow.errors import InvalidStep
from actorflow.plan import GuardSpec
from actorflow.workflow.options import Placement, checked_placement


class Combinator:
    """A word of the language, or a copy of it for one use."""

    word: str = "combinator"

    def __init__(self, placement: Placement = Placement(), guards: tuple[GuardSpec, ...] = ()) -> None:  # noqa: B008  # frozen
        self.placement = placement
        self.guards = guards
        self.__name__ = self.word

    def options(
        self,
        *,
        name: str | UnsetType = UNSET,
        after: Sequence[object] | UnsetType = UNSET,
        guards: Sequence[Callable[..., Any]] | UnsetType = UNSET,
        where: Callable[..., Any] | UnsetType = UNSET,
    ) -> Self:
        """A copy for one use, with what is given changed.

        `name` is the node's name, `after` lists what it waits for without taking the value. `guards` and `where` see what the combinator is
        given, before it begins (R17). Raises `InvalidStep` for what makes no sense, `InvalidWorkflow` while a workflow is drawn.
        """
        try:
            placement = checked_placement(self.word, self.placement, name, after, UNSET)
            return type(self)(placement, self._guards(guards, where))
        except InvalidStep as error:
            from actorflow.workflow.calls import refuse_here

            refuse_here(error)
            raise

    def _guards(self, guards: object, where: object) -> tuple[GuardSpec, ...]:
        """What isn't given anew stays. Whether they take what they will be given is seen when it's called."""
        if guards is UNSET and where is UNSET:
            return self.guards
        from actorflow.workflow.handlers import guards_of_any

        old_where = next((guard.function for guard in self.guards if guard.is_where), None)
        old_guards = [guard.function for guard in self.guards if not guard.is_where]
        asked = old_guards if guards is UNSET else guards
        return guards_of_any(self.word, asked, old_where if where is UNSET else where)

    def __repr__(self) -> str:
        return f"<{self.word}>"
