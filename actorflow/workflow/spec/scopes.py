"""Scopes as data: combinators with their bodies, and workflows that guards may skip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow.plan import (
    Around,
    Body,
    Call,
    Choose,
    ChooseFirst,
    Constant,
    Control,
    Draft,
    DraftNode,
    Each,
    Expression,
    Repeat,
)
from actorflow.workflow.definition import Definition
from actorflow.workflow.inlining import WithoutUndo
from actorflow.workflow.repeating import Pass
from actorflow.workflow.spec.arguments import Place
from actorflow.workflow.spec.literals import tell_literal
from actorflow.workflow.spec.steps import tell_function
from actorflow.workflow.spec.types import Untold

if TYPE_CHECKING:
    from actorflow.workflow.spec.telling import Telling


def tell_scope(telling: Telling, node: DraftNode, control: Control, place: Place) -> dict[str, Any]:
    given = node.arguments[0] if node.arguments else Constant(None)
    bodies = node.bodies
    match control:
        case Each():
            body = _body(telling, bodies[0], node, place)
            return {"each": {"items": place.tell(given), "body": body, **_each(telling, control)}}
        case Choose(cases, default):
            numbers = {case: _body(telling, bodies[number], node, place) for case, number in cases.items()}
            branches: list[dict[str, Any]] = [
                {"when": tell_literal(case, telling.registry), "body": body} for case, body in numbers.items()
            ]
            return {
                "choose": {"on": place.tell(given), "branches": branches, **_default(telling, default, node, place)}
            }
        case ChooseFirst(predicates, default):
            branches = [
                {"when": tell_function(predicate, telling.registry), "body": _body(telling, body, node, place)}
                for predicate, body in zip(predicates, bodies, strict=False)
            ]
            more = _default(telling, default, node, place)
            return {"choose_first": {"on": place.tell(given), "branches": branches, **more}}
        case Around(factory):
            made = tell_function(factory, telling.registry)
            return {"around": {"factory": made, "body": _body(telling, bodies[0], node, place)}}
        case Repeat():
            return {"repeat": _repeat(telling, control, bodies[0], node, given, place)}
        case Call():
            return _called(telling, node, bodies[0], place)
        case _:
            raise Untold(f"{node.spec.name!r} can't be told as data")


def _default(telling: Telling, number: int | None, node: DraftNode, place: Place) -> dict[str, Any]:
    return {} if number is None else {"default": _body(telling, node.bodies[number], node, place)}


def _body(telling: Telling, body: Body, node: DraftNode, place: Place) -> dict[str, Any]:
    assert body.draft is not None
    return telling.content(Place(body.draft, telling.registry, place, node, body))


def _each(telling: Telling, control: Each) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if control.limit != control.batch_size:
        told["concurrency"] = control.limit
    if not control.ordered:
        told["ordered"] = False
    if control.batch_size != 100:
        told["batch_size"] = control.batch_size
    if control.key is not None:
        told["key"] = tell_function(control.key, telling.registry)
    if control.collects:
        told["on_error"] = "collect"
    return told


def _repeat(
    telling: Telling, control: Repeat, body: Body, node: DraftNode, start: Expression, place: Place
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if body.draft is None:
        told |= _passes(telling, body)
    else:
        told["body"] = _body(telling, body, node, place)
    told["start"] = place.tell(start)
    if control.until is not None:
        told["until"] = tell_function(control.until, telling.registry)
    if control.at_most is not None:
        told["at_most"] = control.at_most
    if control.fails:
        told["exhausted"] = "fail"
    return told


def _passes(telling: Telling, body: Body) -> dict[str, Any]:
    """The workflow that a repeat makes its passes with."""
    compiled, undoable = body.compile, True
    while isinstance(compiled, WithoutUndo):
        compiled, undoable = compiled.compiled, False
    assert isinstance(compiled, Pass)
    name = _workflow_name(telling, compiled.workflow.definition)
    undoable = undoable and compiled.workflow.is_undoable
    return {"workflow": name} if undoable else {"workflow": name, "undoable": False}


def _called(telling: Telling, node: DraftNode, body: Body, place: Place) -> dict[str, Any]:
    """A group, or a composed workflow with guards."""
    draft = body.draft
    assert draft is not None
    if node.spec.name == "group" and not body.given:
        return {"group": {"body": _body(telling, body, node, place)}}
    for name, each in telling.registry.workflows.items():
        if each.name != node.spec.name:
            continue
        inner = each.definition.draft()
        if _are_alike(inner, draft):
            told = {"workflow": name, **telling.inputs(node.arguments, inner, place)}
            lacks = any(lacks_undo(one, plain) for one, plain in zip(draft.nodes, inner.nodes, strict=True))
            return {**told, "undoable": False} if lacks else told
    raise Untold(f"workflow {node.spec.name!r} isn't in the registry; give it to Registry(workflows=[…])")


def _workflow_name(telling: Telling, definition: Definition) -> str:
    name = telling.registry.name_of_workflow(definition)
    if name is None:
        raise Untold(f"workflow {definition.name!r} isn't in the registry; give it to Registry(workflows=[…])")
    return name


def _are_alike(one: Draft, other: Draft) -> bool:
    return [(node.name, node.spec.function) for node in one.nodes] == [
        (node.name, node.spec.function) for node in other.nodes
    ]


def lacks_undo(node: DraftNode, plain: DraftNode) -> bool:
    """Whether it's without an undo that the workflow's own has, in it or in its bodies."""
    if node.spec.undo is None and plain.spec.undo is not None:
        return True
    return any(_body_lacks_undo(one, other) for one, other in zip(node.bodies, plain.bodies, strict=True))


def _body_lacks_undo(body: Body, plain: Body) -> bool:
    if body.draft is None or plain.draft is None:
        return isinstance(body.compile, WithoutUndo) and not isinstance(plain.compile, WithoutUndo)
    return any(lacks_undo(one, other) for one, other in zip(body.draft.nodes, plain.draft.nodes, strict=True))
