"""Steps that a running step adds to its own run (R8).

Steps, workflows and combinators that are called inside a running step draw into an emission of its attempt. What was given to `emit` becomes a
part of the run when the attempt succeeds; with the attempt that fails, it's gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.facts import StepsEmitted, StepSucceeded
from actorflow.plan import NodeValue, Plan, compile_draft, nodes_of
from actorflow.runtime.here import HERE
from actorflow.runtime.running import StepContext
from actorflow.workflow import Drawing, draws_emissions

if TYPE_CHECKING:
    from actorflow.runtime.row import Row


class Emission(Drawing):
    """What one attempt has drawn. A node that is given the step's own name stands for the step."""

    def __init__(self, name: str, own_name: str) -> None:
        super().__init__(name)
        self.own_name = own_name
        self.replacing: str | None = None

    def name_for(self, base: str, explicit: str | None, line: str) -> str:
        if explicit == self.own_name:
            self.replacing = explicit
        return super().name_for(base, explicit, line)


def emission_here() -> Drawing | None:
    """The emission of the attempt that is running here; None where no step's own code runs."""
    here = HERE.get(None)
    if here is None:
        return None
    _, row, node, number, phase = here
    if phase:
        return None
    if row.emissions is None:
        row.emissions = {}
    emission = row.emissions.get((node, number))
    if emission is None:
        emission = row.emissions[node, number] = Emission(row.name(node), StepContext(here).name)
    return emission


def succeeded(row: Row, node: int, number: int, at: float, value: Any, began: float) -> StepSucceeded:
    """The fact of an attempt that has returned. Raises `InvalidState` if it called steps and didn't emit them."""
    emission = row.emissions.pop((node, number), None) if row.emissions else None
    if emission is None:
        return StepSucceeded(row.id, node, number, at, value, began)
    check_all_emitted(emission)
    try:
        plan, replacing = planned(emission)
    except InvalidWorkflow as problem:
        return StepsEmitted(row.id, node, number, at, value, began, problem=problem)
    return StepsEmitted(row.id, node, number, at, value, began, plan, replacing)


def planned(emission: Emission) -> tuple[Plan, int | None]:
    """The plan of what was emitted, and the node of it that stands for the step. Raises `InvalidWorkflow`."""
    draft = emission.draft
    draft.is_body = draft.returned = True
    names = [node.name for node in draft.nodes]
    replacing = names.index(emission.replacing) if emission.replacing in names else None
    if replacing is not None:
        draft.result = NodeValue(replacing)
    return compile_draft(draft, emission.problems), replacing


def check_all_emitted(emission: Emission) -> None:
    """Each node was emitted, or is needed by one that was."""
    nodes = emission.draft.nodes
    reached: set[int] = set()
    waiting = list(emission.emitted)
    while waiting:
        number = waiting.pop()
        if number not in reached:
            reached.add(number)
            node = nodes[number]
            waiting += [*nodes_of(node.arguments), *nodes_of(node.captures), *node.after]
    lost = next((node for number, node in enumerate(nodes) if number not in reached), None)
    if lost is not None:
        where = f" ({lost.line})" if lost.line else ""
        raise InvalidState(
            f"{lost.name!r} was called inside the running step {emission.name!r}{where}, and not emitted"
            f"\nAdd it to the run with emit({lost.name}(…)), or call its function with {lost.name}.run(…)."
        )


draws_emissions(emission_here)
