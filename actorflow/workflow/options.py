"""The options of a step, checked together: what `@step(…)` and `.options(…)` leave behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Signature, cleandoc
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from actorflow import values
from actorflow.errors import InvalidStep
from actorflow.plan import GuardSpec, HandlerSpec, LimitSpec, Mode
from actorflow.policy import Retry
from actorflow.workflow.functions import check_name, resolve_mode


class Placement(msgspec.Struct, frozen=True):
    """How one use of a step stands in its workflow: the node's name, what it waits for, and whether its result is kept to the end."""

    name: str | None = None
    after: tuple[object, ...] = ()
    keep: bool = False


class StepOptions(msgspec.Struct, frozen=True):
    """What is said of a step beside its function.

    `requested` is the mode as asked for, `mode` as it was resolved; `hints` are the annotations as types, or None as long as they can't be told.
    """

    requested: Any = "auto"
    mode: Mode = "thread"
    limits: tuple[LimitSpec, ...] = ()
    retry: Retry = Retry(attempts=5)
    timeout: float | None = None
    irreversible: bool = False
    guards: tuple[GuardSpec, ...] = ()
    description: str = ""
    hints: Mapping[str, Any] | None = None


class Handlers(msgspec.Struct, eq=False):
    """The handlers of a step and of all its copies: what is attached to one of them holds for all.

    `changes` counts what was attached, so that copies know when what they made of it is out of date; `irreversible` is whether the step or
    any copy is marked so; `compiled_in` is the first workflow whose plan has the step, from when on nothing can be attached.
    """

    undo: HandlerSpec | None = None
    compensate: HandlerSpec | None = None
    irreversible: bool = False
    changes: int = 0
    compiled_in: str = ""


def first_options(
    name: str, function: Callable[..., Any], signature: Signature, changes: dict[str, Any]
) -> StepOptions:
    """The options of a new step; its docstring is its description unless told."""
    described = StepOptions(description=cleandoc(function.__doc__ or "") if hasattr(function, "__name__") else "")
    return changed_options(name, function, signature, described, {"mode": "auto"} | changes)


def changed_options(
    name: str, function: Callable[..., Any], signature: Signature, options: StepOptions, changes: dict[str, Any]
) -> StepOptions:
    """The options with what is given changed and the whole checked again; what is `UNSET` stays. Raises `InvalidStep`."""
    given = {option: value for option, value in changes.items() if value is not UNSET}
    checked: dict[str, Any] = {}
    if "limit" in given:
        from actorflow.workflow.limits import limit_specs

        checked["limits"] = limit_specs(name, given["limit"], signature)
    if "guards" in given or "where" in given:
        checked["guards"] = _guards(name, signature, options, given)
    for option in ("retry", "irreversible", "description"):
        if option in given:
            checked[option] = _checked(name, option, given[option])
    checked["timeout"] = given.get("timeout", options.timeout)
    checked["requested"] = given.get("mode", options.requested)
    check_timeout(f"step {name!r}", checked["timeout"])
    checked["mode"] = resolve_mode(name, function, checked["requested"], checked["timeout"])
    return replace(options, **checked)


def checked_placement(what: str, before: Placement, name: Any, after: Any, keep: Any) -> Placement:
    """The placement with what is given changed; what is `UNSET` stays. Raises `InvalidStep`."""
    if after is not UNSET and (not isinstance(after, Sequence) or isinstance(after, str)):
        raise InvalidStep(f"{what} has after={after!r}\nGive a list of what it waits for: after=[seat].")
    if keep is not UNSET and not isinstance(keep, bool):
        raise InvalidStep(f"{what} has keep={keep!r}\nGive True or False.")
    return Placement(
        name=before.name if name is UNSET else check_name(name),
        after=before.after if after is UNSET else tuple(after),  # pyright: ignore[reportUnknownArgumentType]
        keep=before.keep if keep is UNSET else keep,
    )


_TYPES: dict[str, tuple[type, str]] = {
    "retry": (Retry, "Give a Retry, as in retry=Retry(attempts=3)."),
    "irreversible": (bool, "Give True or False."),
    "description": (str, "Give a text."),
}


def _checked(name: str, option: str, value: Any) -> Any:
    wanted, advice = _TYPES[option]
    if not isinstance(value, wanted):
        raise InvalidStep(f"step {name!r} has {option}={value!r}\n{advice}")
    return value


def _guards(name: str, signature: Signature, options: StepOptions, given: dict[str, Any]) -> tuple[GuardSpec, ...]:
    """What isn't given anew of guards and predicate stays as it was."""
    from actorflow.workflow.handlers import guard_specs  # handlers know options

    old_where = next((guard.function for guard in options.guards if guard.is_where), None)
    old_guards = [guard.function for guard in options.guards if not guard.is_where]
    return guard_specs(f"step {name!r}", signature, given.get("guards", old_guards), given.get("where", old_where))


def check_timeout(what: str, timeout: Any) -> None:
    """A timeout is None or a number of seconds above zero that has an end."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
        raise InvalidStep(f"{what} has timeout={timeout!r}\nGive a number of seconds above zero, or None for no end.")


def hints_by_now(step: str, function: Callable[..., Any]) -> Mapping[str, Any] | None:
    """The annotations as types, at decoration, while local names are in sight; None if one names what isn't there yet."""
    try:
        return values.resolve_hints(function, f"step {step!r}")
    except InvalidStep:
        return None


def check_sendable_values(step: str, options: StepOptions) -> None:
    """What goes to a worker process and back is encoded; refuses types that surely can't be. Those not known yet pass for now."""
    if options.mode != "process":
        return
    for name, annotation in (options.hints or {}).items():
        if reason := values.why_not_encodable(annotation):
            what = "returns what" if name == "return" else f"takes a {name!r} that"
            raise InvalidStep(f"step {step!r} executes in a worker process, and {what} can't be encoded: {reason}")
