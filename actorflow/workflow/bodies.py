"""Bodies: what a combinator holds, drawn once into a draft of its own.

A body is drawn where it is written, inside of the workflow around it. A promise from around it is *captured*: it becomes one more input of the
body, and whatever stands between the two captures it too. Names inside a body are local: they are paths when they run (R5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, iscoroutine, isfunction, isgenerator
from typing import Any

from actorflow.errors import InvalidWorkflow
from actorflow.plan import (
    UNUSABLE,
    Body,
    Collected,
    Constant,
    Control,
    Expression,
    InputSpec,
    InputValue,
    Key,
    NodeValue,
    Path,
    StepSpec,
)
from actorflow.policy import Retry
from actorflow.workflow.calls import Call, type_in
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.drawing import Drawing, drawing_of
from actorflow.workflow.promise import Promise, Source
from actorflow.workflow.source import scan


class BodyDrawing(Drawing):
    """A body that is being drawn. Its problems, and the handlers of the steps that it calls, are those of the workflow around it."""

    is_body = True

    def __init__(self, scope: Scope) -> None:
        around = scope.drawing
        super().__init__(scope.name, None, around)
        self.problems = around.problems
        self.handlers = around.handlers
        self.draft.is_body = True
        self.draft.line = scope.line
        self.takes: dict[int, int] = {}
        self._scope = scope

    def reach(self, source: Source) -> Expression:
        """A promise from around the body is captured."""
        if source.drawing is self:
            return source.expression
        outer = self._scope.drawing.reach(source)
        if isinstance(outer, Constant) or outer is UNUSABLE:
            return outer
        number = self._scope.captured(outer)
        if number not in self.takes:
            self.takes[number] = len(self.draft.inputs)
            self.draft.inputs += (InputSpec(source.label, source.type, Parameter.empty),)
        return InputValue(self.takes[number])

    def awaited(self, source: Source) -> Sequence[int]:
        """What stands around the body is waited for by the whole scope: then it's resolved when the body begins."""
        if source.drawing is self:
            return super().awaited(source)
        self._scope.waits.update(dict.fromkeys(self._scope.drawing.awaited(source)))
        return ()

    def strayed(self, label: str, there: Drawing) -> str:
        return (
            f"{label!r} belongs to the body of {self.name!r}, and can't be used outside of it; "
            "let the body return it, and use what the combinator gives"
        )


class Scope(Call):
    """A combinator with bodies that is being called: `captures` is what its bodies use from around it, `waits` what it waits for."""

    def __init__(self, combinator: Combinator) -> None:
        super().__init__(combinator)
        self.captures: list[Expression] = []
        self.waits: dict[int, None] = {}
        self._known: dict[Any, int] = {}

    def captured(self, expression: Expression) -> int:
        """The number of a capture; what is the same is one."""
        key = _identity(expression)
        if key not in self._known:
            self._known[key] = len(self.captures)
            self.captures.append(expression)
        return self._known[key]

    def body(self, key: str, draw: Callable[..., Any], given: Sequence[InputSpec] = ()) -> Body:
        """Draws a body: `draw` is called with the promises of what the scope gives to it."""
        drawing = BodyDrawing(self)
        promises = drawing.inputs(given)
        if isfunction(draw) and draw.__name__ != "<lambda>":
            self._read_source(draw)
        problems = len(drawing.problems)
        try:
            with drawing_of(drawing):
                drawing.draft.result = self._result(drawing, draw(*promises))
        except InvalidWorkflow:
            if len(drawing.problems) == problems:
                raise
            drawing.draft.result = UNUSABLE
        drawing.draft.return_type = type_in(drawing, drawing.draft.result)
        return Body(key, drawing.draft, len(given), tuple(drawing.takes))

    def _read_source(self, body: Callable[..., Any]) -> None:
        """Reads a body that may be written somewhere else; a lambda is read with the workflow that it is written in."""
        found = scan(body, is_body=True)
        known = self.drawing.problems
        known.extend(problem for problem in found.problems if problem not in known)
        self.drawing.draft.notes.extend(found.notes)

    def _result(self, drawing: BodyDrawing, returned: Any) -> Expression:
        if iscoroutine(returned) or isgenerator(returned):
            returned.close()
            self.problem(
                f"its body returns a {type(returned).__name__}; a body calls steps, and returns what they give: "  # pyright: ignore[reportUnknownArgumentType]
                "a step is called by its name, without `.run` and `await`"
            )
            return UNUSABLE
        return drawing.expression(returned, f"{self.what}, what its body returns")

    def open(
        self,
        control: Control,
        bodies: Sequence[Body],
        returns: Any,
        signature: Signature,
        given: Sequence[Expression],
        keywords: tuple[str, ...] = (),
    ) -> Promise:
        """Adds the scope node, and gives the promise of its result. `given` is what it takes, as `signature` names it."""
        spec = StepSpec(
            name=self.combinator.word,
            function=never_called,
            signature=signature,
            mode="scope",
            returns=returns,
            retry=_GUARDED if self.combinator.guards else _UNGUARDED,
            arguments=tuple((name, Any) for name in signature.parameters),
            control=control,
        )
        return self.place(spec, given, keywords, tuple(bodies), self.captures, tuple(self.waits))


_GUARDED = Retry(attempts=5)
_UNGUARDED = Retry(attempts=1)


def never_called(*_: object) -> None:
    """Stands where a step has its function: a scope opens its bodies."""
    raise AssertionError("a scope has no function")


def _identity(expression: Expression) -> Any:
    """The same for expressions that give the same."""
    match expression:
        case NodeValue() | InputValue():
            return expression
        case Path(root=root, keys=keys):
            return (_identity(root), keys) if all(map(_is_hashable, keys)) else id(expression)
        case Constant() | Collected():
            return id(expression)


def _is_hashable(key: Key) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
