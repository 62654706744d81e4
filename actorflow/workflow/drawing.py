"""What a workflow is while it is being drawn: the draft, the names given so far, and all that was refused.

A refusal is raised where it happens, and remembered, so that a workflow which swallows it (`try: … except`) is refused all the same at the
end. Mistakes that leave something to go on with (a wrong argument, a name that is taken) are only remembered: all are told together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.plan import (
    UNUSABLE,
    Constant,
    Draft,
    DraftNode,
    Expression,
    Findings,
    Flows,
    InputSpec,
    InputValue,
    NodeValue,
    at,
    moved,
)
from actorflow.workflow.collecting import Unusable, to_expression
from actorflow.workflow.inlining import inlined, sinks
from actorflow.workflow.lines import users_line
from actorflow.workflow.promise import Promise, Source, source_of
from actorflow.workflow.signatures import bind_arguments

if TYPE_CHECKING:
    from actorflow.workflow.options import Handlers
    from actorflow.workflow.step import Step

_current: ContextVar[Drawing | None] = ContextVar("actorflow_drawing", default=None)


class Drawing:
    """A workflow that is being drawn. `owner` tells workflows apart that have one name; `outer` is the drawing that it is called in."""

    is_body = False

    def __init__(self, name: str, owner: object = None, outer: Drawing | None = None) -> None:
        self.name = name
        self.owner = owner
        self.outer = outer
        self.draft = Draft(name)
        self.problems: list[str] = []
        self.handlers: dict[int, Handlers] = {}
        self.emitted: set[int] = set()
        self._lines: dict[str, str] = {}
        self._calls: dict[str, int] = {}

    # ── what is wrong ──

    def problem(self, text: str, line: str | None = None) -> None:
        """Remembers a mistake that drawing can go on after."""
        self.problems.append(at(users_line() if line is None else line, text))

    def refuse(self, text: str) -> NoReturn:
        """Remembers a mistake and raises it: `InvalidWorkflow`."""
        self.problem(text)
        raise InvalidWorkflow(self.name, [self.problems[-1]])

    # ── what is drawn ──

    def calls(self, step: Step[..., Any, Any]) -> None:
        """Notes that it calls a step: once it's compiled, the step can get no further handlers."""
        self.handlers[id(step.handlers)] = step.handlers

    def inputs(self, specs: Sequence[InputSpec]) -> list[Promise]:
        """Declares the inputs, and gives their promises."""
        self.draft.inputs = tuple(specs)
        return [Promise(Source(self, InputValue(i), spec.type, spec.name)) for i, spec in enumerate(specs)]

    def name_for(self, base: str, explicit: str | None, line: str) -> str:
        """A name that is free: the one asked for, else `charge`, `charge_2`, … in order of calls (R5)."""
        if explicit is not None:
            if explicit in self._lines:
                where = f", {self._lines[explicit]}" if self._lines[explicit] else ""
                self.problem(f"two nodes are named {explicit!r} (the other one{where}); give one another name", line)
            self._lines[explicit] = line
            return explicit
        name, count = base, self._calls.get(base, 0)
        while True:
            count += 1
            name = base if count == 1 else f"{base}_{count}"
            if name not in self._lines:
                break
        self._calls[base] = count
        self._lines[name] = line
        return name

    def place(self, node: DraftNode) -> Promise:
        """Adds a node, and gives the promise of its result."""
        number = len(self.draft.nodes)
        self.draft.nodes.append(node)
        return Promise(Source(self, NodeValue(number), node.spec.returns, node.name, (number, number + 1)))

    def inline(
        self, draft: Draft, name: str, arguments: Sequence[Expression], after: tuple[int, ...], *, undoable: bool
    ) -> Promise:
        """Adds all nodes of another workflow under `name.`, and gives the promise of its result."""
        base = len(self.draft.nodes)
        self.draft.nodes.extend(inlined(draft, name, base, arguments, after, undoable=undoable))
        result = moved(draft.result, base, arguments)
        return Promise(Source(self, result, draft.return_type, name, (base, len(self.draft.nodes))))

    def check_inputs(
        self, what: str, inputs: Sequence[InputSpec], given: Sequence[Expression], line: str | None = None
    ) -> None:
        """Checks what is given to a composed workflow against its inputs' types."""
        found = Findings()
        flows = Flows(self.draft, found)
        for spec, expression in zip(inputs, given, strict=True):
            if isinstance(expression, Constant) and expression.value is spec.default:
                continue
            flows.check(expression, spec.type, f"{what}, input {spec.name!r}", users_line() if line is None else line)
        self.problems.extend(found.problems)
        self.draft.notes.extend(found.notes)

    # ── what promises mean here ──

    def expression(self, value: Any, what: str) -> Expression:
        """The expression of an argument or a result; one that can't be used is a problem, and stands as None."""
        try:
            return to_expression(value, self._leaf)
        except Unusable as error:
            self.problem(f"{what}: {error}")
            return UNUSABLE

    def _leaf(self, promise: Promise) -> Expression:
        return self.reach(source_of(promise))

    def reach(self, source: Source) -> Expression:
        """What stands behind a promise, as it reads here. Raises `Unusable`."""
        if source.drawing is not self:
            raise Unusable(source.drawing.strayed(source.label, self))
        return source.expression

    def awaited(self, source: Source) -> Sequence[int]:
        """The nodes to wait for until all is resolved that a promise stands for. Raises `Unusable`."""
        if source.drawing is not self:
            raise Unusable(source.drawing.strayed(source.label, self))
        return sinks(self.draft.nodes, source.span)

    def strayed(self, label: str, there: Drawing) -> str:
        """Why a promise of this workflow can't be used there."""
        return (
            f"{label!r} belongs to workflow {self.name!r}, and can't be used in {there.name!r}; "
            "pass it on as an argument or a result"
        )

    def waits(self, after: Sequence[Any], what: str) -> tuple[int, ...]:
        """The nodes that `after=[…]` names: promises, also within containers."""
        found: dict[int, None] = {}
        for value in after:
            if not any(self._waits_for(promise, found, what) for promise in _promises_in(value)):
                self.problem(f"{what}: after= takes results of steps and workflows of this workflow, not {value!r}")
        return tuple(found)

    def _waits_for(self, promise: Promise, found: dict[int, None], what: str) -> bool:
        try:
            found.update(dict.fromkeys(self.awaited(source_of(promise))))
        except Unusable as error:
            self.problem(f"{what}: {error}")
        return True


