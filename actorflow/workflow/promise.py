"""The result of a step, before the run that makes it.

Inside a `@workflow` function a step call gives a `Promise`. It can be passed to other steps, returned, put into containers, and its
attributes and items are promises too. Everything else asks for a value that isn't there yet, and is refused with the step's name and a way
out. A promise has no public names of its own, so that a field may have any name, and hashes by identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from actorflow.plan import Attribute, Expression, Item, Key, part_of
from actorflow.workflow.subpath import MissingPart, item_type, member_type

if TYPE_CHECKING:
    from actorflow.workflow.drawing import Drawing


class Source:
    """What stands behind a promise.

    `label` is how people read it (`reserve_seat.code`); `span` are the nodes that it stands for, first and one past the last, which is what
    `after=[promise]` waits for.
    """

    __slots__ = ("drawing", "expression", "label", "span", "type")

    def __init__(
        self, drawing: Drawing, expression: Expression, type: Any, label: str, span: tuple[int, int] = (0, 0)
    ) -> None:
        self.drawing = drawing
        self.expression = expression
        self.type = type
        self.label = label
        self.span = span


class Promise:
    """A value that a run will have. Use `source_of` to see what stands behind it."""

    __slots__ = ("__source",)

    def __init__(self, source: Source) -> None:
        object.__setattr__(self, "_Promise__source", source)

    def __repr__(self) -> str:
        source = source_of(self)
        return f"<promise of {source.label} in workflow {source.drawing.name!r}>"

    def __getattr__(self, name: str) -> Promise:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        source = source_of(self)
        return _part(source, Attribute(name), lambda: member_type(source.type, name))

    def __getitem__(self, key: Any) -> Promise:
        source = source_of(self)
        if isinstance(key, slice):
            refuse(source, f"`{source.label}[…:…]` takes a slice", "transform(promise, function)")
        if is_promise(key):
            refuse(source, f"`{source.label}[{source_of(key).label}]` looks something up", "a step that takes both")
        return _part(source, Item(key), lambda: item_type(source.type, key))

    def __copy__(self) -> Promise:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Promise:
        return self

    __hash__ = object.__hash__


def source_of(promise: Promise) -> Source:
    """What stands behind a promise."""
    source: Source = object.__getattribute__(promise, "_Promise__source")
    return source


def is_promise(value: object) -> bool:
    """Whether a value is a promise, without asking the value."""
    return type(value) is Promise


def _part(source: Source, key: Key, type_of: Callable[[], Any]) -> Promise:
    label = f"{source.label}{key}"
    try:
        type = type_of()
    except MissingPart as missing:
        source.drawing.refuse(f"{source.label}: {missing}")
    return Promise(Source(source.drawing, part_of(source.expression, key, type), type, label, source.span))


# ── what a promise can't mean ─────────────────────────────────────────────────────────────────────────────────────────


def refuse(source: Source, what: str, instead: str) -> NoReturn:
    """Refuses a use of a promise: remembered in its drawing, and raised."""
    source.drawing.refuse(f"{what}, a value that isn't there yet while the workflow is drawn. Use {instead}")


_BRANCH = "choose or choose_first, where= on a step, or transform(promise, function), or decide inside a step"
_COMPUTE = "transform(promise, function), or a step that computes it"
_ITERATE = "each(promise, body), promise[index] for one item, or pass the whole of it to a step"
_FORMAT = "transform(promise, function), or format it inside a step"
_CHANGE = "a step that returns a changed copy: values are shared, and don't change"
_METHOD = "transform(promise, lambda value: value.method(…))"

_REFUSED: dict[str, tuple[str, str]] = {
    "__bool__": ("`if {0}` (or `not`, `and`, `or`, `while`) asks for {0}", _BRANCH),
    "__eq__": ("`{0} == …` compares {0}", _BRANCH),
    "__ne__": ("`{0} != …` compares {0}", _BRANCH),
    "__iter__": ("iterating or unpacking `{0}` asks for {0}", _ITERATE),
    "__next__": ("`next({0})` asks for {0}", _ITERATE),
    "__reversed__": ("`reversed({0})` asks for {0}", _ITERATE),
    "__contains__": ("`… in {0}` asks for {0}", _BRANCH),
    "__len__": ("`len({0})` asks for {0}", "transform(promise, len)"),
    "__str__": ("`str`, `print` or `%s` of {0} asks for it", _FORMAT),
    "__format__": ("an f-string or `format` of {0} asks for it", _FORMAT),
    "__bytes__": ("`bytes({0})` asks for {0}", _COMPUTE),
    "__fspath__": ("a path made of {0} asks for it", _COMPUTE),
    "__await__": ("`await {0}` waits for {0}", "the promise as it is: a workflow is an ordinary `def`, and draws"),
    "__aiter__": ("`async for … in {0}` asks for {0}", _ITERATE),
    "__anext__": ("`anext({0})` asks for {0}", _ITERATE),
    "__enter__": ("`with {0}` enters {0}", "around(factory, body), or `with` inside a step"),
    "__exit__": ("`with {0}` leaves {0}", "around(factory, body), or `with` inside a step"),
    "__aenter__": ("`async with {0}` enters {0}", "around(factory, body), or `async with` inside a step"),
    "__aexit__": ("`async with {0}` leaves {0}", "around(factory, body), or `async with` inside a step"),
    "__call__": ("`{0}(…)` calls (a method of) {0}", _METHOD),
    "__setattr__": ("assigning an attribute of {0} changes it", _CHANGE),
    "__delattr__": ("deleting an attribute of {0} changes it", _CHANGE),
    "__setitem__": ("assigning an item of {0} changes it", _CHANGE),
    "__delitem__": ("deleting an item of {0} changes it", _CHANGE),
    "__reduce_ex__": ("pickling {0} asks for it", "the promise only inside of its workflow"),
    "__instancecheck__": ("`isinstance(…, {0})` asks for {0}", _BRANCH),
    "__subclasscheck__": ("`issubclass(…, {0})` asks for {0}", _BRANCH),
}
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_COMPUTED = {
    "add": "+", "sub": "-", "mul": "*", "matmul": "@", "truediv": "/", "floordiv": "//", "mod": "%", "divmod": "divmod",
    "pow": "**", "lshift": "<<", "rshift": ">>", "and": "&", "or": "|", "xor": "^",
}  # fmt: skip
_CONVERTED = ("int", "float", "complex", "index", "round", "trunc", "floor", "ceil", "neg", "pos", "abs", "invert")


def _fill_in() -> None:
    for name, sign in _COMPARED.items():
        _REFUSED[f"__{name}__"] = (f"`{{0}} {sign} …` (or `sorted`, `min`, `max`) compares {{0}}", _BRANCH)
    for name, sign in _COMPUTED.items():
        for side in ("", "r", "i"):
            if (side, name) != ("i", "divmod"):
                _REFUSED[f"__{side}{name}__"] = (f"`{sign}` with {{0}} computes with it", _COMPUTE)
    for name in _CONVERTED:
        _REFUSED[f"__{name}__"] = (f"`{name}` of {{0}} computes with it (int, range and indexes do)", _COMPUTE)


def _refusal(what: str, instead: str) -> Callable[..., NoReturn]:
    def refused(self: Promise, *_args: object, **_kwargs: object) -> NoReturn:
        source = source_of(self)
        refuse(source, what.format(source.label), instead)

    return refused


_fill_in()
for _name, (_what, _instead) in _REFUSED.items():
    setattr(Promise, _name, _refusal(_what, _instead))
