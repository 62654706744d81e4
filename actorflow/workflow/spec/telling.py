"""From a workflow to its spec: what was drawn, told as plain data. What has no name that the host allows is a problem, told with its node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter
from typing import Any

from actorflow.errors import InvalidWorkflow
from actorflow.plan import (
    Composed,
    Constant,
    Draft,
    DraftNode,
    Expression,
    StepSpec,
    at,
)
from actorflow.policy import Durability
from actorflow.workflow.debugging import DebugLine
from actorflow.workflow.definition import Definition
from actorflow.workflow.spec.arguments import Place
from actorflow.workflow.spec.fields import is_list
from actorflow.workflow.spec.literals import tell_literal
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.scopes import lacks_undo, tell_scope
from actorflow.workflow.spec.steps import named_arguments_of, tell_function, tell_guards, tell_options
from actorflow.workflow.spec.types import Untold, tell_type
from actorflow.workflow.spec.waits import tell_wait
from actorflow.workflow.word_specs import Failing, Filled, Gathered

FORMAT = 1
"""The version of the format; a spec says which one it is in."""


def tell_workflow(definition: Definition, registry: Registry, durability: Durability | None) -> dict[str, Any]:
    """The spec of a workflow. Raises `InvalidWorkflow` with all that can't be told as data."""
    return Telling(definition.draft(), registry).told(durability)


class Telling:
    def __init__(self, draft: Draft, registry: Registry) -> None:
        self._draft = draft
        self.registry = registry
        self._problems: list[str] = []

    def told(self, durability: Durability | None) -> dict[str, Any]:
        draft = self._draft
        if draft.middleware:
            self._problems.append(
                at(draft.line, "its middleware isn't data; give it to the runtime: Runtime(middleware=[…])")
            )
        spec: dict[str, Any] = {"format": FORMAT, "name": draft.name}
        if draft.description:
            spec["description"] = draft.description
        if durability is not None:
            spec["durability"] = durability
        spec["inputs"] = [self._input(each.name, each.type, each.default) for each in draft.inputs]
        spec |= self.content(Place(draft, self.registry))
        spec["return_type"] = self._tried(
            "the returned value", draft.line, lambda: tell_type(draft.return_type, self.registry)
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
        told = {"name": name, "type": self._tried(what, self._draft.line, lambda: tell_type(type, self.registry))}
        if default is not Parameter.empty:
            told["default"] = self._tried(what, self._draft.line, lambda: tell_literal(default, self.registry))
        return told

    def content(self, place: Place) -> dict[str, Any]:
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
            told = tell_scope(self, node, node.spec.control, place)
        else:
            known = self._step(node, place)
            if known is not None:
                return known
            told = self._word(node, place)
        return {**told, **tell_guards(node.spec.guards, (), self.registry)}

    def _step(self, node: DraftNode, place: Place) -> dict[str, Any] | None:
        """A use of a step of the registry: of the one that differs the least."""
        known = self.registry.steps_of(node.spec.function)
        ways = [
            (name, step, tell_options(node.spec, step.spec, self.registry))
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
            name: _told(value, place)
            for name, value in named_arguments_of(spec, node.arguments, node.keywords).items()
            if not _is_default(value, parameters.get(name))
        }
        return {"arguments": told} if told else {}

    def _word(self, node: DraftNode, place: Place) -> dict[str, Any]:
        if node.spec.wait is not None:
            return tell_wait(node, node.spec.wait, place)
        function: Any = node.spec.function
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
                name = tell_function(function, self.registry)
                return {"transform": {"value": place.tell(node.arguments[0]), "function": name}}
            case _:
                raise Untold(f"step {node.spec.name!r} isn't in the registry; give it to Registry(steps=[…])")

    def _values(self, node: DraftNode, place: Place) -> dict[str, Any]:
        told = {name: place.tell(value) for name, value in zip(node.keywords, node.arguments, strict=True)}
        return {"values": told} if told else {}

    def _gathered(self, node: DraftNode, gathered: Gathered, place: Place) -> dict[str, Any]:
        split = len(node.arguments) - len(node.keywords)
        function = self.registry.name_of_function(gathered.maker)
        told: dict[str, Any] = {"type": tell_type(gathered.maker, self.registry) if function is None else function}
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
        name = self.registry.name_of_workflow(call.definition)
        with place.calls.before_only(call):
            told: dict[str, Any] = {"name": call.name, "workflow": name, **self.inputs(call.inputs, inner, place)}
        if after := place.calls.waits_of(call):
            told["after"] = place.waits(after)
        nodes = place.draft.nodes[call.first : call.first + call.count]
        if any(lacks_undo(one, plain) for one, plain in zip(nodes, inner.nodes, strict=True)):
            told["undoable"] = False
        return told

    def inputs(self, given: tuple[Expression, ...], inner: Draft, place: Place) -> dict[str, Any]:
        told = {
            spec.name: place.tell(value)
            for spec, value in zip(inner.inputs, given, strict=True)
            if not (isinstance(value, Constant) and value.value is spec.default)
        }
        return {"arguments": told} if told else {}


def _told(value: Any, place: Place) -> Any:
    """An argument, or those of `*parts`."""
    return [place.tell(each) for each in value] if is_list(value) else place.tell(value)


def _is_default(value: Any, parameter: Parameter | None) -> bool:
    if parameter is None:
        return False
    if isinstance(value, list):
        return not value
    return isinstance(value, Constant) and value.value is parameter.default


def _is_transform(spec: StepSpec) -> bool:
    parameters = list(spec.signature.parameters.values())
    return len(parameters) == 1 and parameters[0].kind is Parameter.POSITIONAL_ONLY and spec.mode == "inline"
