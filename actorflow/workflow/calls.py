"""A combinator that is called while a workflow is drawn: where it stands, what is wrong with it, and the node that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any

from msgspec.structs import replace

from actorflow.errors import InvalidState, InvalidStep
from actorflow.plan import UNUSABLE, Body, DraftNode, Expression, Findings, Flows, GuardSpec, StepSpec
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.drawing import Drawing, current_drawing
from actorflow.workflow.functions import signature_of
from actorflow.workflow.handlers import unfit_guard
from actorflow.workflow.lines import users_line
from actorflow.workflow.promise import Promise, Source
from actorflow.workflow.signatures import takes_call


class Call:
    """One call of a combinator. `base` is what its node is called unless it's told: the combinator's own word if not given.

    Raises `InvalidState` outside of a workflow that is being drawn.
    """

    def __init__(self, combinator: Combinator, base: str = "") -> None:
        drawing, word = current_drawing(), combinator.word
        if drawing is None:
            raise InvalidState(f"{word}() was called outside of a workflow\nCall it inside a @workflow function.")
        self.combinator = combinator
        self.drawing = drawing
        self.line = users_line()
        self.name = drawing.name_for(base or word, combinator.placement.name, self.line)
        self.what = self.name if self.name.startswith(word) else f"{word} {self.name!r}"
        self._wrong = False

    def problem(self, text: str) -> None:
        """Remembers what is wrong with the call; all is told together, and the call gives a promise that is good for nothing."""
        self._wrong = True
        self.drawing.problem(f"{self.what}: {text}", self.line)

    @property
    def is_wrong(self) -> bool:
        return self._wrong

    def expression(self, value: Any) -> Expression:
        """The expression of something given; one that can't be used is a problem."""
        return self.drawing.expression(value, self.what)

    def type_of(self, expression: Expression) -> Any:
        """The annotated type of an expression, `Any` if it has none."""
        return type_in(self.drawing, expression)

    def check(self, expression: Expression, wanted: Any, what: str) -> None:
        """Checks that something given is of a type (R3); what can't be decided is noted."""
        found = Findings()
        Flows(self.drawing.draft, found).check(expression, wanted, f"{self.what}, {what}", self.line)
        self.drawing.problems.extend(found.problems)
        self.drawing.draft.notes.extend(found.notes)

    def place(
        self,
        spec: StepSpec,
        arguments: Sequence[Expression],
        keywords: tuple[str, ...] = (),
        bodies: tuple[Body, ...] = (),
        captures: Sequence[Expression] = (),
        after: Sequence[int] = (),
    ) -> Promise:
        """Adds the node, with the guards and the waits of the combinator's options, and gives the promise of its result."""
        guards = self._fitting_guards(len(arguments) - len(keywords), keywords, spec.signature)
        if self._wrong:
            return self.nothing()
        waits = self.drawing.waits(self.combinator.placement.after, self.what)
        node = DraftNode(
            self.name,
            replace(spec, guards=guards) if guards else spec,
            tuple(arguments),
            keywords,
            tuple(dict.fromkeys((*waits, *after))),
            False,
            self.line,
            bodies,
            tuple(captures),
        )
        return self.drawing.place(node)

    def nothing(self) -> Promise:
        """The promise of a call that was refused: the rest can be drawn with it."""
        return Promise(Source(self.drawing, UNUSABLE, Any, self.name))

    def _fitting_guards(self, count: int, keywords: tuple[str, ...], signature: Signature) -> tuple[GuardSpec, ...]:
        for guard in self.combinator.guards:
            mine = signature_of(guard.function)
            if mine is None or not takes_call(mine, count, keywords):
                self.problem(one_line(unfit_guard(self.what, guard, signature)))
        return self.combinator.guards


def type_in(drawing: Drawing, expression: Expression) -> Any:
    """The annotated type of an expression in a drawing, `Any` if it has none."""
    return Flows(drawing.draft, Findings()).type_of(expression)


def takes_named(*names: str) -> Signature:
    """The signature of a combinator that is given these."""
    return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names])


def refuse_here(error: InvalidStep) -> None:
    """Makes an option that makes no sense a problem of the workflow that is being drawn, if one is: it's told with the user's line."""
    drawing = current_drawing()
    if drawing is not None:
        drawing.refuse(one_line(error))


def one_line(error: Exception) -> str:
    """An error's text as one of many problems."""
    return str(error).replace("\n", "; ")
