"""Where values come from, as data.

"trip.city"                                     a name of an input or a node, or a part of it
{"from": "book.seat", "path": [{"field": "code"}], "up": 1}
the same where a text wouldn't do; `up`: so many bodies further out
{"from": …, "path": […], "unchecked": true}     a part that the annotated type doesn't have
{"input": "trip", "path": […]}                  an input whose name a node has too; also what a body is given
{"value": 3}  {"constant": {"tuple": […]}}      a literal, see `literals.py`
{"list": […]}  {"tuple": […]}  {"set": […]}  {"dict": {…}}  {"pairs": [[literal, …]]}
{"struct": "Trip", "fields": {…}}               containers with references in them
{"part": …, "path": […]}                        a part of a container
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from actorflow.errors import brief
from actorflow.plan import (
    Attribute,
    Body,
    Collected,
    Composed,
    Constant,
    Draft,
    DraftNode,
    Expression,
    InputValue,
    Item,
    Key,
    NodeValue,
    Path,
)
from actorflow.workflow.references import key_of, type_at
from actorflow.workflow.spec.composed import Calls
from actorflow.workflow.spec.literals import CONTAINERS, tell_constant, tell_literal
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.types import Untold, tell_type
from actorflow.workflow.subpath import MissingPart


class Meant(NamedTuple):
    """What a reference means: a node, a call or an input of a place, and the way to a part of its value."""

    place: Place
    name: str
    is_input: bool
    keys: tuple[Key, ...]


class Place:
    """Where expressions are read: a workflow or a body, with what is around it."""

    def __init__(
        self,
        draft: Draft,
        registry: Registry,
        around: Place | None = None,
        scope: DraftNode | None = None,
        body: Body | None = None,
    ) -> None:
        self.draft = draft
        self.registry = registry
        self.around = around
        self.calls = Calls(draft, registry)
        self._scope = scope
        self._given = len(draft.inputs) if body is None else body.given
        self._takes = () if body is None else body.takes
        self._inputs = {spec.name: spec.type for spec in draft.inputs[: self._given]}
        self._nodes: dict[str, Any] = {
            node.name: node.spec.returns for i, node in enumerate(draft.nodes) if self.calls.of(i) is None
        }
        self._nodes |= {call.name: call.definition.draft().return_type for call in self.calls.all}

    def tell(self, expression: Expression) -> Any:
        """The data of an expression. Raises `Untold`."""
        return self._tell(expression, self)

    def waits(self, after: Sequence[int]) -> list[str]:
        """The names of what a node waits for."""
        names: dict[str, None] = {}
        for i in after:
            call: Composed | None = self.calls.of(i)
            names[self.draft.nodes[i].name if call is None else call.name] = None
        return list(names)

    def _tell(self, expression: Expression, place: Place) -> Any:
        """The data of an expression of a place that is here, or around this one."""
        call = place.calls.within(expression)
        if call is not None:
            return self._reference(Meant(place, call[0].name, False, call[1]))
        match expression:
            case Constant(value):
                return tell_constant(value, self.registry)
            case Collected():
                return self._container(expression, place)
            case Path(root=root, keys=keys):
                return self._part(root, keys, place)
            case NodeValue(node):
                return self._reference(Meant(place, place.draft.nodes[node].name, False, ()))
            case InputValue(index):
                return self._input(index, (), place)

    def _part(self, root: Expression, keys: tuple[Key, ...], place: Place) -> Any:
        call = place.calls.within(root)
        if call is not None:
            return self._reference(Meant(place, call[0].name, False, (*call[1], *keys)))
        match root:
            case NodeValue(node):
                return self._reference(Meant(place, place.draft.nodes[node].name, False, keys))
            case InputValue(index):
                return self._input(index, keys, place)
            case Path(root=deeper, keys=before):
                return self._part(deeper, (*before, *keys), place)
            case Constant() | Collected():
                return {"part": self._tell(root, place), "path": _tell_path(keys)}

    def _input(self, index: int, keys: tuple[Key, ...], place: Place) -> Any:
        if index < place._given:
            return self._reference(Meant(place, place.draft.inputs[index].name, True, keys))
        assert place._scope is not None
        assert place.around is not None
        captured = place._scope.captures[place._takes[index - place._given]]
        return self._part(captured, keys, place.around) if keys else self._tell(captured, place.around)

    def _container(self, expression: Collected, place: Place) -> dict[str, Any]:
        shape, keys = expression.shape, expression.keys
        items = [self._tell(item, place) for item in expression.items]
        for name, each in CONTAINERS.items():
            if shape is each:
                return {name: items}
        if shape is dict:
            names = [key.key for key in keys if isinstance(key, Item)]
            if all(type(name) is str for name in names):
                return {"dict": dict(zip(names, items, strict=True))}
            told = [tell_literal(name, self.registry) for name in names]
            return {"pairs": [list(pair) for pair in zip(told, items, strict=True)]}
        fields = [key.name for key in keys if isinstance(key, Attribute)]
        return {"struct": tell_type(shape, self.registry), "fields": dict(zip(fields, items, strict=True))}

    # ── references ──

    def _reference(self, meant: Meant) -> Any:
        """A reference, as a text if that means the same here."""
        text = ".".join([meant.name, *map(_text, meant.keys)])
        if self._meaning(text) == meant:
            return text
        told: dict[str, Any] = {"input" if meant.is_input else "from": meant.name}
        if meant.keys:
            told["path"] = _tell_path(meant.keys)
        if not _fits(meant.place._type(meant), meant.keys):
            told["unchecked"] = True
        up, place = 0, self
        while place is not meant.place:
            assert place.around is not None
            up, place = up + 1, place.around
        return {**told, "up": up} if up else told

    def _type(self, meant: Meant) -> Any:
        return self._inputs[meant.name] if meant.is_input else self._nodes[meant.name]

    def _meaning(self, text: str) -> Meant | None:
        """What the reader of a spec would take a text for."""
        if text in self._nodes or text in self._inputs:
            return Meant(self, text, text not in self._nodes, ())
        root, *parts = text.split(".")
        if root in self._nodes or root in self._inputs:
            keys = _keys(self._nodes.get(root, self._inputs.get(root)), parts)
            return None if keys is None else Meant(self, root, root not in self._nodes, keys)
        return None if self.around is None else self.around._meaning(text)


def _fits(type: Any, keys: Sequence[Key]) -> bool:
    """Whether a value of this type may have such a part: one that was annotated `Any` on its way may have had."""
    try:
        for key in keys:
            type = type_at(type, key)
    except MissingPart:
        return False
    return True


def _keys(type: Any, parts: Sequence[str]) -> tuple[Key, ...] | None:
    keys: list[Key] = []
    for part in parts:
        try:
            key, type = key_of(type, part)
        except MissingPart:
            return None
        keys.append(key)
    return tuple(keys)


def _text(key: Key) -> str:
    return key.name if isinstance(key, Attribute) else str(key.key)


def _tell_path(keys: Sequence[Key]) -> list[dict[str, Any]]:
    return [{"field": key.name} if isinstance(key, Attribute) else {"item": _tell_key(key.key)} for key in keys]


def _tell_key(key: Any) -> Any:
    if type(key) not in {str, int, bool}:
        raise Untold(f"the key {brief(key)} of a part can't be told as data")
    return key
