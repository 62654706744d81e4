"""Draws a workflow that is written as a function: calls it once, with promises, and reads its source (R4)."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import InvalidWorkflow, describe
from actorflow.workflow.definition import Drawn, FunctionDefinition
from actorflow.workflow.drawing import Drawing, current_drawing, drawing_of
from actorflow.workflow.lines import line_of
from actorflow.workflow.misuse import line_of_error, misuse_in
from actorflow.workflow.source import scan


def trace(definition: FunctionDefinition) -> Drawn:
    """The draft, and what is wrong with it. Raises `InvalidWorkflow` if the function couldn't be called to its end."""
    drawing = Drawing(definition.name, definition, current_drawing())
    draft = drawing.draft
    draft.line, draft.description = line_of(definition.function), definition.description
    draft.middleware = definition.middleware
    draft.return_type = definition.hints().get("return", Any)
    promises = drawing.inputs(definition.inputs())
    try:
        with drawing_of(drawing):
            _draw(definition, drawing, promises)
    except InvalidWorkflow:
        if not drawing.problems:
            raise
    found = scan(definition.function)
    draft.notes.extend(found.notes)
    read = [problem for problem in found.problems if problem not in drawing.problems]
    return Drawn(draft, [*drawing.problems, *read], drawing.handlers.values())


def _draw(definition: FunctionDefinition, drawing: Drawing, promises: list[Any]) -> None:
    args, kwargs = _as_called(definition.signature, promises)
    try:
        returned = definition.function(*args, **kwargs)
    except InvalidWorkflow:
        raise
    except Exception as error:
        line = line_of(definition.function)
        error.add_note(f"this happened while workflow {drawing.name!r} was being drawn ({line})")
        misuse = misuse_in(error)
        if not drawing.problems and misuse is None:
            raise
        drawing.problem(misuse or describe(error), line_of_error(error))
        raise InvalidWorkflow(drawing.name, drawing.problems) from error
    drawing.draft.result = drawing.expression(returned, "the returned value")
    drawing.draft.returned = True


def _as_called(signature: Signature, promises: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter, promise in zip(signature.parameters.values(), promises, strict=True):
        if parameter.kind is Parameter.KEYWORD_ONLY:
            kwargs[parameter.name] = promise
        else:
            args.append(promise)
    return args, kwargs
