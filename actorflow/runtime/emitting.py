"""Steps that a running step adds to its own run (R8).

Steps, workflows and combinators that are called inside a running step draw into an emission of its attempt. What was given to `emit` becomes a
part of the run when the attempt succeeds; with the attempt that fails, it's gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.facts import AttemptFailed, StepFact, StepHalted, StepsEmitted, StepSucceeded
from actorflow.plan import Draft, DraftNode, Expression, NodeValue, Plan, compile_draft, moved, nodes_of
from actorflow.runtime.here import HERE
from actorflow.runtime.running import StepContext
from actorflow.workflow import Drawing, draws_emissions, without_undo

if TYPE_CHECKING:
    from actorflow.runtime.row import Row


class Emission(Drawing):
    """What one attempt has drawn. What is given the step's own name stands for the step; `stand_in` is what that is called: `fetch[2]`."""

    def __init__(self, name: str, own_name: str, number: int) -> None:
        super().__init__(name)
        self.own_name = own_name
        self.stand_in = f"{own_name}[{number}]"
        self.replaces = False

    def name_for(self, base: str, explicit: str | None, line: str) -> str:
        if explicit != self.own_name:
            return super().name_for(base, explicit, line)
        if self.replaces:
            self.problem(
                f"two nodes are named {explicit!r}, as the step that emits them is; one can stand for it", line
            )
        self.replaces = True
        return self.stand_in

    def place(self, node: DraftNode) -> Any:
        """The step's result is what stands for it gives: a step, a combinator, or a whole workflow."""
        if node.name == self.stand_in:
            self.draft.result = NodeValue(len(self.draft.nodes))
        return super().place(node)

    def inline(
        self, draft: Draft, name: str, arguments: Sequence[Expression], after: tuple[int, ...], *, undoable: bool
    ) -> Any:
        if name == self.stand_in:
            self.draft.result = moved(draft.result, len(self.draft.nodes), arguments)
        return super().inline(draft, name, arguments, after, undoable=undoable)


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
        emission = Emission(row.name(node), StepContext(here).name, generation(row, node) + 1)
        row.emissions[node, number] = emission
    return emission


def generation(row: Row, node: int) -> int:
    """How many nodes have stood for the step up to this one, which is the first unless it stands for another."""
    tree = row.state.tree
    return 1 if tree is None or node not in tree.generations else tree.generations[node][1]


def succeeded(row: Row, node: int, number: int, at: float, value: Any, began: float) -> StepSucceeded:
    """The fact of an attempt that has returned. Raises `InvalidState` if it called steps and didn't emit them."""
    emission = row.emissions.pop((node, number), None) if row.emissions else None
    if emission is None:
        return StepSucceeded(row.id, node, number, at, value, began)
    check_all_emitted(emission)
    try:
        plan = planned(emission, lasts=row.step(node).lasts)
    except InvalidWorkflow as problem:
        return StepsEmitted(row.id, node, number, at, value, began, problem=problem)
    return StepsEmitted(row.id, node, number, at, value, began, plan, emission.stand_in if emission.replaces else "")


def with_emitted(row: Row, message: StepFact) -> StepFact:
    """What an attempt has emitted is gone if it has failed; a `Halt` says that the step is done, so it stays (R16)."""
    at, node, number = message.at, message.node, message.attempt
    if not isinstance(message, StepHalted):
        (row.emissions or {}).pop((node, number), None)
        return message
    try:
        done = succeeded(row, node, number, at, message.value, message.began)
    except InvalidState as error:
        return AttemptFailed(row.id, node, number, at, error, again=False, delay=0.0, began=message.began)
    return replace(done, halts=True) if isinstance(done, StepsEmitted) else message


def planned(emission: Emission, *, lasts: bool) -> Plan:
    """The plan of what was emitted. Raises `InvalidWorkflow`."""
    draft = emission.draft
    draft.is_body = draft.returned = True
    return compile_draft(without_undo(draft) if lasts else draft, emission.problems)


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
        name = lost.name.partition(".")[0]
        raise InvalidState(
            f"{name!r} was called inside the running step {emission.name!r}{where}, and not emitted"
            f"\nAdd it to the run with emit({name}(…)); a step's own function is called with {name}.run(…)."
        )


draws_emissions(emission_here)
