"""The names of what a builder was told, and the nodes that they stand for, yet without their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Signature
from typing import Any

from msgspec.structs import replace

from actorflow.errors import InvalidStep, InvalidWorkflow
from actorflow.plan import UNUSABLE, DraftNode, InputValue, NodeValue, StepSpec
from actorflow.workflow.bodies import never_called
from actorflow.workflow.calls import one_line
from actorflow.workflow.drawing import Drawing
from actorflow.workflow.entries import BROKEN, Content, Entry, Said, is_step, is_workflow
from actorflow.workflow.functions import check_name
from actorflow.workflow.inlining import inlined
from actorflow.workflow.references import Names, input_key
from actorflow.workflow.step import Step


class Declared(Names):
    """The entries of one builder, declared."""

    def __init__(self, drawing: Drawing, content: Content, around: Names | None = None) -> None:
        super().__init__(drawing, around)
        self.content = content
        self.entries = [replace(entry) for entry in content.entries]
        self._has_scopes = any(isinstance(entry.what, Said) for entry in self.entries)
        self._without_undo: dict[int, StepSpec] = {}
        self._shadowed: set[str] = set()

    def problem(self, entry: Entry, text: str) -> None:
        self.drawing.problem(f"{entry.name!r}: {text}", entry.line)

    def declare_inputs(self) -> None:
        for i, (spec, line) in enumerate(self.content.inputs):
            if self._is_free(spec.name, line) and not spec.name.isidentifier():
                self.drawing.problem(f"an input's name is an identifier, not {spec.name!r}", line)
            self.known.setdefault(spec.name, InputValue(i))
            self.types[spec.name] = spec.type
        for spec, _ in self.content.inputs if self.content.has_paths else ():
            self.shadow(spec.name)

    def shadow(self, name: str) -> None:
        """Lets a node have the name of an input."""
        self.known[input_key(name)], self.types[input_key(name)] = self.known[name], self.types[name]
        self._shadowed.add(name)

    def declare_entries(self) -> None:
        nodes = self.drawing.draft.nodes
        for entry in self.entries:
            free = self._is_free(entry.name, entry.line)
            placed = self._placed(entry)
            if not free:
                continue
            if placed is not None:
                entry.first, entry.count = len(nodes), len(placed)
                nodes.extend(placed)
            self.known[entry.name] = entry if is_inlined(entry.what) else NodeValue(entry.first)
            if entry.first < 0:
                self.known[entry.name] = UNUSABLE

    def _is_free(self, name: Any, line: str) -> bool:
        try:
            for part in name.split(".") if self.content.has_paths and isinstance(name, str) else (name,):
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


def _with_options(entry: Entry) -> Any:
    """The step or the workflow as it's used here. Raises `InvalidStep`."""
    if is_step(entry.what):
        options = entry.options.given("guards", "where", "keep")
        return entry.what.options(**options) if options else entry.what
    if is_workflow(entry.what):
        options = entry.options.given("guards", "where", "undoable")
        return entry.what.options(**options) if options else entry.what
    return entry.what


def is_inlined(what: object) -> bool:
    return is_workflow(what) and not what.guards


def _unknown_yet(entry: Entry, returns: Any) -> DraftNode:
    """Stands where a combinator's node will be."""
    spec = StepSpec(entry.name, never_called, Signature(), "inline", returns)
    return DraftNode(entry.name, spec, (), line=entry.line)
