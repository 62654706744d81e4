"""What the builder's references mean: names of inputs and nodes, and parts of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actorflow.errors import InvalidWorkflow, suggest
from actorflow.plan import (
    UNUSABLE,
    Attribute,
    Collected,
    Constant,
    Expression,
    InputValue,
    Item,
    Key,
    NodeValue,
    Path,
    moved,
    part_of,
)
from actorflow.workflow.calls import type_in
from actorflow.workflow.classes import is_keyed
from actorflow.workflow.collecting import Unusable, to_expression
from actorflow.workflow.combine import transform
from actorflow.workflow.drawing import Drawing, drawing_of
from actorflow.workflow.entries import Entry, Transformed, Value
from actorflow.workflow.functions import display_name
from actorflow.workflow.inlining import sinks
from actorflow.workflow.lines import written_at
from actorflow.workflow.promise import Promise, Source, is_promise, source_of
from actorflow.workflow.subpath import MissingPart, item_type, member_type


def input_key(name: str) -> str:
    """What an input is known as where a node may have its name; no node has one like that."""
    return f"[{name}]"


class Reference:
    """A name and a path, where a text wouldn't say it: `up` is how many bodies further out the name is looked for.

    `unchecked`: what the types say of the path doesn't count, as if the value were annotated `Any`.
    """

    __slots__ = ("keys", "name", "unchecked", "up")

    def __init__(self, name: str, keys: tuple[Key, ...] = (), up: int = 0, *, unchecked: bool = False) -> None:
        self.name = name
        self.keys = keys
        self.up = up
        self.unchecked = unchecked

    def __repr__(self) -> str:
        return f"{self.name.strip('[]')}{''.join(map(str, self.keys))}"


class Part(msgspec.Struct, frozen=True):
    """A part of a value that is no name."""

    of: Any
    keys: tuple[Key, ...]


class Container(msgspec.Struct, frozen=True, eq=False):
    """A container of values, which `build` makes of them: for what can't be made while its items are names."""

    shape: type[Any]
    keys: tuple[Key, ...]
    items: tuple[Any, ...]
    build: Callable[[list[Any]], Any]


_LEAVES = (str, Value, Transformed, Reference, Part, Container, Promise)
_WHOLE = (NodeValue, InputValue)
"""What most references mean."""


