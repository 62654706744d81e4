"""A digest of all in a workflow that a stored run depends on: names, steps, edges, defaults, types."""

from __future__ import annotations

from hashlib import sha256
from inspect import Parameter
from typing import Any, Protocol

from actorflow.plan.control import Choose, ChooseFirst, Control, Each
from actorflow.plan.draft import Draft, DraftNode
from actorflow.plan.expression import Collected, Constant, Expression, InputValue, NodeValue, Path, shape_of
from actorflow.plan.spec import StepSpec


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def fingerprint(draft: Draft) -> str:
    """The same for the same workflow in every process; another one after a change that a stored run would notice."""
    digest = sha256()
    _feed(digest, draft)
    return digest.hexdigest()


def _feed(digest: Digest, draft: Draft) -> None:
    for text in _head(draft):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    steps: dict[int, str] = {}
    for node in draft.nodes:
        key = id(node.spec)
        if key not in steps:
            steps[key] = _step(node.spec)
        arguments = "\t".join(map(_source, node.arguments))
        line = f"{node.name}\t{steps[key]}\t{arguments}\t{node.keywords or ''}\t{node.after or ''}\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
        if node.spec.control is not None:
            _feed_scope(digest, node, node.spec.control)
    digest.update(_source(draft.result).encode("utf-8", "surrogatepass"))


def _feed_scope(digest: Digest, node: DraftNode, control: Control) -> None:
    """Its kind, its captures, and its bodies; one that is compiled when it is needed is known by its key alone."""
    head = f"{type(control).__name__}\t{_options(control)}\t{' '.join(map(_source, node.captures))}\n"
    digest.update(head.encode("utf-8", "surrogatepass"))
    for body in node.bodies:
        digest.update(f"{body.key}\t{body.given}\t{body.takes}\n".encode("utf-8", "surrogatepass"))
        if body.draft is not None:
            _feed(digest, body.draft)


def _options(control: Control) -> str:
    """How many bodies may be under way doesn't change what a run was; which one is taken does."""
    match control:
        case Choose(cases, default):
            return f"{[_default(case) for case in cases]} {default}"
        case ChooseFirst(predicates, default):
            return f"{len(predicates)} {default}"
        case Each(ordered=ordered, collects=collects):
            return f"{ordered} {collects}"
        case _:
            return ""


def _head(draft: Draft) -> list[str]:
    """A body's inputs have no names of their own, and the types of what they stand for."""
    if draft.is_body:
        return [str(len(draft.inputs))]
    inputs = [f"{spec.name}: {_type(spec.type)} = {_default(spec.default)}" for spec in draft.inputs]
    return [draft.name, *inputs, _type(draft.return_type)]


def _step(spec: StepSpec) -> str:
    function = spec.function
    where = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    arguments = ", ".join(f"{name}: {_type(type)}" for name, type in spec.arguments)
    defaults = ", ".join(f"{p.name}={_default(p.default)}" for p in spec.signature.parameters.values())
    handlers = f"{spec.undo is not None} {spec.compensate is not None} {spec.irreversible}"
    if spec.wait is not None:
        handlers = f"{spec.wait.kind} {spec.wait.given} {spec.wait.signal!r} {_type(spec.wait.takes)} {spec.wait.fails}"
    return f"{spec.name} {where}({arguments})({defaults}) -> {_type(spec.returns)} {handlers}"


def _source(expression: Expression) -> str:
    match expression:
        case NodeValue(node):
            return f"n{node}"
        case InputValue(index):
            return f"i{index}"
        case Constant(value):
            return f"={_default(value)}"
        case Path(root=root, keys=keys):
            return _source(root) + "".join(map(str, keys))
        case Collected(shape=shape, keys=keys, items=items):
            inside = ", ".join(f"{key}: {_source(item)}" for key, item in zip(keys, items, strict=True))
            return f"{shape.__qualname__}{{{inside}}}"


def _default(value: Any) -> str:
    """A value as text that is the same in every process: no addresses, no order of a set."""
    if value is Parameter.empty:
        return "-"
    if isinstance(value, (set, frozenset)):
        members: list[str] = sorted(_default(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
        return f"{{{', '.join(members)}}}"
    kind = shape_of(value)
    repr_of: Any = kind.__repr__
    if repr_of is object.__repr__ or callable(value):
        return f"<{kind.__qualname__} {getattr(value, '__qualname__', '')}>"
    return repr(value)


def _type(annotation: Any) -> str:
    """An annotation as a reader writes it: `int`, `list[trips.Seat]`, `str | None`."""
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
        return annotation.__qualname__ if annotation.__module__ == "builtins" else _qualified(annotation)
    return str(annotation).replace("typing.", "")


def _qualified(annotation: type) -> str:
    return f"{annotation.__module__}.{annotation.__qualname__}"
