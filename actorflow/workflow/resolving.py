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
from msgspec.structs import replace

from actorflow.errors import InvalidStep, InvalidWorkflow
from actorflow.plan import (
    UNUSABLE,
    Composed,
    DraftNode,
    Expression,
    InputSpec,
    InputValue,
    NodeValue,
    StepSpec,
    moved,
    shape_of,
)
from actorflow.workflow.bodies import never_called
from actorflow.workflow.calls import one_line, type_in
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.definition import Drawn
from actorflow.workflow.drawing import Drawing, drawing_of
from actorflow.workflow.entries import BROKEN, Content, Entry, Said, is_step, is_workflow
from actorflow.workflow.functions import check_name
from actorflow.workflow.inlining import inlined
from actorflow.workflow.lines import written_at
from actorflow.workflow.options import Placement
from actorflow.workflow.parameters import Parameters
from actorflow.workflow.promise import Promise, Source, is_promise, source_of
from actorflow.workflow.references import Names, input_key
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


class Resolver(Names):
    """The entries of one builder, on their way into a workflow or a body that is being drawn."""

    def __init__(self, drawing: Drawing, content: Content, around: Names | None = None) -> None:
        super().__init__(drawing, around)
        self._content = content
        self._entries = [replace(entry) for entry in content.entries]
        self._parameters: dict[int, Parameters] = {}
        self._has_scopes = any(isinstance(entry.what, Said) for entry in self._entries)
        self._without_undo: dict[int, StepSpec] = {}
        self._shadowed: set[str] = set()

    def resolve(self) -> Expression:
        """Places all nodes, and gives the expression of the result."""
        self._declare_entries()
        for entry in self._entries:
            if entry.first >= 0:
                self._fill(entry)
        if not self._content.returns:
            return self.expression(None, "", "")
        return self.expression(self._content.result, "the returned value", self._content.line)

    def return_type(self) -> Any:
        """The type of the result, where it's one name; None if nothing is returned."""
        if not self._content.returns:
            return None
        result = self._content.result
        return self.types.get(result, Any) if isinstance(result, str) else Any

    # ── what combinators ask for ──

    def problem(self, entry: Entry, text: str) -> None:
        self.drawing.problem(f"{entry.name!r}: {text}", entry.line)

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

    # ── names ──

    def declare_inputs(self) -> None:
        for i, (spec, line) in enumerate(self._content.inputs):
            if self._is_free(spec.name, line) and not spec.name.isidentifier():
                self.drawing.problem(f"an input's name is an identifier, not {spec.name!r}", line)
            self.known.setdefault(spec.name, InputValue(i))
            self.types[spec.name] = spec.type
        for spec, _ in self._content.inputs if self._content.has_paths else ():
            self.shadow(spec.name)

    def shadow(self, name: str) -> None:
        """Lets a node have the name of an input."""
        self.known[input_key(name)], self.types[input_key(name)] = self.known[name], self.types[name]
        self._shadowed.add(name)

    def _declare_entries(self) -> None:
        nodes = self.drawing.draft.nodes
        for entry in self._entries:
            free = self._is_free(entry.name, entry.line)
            placed = self._placed(entry)
            if not free:
                continue
            if placed is not None:
                entry.first, entry.count = len(nodes), len(placed)
                nodes.extend(placed)
            self.known[entry.name] = entry if _is_inlined(entry.what) else NodeValue(entry.first)
            if entry.first < 0:
                self.known[entry.name] = UNUSABLE

    def _is_free(self, name: Any, line: str) -> bool:
        try:
            for part in name.split(".") if self._content.has_paths and isinstance(name, str) else (name,):
                check_name(part)
        except InvalidStep as error:
            self.drawing.problem(str(error).partition("\n")[0], line)
            return False
        if name in self._shadowed:
            self._shadowed.discard(name)
        elif name in self.known:
            self.drawing.problem(f"{name!r} is there already; names of inputs and nodes are unique", line)
            return False
        return True

    def _placed(self, entry: Entry) -> Sequence[DraftNode] | None:
        """The nodes that an entry has, yet without their arguments; None if it can't be used."""
        try:
            entry.what = _with_options(entry)
            return self._unfilled(entry)
        except (InvalidWorkflow, InvalidStep) as error:
            for problem in getattr(error, "problems", (one_line(error),)):
                self.problem(entry, problem)
            return None

    def _unfilled(self, entry: Entry) -> Sequence[DraftNode] | None:
        what = entry.what
        if is_step(what):
            spec = self._spec(entry, what)
            self.types[entry.name] = spec.returns
            return (DraftNode(entry.name, spec, (), keep=what.placement.keep, line=entry.line),)
        if is_workflow(what):
            draft = what.definition.draft()
            self.types[entry.name] = draft.return_type
            if what.guards:
                return (_unknown_yet(entry, draft.return_type),)
            if not self._has_scopes:
                return draft.nodes
            unusable = [UNUSABLE for _ in draft.inputs]
            first = len(self.drawing.draft.nodes)
            return list(inlined(draft, entry.name, first, unusable, (), undoable=True))
        if isinstance(what, Said):
            self.types[entry.name] = what.returns
            return (_unknown_yet(entry, what.returns),)
        if what is BROKEN:
            return None
        self.problem(entry, f"is neither a step nor a workflow: {what!r}")
        return None

    def _spec(self, entry: Entry, step: Step[..., Any, Any]) -> StepSpec:
        spec = step.spec
        if entry.options.undoable is not False or spec.undo is None:
            return spec
        return self._without_undo.setdefault(id(spec), replace(spec, undo=None))

    # ── nodes ──

    def _fill(self, entry: Entry) -> None:
        nodes = self.drawing.draft.nodes
        if is_step(entry.what):
            node = nodes[entry.first]
            node.arguments, node.keywords = self._bound(entry, entry.what)
            node.after = self._after(entry)
        elif _is_inlined(entry.what):
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


def _with_options(entry: Entry) -> Any:
    """The step or the workflow as it's used here. Raises `InvalidStep`."""
    if is_step(entry.what):
        options = entry.options.given("guards", "where", "keep")
        return entry.what.options(**options) if options else entry.what
    if is_workflow(entry.what):
        options = entry.options.given("guards", "where", "undoable")
        return entry.what.options(**options) if options else entry.what
    return entry.what


def _is_inlined(what: object) -> bool:
    return is_workflow(what) and not what.guards


def _unknown_yet(entry: Entry, returns: Any) -> DraftNode:
    """Stands where a combinator's node will be."""
    spec = StepSpec(entry.name, never_called, Signature(), "inline", returns)
    return DraftNode(entry.name, spec, (), line=entry.line)


def _by_name(inputs: Sequence[InputSpec]) -> Signature:
    """The inputs as parameters that go by name alone, so that their order says nothing about defaults."""
    return Signature([Parameter(spec.name, Parameter.KEYWORD_ONLY, default=spec.default) for spec in inputs])
