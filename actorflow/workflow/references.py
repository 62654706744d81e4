"""From names to numbers: what the builder's references mean.

1. declare all names, with the numbers of their nodes; two alike are a problem
2. per entry: bind its arguments to its parameters, resolve each reference
3. resolve what the workflow returns

Costs O(nodes + references): no name is searched for twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any, cast

from actorflow.errors import InvalidStep, InvalidWorkflow, suggest
from actorflow.plan import (
    UNUSABLE,
    Attribute,
    Constant,
    DraftNode,
    Expression,
    InputSpec,
    InputValue,
    Item,
    Key,
    NodeValue,
    moved,
    part_of,
)
from actorflow.workflow.builder import Entry, Value
from actorflow.workflow.classes import is_keyed
from actorflow.workflow.collecting import Unusable, to_expression
from actorflow.workflow.definition import Drawn
from actorflow.workflow.drawing import Drawing
from actorflow.workflow.functions import check_name
from actorflow.workflow.inlining import inlined, sinks
from actorflow.workflow.parameters import Parameters
from actorflow.workflow.step import Step
from actorflow.workflow.subpath import MissingPart, item_type, member_type
from actorflow.workflow.workflow import Workflow

_WHOLE = (NodeValue, InputValue)
"""What most references mean."""


class Resolver:
    """Makes a draft of what was written."""

    def __init__(
        self, name: str, owner: object, inputs: Sequence[tuple[InputSpec, str]], entries: Sequence[Entry]
    ) -> None:
        self._drawing = Drawing(name, owner)
        self._inputs = inputs
        self._entries = entries
        self._known: dict[str, Expression | Entry] = {}
        self._types: dict[str, Any] = {}
        self._parameters: dict[int, Parameters] = {}
        self._reported: set[tuple[str, str]] = set()

    def resolve(self, result: Any, *, returns: bool) -> Drawn:
        draft = self._drawing.draft
        draft.inputs = tuple(spec for spec, _ in self._inputs)
        self._declare_inputs()
        self._declare_entries()
        for entry in self._entries:
            if entry.first >= 0:
                draft.nodes.extend(self._nodes(entry))
        if returns:
            draft.result = self._expression(result, "the returned value", "")
            draft.return_type = self._types.get(result, Any) if isinstance(result, str) else Any
        else:
            draft.return_type = None
        draft.returned = True
        return Drawn(draft, self._drawing.problems, self._drawing.handlers.values())

    # ── names ──

    def _declare_inputs(self) -> None:
        for i, (spec, line) in enumerate(self._inputs):
            if self._is_free(spec.name, line) and not spec.name.isidentifier():
                self._drawing.problem(f"an input's name is an identifier, not {spec.name!r}", line)
            self._known.setdefault(spec.name, InputValue(i))
            self._types[spec.name] = spec.type

    def _declare_entries(self) -> None:
        number = 0
        for entry in self._entries:
            free = self._is_free(entry.name, entry.line)
            count = self._count(entry)
            if free and count is not None:
                entry.first, entry.count = number, count
                number += count
            if free:
                self._known[entry.name] = NodeValue(entry.first) if isinstance(entry.what, Step) else entry

    def _is_free(self, name: Any, line: str) -> bool:
        try:
            check_name(name)
        except InvalidStep as error:
            self._drawing.problem(str(error).partition("\n")[0], line)
            return False
        if name in self._known:
            self._drawing.problem(f"{name!r} is there already; names of inputs and nodes are unique", line)
            return False
        return True

    def _count(self, entry: Entry) -> int | None:
        """How many nodes an entry has; None if it can't be used."""
        what = entry.what
        try:
            if isinstance(what, Step):
                self._types[entry.name] = what.spec.returns
                return 1
            if isinstance(what, Workflow):
                draft = what.definition.draft()
                self._types[entry.name] = draft.return_type
                return len(draft.nodes)
        except (InvalidWorkflow, InvalidStep) as error:
            for problem in getattr(error, "problems", (str(error),)):
                self._drawing.problem(f"{entry.name!r}: {problem}", entry.line)
            return None
        self._drawing.problem(f"{entry.name!r} is neither a step nor a workflow: {what!r}", entry.line)
        return None

    # ── nodes ──

    def _nodes(self, entry: Entry) -> Sequence[DraftNode]:
        after = self._after(entry)
        if entry.is_step:
            step: Step[..., Any, Any] = entry.what
            arguments, keywords = self._bound(entry, step)
            return (DraftNode(entry.name, step.spec, arguments, keywords, after, step.placement.keep, entry.line),)
        workflow: Workflow[..., Any] = entry.what
        draft = workflow.definition.draft()
        return tuple(inlined(draft, entry.name, entry.first, self._given(entry), after, undoable=workflow.is_undoable))

    def _bound(self, entry: Entry, step: Step[..., Any, Any]) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
        parameters = self._parameters.get(id(step))
        if parameters is None:
            parameters = self._parameters[id(step)] = Parameters(step.signature)
            self._drawing.calls(step)
        flat, keywords, problems = parameters.bind(entry.arguments)
        for problem in problems:
            self._drawing.problem(f"step {entry.name!r} {problem}", entry.line)
        return tuple([self._argument(value, entry) for value in flat]), keywords

    def _argument(self, value: Any, entry: Entry) -> Expression:
        if type(value) is str and type(known := self._known.get(value)) in _WHOLE:
            return cast("Expression", known)
        return value if type(value) is Constant else self._expression(value, f"step {entry.name!r}", entry.line)

    def _given(self, entry: Entry) -> Sequence[Expression]:
        """The inputs of a composed workflow, resolved once: its result may be asked for before its nodes are."""
        if entry.given is None:
            workflow: Workflow[..., Any] = entry.what
            inputs = workflow.definition.inputs()
            parameters = Parameters(_by_name(inputs))
            flat, _, problems = parameters.bind(entry.arguments)
            for problem in problems:
                self._drawing.problem(f"workflow {entry.name!r} {problem}", entry.line)
            entry.given = (
                [self._argument(value, entry) for value in flat] if not problems else [UNUSABLE for _ in inputs]
            )
            if not problems:
                self._drawing.check_inputs(f"workflow {entry.name!r}", inputs, entry.given, entry.line)
        return entry.given

    def _after(self, entry: Entry) -> tuple[int, ...]:
        found: dict[int, None] = {}
        for name in entry.after:
            match self._known.get(name):
                case NodeValue(node):
                    found[node] = None
                case Entry() as composed:
                    found.update(dict.fromkeys(self._sinks(composed)))
                case _:
                    self._unknown(name, f"{entry.name!r}, after", entry.line)
        return tuple(found)

    def _sinks(self, entry: Entry) -> list[int]:
        draft = entry.what.definition.draft()
        return [entry.first + i for i in sinks(draft.nodes, (0, len(draft.nodes)))]

    # ── references ──

    def _expression(self, value: Any, what: str, line: str) -> Expression:
        if type(value) is str:
            return self._reference(value, what, line)
        try:
            return to_expression(value, lambda leaf: self._leaf(leaf, what, line), (str, Value))
        except Unusable as error:
            self._drawing.problem(f"{what}: {error}", line)
            return UNUSABLE

    def _leaf(self, leaf: Any, what: str, line: str) -> Expression:
        return Constant(leaf.value) if isinstance(leaf, Value) else self._reference(leaf, what, line)

    def _reference(self, text: str, what: str, line: str) -> Expression:
        known = self._known.get(text)
        if known is None:
            return self._part(text, what, line)
        return self._result(known, what, line) if isinstance(known, Entry) else known

    def _result(self, entry: Entry, what: str, line: str) -> Expression:
        """What a composed workflow returns; one that hands its own result to itself has none."""
        if entry.first < 0:
            return UNUSABLE
        if entry.open:
            self._drawing.problem(
                f"{what} waits for itself: {entry.name!r} returns an input that is its own result", line
            )
            return UNUSABLE
        entry.open = True
        try:
            return moved(entry.what.definition.draft().result, entry.first, self._given(entry))
        finally:
            entry.open = False

    def _part(self, text: str, what: str, line: str) -> Expression:
        root, *parts = text.split(".")
        known = self._known.get(root)
        if known is None or not parts:
            return self._unknown(text if known is None else root, what, line)
        expression = self._result(known, what, line) if isinstance(known, Entry) else known
        type = self._types.get(root, Any)
        for part in parts:
            try:
                key, type = _key(type, part)
            except MissingPart as missing:
                self._drawing.problem(f"{what}, {text!r}: {missing}", line)
                return UNUSABLE
            expression = part_of(expression, key, type)
        return expression

    def _unknown(self, name: Any, what: str, line: str) -> Expression:
        hint = suggest(str(name).partition(".")[0], self._known) or "; a literal text is Value(…)"
        self._drawing.problem(f"{what}: there is no input or node {name!r}{hint}", line)
        return UNUSABLE


def _key(type: Any, part: str) -> tuple[Key, Any]:
    if part.isdecimal():
        return Item(int(part)), item_type(type, int(part))
    if is_keyed(type):
        return Item(part), item_type(type, part)
    return Attribute(part), member_type(type, part)


def _by_name(inputs: Sequence[InputSpec]) -> Signature:
    """The inputs as parameters that go by name alone, so that their order says nothing about defaults."""
    return Signature([Parameter(spec.name, Parameter.KEYWORD_ONLY, default=spec.default) for spec in inputs])
