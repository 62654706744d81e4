"""The same as `@workflow`, by name: for plans that are made from data.

    builder = WorkflowBuilder("book_trip").add_input("trip", Trip)
    builder.add_step("seat", reserve_seat, arguments={"city": "trip.city"})
    builder.add_step("charge", charge_card, arguments={"seat": "seat", "nights": Value(3)})
    book_trip = builder.returns("charge").build()

`arguments` maps a parameter to where its value comes from. A text is a reference: the name of an input or a node, or a part of it
(`trip.city`, `trip.legs.0`); so is a text inside a list, tuple or dict. `Value(…)` is a literal, whatever is in it; anything that is neither
is a literal too. References may go forward. Everything that is wrong is told at `build()`, together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

import msgspec

from actorflow.plan import InputSpec, Plan
from actorflow.workflow.definition import Definition, Drawn
from actorflow.workflow.lines import users_line
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.plan import Expression

__all__ = ["Value", "WorkflowBuilder"]

_REQUIRED: Any = Parameter.empty
_NOTHING: Mapping[str, Any] = {}


class Value(msgspec.Struct, frozen=True):
    """A literal, where a text would be a reference."""

    value: Any


class Entry(msgspec.Struct, eq=False):
    """One `add_step` or `compose`, as it was written. `first` is the number of its first node, `count` how many it has."""

    name: str
    what: Any
    arguments: Mapping[str, Any]
    after: Sequence[str]
    line: str
    first: int = -1
    count: int = 0
    given: Sequence[Expression] | None = None
    open: bool = False

    @property
    def is_step(self) -> bool:
        return isinstance(self.what, Step)


class WorkflowBuilder:
    """Collects inputs and nodes, and makes a workflow of them."""

    def __init__(self, name: str, *, description: str = "", middleware: Sequence[Any] = ()) -> None:
        self.name = name
        self._content = _Content(name, description, tuple(middleware), [], [], users_line())

    def add_input(self, name: str, type: Any = Any, default: Any = _REQUIRED) -> WorkflowBuilder:
        """Declares an input. Without a default it must be given."""
        self._content.inputs.append((InputSpec(name, type, default), users_line()))
        return self

    def add_step(
        self,
        name: str,
        step: Step[..., Any, Any],
        *,
        arguments: Mapping[str, Any] = _NOTHING,
        after: Sequence[str] = (),
    ) -> WorkflowBuilder:
        """Adds a node that runs a step. `after` names what it waits for without taking the result."""
        self._content.entries.append(Entry(name, step, arguments, after, users_line()))
        return self

    def compose(
        self,
        name: str,
        workflow: Workflow[..., Any],
        *,
        arguments: Mapping[str, Any] = _NOTHING,
        after: Sequence[str] = (),
    ) -> WorkflowBuilder:
        """Adds all nodes of another workflow under `name.`; `name` alone is its result."""
        self._content.entries.append(Entry(name, workflow, arguments, after, users_line()))
        return self

    def returns(self, name: Any) -> WorkflowBuilder:
        """Says what the workflow returns: a reference, or a list, tuple or dict of them."""
        self._content.result, self._content.returns = name, True
        return self

    def build(self) -> Workflow[..., Any]:
        """The workflow, compiled. Raises `InvalidWorkflow` with all problems."""
        definition = _BuiltDefinition(self._content.copy())
        definition.compile()
        return Workflow(definition)


class _Content(msgspec.Struct, eq=False):
    name: str
    description: str
    middleware: tuple[Any, ...]
    inputs: list[tuple[InputSpec, str]]
    entries: list[Entry]
    line: str
    result: Any = None
    returns: bool = False

    def copy(self) -> _Content:
        """What was built stays as it was when the builder goes on."""
        return _Content(
            self.name, self.description, self.middleware, list(self.inputs), list(self.entries), self.line, self.result, self.returns
        )  # fmt: skip

    def signature(self) -> Signature:
        """Inputs by position or name; those that must be given come first by position, the rest by name."""
        parameters = {
            spec.name: Parameter(spec.name, Parameter.POSITIONAL_OR_KEYWORD, default=spec.default)
            for spec, _ in self.inputs
            if _is_identifier(spec.name)
        }
        needed = [p for p in parameters.values() if p.default is _REQUIRED]
        optional = [p for p in parameters.values() if p.default is not _REQUIRED]
        return Signature([*needed, *optional])


class _BuiltDefinition(Definition):
    """A workflow that was built by name."""

    def __init__(self, content: _Content) -> None:
        super().__init__(content.name, content.description, content.signature())
        self._content: _Content | None = content
        self._inputs = tuple(spec for spec, _ in content.inputs)

    def inputs(self) -> tuple[InputSpec, ...]:
        return self._inputs

    def compile(self) -> Plan:
        made = super().compile()
        self._content = None  # the draft has all of it
        return made

    def _drawn(self) -> Drawn:
        from actorflow.workflow.references import Resolver

        content = self._content
        assert content is not None
        resolver = Resolver(content.name, self, content.inputs, content.entries)
        drawn = resolver.resolve(content.result, returns=content.returns)
        draft = drawn.draft
        draft.description, draft.middleware, draft.line = content.description, content.middleware, content.line
        return drawn


def _is_identifier(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier()
