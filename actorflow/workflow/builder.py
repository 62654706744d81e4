"""The same as `@workflow`, by name: for plans that are made from data.

    builder = WorkflowBuilder("book_trip").add_input("trip", Trip)
    builder.add_step("seat", reserve_seat, arguments={"city": "trip.city"})
    builder.add_step("charge", charge_card, arguments={"seat": "seat", "nights": Value(3)})
    book_trip = builder.returns("charge").build()

`arguments` maps a parameter to where its value comes from. A text is a reference: the name of an input or a node, or a part of it
(`trip.city`, `trip.legs.0`); so is a text inside a list, tuple or dict. `Value(…)` is a literal, whatever is in it; anything that is neither
is a literal too. `Transformed("trip.nights", function)` is what a function makes of it. References may go forward.

The body of a combinator is a step, a workflow, or another builder, whose inputs are then the body's. The combinator's `arguments` go to each body that
has an input of the name; `item` is the one that gets the item, or what else the combinator gives: the first that isn't among the arguments,
unless told. `Use(body, arguments={…})` gives one body arguments of its own. Every `add_…` takes `after` (names of what it waits for without
taking the result), `guards` and `where`. Everything that is wrong is told at `build()`, together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, Self

from msgspec import UNSET

from actorflow.plan import InputSpec
from actorflow.policy import Durability
from actorflow.workflow.builder_waits import BuilderOfWaits
from actorflow.workflow.built import built
from actorflow.workflow.entries import NOTHING, Content, Entry, Options, Transformed, Use, Value
from actorflow.workflow.lines import users_line
from actorflow.workflow.step import Step
from actorflow.workflow.workflow import Workflow

__all__ = ["Transformed", "Use", "Value", "WorkflowBuilder"]

_REQUIRED: Any = Parameter.empty
_UNSET: Any = UNSET


class WorkflowBuilder(BuilderOfWaits):
    """Collects inputs and nodes, and makes a workflow of them."""

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        middleware: Sequence[Any] = (),
        durability: Durability | None = None,
    ) -> None:
        self.name = name
        self.content = Content(name, description, tuple(middleware), [], [], users_line(), durability=durability)

    def add_input(self, name: str, type: Any = Any, default: Any = _REQUIRED) -> WorkflowBuilder:
        """Declares an input. Without a default it must be given."""
        self.content.inputs.append((InputSpec(name, type, default), users_line()))
        return self

    def add_step(
        self,
        name: str,
        step: Step[..., Any, Any],
        *,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
        keep: bool = _UNSET,
        undoable: bool = True,
    ) -> WorkflowBuilder:
        """Adds a node that runs a step. `keep=True` keeps its result to the end; `undoable=False` leaves out its undo."""
        return self._add(name, step, arguments, after, Options(guards, where, keep, undoable))

    def compose(
        self,
        name: str,
        workflow: Workflow[..., Any],
        *,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
        undoable: bool = _UNSET,
    ) -> WorkflowBuilder:
        """Adds all nodes of another workflow under `name.`; `name` alone is its result. `undoable=False` leaves out its steps' undos."""
        return self._add(name, workflow, arguments, after, Options(guards, where, undoable=undoable))

    # ── combinators ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_each(
        self,
        name: str,
        items: Any,
        body: Any,
        *,
        item: str | None = None,
        arguments: Mapping[str, Any] = NOTHING,
        concurrency: int | None = None,
        ordered: bool = True,
        batch_size: int = 100,
        key: Callable[[Any], str] | None = None,
        on_error: str = "fail",
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds an `each`: the body runs once per item of what `items` refers to."""
        from actorflow.workflow.said import SaidEach

        options = {
            "concurrency": concurrency, "ordered": ordered, "batch_size": batch_size, "key": key, "on_error": on_error
        }  # fmt: skip
        said = SaidEach(items, _use(body, item), options)
        return self._add(name, said, arguments, after, Options(guards, where))

    def add_choose(
        self,
        name: str,
        on: Any,
        branches: Mapping[Any, Any],
        *,
        default: Any = _UNSET,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `choose`: of the branches, `{case: body}`, the one whose case equals the value runs."""
        from actorflow.workflow.said import SaidChoose

        return self._add(name, SaidChoose(on, branches, default), arguments, after, Options(guards, where))

    def add_choose_first(
        self,
        name: str,
        on: Any,
        branches: Sequence[tuple[Callable[[Any], bool], Any]],
        *,
        default: Any = _UNSET,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `choose_first`: of the branches, `[(predicate, body), …]`, the first that says yes runs, and is given the value."""
        from actorflow.workflow.said import SaidChooseFirst

        return self._add(name, SaidChooseFirst(on, branches, default), arguments, after, Options(guards, where))

    def add_group(
        self,
        name: str,
        body: Any,
        *,
        before: Any = _UNSET,
        afterwards: Any = _UNSET,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `group`: `before`, then the body, then `afterwards`; `Use(last, item="charge")` gives it the body's result."""
        from actorflow.workflow.said import SaidGroup

        return self._add(name, SaidGroup(body, before, afterwards), arguments, after, Options(guards, where))

    def add_around(
        self,
        name: str,
        factory: Callable[[], Any],
        body: Any,
        *,
        item: str | None = None,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds an `around`: the body runs inside of the async context manager that the factory makes, and is given its value."""
        from actorflow.workflow.said import SaidAround

        return self._add(name, SaidAround(factory, _use(body, item)), arguments, after, Options(guards, where))

    def add_repeat(
        self,
        name: str,
        body: Any,
        start: Any,
        *,
        item: str | None = None,
        arguments: Mapping[str, Any] = NOTHING,
        until: Callable[[Any], bool] | None = None,
        at_most: int | None = None,
        exhausted: str = "return",
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `repeat`: each pass is given the last one's result, the first one what `start` refers to."""
        from actorflow.workflow.said import SaidRepeat

        options = {"until": until, "at_most": at_most, "exhausted": exhausted}
        said = SaidRepeat(_use(body, item), start, options)
        return self._add(name, said, arguments, after, Options(guards, where))

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_transform(
        self,
        name: str,
        value: Any,
        function: Callable[[Any], Any],
        *,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `transform`: what the function makes of a value."""
        from actorflow.workflow.said import SaidTransform

        return self._add(name, SaidTransform(value, function), NOTHING, after, Options(guards, where))

    def add_template(
        self,
        name: str,
        text: str,
        *,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `template`: a text whose fields are filled in with the arguments."""
        from actorflow.workflow.said import said_template

        return self._add(name, said_template(text), arguments, after, Options(guards, where))

    def add_gather(
        self,
        name: str,
        type: Callable[..., Any],
        *,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `gather`: an object of the type, made of the arguments."""
        from actorflow.workflow.said import SaidGather

        return self._add(name, SaidGather(type), arguments, after, Options(guards, where))

    def add_debug(
        self,
        name: str,
        *,
        arguments: Mapping[str, Any] = NOTHING,
        level: str = "info",
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `debug`: the arguments, in the log."""
        from actorflow.workflow.said import SaidDebug

        return self._add(name, SaidDebug(level), arguments, after, Options(guards, where))

    def add_fail(
        self,
        name: str,
        message: str,
        *,
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> WorkflowBuilder:
        """Adds a `fail`: the run fails with the message, filled in like a template."""
        from actorflow.workflow.said import said_fail

        return self._add(name, said_fail(message), arguments, after, Options(guards, where))

    # ── all of it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def returns(self, name: Any) -> WorkflowBuilder:
        """Says what the workflow returns: a reference, or a list, tuple or dict of them."""
        self.content.result, self.content.returns = name, True
        return self

    def build(self) -> Workflow[..., Any]:
        """The workflow, compiled. Raises `InvalidWorkflow` with all problems."""
        return built(self.content.copy())

    def _add(self, name: str, what: Any, arguments: Mapping[str, Any], after: Sequence[str], options: Options) -> Self:
        self.content.entries.append(Entry(name, what, arguments, after, users_line(), options))
        return self


def _use(body: Any, item: str | None) -> Any:
    return body if item is None or isinstance(body, Use) else Use(body, item=item)
