"""Which step stood at each node when a run was started, in four bytes a node: whether a plan that has changed since still fits (R51)."""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING

from actorflow.runtime.known import plans_in

if TYPE_CHECKING:
    from actorflow.plan import Plan, StepSpec
    from actorflow.runtime.row import Row

SIZE = 4


class Marks:
    """Those of a run's plan, and of all bodies that were drawn with it. Of what was compiled later nothing is known."""

    def __init__(self, data: bytes, plan: Plan) -> None:
        self.known = frozenset(data[at : at + SIZE] for at in range(0, len(data), SIZE))
        self.drawn = frozenset(plans_in(plan))

    def misfit(self, row: Row, node: int) -> str:
        """Why the node isn't what it was; empty if it is. An undo may have been added, but not taken away."""
        launch, local, _ = row.at(node)
        if not self.known or launch.plan not in self.drawn:
            return ""
        name, step = launch.plan.names[local], launch.steps[local]
        if mark(name, step, has_undo=step.undo is not None) in self.known:
            return ""
        if mark(name, step, has_undo=False) in self.known:
            return ""
        if step.undo is None and mark(name, step, has_undo=True) in self.known:
            return f"step {row.name(node)!r} had an undo, and has none now"
        return f"{row.name(node)!r} is another step now: {step.name!r}"


def mark(name: str, step: StepSpec, *, has_undo: bool) -> bytes:
    text = f"{name}\0{step.name}\0{has_undo}"
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def marks_of(plan: Plan) -> bytes:
    known: bytes | None = plan.memo.get(Marks)
    if known is None:
        known = plan.memo[Marks] = b"".join(
            mark(name, step, has_undo=step.undo is not None)
            for inner in plans_in(plan)
            for name, step in zip(inner.names, inner.steps, strict=True)
        )
    return known
