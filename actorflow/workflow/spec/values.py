"""Literals and arguments, read: the other way of `literals.py` and `arguments.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actorflow.errors import brief
from actorflow.plan import Attribute, Item, Key
from actorflow.workflow.collecting import rebuilt
from actorflow.workflow.entries import Value
from actorflow.workflow.references import Container, Part, Reference, input_key
from actorflow.workflow.spec.fields import Fields, each_item, fields, is_list, is_object
from actorflow.workflow.spec.literals import CONTAINERS, is_plain
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.types import Unread, read_type

DEEPEST = 40
"""How many bodies and containers may be in each other."""

_LITERALS = ("value", *CONTAINERS, "dict", "pairs")
_ARGUMENTS = ("from", "input", "value", "constant", *CONTAINERS, "dict", "pairs", "struct", "part")


class Values:
    """Reads what stands for values. What is wrong is remembered; None stands in its place."""

    def __init__(self, registry: Registry, problems: list[str]) -> None:
        self.registry = registry
        self.problems = problems

    # ── types ──

    def type(self, text: str, path: str) -> Any:
        try:
            return read_type(text, self.registry)
        except Unread as error:
            self.problems.append(f"{path}: {error}")
            return Any

    # ── literals ──

    def literal(self, data: Any, path: str) -> Any:
        kind = self._kind(data, path, _LITERALS, 'a literal is an object, such as {"value": 3}')
        match kind:
            case None:
                return None
            case "value":
                return self._value(data, path)
            case "dict" | "pairs":
                return self._dict(kind, data, path, self.literal, self.literal)
            case _:
                return self._made(CONTAINERS[kind], self._list(kind, data, path, self.literal), path)

    def _value(self, data: Any, path: str) -> Any:
        found = fields(data, path, self.problems, needs=("value",), may=("type",))
        assert found is not None
        text, value = found.text("type"), found.get("value")
        if not is_plain(value):
            found.problem("value", f"expected plain JSON, got {brief(value)}")
            return None
        return value if text is None else self._converted(value, self.type(text, found.at("type")), found.at("value"))

    def _converted(self, value: Any, type: Any, path: str) -> Any:
        try:
            return msgspec.convert(value, type, str_keys=True)
        except msgspec.ValidationError as error:
            self.problems.append(f"{path}: {error}")
        except Exception as error:
            self.problems.append(f"{path}: nothing of this type can be made of data: {error}")
        return None

    def _made(self, shape: Callable[..., Any], items: Any, path: str) -> Any:
        try:
            return shape(items)
        except TypeError as error:  # in a set, or a key of a dict
            self.problems.append(f"{path}: {error}")
            return None

    # ── arguments ──

    def argument(self, data: Any, path: str, depth: int = 0) -> Any:
        """A value in the builder's own words: references, literals, and containers of them."""
        if isinstance(data, str) and data:
            return data
        if depth > DEEPEST:
            self.problems.append(f"{path}: it's nested deeper than {DEEPEST}")
            return None
        kind = self._kind(data, path, _ARGUMENTS, 'a reference is a text, a literal is marked so: {"value": …}')

        def inner(item: Any, place: str) -> Any:
            return self.argument(item, place, depth + 1)

        match kind:
            case None:
                return None
            case "from" | "input":
                return self._reference(kind, data, path)
            case "value":
                return Value(self._value(data, path))
            case "constant":
                alone = self._alone(data, path, kind)
                return Value(self.literal(alone.get(kind), f"{path}.constant"))
            case "dict" | "pairs":
                return self._dict(kind, data, path, self.literal, inner)
            case "struct":
                return self._struct(data, path, inner)
            case "part":
                found = fields(data, path, self.problems, needs=("part", "path"))
                assert found is not None
                return Part(inner(found.get("part"), found.at("part")), self._path(found))
            case _:
                items = tuple(self._list(kind, data, path, inner))
                shape = CONTAINERS[kind]
                keys = tuple(Item(i) for i in range(len(items)))
                return list(items) if shape is list else Container(shape, keys, items, shape)

    def _kind(self, data: Any, path: str, kinds: tuple[str, ...], says: str) -> str | None:
        if is_object(data):
            found = [kind for kind in kinds if kind in data]
            if len(found) == 1:
                return found[0]
        self.problems.append(f"{path}: {says}; got {brief(data)}")
        return None

    def _alone(self, data: Any, path: str, name: str) -> Fields:
        found = fields(data, path, self.problems, needs=(name,))
        assert found is not None
        return found

    def _list(self, kind: str, data: Any, path: str, read: Callable[[Any, str], Any]) -> list[Any]:
        self._alone(data, path, kind)
        return [read(item, place) for place, item in each_item(Fields(data, path, self.problems), kind)]

    def _dict(
        self,
        kind: str,
        data: Any,
        path: str,
        read_key: Callable[[Any, str], Any],
        read: Callable[[Any, str], Any],
    ) -> Any:
        self._alone(data, path, kind)
        inside, place = data[kind], f"{path}.{kind}"
        if kind == "dict":
            if is_object(inside):
                return {name: read(item, f"{place}.{name}") for name, item in inside.items()}
            self.problems.append(f"{place}: expected an object, got {brief(inside)}")
            return None
        made: list[tuple[Any, Any]] = []
        for spot, pair in each_item(Fields(data, path, self.problems), kind):
            if is_list(pair) and len(pair) == 2:
                made.append((read_key(pair[0], f"{spot}[0]"), read(pair[1], f"{spot}[1]")))
            else:
                self.problems.append(f"{spot}: expected a pair, got {brief(pair)}")
        return self._made(dict, made, place)

    def _struct(self, data: Any, path: str, read: Callable[[Any, str], Any]) -> Any:
        found = fields(data, path, self.problems, needs=("struct", "fields"))
        assert found is not None
        cls, inside = self.type(found.text("struct") or "Any", found.at("struct")), found.get("fields")
        if not is_object(inside):
            found.problem("fields", f"expected an object, got {brief(inside)}")
            return None
        items = {name: read(item, f"{found.at('fields')}.{name}") for name, item in inside.items()}
        names = _field_names(cls)
        if cls is Any:
            return None
        if names is None:
            found.problem("struct", f"{brief(cls)} isn't a struct, a dataclass or a named tuple")
            return None
        if list(items) != names:
            found.problem("fields", f"expected the fields {', '.join(names)}, in this order, got {', '.join(items)}")
            return None
        keys = tuple(map(Attribute, names))
        return Container(cls, keys, tuple(items.values()), rebuilt(cls, names))

    def _reference(self, kind: str, data: Any, path: str) -> Any:
        found = fields(data, path, self.problems, needs=(kind,), may=("path", "up", "unchecked"))
        assert found is not None
        name, up = found.text(kind), found.whole("up") or 0
        if up < 0:
            found.problem("up", f"expected a whole number from 0, got {up}")
        if name is None or up < 0:
            return None
        key = input_key(name) if kind == "input" else name
        return Reference(key, self._path(found), up, unchecked=bool(found.boolean("unchecked")))

    def _path(self, owner: Fields) -> tuple[Key, ...]:
        keys: list[Key] = []
        for place, data in each_item(owner, "path"):
            kind = self._kind(data, place, ("field", "item"), 'a part is {"field": name} or {"item": key}')
            if kind is None:
                continue
            found = fields(data, place, self.problems, needs=(kind,))
            assert found is not None
            key = _key(kind, found.get(kind))
            if key is None:
                wanted = "a name that doesn't begin with `__`" if kind == "field" else "a text or a whole number"
                found.problem(kind, f"expected {wanted}, got {brief(found.get(kind))}")
            else:
                keys.append(key)
        return tuple(keys)


def _key(kind: str, value: Any) -> Key | None:
    if kind == "field":
        is_name = isinstance(value, str) and value.isidentifier() and not value.startswith("__")
        return Attribute(value) if is_name else None
    return Item(value) if isinstance(value, (str, int)) else None


def _field_names(cls: Any) -> list[str] | None:
    """The fields of a struct, a named tuple or a dataclass; None for anything else."""
    names: Any = getattr(cls, "__struct_fields__", getattr(cls, "_fields", None))
    if names is None and dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
    return None if names is None else list(names)


def check_mapping(data: Any, path: str, problems: list[str]) -> Mapping[str, Any]:
    """An object whose names are the user's own."""
    if is_object(data):
        return data
    problems.append(f"{path}: expected an object, got {brief(data)}")
    return {}
