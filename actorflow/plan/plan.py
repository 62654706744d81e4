"""The immutable compiled graph that all runs of a workflow share.

A run keeps one list of values. A plan tells what stands where in it: first a slot per node (its result), then one per input, then one per
constant. Node ids are the numbers of the slots, so no name is hashed while a run goes on, and a step costs what its edges cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from actorflow.plan.control import ScopePlan
from actorflow.plan.spec import StepSpec

if TYPE_CHECKING:
    from actorflow.plan.describe import PlanDescription
    from actorflow.plan.picture import Direction

Binder = Callable[[Sequence[Any]], list[Any]]
"""Makes a node's arguments from the run's values. Raises what the value's own attributes and items raise."""


class InputSpec(msgspec.Struct, frozen=True):
    """An input of a workflow. `default` is `inspect.Parameter.empty` if it must be given."""

    name: str
    type: Any
    default: Any


class Plan(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A compiled workflow. All tuples named per node have one entry per node, in order of definition.

    names       the nodes' names, unique
    steps       what each node runs
    needs       per node: the nodes that it waits for (takes results from, or `after`), each once
    dependents  per node: the nodes that wait for it; the reverse of `needs`
    counts      per node: `len(needs[i])`
    roots       the nodes that wait for nothing
    takes       per node: the slots of its arguments in order, or None if `binders` makes them
    binders     per node with `takes` None: what makes its arguments
    keywords    per node: the names of the trailing arguments that are passed by keyword
    reads       per node: the slots of nodes whose results its arguments are made from, each once
    readers     per node: how many nodes read its result
    keeps       per node: whether the result must be kept to the end (the return value, `keep=True`)
    returns     makes the run's result from the run's values
    return_type the annotated type of the result
    constants   what follows the inputs in a run's values
    fingerprint a digest of all that a stored run depends on
    notes       what couldn't be decided when it was compiled, for people
    lines       per node: the user's own line
    scopes      of each scope node: its kind, and its bodies
    readers_of  of a body, per input: the nodes whose arguments are made from it (they wait for a capture that is late)
    lent        of a body: the inputs that are, or are part of, what an around lends: never stored
    draft       what it was compiled from: where each argument comes from, for people
    memo        what others have worked out of it, once per plan, by its type
    """

    name: str
    inputs: tuple[InputSpec, ...]
    names: tuple[str, ...]
    steps: tuple[StepSpec, ...]
    needs: tuple[tuple[int, ...], ...]
    dependents: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]
    roots: tuple[int, ...]
    takes: tuple[tuple[int, ...] | None, ...]
    binders: Mapping[int, Binder]
    keywords: tuple[tuple[str, ...], ...]
    reads: tuple[tuple[int, ...], ...]
    readers: tuple[int, ...]
    keeps: tuple[bool, ...]
    returns: Callable[[Sequence[Any]], Any]
    return_type: Any
    constants: tuple[Any, ...]
    fingerprint: str
    description: str = ""
    middleware: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    lines: Mapping[int, str] = {}
    scopes: Mapping[int, ScopePlan] = {}
    readers_of: tuple[tuple[int, ...], ...] = ()
    lent: frozenset[int] = frozenset()
    draft: Any = None
    memo: dict[type, Any] = msgspec.field(default_factory=dict[type, Any])

    def __len__(self) -> int:
        return len(self.names)

    def text(
        self,
        *,
        expand: bool = True,
        direction: Direction = "TD",
        descriptions: bool = False,
        status: Mapping[str, str] | None = None,
        most: int = 1_000,
    ) -> str:
        """The plan for people: a line per step, by level, with its limits, retries and handlers; in direction "LR" a line per level.

        The options are those of `mermaid`.
        """
        from actorflow.plan.picture import Look
        from actorflow.plan.render_text import text

        return text(self, Look(expand, direction, descriptions, status, most))

    def mermaid(
        self,
        *,
        expand: bool = True,
        direction: Direction = "TD",
        descriptions: bool = False,
        status: Mapping[str, str] | None = None,
        most: int = 1_000,
    ) -> str:
        """The plan as a Mermaid flowchart.

        expand        show what is in composed workflows and combinators; else each of them is one box with a count
        direction     "TD" from the top down, "LR" from left to right
        descriptions  show the first line of each step's description
        status        the statuses of a run's nodes by name, shown as colours; of the items of an `each` the one that matters most
        most          how many boxes are drawn; beyond it there's a note with the number of steps that are missing

        Raises `InvalidValue` for an option that can't be, and for a status that is none.
        """
        from actorflow.plan.picture import Look
        from actorflow.plan.render_mermaid import mermaid

        return mermaid(self, Look(expand, direction, descriptions, status, most))

    def dot(
        self,
        *,
        expand: bool = True,
        direction: Direction = "TD",
        descriptions: bool = False,
        status: Mapping[str, str] | None = None,
        most: int = 1_000,
    ) -> str:
        """The plan in Graphviz' language: `dot -Tsvg` makes a picture of it. The options are those of `mermaid`."""
        from actorflow.plan.picture import Look
        from actorflow.plan.render_dot import dot

        return dot(self, Look(expand, direction, descriptions, status, most))

    def describe(self) -> PlanDescription:
        """The plan as plain data, for programs: `msgspec.json.encode(plan.describe())` is JSON."""
        from actorflow.plan.describe import describe

        return describe(self)
