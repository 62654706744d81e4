"""`around`: a body inside of an async context manager that is made at run time."""

from __future__ import annotations

import inspect
import typing
from collections.abc import AsyncIterable, Collection, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from inspect import Parameter
from typing import Any, Self

from actorflow.errors import InvalidStep, brief
from actorflow.plan import (
    Around,
    Body,
    Call,
    ChooseFirst,
    Draft,
    DraftNode,
    Each,
    InputSpec,
    Repeat,
    inputs_in,
    shape_of,
)
from actorflow.values import bare_function, resolve_hints, type_text
from actorflow.workflow.bodies import Scope
from actorflow.workflow.calls import takes_named
from actorflow.workflow.classes import class_of, is_closed, parameters_of, plain_type
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.fitting import body_misfit, function_misfit
from actorflow.workflow.promise import is_promise, source_of


def draw_around(combinator: Combinator, factory: Any, body: Any) -> Any:
    """Draws the body, and gives the promise of what it gives."""
    scope = Scope(combinator)
    misfit = _factory_misfit(factory)
    if misfit:
        scope.problem(misfit)
    misfit = body_misfit(body, "what the context manager gives")
    if misfit:
        scope.problem(misfit)
        return scope.nothing()
    value_type = Any if scope.is_wrong else _value_type(scope, factory)
    drawn = scope.body("", body, (InputSpec("value", value_type, Parameter.empty),))
    assert drawn.draft is not None
    for node in _late_undos(drawn.draft, {0}):
        scope.drawing.problem(
            f"step {node.name!r}: its undo takes the arguments, and one of them is the value of {scope.name!r}: its undo would get what "
            "has been left by then; write the undo with the value alone",
            node.line,
        )
    return scope.open(Around(factory), (drawn,), drawn.draft.return_type, takes_named(), ())


# ── factories ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_MAKE = "give a function that makes an async context manager, such as one with @asynccontextmanager"


def _factory_misfit(factory: Any) -> str | None:
    cls: type[Any] = shape_of(factory)
    if is_promise(factory):
        return f"its factory is the promise of {source_of(factory).label!r}; {_MAKE}"
    if not isinstance(factory, type) and (hasattr(cls, "__aenter__") or hasattr(cls, "__enter__")):
        return f"its factory is a context manager, {brief(factory)}, that can be entered once; give what makes it: `lambda: …`"
    bare = bare_function(factory)
    if inspect.isasyncgenfunction(bare):
        return "its factory is an async generator; put @asynccontextmanager on it"
    if inspect.isgeneratorfunction(bare) or inspect.isgeneratorfunction(getattr(bare, "__wrapped__", None)):
        return f"its factory makes an ordinary context manager; {_MAKE}"
    if inspect.iscoroutinefunction(bare):
        return f"its factory is an `async def`; {_MAKE}: what waits belongs into its `__aenter__`"
    return function_misfit(factory, "its factory")


def _value_type(scope: Scope, factory: Any) -> Any:
    """What entering gives, as far as annotations tell; what surely isn't an async context manager is a problem."""
    made = factory if isinstance(factory, type) else _returned(factory)
    plain = plain_type(made)
    cls = class_of(plain)
    if cls is None:
        return Any
    wrapped = inspect.isasyncgenfunction(getattr(bare_function(factory), "__wrapped__", None))
    if wrapped and issubclass(cls, AsyncIterable):
        return next(iter(parameters_of(plain)), Any)
    if not hasattr(cls, "__aenter__"):
        if hasattr(cls, "__enter__") or is_closed(cls):
            scope.problem(f"its factory gives {type_text(plain)}, which isn't an async context manager; {_MAKE}")
        return Any
    if cls is AbstractAsyncContextManager:
        return next(iter(parameters_of(plain)), Any)
    enters: Any = cls.__aenter__
    entered = _returned(enters)
    return plain if entered is Self else Any if isinstance(entered, typing.TypeVar) else entered


def _returned(function: Any) -> Any:
    try:
        return resolve_hints(function).get("return", Any)
    except (InvalidStep, TypeError):
        return Any


# ── undos that would come too late ────────────────────────────────────────────────────────────────────────────────────


def _late_undos(draft: Draft, lent: Collection[int]) -> Iterator[DraftNode]:
    """The nodes whose undo would be given one of these inputs, or a part of it, in a body or in what is in it."""
    for node in draft.nodes:
        undo = node.spec.undo
        if undo is not None and undo.wants_arguments and _reads(node.arguments, lent):
            yield node
        for body in node.bodies:
            if body.draft is not None:
                yield from _late_undos(body.draft, {*_given(node, body, lent), *_captured(node, body, lent)})


def _reads(expressions: Iterable[Any], lent: Collection[int]) -> bool:
    return any(index in lent for expression in expressions for index in inputs_in(expression))


def _given(node: DraftNode, body: Body, lent: Collection[int]) -> Iterator[int]:
    """The inputs that a scope gives to a body out of what it is given itself."""
    match node.spec.control:
        case Call():
            yield from (i for i, argument in enumerate(node.arguments) if _reads((argument,), lent))
        case Each() | ChooseFirst() | Repeat():
            if body.given and _reads(node.arguments, lent):
                yield 0
        case _:
            return


def _captured(node: DraftNode, body: Body, lent: Collection[int]) -> Iterator[int]:
    for place, number in enumerate(body.takes):
        if _reads((node.captures[number],), lent):
            yield body.given + place
