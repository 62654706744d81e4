"""From a workflow to its spec: what was drawn, told as plain data. What has no name that the host allows is a problem, told with its node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter
from typing import Any

from actorflow.errors import InvalidWorkflow
from actorflow.plan import (
    Around,
    Body,
    Call,
    Choose,
    ChooseFirst,
    Composed,
    Constant,
    Control,
    Draft,
    DraftNode,
    Each,
    Expression,
    Repeat,
    StepSpec,
    at,
)
from actorflow.workflow.debugging import DebugLine
from actorflow.workflow.definition import Definition
from actorflow.workflow.inlining import WithoutUndo
from actorflow.workflow.repeating import Pass
from actorflow.workflow.spec.arguments import Place
from actorflow.workflow.spec.literals import tell_literal
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.steps import named_arguments_of, tell_function, tell_guards, tell_options
from actorflow.workflow.spec.types import Untold, tell_type
from actorflow.workflow.word_specs import Failing, Filled, Gathered

FORMAT = 1
"""The version of the format; a spec says which one it is in."""


def tell_workflow(definition: Definition, registry: Registry) -> dict[str, Any]:
    """The spec of a workflow. Raises `InvalidWorkflow` with all that can't be told as data."""
    return _Telling(definition.draft(), registry).told()


class _Telling:
    def __init__(self, draft: Draft, registry: Registry) -> None:
        self._draft = draft
        self._registry = registry
        self._problems: list[str] = []

    def told(self) -> dict[str, Any]:
        draft = self._draft
        if draft.middleware:
            self._problems.append(
                at(draft.line, "its middleware isn't data; give it to the runtime: Runtime(middleware=[…])")
            )
        spec: dict[str, Any] = {"format": FORMAT, "name": draft.name}
        if draft.description:
            spec["description"] = draft.description
        spec["inputs"] = [self._input(each.name, each.type, each.default) for each in draft.inputs]
        spec |= self._content(Place(draft, self._registry))
        spec["return_type"] = self._tried(
            "the returned value", draft.line, lambda: tell_type(draft.return_type, self._registry)
        )
        if self._problems:
            raise InvalidWorkflow(draft.name, self._problems, "can't be told as data")
        return spec

    def _tried(self, what: str, line: str, tell: Callable[[], Any]) -> Any:
        try:
            return tell()
        except Untold as error:
            self._problems.append(at(line, f"{what}: {error}"))
            return None

    def _input(self, name: str, type: Any, default: Any) -> dict[str, Any]:
        what = f"input {name!r}"
        told = {"name": name, "type": self._tried(what, self._draft.line, lambda: tell_type(type, self._registry))}
        if default is not Parameter.empty:
            told["default"] = self._tried(what, self._draft.line, lambda: tell_literal(default, self._registry))
        return told

    def _content(self, place: Place) -> dict[str, Any]:
        """The nodes of a workflow or a body, and what it returns."""
        nodes: list[Any] = []
        for i, node in enumerate(place.draft.nodes):
            nodes += self._calls(i, place)
            if place.calls.of(i) is None:
                nodes.append(self._tried(node.name, node.line, partial(self._node, node, place)))
        nodes += self._calls(len(place.draft.nodes), place)
        told: dict[str, Any] = {"nodes": nodes}
        result = place.draft.result
        if not (isinstance(result, Constant) and result.value is None):
            told["returns"] = self._tried("the returned value", place.draft.line, lambda: place.tell(result))
        return told

    # ── nodes ──

    def _node(self, node: DraftNode, place: Place) -> dict[str, Any]:
        told: dict[str, Any] = {"name": node.name, **self._kind(node, place)}
        if node.after:
            told["after"] = place.waits(node.after)
        if node.keep:
            told["keep"] = True
        return told

    def _kind(self, node: DraftNode, place: Place) -> dict[str, Any]:
        if node.spec.control is not None:
            told = self._scope(node, node.spec.control, place)
        else:
            known = self._step(node, place)
            if known is not None:
                return known
            told = self._word(node, place)
        return {**told, **tell_guards(node.spec.guards, (), self._registry)}

    def _step(self, node: DraftNode, place: Place) -> dict[str, Any] | None:
        """A use of a step of the registry: of the one that differs the least."""
        known = self._registry.steps_of(node.spec.function)
        ways = [
            (name, step, tell_options(node.spec, step.spec, self._registry))
            for name, step in known
            if step.spec.name == node.spec.name
        ]
        if not ways:
            return None
        name, step, options = min(ways, key=lambda way: len(way[2]))
        return {"step": name, **self._arguments(node, step.spec, place), **options}

    def _arguments(self, node: DraftNode, spec: StepSpec, place: Place) -> dict[str, Any]:
        parameters = spec.signature.parameters
        told = {
            name: [place.tell(each) for each in value] if isinstance(value, list) else place.tell(value)
            for name, value in named_arguments_of(spec, node.arguments, node.keywords).items()
            if not _is_default(value, parameters.get(name))
        }
        return {"arguments": told} if told else {}

    def _word(self, node: DraftNode, place: Place) -> dict[str, Any]:
        function = node.spec.function
        match function:
            case Filled(text=text):
                return {"template": {"text": text.written, **self._values(node, place)}}
            case Failing(text=text):
                return {"fail": {"text": text.written, **self._values(node, place)}}
            case DebugLine(level=level):
                return {"debug": {"level": level, **self._values(node, place)}}
            case Gathered():
                return {"gather": self._gathered(node, function, place)}
            case _ if _is_transform(node.spec):
                name = tell_function(function, self._registry)
                return {"transform": {"value": place.tell(node.arguments[0]), "function": name}}
            case _:
                raise Untold(f"step {node.spec.name!r} isn't in the registry; give it to Registry(steps=[…])")

    def _values(self, node: DraftNode, place: Place) -> dict[str, Any]:
        told = {name: place.tell(value) for name, value in zip(node.keywords, node.arguments, strict=True)}
        return {"values": told} if told else {}

    def _gathered(self, node: DraftNode, gathered: Gathered, place: Place) -> dict[str, Any]:
        split = len(node.arguments) - len(node.keywords)
        function = self._registry.name_of_function(gathered.maker)
        told: dict[str, Any] = {"type": tell_type(gathered.maker, self._registry) if function is None else function}
        if split:
            told["positional"] = [place.tell(value) for value in node.arguments[:split]]
        if node.keywords:
            named = zip(node.keywords, node.arguments[split:], strict=True)
            told["values"] = {name: place.tell(value) for name, value in named}
        return told

    def _calls(self, number: int, place: Place) -> list[Any]:
        return [
            self._tried(call.name, place.draft.line, partial(self._call, call, place))
            for call in place.calls.before(number)
        ]

    def _call(self, call: Composed, place: Place) -> dict[str, Any]:
        """A composed workflow that stays a call."""
        inner = call.definition.draft()
        name = self._registry.name_of_workflow(call.definition)
        with place.calls.before_only(call):
            told: dict[str, Any] = {"name": call.name, "workflow": name, **self._inputs(call.inputs, inner, place)}
        if after := place.calls.waits_of(call):
            told["after"] = place.waits(after)
        nodes = place.draft.nodes[call.first : call.first + call.count]
        if any(_lacks_undo(one, plain) for one, plain in zip(nodes, inner.nodes, strict=True)):
            told["undoable"] = False
        return told

    def _inputs(self, given: tuple[Expression, ...], inner: Draft, place: Place) -> dict[str, Any]:
        told = {
            spec.name: place.tell(value)
            for spec, value in zip(inner.inputs, given, strict=True)
            if not (isinstance(value, Constant) and value.value is spec.default)
        }
        return {"arguments": told} if told else {}

    # ── scopes ──

    def _scope(self, node: DraftNode, control: Control, place: Place) -> dict[str, Any]:
        given = node.arguments[0] if node.arguments else Constant(None)
        bodies = node.bodies
        match control:
            case Each():
                told = {"items": place.tell(given), "body": self._body(bodies[0], node, place), **self._each(control)}
                return {"each": told}
            case Choose(cases, default):
                numbers = {case: self._body(bodies[number], node, place) for case, number in cases.items()}
                branches = [
                    {"when": tell_literal(case, self._registry), "body": body} for case, body in numbers.items()
                ]
                return {
                    "choose": {"on": place.tell(given), "branches": branches, **self._default(default, node, place)}
                }
            case ChooseFirst(predicates, default):
                branches = [
                    {"when": tell_function(predicate, self._registry), "body": self._body(body, node, place)}
                    for predicate, body in zip(predicates, bodies, strict=False)
                ]
                told = {"on": place.tell(given), "branches": branches, **self._default(default, node, place)}
                return {"choose_first": told}
            case Around(factory):
                made = tell_function(factory, self._registry)
                return {"around": {"factory": made, "body": self._body(bodies[0], node, place)}}
            case Repeat():
                return {"repeat": self._repeat(control, bodies[0], node, given, place)}
            case Call():
                return self._called(node, bodies[0], place)
            case _:
                raise Untold(f"{node.spec.name!r} can't be told as data")

    def _default(self, number: int | None, node: DraftNode, place: Place) -> dict[str, Any]:
        return {} if number is None else {"default": self._body(node.bodies[number], node, place)}

    def _body(self, body: Body, node: DraftNode, place: Place) -> dict[str, Any]:
        assert body.draft is not None
        return self._content(Place(body.draft, self._registry, place, node, body))

    def _each(self, control: Each) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if control.limit != control.batch_size:
            told["concurrency"] = control.limit
        if not control.ordered:
            told["ordered"] = False
        if control.batch_size != 100:
            told["batch_size"] = control.batch_size
        if control.key is not None:
            told["key"] = tell_function(control.key, self._registry)
        if control.collects:
            told["on_error"] = "collect"
        return told

    def _repeat(self, control: Repeat, body: Body, node: DraftNode, start: Expression, place: Place) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if body.draft is None:
            told |= self._passes(body)
        else:
            told["body"] = self._body(body, node, place)
        told["start"] = place.tell(start)
        if control.until is not None:
            told["until"] = tell_function(control.until, self._registry)
        if control.at_most is not None:
            told["at_most"] = control.at_most
        if control.fails:
            told["exhausted"] = "fail"
        return told

    def _passes(self, body: Body) -> dict[str, Any]:
        """The workflow that a repeat makes its passes with."""
        compiled, undoable = body.compile, True
        while isinstance(compiled, WithoutUndo):
            compiled, undoable = compiled.compiled, False
        assert isinstance(compiled, Pass)
        name = self._workflow_name(compiled.workflow.definition)
        undoable = undoable and compiled.workflow.is_undoable
        return {"workflow": name} if undoable else {"workflow": name, "undoable": False}

    def _called(self, node: DraftNode, body: Body, place: Place) -> dict[str, Any]:
        """A group, or a composed workflow with guards."""
        draft = body.draft
        assert draft is not None
        if node.spec.name == "group" and not body.given:
            return {"group": {"body": self._body(body, node, place)}}
        for name, each in self._registry.workflows.items():
            inner = each.definition.draft()
            if each.name == node.spec.name and _are_alike(inner, draft):
                told = {"workflow": name, **self._inputs(node.arguments, inner, place)}
                lacks = any(_lacks_undo(one, plain) for one, plain in zip(draft.nodes, inner.nodes, strict=True))
                return {**told, "undoable": False} if lacks else told
        raise Untold(f"workflow {node.spec.name!r} isn't in the registry; give it to Registry(workflows=[…])")

    def _workflow_name(self, definition: Definition) -> str:
        name = self._registry.name_of_workflow(definition)
        if name is None:
            raise Untold(f"workflow {definition.name!r} isn't in the registry; give it to Registry(workflows=[…])")
        return name


