"""A workflow called inside another one: all its nodes become nodes of that one (R5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.plan import Draft
from actorflow.workflow.drawing import Drawing, current_drawing
from actorflow.workflow.inputs import bind_values
from actorflow.workflow.lines import users_line
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
    line = users_line()
    draft = _draft_within(drawing, workflow)
    placement = workflow.placement
    name = drawing.name_for(workflow.name, placement.name, line)
    what = f"workflow {name!r}"
    values = bind_values(drawing, draft.inputs, workflow.definition.signature, args, kwargs, what)
    after = drawing.waits(placement.after, what) if placement.after else ()
    return drawing.inline(draft, name, values, after, undoable=workflow.is_undoable)


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
