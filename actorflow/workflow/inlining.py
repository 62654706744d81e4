"""What becomes of a workflow's nodes when it is called inside another workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from actorflow.plan import Body, Draft, DraftNode, Expression, Plan, StepSpec, compile_draft, moved, nodes_in


def inlined(
    draft: Draft, name: str, base: int, arguments: Sequence[Expression], after: tuple[int, ...], *, undoable: bool
) -> Iterator[DraftNode]:
    """The nodes of a draft as they read in another one, from number `base` on.

    `after` holds back those that wait for none of their own: the others wait for these.
    """
    specs: dict[int, StepSpec] = {}
    for node in draft.nodes:
        spec = node.spec if undoable else _without_undo(node.spec, specs)
        given = tuple(moved(argument, base, arguments) for argument in node.arguments)
        waits = tuple(base + i for i in node.after) if _needs(node) else after
        taken = tuple(moved(capture, base, arguments) for capture in node.captures)
        bodies = node.bodies if undoable else tuple(_body_without_undo(body) for body in node.bodies)
        yield DraftNode(f"{name}.{node.name}", spec, given, node.keywords, waits, node.keep, node.line, bodies, taken)


def _needs(node: DraftNode) -> bool:
    return bool(node.after) or any(True for argument in node.arguments for _ in nodes_in(argument))


def _without_undo(spec: StepSpec, known: dict[int, StepSpec]) -> StepSpec:
    """The step as it is where nothing is to be undone; one copy for all nodes that share it."""
    if spec.lasts:
        return spec
    if id(spec) not in known:
        known[id(spec)] = replace(spec, undo=None, lasts=True)
    return known[id(spec)]


def _body_without_undo(body: Body) -> Body:
    if body.draft is None:
        compiled = body.compile
        assert compiled is not None
        return replace(body, compile=WithoutUndo(compiled))
    return replace(body, draft=without_undo(body.draft))


class WithoutUndo:
    """Compiles a workflow as it is where nothing is to be undone."""

    def __init__(self, compiled: Callable[[], Plan]) -> None:
        self.compiled = compiled

    def __call__(self) -> Plan:
        return compile_draft(without_undo(self.compiled().draft))


def without_undo(draft: Draft) -> Draft:
    """The draft as it is where nothing is to be undone."""
    specs: dict[int, StepSpec] = {}
    nodes = [
        replace(node, spec=_without_undo(node.spec, specs), bodies=tuple(map(_body_without_undo, node.bodies)))
        for node in draft.nodes
    ]
    return replace(draft, nodes=nodes)


def sinks(nodes: Sequence[DraftNode], span: tuple[int, int]) -> list[int]:
    """Of nodes `span[0]` up to `span[1]` those that none of the others waits for: when they are resolved, all are.

    A scope may be done without ever having needed what its bodies capture.
    """
    first, end = span
    if end - first <= 1:
        return list(range(first, end))
    inside = set(range(first, end))
    for i in range(first, end):
        node = nodes[i]
        inside.difference_update(node.after)
        for argument in node.arguments:
            inside.difference_update(nodes_in(argument))
    return sorted(inside)
