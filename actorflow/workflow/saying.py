"""How the words without bodies are drawn: `template`, `gather`, `debug`, `fail`, each called inside a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from actorflow.plan import StepSpec, shape_of
from actorflow.workflow.calls import Call
from actorflow.workflow.debugging import bad_level
from actorflow.workflow.functions import display_name
from actorflow.workflow.gathering import given_arguments, not_a_maker
from actorflow.workflow.promise import is_promise, source_of
from actorflow.workflow.texts import read_text
from actorflow.workflow.word_specs import debug_spec, fail_spec, gather_spec, template_spec

if TYPE_CHECKING:
    from actorflow.workflow.combinators import Combinator


def draw_text(said: Combinator, text: object, values: Mapping[str, Any]) -> Any:
    """Draws a `template` or a `fail`. Raises `InvalidState` outside of a workflow that is being drawn, as the others do."""
    call = Call(said)
    read = read_text(text)
    for problem in read.misfits({name: _type_of(value) for name, value in values.items()}):
        call.problem(problem)
    given = {name: values[name] for name in read.names if name in values}
    return _placed(call, fail_spec(read) if said.word == "fail" else template_spec(read), given)


def draw_debug(said: Combinator, level: object, values: Mapping[str, Any]) -> Any:
    call = Call(said)
    problem = bad_level(level)
    if problem:
        call.problem(problem)
    types = {name: _type_of(value) for name, value in values.items()}
    return _placed(call, debug_spec(str(level), types), values)


def draw_gather(said: Combinator, maker: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    call = Call(said)
    problem = not_a_maker(maker)
    if problem:
        call.problem(problem)
        return call.nothing()
    try:
        given = given_arguments(maker, args, kwargs)
    except TypeError as error:
        call.problem(f"{display_name(maker)} {error}")
        return call.nothing()
    return call.place(gather_spec(maker, given), [call.expression(value) for value in given.values], given.keywords)


def _placed(call: Call, spec: StepSpec, values: Mapping[str, Any]) -> Any:
    return call.place(spec, [call.expression(value) for value in values.values()], tuple(values))


def _type_of(value: Any) -> Any:
    return source_of(value).type if is_promise(value) else shape_of(value)
