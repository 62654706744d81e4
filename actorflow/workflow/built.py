"""What a builder was told, as a workflow's definition: resolved and compiled once."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from actorflow.plan import InputSpec, Plan
from actorflow.workflow.definition import Definition, Drawn, check_durability
from actorflow.workflow.entries import Content
from actorflow.workflow.workflow import Workflow


def built(content: Content) -> Workflow[..., Any]:
    """The workflow that was told, compiled. Raises `InvalidWorkflow` with all problems."""
    definition = _BuiltDefinition(content)
    definition.compile()
    return Workflow(definition)


def _signature(content: Content) -> Signature:
    """Inputs by position or name; those that must be given come first by position, the rest by name."""
    parameters = {
        spec.name: Parameter(spec.name, Parameter.POSITIONAL_OR_KEYWORD, default=spec.default)
        for spec, _ in content.inputs
        if _is_identifier(spec.name)
    }
    needed = [p for p in parameters.values() if p.default is Parameter.empty]
    optional = [p for p in parameters.values() if p.default is not Parameter.empty]
    return Signature([*needed, *optional])


class _BuiltDefinition(Definition):
    """A workflow that was built by name."""

    def __init__(self, content: Content) -> None:
        check_durability(content.name, content.durability)
        super().__init__(content.name, content.description, _signature(content), content.durability)
        self._content: Content | None = content
        self._inputs = tuple(spec for spec, _ in content.inputs)

    def inputs(self) -> tuple[InputSpec, ...]:
        return self._inputs

    def compile(self) -> Plan:
        made = super().compile()
        self._content = None  # the draft has all of it
        return made

    def _drawn(self) -> Drawn:
        from actorflow.workflow.resolving import resolve

        assert self._content is not None
        return resolve(self._content, self)


def _is_identifier(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier()
