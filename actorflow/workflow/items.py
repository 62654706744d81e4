"""`each`: a body drawn once, that runs once per item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import Parameter
from typing import Any, NamedTuple

from msgspec.structs import replace

from actorflow.plan import UNUSABLE, Body, Collected, Constant, Each, Expression, Findings, Flows, InputSpec, inputs_in
from actorflow.workflow.bodies import Scope
from actorflow.workflow.calls import takes_named
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.fitting import body_misfit, function_misfit
from actorflow.workflow.iterating import NotIterable, item_type, item_types_of_value
from actorflow.workflow.uniting import list_of, outcome_of, united


class EachOptions(NamedTuple):
    concurrency: Any
    ordered: Any
    batch_size: Any
    key: Any
    on_error: Any


def draw_each(combinator: Combinator, items: Any, body: Any, options: EachOptions) -> Any:
    """Draws the body, and gives the promise of the list of results."""
    scope = Scope(combinator)
    given = scope.expression(items)
    types = _item_types(scope, given)
    control = _control(scope, options)
    misfit = body_misfit(body, "the item")
    if misfit:
        scope.problem(misfit)
        return scope.nothing()
    drawn = scope.body("*", body, (InputSpec("item", united(types), Parameter.empty),))
    if len(types) > 1:
        _check_each_type(scope, drawn, types)
    return scope.open(control, (drawn,), _returns(drawn, collects=control.collects), takes_named("items"), (given,))


def _item_types(scope: Scope, given: Expression) -> Sequence[Any]:
    """The types that are among the items; what surely can't be iterated is a problem."""
    if given is UNUSABLE:
        return [Any]
    try:
        match given:
            case Constant(value):
                return item_types_of_value(value) or [Any]
            case Collected(shape=shape, items=items) if issubclass(shape, (list, tuple, set, frozenset)):
                return list(dict.fromkeys(map(scope.type_of, items)))
            case _:
                return [item_type(scope.type_of(given))]
    except NotIterable as error:
        scope.problem(f"what it is given {error}")
        return [Any]


def _check_each_type(scope: Scope, body: Body, types: Sequence[Any]) -> None:
    """Items at hand are of several types: each has to fit by itself, wherever the body uses it."""
    draft, found = body.draft, Findings()
    assert draft is not None
    for kind in types:
        item = InputSpec("item", kind, Parameter.empty)
        flows = Flows(replace(draft, inputs=(item, *draft.inputs[1:])), found)
        for node in draft.nodes:
            if any(0 in inputs_in(argument) for argument in node.arguments):
                flows.check_node(node)
    scope.drawing.problems.extend(f"{problem}, in {scope.name!r}" for problem in dict.fromkeys(found.problems))


def _returns(body: Body, *, collects: bool) -> Any:
    result = Any if body.draft is None else body.draft.return_type
    return list_of(outcome_of(result) if collects else result)


def _control(scope: Scope, options: EachOptions) -> Each:
    for problem in _misfits(options):
        scope.problem(problem)
    if scope.is_wrong:
        return Each(1)
    return Each(
        limit=options.concurrency or options.batch_size,
        ordered=options.ordered,
        batch_size=options.batch_size,
        key=options.key,
        collects=options.on_error == "collect",
    )


def _misfits(options: EachOptions) -> Iterator[str]:
    if options.concurrency is not None and not is_count(options.concurrency):
        yield f"concurrency is how many items may be under way at once, 1 or more, not {options.concurrency!r}"
    if not is_count(options.batch_size):
        yield f"batch_size is how many items are pulled at once, 1 or more, not {options.batch_size!r}"
    if not isinstance(options.ordered, bool):
        yield f"ordered is True or False, not {options.ordered!r}"
    if not is_one_of(options.on_error, "fail", "collect"):
        yield f"on_error is 'fail' or 'collect', not {options.on_error!r}"
    if options.key is not None:
        misfit = function_misfit(options.key, "key", "the item")
        if misfit:
            yield misfit


def is_count(value: Any) -> bool:
    """Whether it's a whole number from 1 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_one_of(value: Any, *words: str) -> bool:
    """Whether it's one of these words; a promise, which can't be compared, isn't."""
    return isinstance(value, str) and value in words
