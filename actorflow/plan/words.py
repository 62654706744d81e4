"""What a step says of itself, in a few words: its limits, its retries, who takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, cleandoc
from typing import Any

from actorflow.plan.plan import InputSpec, Plan
from actorflow.plan.sources import shown_constant
from actorflow.plan.spec import HandlerSpec, LimitSpec, StepSpec
from actorflow.plan.waiting import WaitSpec
from actorflow.policy import Exponential, Fixed, Retry
from actorflow.values import bare_function, type_text

_LONGEST = 100


def counted(count: int, word: str, words: str = "") -> str:
    """`1 step`, `2 steps`; `words` is the plural if it isn't made with an s alone."""
    return f"{count:,} {word if count == 1 else words or f'{word}s'}"


def head_words(plan: Plan) -> str:
    """`book(city: str, nights: int = 2) -> int`"""
    return f"{plan.name}({', '.join(map(_input, plan.inputs))}) -> {type_text(plan.return_type)}"


def _input(spec: InputSpec) -> str:
    default = default_words(spec)
    return f"{spec.name}: {type_text(spec.type)}" + ("" if default is None else f" = {default}")


def default_words(spec: InputSpec) -> str | None:
    """The default of an input; None if it has to be given."""
    return None if spec.default is Parameter.empty else shown_constant(spec.default, spec.type)


def step_words(spec: StepSpec, name: str) -> Iterator[str]:
    """How a step is executed, bounded, tried again and taken back; what goes without saying isn't said."""
    is_scope = spec.control is not None
    if not is_scope and spec.wait is None and not name.rpartition(".")[2].startswith(spec.name):
        yield f"runs {spec.name}"
    if spec.wait is not None:
        yield wait_words(spec.wait)
    elif not is_scope and spec.mode != "async":
        yield spec.mode
    yield from map(_limit, spec.limits)
    if spec.retry != Retry() and (spec.guards or not is_scope):
        yield _retry(spec.retry)
    if spec.timeout is not None:
        yield f"timeout {spec.timeout:g} s"
    if spec.guards:
        yield counted(len(spec.guards), "guard")
    yield from ending_words(spec)


def wait_words(wait: WaitSpec) -> str:
    """What a node waits for that does nothing else."""
    match wait.kind:
        case "sleep" | "sleep_until":
            return "waits for a time"
        case "signal":
            return f"waits for signal {wait.signal!r}" + (", for some time" if "timeout" in wait.given else "")
        case "approval":
            return "waits for an approval" + (", for some time" if "timeout" in wait.given else "")


def ending_words(spec: StepSpec) -> Iterator[str]:
    """What becomes of a step when things go wrong."""
    if spec.irreversible:
        yield "⚠ irreversible"
    if spec.compensate:
        yield f"✚ {handler_name(spec.compensate)}"
    if spec.undo:
        yield f"↩ {handler_name(spec.undo)}"


def _limit(limit: LimitSpec) -> str:
    most, rate = limit.limit.at_most, limit.limit.rate
    bounds = [f"at most {most}"] if most is not None else []
    bounds += [f"{rate.starts} per {rate.per:g} s"] if rate is not None else []
    return f"limit {limit.limit.name}" + (f" ({', '.join(bounds)})" if bounds else "")


def _retry(retry: Retry) -> str:
    attempts = "retry without end" if retry.attempts is None else f"{counted(retry.attempts, 'attempt')}"
    return attempts + (f" on {', '.join(each.__name__ for each in retry.on)}" if retry.on else "")


def backoff_words(retry: Retry) -> str:
    """How long is waited between attempts."""
    match retry.backoff:
        case None:
            return backoff_words(Retry(backoff=Exponential(0.1, most=5)))
        case Fixed(seconds):
            return f"{seconds:g} s each time"
        case Exponential(first, factor, most, jitter):
            return f"{first:g} s, times {factor:g} each time, up to {most:g} s, less up to {jitter:.0%} by chance"
        case other:
            return function_name(other)


def handler_name(handler: HandlerSpec) -> str:
    return function_name(handler.function, "handler")


def function_name(function: Any, otherwise: str = "") -> str:
    """The name of a function as it was written; of another callable the name of its class, unless told."""
    name = getattr(bare_function(function), "__name__", None)
    return name if isinstance(name, str) else otherwise or type(function).__name__


def docs_of(function: Callable[..., Any]) -> str:
    """The docstring of a function; of another callable nothing: it has its class's alone."""
    bare = bare_function(function)
    return cleandoc(getattr(bare, "__doc__", None) or "") if hasattr(bare, "__name__") else ""


def description_of(description: str) -> str:
    """The first line of a description, cut where it gets long."""
    line = next(iter(description.strip().splitlines()), "").strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
