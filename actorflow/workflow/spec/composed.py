"""Which of the workflows that were called can be told as calls: those that the host allows, and of which nothing but the result is used.

The nodes of the others are told one by one, under their names (`book.seat`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from actorflow.plan import Collected, Composed, Constant, Draft, DraftNode, Expression, Key, NodeValue, Path, nodes_in
from actorflow.workflow.inlining import sinks
from actorflow.workflow.spec.registry import Registry


class Calls:
    """The calls of a draft that stay calls."""

    def __init__(self, draft: Draft, registry: Registry) -> None:
        self._draft = draft
        self._of: dict[int, Composed] = {}
        self.all: Sequence[Composed] = ()
        self._handing_on: Sequence[Composed] = ()
        known = [each for each in draft.composed if registry.name_of_workflow(each.definition)]
        self._keep(known)
        while refused := [each for each in known if not self._is_whole(each)]:
            known = [each for each in known if each not in refused]
            self._keep(known)
        self.all = known
        self._handing_on = known

    def _keep(self, calls: Sequence[Composed]) -> None:
        self._of = {node: each for each in calls for node in range(each.first, each.first + each.count)}

    def of(self, node: int) -> Composed | None:
        """The call that a node belongs to."""
        return self._of.get(node)

    def within(self, expression: Expression) -> tuple[Composed, tuple[Key, ...]] | None:
        """The call whose result, or a part of it, an expression is."""
        for node in nodes_in(expression)[:1]:
            call = self._of.get(node)
            keys = None if call is None else matched(expression, call.result)
            if call is not None and keys is not None:
                return call, keys
        if not isinstance(expression, Collected):
            return None
        return next(((call, ()) for call in self._handing_on if call.result is expression), None)

    @contextmanager
    def before_only(self, call: Composed) -> Generator[None]:
        """What a call is given isn't told as its own result, though it may hand on that very container."""
        self._handing_on = self.all[: self.all.index(call)]
        try:
            yield
        finally:
            self._handing_on = self.all

    def before(self, node: int) -> Iterator[Composed]:
        """The calls that stand before a node: one that begins with it, and those without nodes of their own."""
        for call in self.all:
            if call.first == node:
                yield call

    def waits_of(self, call: Composed) -> tuple[int, ...]:
        """What all of it waits for: those of its nodes that wait for none of the others do."""
        return next((node.after for node in self._roots(call)), ())

    # ── whether a call can stay one ──

    def _is_whole(self, call: Composed) -> bool:
        if not call.count:
            return True
        inside = range(call.first, call.first + call.count)
        roots = list(self._roots(call))
        if any(node.after != roots[0].after for node in roots):
            return False
        last = set(sinks(self._draft.nodes, (call.first, call.first + call.count)))
        if any(set(node.after) & set(inside) and not last <= set(node.after) for node in self._outside(call)):
            return False
        return all(self._is_told(expression, inside) for expression in self._expressions(call))

    def _roots(self, call: Composed) -> Iterator[DraftNode]:
        inside = range(call.first, call.first + call.count)
        for i, plain in zip(inside, call.definition.draft().nodes, strict=True):
            if not plain.after and not any(True for argument in plain.arguments for _ in nodes_in(argument)):
                yield self._draft.nodes[i]

    def _outside(self, call: Composed) -> Iterator[DraftNode]:
        """The nodes that may wait for it: those that are told one by one, and the first ones of other calls."""
        for i, node in enumerate(self._draft.nodes):
            if self._of.get(i) is None:
                yield node
        for other in {id(each): each for each in self._of.values()}.values():
            if other is not call:
                yield from self._roots(other)

    def _expressions(self, call: Composed) -> Iterator[Expression]:
        """All that could use its nodes from outside."""
        for i, node in enumerate(self._draft.nodes):
            if self._of.get(i) is None:
                yield from node.arguments
                yield from node.captures
        for other in {id(each): each for each in self._of.values()}.values():
            yield from other.inputs
        yield self._draft.result

    def _is_told(self, expression: Expression, inside: range) -> bool:
        """Whether what an expression uses of a call can be told as its result."""
        if not any(node in inside for node in nodes_in(expression)) or self.within(expression) is not None:
            return True
        match expression:
            case Collected(items=items):
                return all(self._is_told(item, inside) for item in items)
            case Path(root=Collected() as root):
                return self._is_told(root, inside)
            case _:
                return False


def matched(expression: Expression, whole: Expression) -> tuple[Key, ...] | None:
    """The way from a value to a part of it, if an expression is one."""
    if is_same(expression, whole):
        return ()
    if isinstance(expression, Path):
        if is_same(expression.root, whole):
            return expression.keys
        if isinstance(whole, Path) and is_same(expression.root, whole.root):
            count = len(whole.keys)
            return expression.keys[count:] if expression.keys[:count] == whole.keys else None
    if isinstance(whole, Collected):
        for key, item in zip(whole.keys, whole.items, strict=True):
            if nodes_in(item) and (rest := matched(expression, item)) is not None:
                return (key, *rest)
    return None


def is_same(one: Expression, other: Expression) -> bool:
    """Whether two expressions give the same."""
    if one is other:
        return True
    match one, other:
        case Constant(value), Constant(another):
            return value is another
        case Path(), Path():
            return one.keys == other.keys and is_same(one.root, other.root)
        case Collected(), Collected():
            return (one.shape, one.keys) == (other.shape, other.keys) and all(
                is_same(a, b) for a, b in zip(one.items, other.items, strict=True)
            )
        case NodeValue(node), NodeValue(another):
            return node == another
        case _:
            return type(one) is type(other) and not isinstance(one, (Constant, Path, Collected)) and one == other