def _is_default(value: Any, parameter: Parameter | None) -> bool:
    if parameter is None:
        return False
    if isinstance(value, list):
        return not value
    return isinstance(value, Constant) and value.value is parameter.default


def _is_transform(spec: StepSpec) -> bool:
    parameters = list(spec.signature.parameters.values())
    return len(parameters) == 1 and parameters[0].kind is Parameter.POSITIONAL_ONLY and spec.mode == "inline"


def _are_alike(one: Draft, other: Draft) -> bool:
    return [(node.name, node.spec.function) for node in one.nodes] == [
        (node.name, node.spec.function) for node in other.nodes
    ]


def _lacks_undo(node: DraftNode, plain: DraftNode) -> bool:
    """Whether it's without an undo that the workflow's own has, in it or in its bodies."""
    if node.spec.undo is None and plain.spec.undo is not None:
        return True
    return any(_body_lacks_undo(one, other) for one, other in zip(node.bodies, plain.bodies, strict=True))


def _body_lacks_undo(body: Body, plain: Body) -> bool:
    if body.draft is None or plain.draft is None:
        return isinstance(body.compile, WithoutUndo) and not isinstance(plain.compile, WithoutUndo)
    return any(_lacks_undo(one, other) for one, other in zip(body.draft.nodes, plain.draft.nodes, strict=True))
