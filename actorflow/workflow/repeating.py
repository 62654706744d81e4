"""`repeat`: a body that runs again and again, each pass with the last one's result.

A workflow isn't drawn for it, but compiled when its first pass begins: so it may contain itself. It's compiled once, early, to see that it can be,
when all that is being drawn has been.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter
from typing import Any, NamedTuple

from msgspec.structs import replace

from actorflow.plan import Body, Constant, Draft, InputSpec, InputValue, Plan, Repeat, compile_draft, moved
from actorflow.values import can_flow, type_text
from actorflow.workflow.bodies import Scope
from actorflow.workflow.calls import takes_named
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.definition import compile_later
from actorflow.workflow.fitting import body_misfit, function_misfit, is_workflow
from actorflow.workflow.inlining import inlined, without_undo
from actorflow.workflow.items import is_count, is_one_of
from actorflow.workflow.options import Placement
from actorflow.workflow.workflow import Workflow


class RepeatOptions(NamedTuple):
    until: Any
    at_most: Any
    exhausted: Any


def draw_repeat(combinator: Combinator, workflow: Any, start: Any, options: RepeatOptions) -> Any:
    """Draws the body, if it isn't a workflow, and gives the promise of the last pass's result."""
    scope = Scope(combinator)
    given = scope.expression(start)
    for problem in _misfits(workflow, options):
        scope.problem(problem)
    if scope.is_wrong:
        return scope.nothing()
    if is_workflow(workflow):
        body, takes, returns = _workflow_body(workflow)
        scope.check(given, takes, "what it starts with")
    else:
        takes = scope.type_of(given)
        body = scope.body("*", workflow, (InputSpec("value", takes, Parameter.empty),))
        returns = Any if body.draft is None else body.draft.return_type
    if can_flow(returns, takes) is False:
        scope.problem(f"a pass gives {type_text(returns)}, but the next one takes {type_text(takes)}")
    control = Repeat(options.until, options.at_most, options.exhausted == "fail")
    return scope.open(control, (body,), returns, takes_named("start"), (given,))


def _misfits(workflow: Any, options: RepeatOptions) -> Iterator[str]:
    misfit = body_misfit(workflow, "the result of the last pass")
    if misfit:
        yield misfit
    elif is_workflow(workflow) and (workflow.placement != Placement() or workflow.guards):
        yield f"the options of {workflow.name!r} say how it stands by itself; say them of the repeat: repeat.options(…)"
    if options.until is None and options.at_most is None:
        yield "says neither until= nor at_most=, so it would never end"
    if options.until is not None:
        misfit = function_misfit(options.until, "until", "the result of a pass")
        if misfit:
            yield misfit
    if options.at_most is not None and not is_count(options.at_most):
        yield f"at_most is how many passes there may be, 1 or more, not {options.at_most!r}"
    if not is_one_of(options.exhausted, "return", "fail"):
        yield f"exhausted is 'return' or 'fail', not {options.exhausted!r}"
    elif options.exhausted == "fail" and (options.until is None or options.at_most is None):
        yield "exhausted='fail' is for at_most= with until=: without both it would fail always, or never"


def _workflow_body(workflow: Workflow[..., Any]) -> tuple[Body, Any, Any]:
    """The body that a workflow is, what a pass takes, and what it gives."""
    definition = workflow.definition
    compile_later(definition)
    taken = next(iter(definition.signature.parameters))

    takes = next(spec.type for spec in definition.inputs() if spec.name == taken)
    return Body("*", None, 1, (), Pass(workflow, taken)), takes, definition.return_type()


class Pass:
    """Compiles a workflow as one pass of it: what it takes is its first input."""

    def __init__(self, workflow: Workflow[..., Any], taken: str) -> None:
        self.workflow = workflow
        self._taken = taken

    def __call__(self) -> Plan:
        plan = self.workflow.definition.compile()
        draft = plan.draft if self.workflow.is_undoable else without_undo(plan.draft)
        if len(draft.inputs) > 1:
            draft = _of_one_input(draft, self._taken)
        return plan if draft is plan.draft else compile_draft(draft)


def _of_one_input(draft: Draft, taken: str) -> Draft:
    """The draft with one input; the others have their defaults."""
    given = [InputValue(0) if spec.name == taken else Constant(spec.default) for spec in draft.inputs]
    nodes = [
        replace(node, name=plain.name)
        for node, plain in zip(inlined(draft, "", 0, given, (), undoable=True), draft.nodes, strict=True)
    ]
    inputs = tuple(spec for spec in draft.inputs if spec.name == taken)
    return replace(draft, inputs=inputs, nodes=nodes, result=moved(draft.result, 0, given))
