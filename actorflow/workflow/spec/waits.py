"""Waits, told as data."""

from __future__ import annotations

from typing import Any

from actorflow.plan import DraftNode, WaitSpec
from actorflow.workflow.spec.arguments import Place
from actorflow.workflow.spec.types import tell_type


def tell_wait(node: DraftNode, wait: WaitSpec, place: Place) -> dict[str, Any]:
    """A `sleep`, `sleep_until`, `wait_for_signal` or `approval`. Raises `Untold`."""
    told: dict[str, Any] = {name: place.tell(value) for name, value in zip(wait.given, node.arguments, strict=True)}
    match wait.kind:
        case "signal":
            kind = tell_type(wait.takes, place.registry)
            return {"wait_for_signal": {"signal": wait.signal, "type": kind, **told}}
        case "approval":
            return {"approval": {**told, **({"reject": "fail"} if wait.fails else {})}}
        case _:
            return {wait.kind: told}
