"""Plans with scopes in them, drawn by hand."""

from __future__ import annotations

from inspect import Parameter
from typing import Any

from actorflow.plan import Around, Body, Control, Draft, DraftNode, InputSpec, NodeValue, Plan, StepSpec, compile_draft
from tests.engine.drive import step
from tests.simulation.plans import nothing


def draft_of(*nodes: DraftNode) -> Draft:
    return Draft("drawn", (), list(nodes), NodeValue(0), True, Any, is_body=True)


def with_a_body(name: str, body: Body, control: Control) -> DraftNode:
    spec = step()
    return DraftNode(
        name, type(spec)(name, spec.function, spec.signature, "scope", Any, control=control), (), bodies=(body,)
    )


def around(*steps: StepSpec) -> Plan:
    """An around, with these in it."""
    draft = draft_of(*(DraftNode(f"n{place}", one, ()) for place, one in enumerate(steps)))
    draft.inputs = (InputSpec("tool", Any, Parameter.empty),)
    body = Body("", draft, 1)
    return compile_draft(draft_of(with_a_body("around", body, Around(nothing)), DraftNode("outside", step(), ())))