def _promises_in(value: Any) -> list[Promise]:
    found: list[Promise] = []

    def leaf(promise: Promise) -> Expression:
        found.append(promise)
        return NodeValue(0)

    to_expression(value, leaf)
    return found


# ── the current drawing ───────────────────────────────────────────────────────────────────────────────────────────────


def current_drawing() -> Drawing | None:
    """What is being drawn here and now, if anything: a workflow, or what a running step emits."""
    drawing = _current.get()
    return _emission_here() if drawing is None else drawing


def is_drawing() -> bool:
    """Whether a workflow is being drawn here and now."""
    return _current.get() is not None


def draws_emissions(emission_here: Callable[[], Drawing | None]) -> None:
    """Has calls inside of a running step draw into what it emits; `emission_here` gives that."""
    global _emission_here  # the runtime is a floor above, and says so once
    _emission_here = emission_here


def _no_emission() -> Drawing | None:
    return None


_emission_here: Callable[[], Drawing | None] = _no_emission


@contextmanager
def drawing_of(drawing: Drawing) -> Generator[Drawing]:
    """Makes it the current one."""
    token = _current.set(drawing)
    try:
        yield drawing
    finally:
        _current.reset(token)


def draw_step_call(step: Step[..., Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Draws a node that calls a step, and gives the promise of its result.

    Raises `InvalidState` outside of a workflow that is being drawn.
    """
    drawing = current_drawing()
    if drawing is None:
        raise InvalidState(
            f"step {step.name!r} was called outside of a workflow\n"
            f"A step is called inside a @workflow function; in a unit test call {step.name}.run(…)."
        )
    line, spec, placement = users_line(), step.spec, step.placement
    drawing.calls(step)
    name = drawing.name_for(spec.name, placement.name, line)
    arguments, keywords = _bound(drawing, step, name, args, kwargs)
    after = drawing.waits(placement.after, name) if placement.after else ()
    return drawing.place(DraftNode(name, spec, arguments, keywords, after, placement.keep, line))


def _bound(
    drawing: Drawing, step: Step[..., Any, Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Expression, ...], tuple[str, ...]]:
    try:
        flat, keywords = bind_arguments(step.signature, args, kwargs)
    except TypeError as error:
        drawing.problem(f"step {name!r} {error}")
        return (), ()
    return tuple(drawing.expression(value, f"step {name!r}") for value in flat), keywords
