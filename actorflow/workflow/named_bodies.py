"""Bodies by name: what a step, a workflow or a builder is given when it is the body of a combinator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from actorflow.errors import suggest
from actorflow.plan import Constant, Expression, InputSpec
from actorflow.workflow.builder import WorkflowBuilder
from actorflow.workflow.drawing import current_drawing
from actorflow.workflow.entries import Content, Entry, Use, is_step, is_workflow
from actorflow.workflow.fitting import drawn_signature
from actorflow.workflow.gathering import named_arguments
from actorflow.workflow.lines import written_at

if TYPE_CHECKING:
    from actorflow.workflow.resolving import Resolver


class InnerContent:
    """A body that was written inside of its workflow: it sees what is around it. `given` is what it calls the value that it's given."""

    def __init__(self, content: Content, given: str = "") -> None:
        self.content = content
        self.given = given


def bodies(resolver: Resolver, entry: Entry, said: Sequence[Any], *, given: bool, whole: bool = False) -> Sequence[Any]:
    """What a combinator takes as its bodies: functions that draw. `given`: they are given a value.

    The entry's arguments go to each body that has an input of the name; one that none has is a problem. `whole`: a workflow that needs no
    arguments stays itself.
    """
    uses = [each if isinstance(each, Use) else Use(each) for each in said]
    made = [_made(resolver, entry, use, given=given, whole=whole) for use in uses]
    known = {name for use in uses for name in _names(use.body) or ()}
    for name in entry.arguments:
        if name not in known:
            resolver.problem(entry, f"no body of it takes an argument {name!r}{suggest(str(name), known)}")
    return made


def _made(resolver: Resolver, entry: Entry, use: Use, *, given: bool, whole: bool) -> Any:
    body: Any = use.body
    if isinstance(use.body, InnerContent):
        return _Inner(resolver, use.body).function(given=given)
    names = _names(use.body)
    if names is None or (whole and is_workflow(use.body) and not use.arguments and not entry.arguments):
        return body  # a function that draws, nothing at all, or what the combinator refuses
    return _Bound(resolver, entry, use, names, given=given).function()


def _names(body: Any) -> Sequence[str] | None:
    """The inputs of a body, by name."""
    if isinstance(body, WorkflowBuilder):
        return [spec.name for spec, _ in body.content.inputs]
    if is_step(body) or is_workflow(body):
        return list((drawn_signature(body) or Signature()).parameters)
    return None


class _Bound:
    """A step, a workflow or a builder as a body, with its arguments."""

    def __init__(self, resolver: Resolver, entry: Entry, use: Use, names: Sequence[str], *, given: bool) -> None:
        self._resolver = resolver
        self._entry = entry
        self._body = use.body
        self._arguments = {**{name: value for name, value in entry.arguments.items() if name in names}, **use.arguments}
        item = use.item
        if item is None and given:
            item = next((name for name in names if name not in self._arguments), None)
        elif item is not None and item not in names:
            resolver.problem(entry, f"its body has no input {item!r} for the item{suggest(str(item), names)}")
            item = None
        elif item is not None:
            self._arguments.pop(item, None)
        self._item = item
        self._takes_value = given or use.item is not None

    def function(self) -> Callable[..., Any]:
        return self._draw if self._takes_value else lambda: self._draw(None)

    def _draw(self, value: Any) -> Any:
        given = {} if self._item is None else {self._item: value}
        with written_at(self._entry.line):
            if isinstance(self._body, WorkflowBuilder):
                return self._inline(self._body.content, {**self._arguments, **given})
            return self._called({**self._arguments, **given})

    def _called(self, arguments: Mapping[str, Any]) -> Any:
        try:
            args, kwargs = named_arguments(drawn_signature(self._body) or Signature(), arguments)
        except TypeError as error:
            return self._resolver.problem(self._entry, f"its body {self._body.name!r} {error}")
        promises = [self._resolver.promise(value, self._entry) for value in args]
        return self._body(*promises, **self._resolver.promises(kwargs, self._entry))

    def _inline(self, content: Content, arguments: Mapping[str, Any]) -> Any:
        """The builder's nodes become those of the body."""
        drawing = current_drawing()
        assert drawing is not None
        what = f"its body {content.name!r}"
        if content.is_open:
            return self._resolver.problem(self._entry, f"{what} contains itself")
        inputs = [spec for spec, _ in content.inputs]
        for name in arguments:
            if name not in {spec.name for spec in inputs}:
                self._resolver.problem(self._entry, f"{what} takes no argument {name!r}")
        promises = self._resolver.promises(arguments, self._entry)
        bound: dict[str, Expression] = {}
        for spec in inputs:
            if spec.name in promises:
                bound[spec.name] = drawing.expression(promises[spec.name], what)
            elif spec.default is not Parameter.empty:
                bound[spec.name] = Constant(spec.default)
            else:
                self._resolver.problem(self._entry, f"{what} misses its argument {spec.name!r}")
        there = [spec for spec in inputs if spec.name in bound]
        drawing.check_inputs(what, there, [bound[spec.name] for spec in there], self._entry.line)
        content.is_open = True
        try:
            return self._resolver.inner(drawing, content, bound, _types(inputs))
        finally:
            content.is_open = False


def _types(inputs: Sequence[InputSpec]) -> Mapping[str, Any]:
    return {spec.name: spec.type for spec in inputs}


class _Inner:
    """A body that sees what is around it."""

    def __init__(self, resolver: Resolver, body: InnerContent) -> None:
        self._resolver = resolver
        self._body = body

    def function(self, *, given: bool) -> Callable[..., Any]:
        return self._draw if given else lambda: self._draw(UNSET)

    def _draw(self, value: Any) -> Any:
        drawing = current_drawing()
        assert drawing is not None
        name = self._body.given
        bound = {} if value is UNSET else {name: drawing.expression(value, name)}
        types = {} if value is UNSET else {name: self._resolver.type_of(value)}
        return self._resolver.inner(drawing, self._body.content, bound, types, sees_around=True)
