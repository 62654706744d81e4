"""`actorflow graph`: a workflow's plan as text, Mermaid or DOT."""

from __future__ import annotations

from typing import Literal, TypeAlias

from actorflow.plan import Plan

Drawing: TypeAlias = Literal["text", "mermaid", "dot"]


def drawn(plan: Plan, form: Drawing, *, expand: bool) -> str:
    """The plan; `expand` shows what is inside of combinators and composed workflows."""
    match form:
        case "text":
            text = plan.text(expand=expand)
        case "mermaid":
            text = plan.mermaid(expand=expand)
        case "dot":
            text = plan.dot(expand=expand)
    return text.rstrip("\n")