class Names:
    """The names of one workflow or body. `around` are those that it sees beside its own."""

    def __init__(self, drawing: Drawing, around: Names | None = None) -> None:
        self.drawing = drawing
        self.around = around
        self.known: dict[str, Expression | Entry] = {}
        self.types: dict[str, Any] = {}

    def given(self, entry: Entry) -> Sequence[Expression]:
        """The inputs of a composed workflow."""
        raise NotImplementedError

    # ── values with references in them ──

    def argument(self, value: Any, what: str, line: str) -> Expression:
        """The expression of a value, most often a name."""
        if type(value) is str and type(known := self.known.get(value)) in _WHOLE:
            return known  # type: ignore[return-value]  # not an Entry
        return value if type(value) is Constant else self.expression(value, what, line)

    def expression(self, value: Any, what: str, line: str) -> Expression:
        if type(value) is str:
            return self._leaf(value, what, line)
        try:
            return to_expression(value, lambda leaf: self._leaf(leaf, what, line), _LEAVES)
        except Unusable as error:
            self.drawing.problem(f"{what}: {error}", line)
            return UNUSABLE

    def promise_of(self, value: Any, what: str, line: str) -> Any:
        """What stands for a value in a call that draws: a promise, or the literal itself."""
        if is_promise(value):
            return value
        if isinstance(value, (str, Reference)):
            source = self.source(value, what, line)
            if source is None:
                return Promise(Source(self.drawing, UNUSABLE, Any, str(value)))
            here = self._reached(source)
            return Promise(
                source if here is source.expression else Source(self.drawing, here, source.type, source.label)
            )
        expression = self.expression(value, what, line)
        if isinstance(expression, Constant):
            return expression.value
        return Promise(Source(self.drawing, expression, type_in(self.drawing, expression), what))

    def _leaf(self, leaf: Any, what: str, line: str) -> Expression:
        match leaf:
            case Value(value):
                return Constant(value)
            case Transformed():
                return self._transformed(leaf, what, line)
            case Promise():
                return self._reached(source_of(leaf))
            case Part(of, keys):
                whole = self.expression(of, what, line)
                for key in keys:
                    whole = part_of(whole, key, Any)
                return whole
            case Container(shape, keys, items, build):
                return Collected(shape, keys, tuple(self.expression(item, what, line) for item in items), build)
            case _:
                source = self.source(leaf, what, line)
                return UNUSABLE if source is None else self._reached(source)

    def _reached(self, source: Source) -> Expression:
        return source.expression if source.drawing is self.drawing else self.drawing.reach(source)

    def _transformed(self, value: Transformed, what: str, line: str) -> Expression:
        """Draws the node that computes it, behind all others."""
        base = display_name(value.function)
        name, count = base if base.isidentifier() else "transform", 1
        while (free := name if count == 1 else f"{name}_{count}") in self.known:
            count += 1
        promise = self.promise_of(value.of, what, line)
        try:
            with drawing_of(self.drawing), written_at(line):
                made = transform.options(name=free)(promise, value.function)
        except InvalidWorkflow:
            return UNUSABLE
        source = source_of(made)
        self.known[free], self.types[free] = source.expression, source.type
        return source.expression

    # ── references ──

    def source(self, reference: Any, what: str, line: str) -> Source | None:
        """What stands behind a reference; one to nothing is a problem."""
        try:
            found = self._found(reference, what, line)
        except MissingPart as missing:
            self.drawing.problem(f"{what}, {str(reference)!r}: {missing}", line)
            return None
        if found is None:
            self.unknown(reference if isinstance(reference, str) else reference.name.strip("[]"), what, line)
        return found

    def _found(self, reference: Any, what: str, line: str) -> Source | None:
        if isinstance(reference, Reference):
            return self._at(reference, what, line)
        if reference in self.known:
            return self._named(reference, what, line)
        root, *parts = reference.split(".")
        if root in self.known:
            return self._parts(self._named(root, what, line), parts)
        return None if self.around is None else self.around._found(reference, what, line)

    def _at(self, reference: Reference, what: str, line: str) -> Source | None:
        names: Names | None = self
        for _ in range(reference.up):
            names = None if names is None else names.around
        if names is None or reference.name not in names.known:
            return None
        source = names._named(reference.name, what, line)
        for key in reference.keys:
            source = _part(source, key, Any if reference.unchecked else type_at(source.type, key))
        return source

    def _named(self, name: str, what: str, line: str) -> Source:
        known, type = self.known[name], self.types.get(name, Any)
        name = name.strip("[]")
        if isinstance(known, Entry):
            return Source(
                self.drawing, self._result(known, what, line), type, name, (known.first, known.first + known.count)
            )
        span = (known.node, known.node + 1) if isinstance(known, NodeValue) else (0, 0)
        return Source(self.drawing, known, type, name, span)

    def _result(self, entry: Entry, what: str, line: str) -> Expression:
        """What a composed workflow returns, one expression for all that use it; one that hands its own result to itself has none."""
        if entry.first < 0:
            return UNUSABLE
        if entry.open:
            self.drawing.problem(
                f"{what} waits for itself: {entry.name!r} returns an input that is its own result", line
            )
            return UNUSABLE
        if entry.result is None:
            entry.open = True
            try:
                entry.result = moved(entry.what.definition.draft().result, entry.first, self.given(entry))
            finally:
                entry.open = False
        return entry.result

    def _parts(self, source: Source, parts: Sequence[str]) -> Source:
        for part in parts:
            key, type = key_of(source.type, part)
            source = _part(source, key, type)
        return source

    def unknown(self, name: Any, what: str, line: str) -> None:
        hint = suggest(str(name).partition(".")[0], self._all_names()) or "; a literal text is Value(…)"
        self.drawing.problem(f"{what}: there is no input or node {name!r}{hint}", line)

    def _all_names(self) -> Sequence[str]:
        own = [name for name in self.known if not name.startswith("[")]
        return [*own, *(self.around._all_names() if self.around is not None else ())]

    # ── waiting ──

    def waits_for(self, name: Any) -> Sequence[int] | None:
        """The nodes to wait for until a node, or all of a composed workflow, is resolved; None if there is none of that name."""
        known = self.known.get(name) if isinstance(name, str) else None
        match known:
            case NodeValue(node):
                return (node,)
            case Entry():
                nodes = known.what.definition.draft().nodes
                return [known.first + i for i in sinks(nodes, (0, len(nodes)))]
            case None if self.around is not None:
                if self.around.waits_for(name) is None:
                    return None
                return self.drawing.awaited(self._around(name))
            case Path():  # it was refused
                return ()
            case _:
                return None

    def _around(self, name: str) -> Source:
        """What a name means further out."""
        names = self.around
        while names is not None and name not in names.known:
            names = names.around
        assert names is not None
        return names._named(name, repr(name), "")


def _part(source: Source, key: Key, type: Any) -> Source:
    expression = part_of(source.expression, key, type)
    return Source(source.drawing, expression, type, f"{source.label}{key}", source.span)


def key_of(type: Any, part: str) -> tuple[Key, Any]:
    """What a part of a reference means for a value of this type, and the part's own type. Raises `MissingPart`."""
    if part.startswith("__"):
        raise MissingPart(f"`.{part}` is the value's own, and can't be reached")
    key: Key = Item(int(part)) if part.isdecimal() else Item(part) if is_keyed(type) else Attribute(part)
    return key, type_at(type, key)


def type_at(type: Any, key: Key) -> Any:
    """The type of a part. Raises `MissingPart`."""
    return member_type(type, key.name) if isinstance(key, Attribute) else item_type(type, key.key)
