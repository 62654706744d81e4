"""A workflow called inside another one: all its nodes become nodes of that one (R5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

from msgspec.structs import replace

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.plan import Body, Call, Composed, Draft, GuardSpec, InputSpec
from actorflow.workflow.bodies import Scope
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.drawing import Drawing, current_drawing
from actorflow.workflow.inlining import without_undo
from actorflow.workflow.inputs import bind_values
from actorflow.workflow.lines import users_line
from actorflow.workflow.options import Placement
from actorflow.workflow.promise import source_of
from actorflow.workflow.workflow import Workflow


def draw_workflow_call(workflow: Workflow[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Draws the workflow's nodes, and gives the promise of its result.

    Raises `InvalidState` outside of a workflow that is being drawn.
    """
    drawing = current_drawing()
    if drawing is None:
        raise InvalidState(
            f"workflow {workflow.name!r} was called outside of a workflow\n"
            f"To run it: await runtime.run({workflow.name}, …). Called inside another @workflow function it becomes a part of that."
        )
    draft = _draft_within(drawing, workflow)
    if workflow.guards:
        return _guarded(workflow, draft, args, kwargs)
    placement = workflow.placement
    name = drawing.name_for(workflow.name, placement.name, users_line())
    what = f"workflow {name!r}"
    values = bind_values(drawing, draft.inputs, workflow.definition.signature, args, kwargs, what)
    after = drawing.waits(placement.after, what) if placement.after else ()
    promise = drawing.inline(draft, name, values, after, undoable=workflow.is_undoable)
    source = source_of(promise)
    called = Composed(name, workflow.definition, source.span[0], len(draft.nodes), tuple(values), source.expression)
    drawing.draft.composed.append(called)
    return promise


def _guarded(workflow: Workflow[..., Any], draft: Draft, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A workflow that guards may skip is the one body of a scope, which is given its inputs."""
    scope = Scope(Guarded(workflow.name, workflow.placement, workflow.guards))
    takes, keywords = _as_given(workflow.definition.signature, draft.inputs)
    what = f"workflow {scope.name!r}"
    values = bind_values(scope.drawing, draft.inputs, workflow.definition.signature, args, kwargs, what)
    inner = draft if workflow.is_undoable else without_undo(draft)
    body = Body("", replace(inner, is_body=True, name=scope.name), len(draft.inputs))
    return scope.open(Call(), (body,), draft.return_type, takes, values, keywords)


class Guarded(Combinator):
    """A composed workflow that has guards, as the combinator that it is: its word is its name."""

    def __init__(self, word: str, placement: Placement, guards: tuple[GuardSpec, ...]) -> None:
        self.word = word
        super().__init__(placement, guards)


def _as_given(signature: Signature, inputs: Sequence[InputSpec]) -> tuple[Signature, tuple[str, ...]]:
    """How guards are given the inputs, which come in their own order: as the signature says if that's its order, else all by name."""
    names = [spec.name for spec in inputs]
    parameters = [signature.parameters[name] for name in names]
    if names != list(signature.parameters):
        parameters = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
    keywords = tuple(parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY)
    return Signature(parameters), keywords


def _draft_within(drawing: Drawing, workflow: Workflow[..., Any]) -> Draft:
    """The workflow's draft. Its problems are those of the outer workflow too."""
    path = _path_to(drawing, workflow.definition)
    if path:
        drawing.refuse(
            f"a workflow contains itself: {' → '.join([*path, workflow.name])}; "
            f"it can through repeat({workflow.name}, …), which makes one pass after the other"
        )
    try:
        return workflow.definition.draft()
    except InvalidWorkflow as error:
        drawing.problems.extend(f"workflow {workflow.name!r}: {problem}" for problem in error.problems)
        raise


def _path_to(drawing: Drawing | None, definition: object) -> list[str]:
    """The names of the workflows being drawn from `definition` inwards; empty if it isn't being drawn."""
    path: list[str] = []
    while drawing is not None:
        if not drawing.is_body:
            path.insert(0, drawing.name)
        if drawing.owner is definition:
            return path
        drawing = drawing.outer
    return []
