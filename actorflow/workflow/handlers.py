"""What stands beside a step: its undo, its compensation and its guards, and whether they take what they will be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Signature
from typing import Any, Literal, TypeAlias

from actorflow.errors import InvalidStep
from actorflow.plan import GuardSpec, HandlerSpec
from actorflow.policy import Retry
from actorflow.workflow.functions import display_name, is_async, is_generator, signature_of
from actorflow.workflow.options import Handlers, check_timeout
from actorflow.workflow.signatures import (
    takes_arguments_of,
    takes_names_of,
    takes_one,
    type_name,
    written,
)

Role: TypeAlias = Literal["undo", "compensate"]
Attach: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

HANDLER_RETRY = Retry(attempts=5, on=())
"""How a handler is tried again unless told: five tries, after any `Exception` (R19)."""


def new_undo(
    step: str, signature: Signature, handlers: Handlers, retry: Retry | None, timeout: float | None, unknown: bool
) -> Attach:
    """A decorator that attaches an undo and gives its function back."""
    check_handler_options(step, "undo", retry, timeout, unknown)

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        wants = check_undo(step, signature, function)
        spec = HandlerSpec(function, is_async(function), wants, retry or HANDLER_RETRY, timeout, unknown)
        attach_undo(step, handlers, spec)
        return function

    return attach


def new_compensate(
    step: str, signature: Signature, handlers: Handlers, retry: Retry | None, timeout: float | None
) -> Attach:
    """A decorator that attaches a compensation and gives its function back."""
    check_handler_options(step, "compensate", retry, timeout, unknown=False)

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        check_compensate(step, signature, function)
        spec = HandlerSpec(function, is_async(function), True, retry or HANDLER_RETRY, timeout)
        attach_compensate(step, handlers, spec)
        return function

    return attach


def attach_undo(step: str, handlers: Handlers, handler: HandlerSpec) -> None:
    if handlers.irreversible:
        raise InvalidStep(f"step {step!r} is irreversible and has an undo\nLeave out one of the two.")
    if handlers.undo is not None:
        raise InvalidStep(f"step {step!r} has an undo already: {display_name(handlers.undo.function)}")
    _must_be_in_time(step, "an undo", handlers)
    handlers.undo = handler
    handlers.changes += 1


def attach_compensate(step: str, handlers: Handlers, handler: HandlerSpec) -> None:
    if handlers.compensate is not None:
        raise InvalidStep(f"step {step!r} has a compensation already: {display_name(handlers.compensate.function)}")
    _must_be_in_time(step, "a compensation", handlers)
    handlers.compensate = handler
    handlers.changes += 1


def _must_be_in_time(step: str, what: str, handlers: Handlers) -> None:
    """A plan is compiled once, and wouldn't know of it."""
    if handlers.compiled_in:
        raise InvalidStep(
            f"step {step!r} gets {what} after workflow {handlers.compiled_in!r} was compiled with it, and so without {what}\n"
            "Attach handlers right below the step, before any workflow that uses it is compiled or run."
        )


def check_undo(step: str, signature: Signature, function: Any) -> bool:
    """Refuses an undo that can't take what it gets; tells whether it takes the step's arguments beside the value (R22)."""
    mine = _readable_signature(f"step {step!r}", "undo", function)
    value_only = takes_one(mine)
    if not value_only and not takes_arguments_of(mine, signature, after=1):
        value = f"value: {type_name(signature.return_annotation)}"
        name = display_name(function)
        expected = [f"{name}({value}) -> None", written(name, (value,), signature, "None")]
        raise _unfit(f"step {step!r}", "undo", name, mine, expected)
    return not value_only


def check_compensate(step: str, signature: Signature, function: Any) -> None:
    """Refuses a compensation that can't take the error and the step's arguments (R18)."""
    mine = _readable_signature(f"step {step!r}", "compensate", function)
    if not takes_arguments_of(mine, signature, after=1):
        returns = f"Recover[{type_name(signature.return_annotation)}] | None"
        name = display_name(function)
        raise _unfit(
            f"step {step!r}", "compensate", name, mine, [written(name, ("error: Exception",), signature, returns)]
        )


def guard_specs(what: str, signature: Signature, guards: Any, where: Any) -> tuple[GuardSpec, ...]:
    """The guards in the order in which they are asked: the predicate of `where=`, then those of `guards=` (R17).

    `what` is what they guard, as in `step 'charge'`, and `signature` what it is given.
    """
    specs = guards_of_any(what, guards, where)
    for spec in specs:
        mine = signature_of(spec.function)
        if mine is None or not takes_names_of(mine, signature):
            raise unfit_guard(what, spec, signature)
    return specs


def guards_of_any(what: str, guards: Any, where: Any) -> tuple[GuardSpec, ...]:
    """The same, as long as nobody knows what they will be given."""
    if not issubclass(type(guards), Sequence) or isinstance(guards, str):
        raise InvalidStep(f"{what} has guards={guards!r}\nGive a list or a tuple of functions.")
    predicates = [] if where is None else [_guard(what, where, is_where=True)]
    return (*predicates, *(_guard(what, guard, is_where=False) for guard in guards))


def unfit_guard(what: str, guard: GuardSpec, signature: Signature) -> InvalidStep:
    """A guard that doesn't take what is given to what it guards."""
    name = display_name(guard.function)
    returns = "bool" if guard.is_where else f"Skip[{type_name(signature.return_annotation)}] | None"
    mine = signature_of(guard.function) or Signature()
    return _unfit(what, _role(is_where=guard.is_where), name, mine, [written(name, (), signature, returns)])


def check_handler_options(step: str, role: Role, retry: Any, timeout: Any, unknown: Any) -> None:
    what = f"the {role} of step {step!r}"
    if retry is not None and not isinstance(retry, Retry):
        raise InvalidStep(f"{what} has retry={retry!r}\nGive a Retry, as in retry=Retry(attempts=3).")
    check_timeout(what, timeout)
    if not isinstance(unknown, bool):
        raise InvalidStep(f"{what} has unknown={unknown!r}\nGive True or False.")


def _guard(what: str, function: Any, *, is_where: bool) -> GuardSpec:
    _readable_signature(what, _role(is_where=is_where), function)
    return GuardSpec(function, is_async(function), is_where)


def _role(*, is_where: bool) -> str:
    return "where" if is_where else "guard"


def _readable_signature(what: str, role: str, function: Any) -> Signature:
    if not callable(function) or isinstance(function, type) or hasattr(function, "placement"):
        raise InvalidStep(f"the {role} of {what} is {function!r}\nGive a plain function: a `def` or an `async def`.")
    if is_generator(function):
        raise InvalidStep(f"the {role} {display_name(function)!r} of {what} is a generator\nIt must return, not yield.")
    signature = signature_of(function)
    if signature is None:
        raise InvalidStep(f"the {role} of {what} has no signature that Python can tell\nWrap it in a `def`.")
    return signature


def _unfit(what: str, role: str, name: str, mine: Signature, expected: Sequence[str]) -> InvalidStep:
    has = ", ".join(mine.parameters)
    ways = "\n      or: ".join(expected)
    return InvalidStep(f"the {role} {name!r} of {what} takes ({has}), which isn't what it is given\nExpected: {ways}")
