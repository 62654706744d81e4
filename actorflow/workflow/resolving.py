"""From entries to nodes: what the builder makes of all that it was told.

1. declare all names, with the numbers of their nodes; two alike are a problem
2. per entry, in order: bind its arguments to its parameters, resolve each reference; a combinator is called, with promises
3. resolve what the workflow returns

References may go forward, so nodes stand in their places from the first step on, and are filled in by the second. Costs O(nodes + references):
no name is searched for twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, TypeVar

from msgspec import UNSET

from actorflow.errors import InvalidWorkflow
from actorflow.plan import (
    UNUSABLE,
    Composed,
    Expression,
    InputSpec,
    moved,
    shape_of,
)
from actorflow.workflow.calls import type_in
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.declaring import Declared, is_inlined
from actorflow.workflow.definition import Drawn
from actorflow.workflow.drawing import Drawing, drawing_of
from actorflow.workflow.entries import Content, Entry, Said, is_step
from actorflow.workflow.inlining import inlined
from actorflow.workflow.lines import written_at
from actorflow.workflow.options import Placement
from actorflow.workflow.parameters import Parameters
from actorflow.workflow.promise import Promise, Source, is_promise, source_of
from actorflow.workflow.references import Names
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

C = TypeVar("C", bound=Combinator)


def resolve(content: Content, owner: object) -> Drawn:
    """Makes a draft of what was written."""
    drawing = Drawing(content.name, owner)
    draft = drawing.draft
    draft.inputs = tuple(spec for spec, _ in content.inputs)
    draft.description, draft.middleware, draft.line = content.description, content.middleware, content.line
    resolver = Resolver(drawing, content)
    resolver.declare_inputs()
    draft.result, draft.returned = resolver.resolve(), True
    draft.return_type = resolver.return_type() if content.return_type is UNSET else content.return_type
    return Drawn(draft, drawing.problems, drawing.handlers.values())


class Resolver(Declared):
    """The entries of one builder, on their way into a workflow or a body that is being drawn."""

    def __init__(self, drawing: Drawing, content: Content, around: Names | None = None) -> None:
        super().__init__(drawing, content, around)
        self._parameters: dict[int, Parameters] = {}

    def resolve(self) -> Expression:
        """Places all nodes, and gives the expression of the result."""
        self.declare_entries()
        for entry in self.entries:
            if entry.first >= 0:
                self._fill(entry)
        if not self.content.returns:
            return self.expression(None, "", "")
        return self.expression(self.content.result, "the returned value", self.content.line)

    def return_type(self) -> Any:
        """The type of the result, where it's one name; None if nothing is returned."""
        if not self.content.returns:
            return None
        result = self.content.result
        return self.types.get(result, Any) if isinstance(result, str) else Any

    # ── what combinators ask for ──

    def ready(self, word: C, entry: Entry) -> C:
        """The combinator with the entry's name and options."""
        said = word.options(**entry.options.given("guards", "where"))
        return type(said)(Placement(name=entry.name), said.guards)

    def promise(self, value: Any, entry: Entry) -> Any:
        return self.promise_of(value, repr(entry.name), entry.line)

    def promises(self, values: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
        return {name: self.promise(value, entry) for name, value in values.items()}

    def type_of(self, value: Any) -> Any:
        return source_of(value).type if is_promise(value) else shape_of(value)

    def inner(
        self,
        drawing: Drawing,
        content: Content,
        bound: Mapping[str, Expression],
        types: Mapping[str, Any],
        *,
        sees_around: bool = False,
    ) -> Any:
        """Draws the entries of another builder into a body, and gives the promise of what it returns."""
        resolver = Resolver(drawing, content, self if sees_around else None)
        resolver.known.update(bound)
        resolver.types.update(types)
        for name in bound if content.has_paths else ():
            resolver.shadow(name)
        result = resolver.resolve()
        return Promise(Source(drawing, result, type_in(drawing, result), content.name))

    # ── nodes ──

    def _fill(self, entry: Entry) -> None:
        nodes = self.drawing.draft.nodes
        if is_step(entry.what):
            node = nodes[entry.first]
            node.arguments, node.keywords = self._bound(entry, entry.what)
            node.after = self._after(entry)
        elif is_inlined(entry.what):
            self._compose(entry, entry.what)
        else:
            self._draw(entry)

    def _compose(self, entry: Entry, workflow: Workflow[..., Any]) -> None:
        """Fills in the nodes of a composed workflow."""
        draft, given, after = workflow.definition.draft(), self.given(entry), self._after(entry)
        first, undoable = entry.first, workflow.is_undoable
        filled = inlined(draft, entry.name, first, given, after, undoable=undoable)
        self.drawing.draft.nodes[first : first + entry.count] = filled
        if entry.result is None:
            entry.result = moved(draft.result, first, given)
        called = Composed(entry.name, workflow.definition, first, entry.count, tuple(given), entry.result)
        self.drawing.draft.composed.append(called)

    def _draw(self, entry: Entry) -> None:
        """Has a combinator, or a guarded workflow, draw its node, and puts that in its place."""
        nodes, known = self.drawing.draft.nodes, len(self.drawing.problems)
        after = self._after(entry)
        try:
            with drawing_of(self.drawing), written_at(entry.line):
                made = self._called(entry)
        except InvalidWorkflow as error:
            if len(self.drawing.problems) == known:
                self.drawing.problems.extend(error.problems)
            return
        if not is_promise(made) or source_of(made).expression is UNUSABLE:
            return
        node = nodes.pop()
        node.after = tuple(dict.fromkeys((*after, *node.after)))
        nodes[entry.first] = node
        self.types[entry.name] = node.spec.returns

    def _called(self, entry: Entry) -> Any:
        if isinstance(entry.what, Said):
            return entry.what.draw(self, entry)
        guarded = entry.what.options(name=entry.name)
        return guarded(**self.promises(entry.arguments, entry))

    def _bound(self, entry: Entry, step: Step[..., Any, Any]) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
        parameters = self._parameters.get(id(step.signature))
        if parameters is None:
            parameters = self._parameters[id(step.signature)] = Parameters(step.signature)
        self.drawing.calls(step)
        flat, keywords, problems = parameters.bind(entry.arguments)
        for problem in problems:
            self.drawing.problem(f"step {entry.name!r} {problem}", entry.line)
        what = f"step {entry.name!r}"
        return tuple([self.argument(value, what, entry.line) for value in flat]), keywords

    def given(self, entry: Entry) -> Sequence[Expression]:
        """The inputs of a composed workflow, resolved once: its result may be asked for before its nodes are."""
        if entry.given is None:
            workflow: Workflow[..., Any] = entry.what
            inputs, what = workflow.definition.inputs(), f"workflow {entry.name!r}"
            flat, _, problems = Parameters(_by_name(inputs)).bind(entry.arguments)
            for problem in problems:
                self.drawing.problem(f"{what} {problem}", entry.line)
            entry.given = (
                [self.argument(value, what, entry.line) for value in flat]
                if not problems
                else [UNUSABLE for _ in inputs]
            )
            if not problems:
                self.drawing.check_inputs(what, inputs, entry.given, entry.line)
        return entry.given

    def _after(self, entry: Entry) -> tuple[int, ...]:
        found: dict[int, None] = {}
        for name in entry.after:
            nodes = self.waits_for(name)
            if nodes is None:
                self.unknown(name, f"{entry.name!r}, after", entry.line)
            else:
                found.update(dict.fromkeys(nodes))
        return tuple(found)


def _by_name(inputs: Sequence[InputSpec]) -> Signature:
    """The inputs as parameters that go by name alone, so that their order says nothing about defaults."""
    return Signature([Parameter(spec.name, Parameter.KEYWORD_ONLY, default=spec.default) for spec in inputs])
