"""`group`: three parts in one body, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from actorflow.plan import Call, DraftNode, nodes_of
from actorflow.workflow.bodies import Scope
from actorflow.workflow.calls import takes_named
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.drawing import current_drawing
from actorflow.workflow.fitting import body_misfit, drawn_signature
from actorflow.workflow.inlining import sinks
from actorflow.workflow.promise import is_promise
from actorflow.workflow.signatures import takes_call


def draw_group(combinator: Combinator, body: Any, before: Any, after: Any) -> Any:
    """Draws all three into one body, and gives the promise of what the middle one gives."""
    scope = Scope(combinator)
    before, after = (None if part is UNSET else part for part in (before, after))
    wants_result = after is not None and not _can_do_without(after)
    for role, part in (("before", before), ("its body", body), ("after", after)):
        given = "the result of the body" if role == "after" and wants_result else ""
        misfit = body_misfit(part, given, role) if part is not None or role == "its body" else None
        if misfit:
            scope.problem(misfit)
    if scope.is_wrong:
        return scope.nothing()
    drawn = scope.body("", lambda: _draw(body, before, after, wants_result=wants_result))
    assert drawn.draft is not None
    return scope.open(Call(), (drawn,), drawn.draft.return_type, takes_named(), ())


def _can_do_without(after: Any) -> bool:
    """Whether it can be called without the result of the body."""
    signature = None if is_promise(after) or not callable(after) else drawn_signature(after)
    return signature is None or takes_call(signature, 0)


def _draw(body: Any, before: Any, after: Any, *, wants_result: bool) -> Any:
    drawing = current_drawing()
    assert drawing is not None
    nodes = drawing.draft.nodes
    if before is not None:
        before()
    first = len(nodes)
    result = body()
    _wait(nodes, first)
    last = len(nodes)
    if after is not None:
        after(result) if wants_result else after()
        _wait(nodes, last)
    return result


def _wait(nodes: Sequence[DraftNode], first: int) -> None:
    """Holds back the nodes from `first` on until all earlier ones have ended: those that wait for none of their own wait for these."""
    gate = tuple(sinks(nodes, (0, first)))
    for node in nodes[first:]:
        if gate and all(needed < first for needed in (*nodes_of(node.arguments), *node.after)):
            node.after = tuple(dict.fromkeys((*node.after, *gate)))
