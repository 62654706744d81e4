"""The workflow: a typed function that wires steps together, drawn and compiled once into a plan.

    @workflow
    def book_trip(trip: Trip) -> Charge:
        seat = reserve_seat(trip.city)
        return charge_card(seat, nights=trip.nights)

The function is called once, with promises, at the first `compile()`, run, check, or call from another workflow (R4). It enters nothing in a
global table. Called inside another workflow it is composed: its nodes become nodes of that one, named `book_trip.charge_card`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from actorflow.plan import GuardSpec, InputSpec, Plan
from actorflow.policy import Durability
from actorflow.workflow.definition import Definition, FunctionDefinition, check_durability
from actorflow.workflow.functions import check_name
from actorflow.workflow.options import Placement
from actorflow.workflow.step import Guard, Where

if TYPE_CHECKING:
    from actorflow.workflow.spec import Registry

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Workflow(Generic[P, R_co]):
    """A workflow, or a copy of it for one use. `P` are its inputs, `R_co` is its result."""

    def __init__(
        self,
        definition: Definition,
        placement: Placement = Placement(),  # noqa: B008  # frozen
        *,
        undoable: bool = True,
        guards: tuple[GuardSpec, ...] = (),
        durability: Durability | None = None,
    ) -> None:
        self.definition = definition
        self.name = definition.name
        self.description = definition.description
        self.placement = placement
        self.is_undoable = undoable
        self.guards = guards
        self.durability: Durability | None = definition.durability if durability is None else durability
        self.__name__ = definition.name
        self.__doc__ = definition.description

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Composes this workflow into the one that is being drawn. Raises `InvalidState` outside of one."""
        from actorflow.workflow.composing import draw_workflow_call

        return cast("R_co", draw_workflow_call(self, args, kwargs))

    def compile(self) -> Plan:
        """The plan, made once. Raises `InvalidWorkflow` with all problems."""
        return self.definition.compile()

    def options(
        self,
        *,
        name: str | None = None,
        after: Sequence[object] | None = None,
        undoable: bool | None = None,
        guards: Sequence[Guard[P, Any]] | None = None,
        where: Where[P] | None = None,
        durability: Durability | None = None,
    ) -> Workflow[P, R_co]:
        """A copy for one use inside another workflow, or to be started with another `durability`.

        `name` goes before its nodes' names; `after` holds back all of it; `undoable=False` leaves out its steps' undos. `guards` and `where` see
        the inputs before any of it begins (R17); a guard that skips skips all of it. `durability` holds for runs of the copy; inside another
        workflow that one's does. Raises `InvalidStep` for what makes no sense, `InvalidWorkflow` for a durability that is none.
        """
        check_durability(self.name, durability)
        before = self.placement
        placement = Placement(
            name=before.name if name is None else check_name(name),
            after=before.after if after is None else tuple(after),
        )
        undone = self.is_undoable if undoable is None else undoable
        return Workflow(
            self.definition,
            placement,
            undoable=undone,
            guards=self._guards(guards, where),
            durability=self.durability if durability is None else durability,
        )

    def _guards(self, guards: Sequence[Any] | None, where: Any) -> tuple[GuardSpec, ...]:
        """What isn't given anew stays."""
        if guards is None and where is None:
            return self.guards
        from actorflow.workflow.handlers import guard_specs

        old_where = next((guard.function for guard in self.guards if guard.is_where), None)
        asked = [guard.function for guard in self.guards if not guard.is_where] if guards is None else guards
        what = f"workflow {self.name!r}"
        return guard_specs(what, self.definition.signature, asked, old_where if where is None else where)

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs, in order. Raises `InvalidWorkflow` if an annotation names what isn't there."""
        return self.definition.inputs()

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of all inputs in the plan's order, checked deeply, neither copied nor converted (R2). Raises `InvalidInput`."""
        inputs = self.inputs
        if not inputs and not args and not kwargs:
            return ()
        from actorflow.workflow.inputs import bind_inputs

        return bind_inputs(f"workflow {self.name!r}", inputs, self.definition.signature, args, kwargs)

    def convert_inputs(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The same from a message: plain data, converted strictly to the annotated types (R2). Raises `InvalidInput`."""
        from actorflow.workflow.inputs import convert_inputs

        return convert_inputs(f"workflow {self.name!r}", self.inputs, given)

    def to_spec(self, registry: Registry) -> dict[str, Any]:
        """The workflow as plain data, which can be kept as JSON; what it names is named in the registry.

        Raises `InvalidWorkflow` with all that can't be told as data, each with its node: a lambda, a step that the registry doesn't know.
        """
        from actorflow.workflow.spec import tell_workflow

        return tell_workflow(self.definition, registry, self.durability)

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any], registry: Registry) -> Workflow[..., Any]:
        """The workflow that plain data says, compiled. Nothing is reached but what is in the registry.

        Raises `InvalidWorkflow` with all that is wrong, each with its path: `$.nodes[3].each.items`.
        """
        from actorflow.workflow.spec import read_spec

        return read_spec(spec, registry)

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"


@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...
@overload
def workflow(
    *,
    name: str | None = None,
    description: str | None = None,
    middleware: Sequence[Any] = (),
    durability: Durability | None = None,
) -> Callable[[Callable[P, R]], Workflow[P, R]]: ...
def workflow(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    middleware: Sequence[Any] = (),
    durability: Durability | None = None,
) -> Any:
    """Makes a workflow of a function: `@workflow`, or `@workflow(name=…, description=…, middleware=[…], durability=…)`.

    Its parameters are the inputs, their defaults the inputs' defaults; the description is the docstring unless given. `durability` says how its
    runs are recorded where there is a store: `"strict"`, `"write_behind"`, `"none"`; as the runtime is told unless given. Raises
    `InvalidWorkflow` for what can't be drawn: `async def`, generators, classes, methods, `*args`.
    """

    def decorate(function: Any, /) -> Any:
        definition = FunctionDefinition(function, name, description, tuple(middleware), durability)
        made: Workflow[..., Any] = Workflow(definition)
        return made

    return decorate if function is None else decorate(function)
