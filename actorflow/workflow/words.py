"""The words without bodies: a text with values in it, an object made of values, a line in the log, a failure.

Each draws an inline node, named after the word. What they are is in `word_specs.py`, how they are drawn in `saying.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, ParamSpec, TypeVar, cast

from actorflow.workflow.combinators import Combinator

P = ParamSpec("P")
R = TypeVar("R")


class Template(Combinator):
    """`template("Dear {name}", name=promise)`."""

    word = "template"

    def __call__(self, text: str, /, **values: object) -> str:
        """Fills in a text when its values are there.

        Fields are those of `str.format` with a name: `{trip.city}`, `{legs[0]}`, `{price:.2f}`, `{name!r}`. Missing and unused names are
        problems of the workflow, and so is a field that reaches for what surely isn't there. Raises `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.saying import draw_text

        return cast("str", draw_text(self, text, values))


class Gather(Combinator):
    """`gather(Trip, city=promise, nights=3)`."""

    word = "gather"

    def __call__(self, type: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Makes an object when all that it is made of is there: for types that check themselves.

        The arguments are checked against the type's signature and annotations when the workflow is drawn. What the type raises fails the
        node. Raises `InvalidWorkflow` for what can't be called so, `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.saying import draw_gather

        return cast("R", draw_gather(self, type, args, kwargs))


class Debug(Combinator):
    """`debug(level="warning", seat=promise)`."""

    word = "debug"

    def __call__(self, /, *, level: str = "info", **values: object) -> None:
        """Logs the values when they are there, through structlog, as an event `debug` with run and node; gives None.

        It never fails a run: a value that can't be shown is named by its type. Raises `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.saying import draw_debug

        return cast("None", draw_debug(self, level, values))


class Fail(Combinator):
    """`fail("no {what} left", what=promise)`."""

    word = "fail"

    def __call__(self, message: str, /, **values: object) -> Any:
        """Fails when its values are there, with `DeliberateFailure`; the text is one as in `template`.

        To the type checker it gives anything, so that it can stand in a branch. Raises `InvalidState` outside of a workflow.
        """
        from actorflow.workflow.saying import draw_text

        return draw_text(self, message, values)


template: Final = Template()
gather: Final = Gather()
debug: Final = Debug()
fail: Final = Fail()


class Whereabouts:
    """Which run and node this is, for `debug`: the floor that runs steps knows, and says so here; this one can't know."""

    known_by: ClassVar[list[Callable[[], Mapping[str, str]]]] = []

    @classmethod
    def tell(cls) -> dict[str, str]:
        return {name: value for known in cls.known_by for name, value in known().items()}
