"""A plan as plain data: what a page, an editor or another program wants to know of it. Everything in it is text, number, list or None.

    PlanDescription
      inputs: InputDescription
      nodes: NodeDescription
        arguments: ArgumentDescription
        limits: LimitDescription, retry: RetryDescription, guards: GuardDescription
        undo, compensate: HandlerDescription
        scope: ScopeDescription
          bodies: BodyDescription
            plan: PlanDescription

Times are in seconds. Types are as a reader writes them, without their modules.
"""

from __future__ import annotations

import msgspec

from actorflow.plan.bodies import Within, bodies_of, is_inside, kind_of, scope_words
from actorflow.plan.plan import InputSpec, Plan
from actorflow.plan.sources import parameters_of, result_text, sources_of
from actorflow.plan.spec import GuardSpec, HandlerSpec, LimitSpec, StepSpec
from actorflow.plan.words import backoff_words, default_words, docs_of, function_name, handler_name
from actorflow.policy import Retry
from actorflow.values import type_text

# ── the data ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class InputDescription(msgspec.Struct, frozen=True):
    """`default` as Python shows it; None if the input has to be given."""

    name: str
    type: str
    default: str | None = None


class ArgumentDescription(msgspec.Struct, frozen=True):
    """`source` is where the value comes from: `trip.city`, `result of seat`, `3`."""

    name: str
    type: str
    source: str


class LimitDescription(msgspec.Struct, frozen=True):
    """`starts` in any `per` seconds is the rate, if there is one. `is_keyed`: a pool per value of a key."""

    name: str
    at_most: int | None = None
    starts: int | None = None
    per: float | None = None
    is_keyed: bool = False


class RetryDescription(msgspec.Struct, frozen=True):
    """`attempts` in all, None: no end. `on` names the exceptions that are tried again by themselves."""

    attempts: int | None
    on: tuple[str, ...]
    within: float | None
    backoff: str


class GuardDescription(msgspec.Struct, frozen=True):
    """`is_where`: a predicate, whose no skips the step with None."""

    name: str
    is_where: bool
    description: str = ""


class HandlerDescription(msgspec.Struct, frozen=True):
    """An undo or a compensation. `wants_arguments`: it gets those of the step too; `unknown`: it may be called without a value."""

    name: str
    description: str
    retry: RetryDescription
    timeout: float | None
    wants_arguments: bool
    unknown: bool


class BodyDescription(msgspec.Struct, frozen=True):
    """A body of a scope, by its key: a case, `*` for one per item or pass, nothing for the only one. `plan` is None in a workflow that
    repeats itself: `name` is then that of the workflow around.
    """

    key: str
    name: str
    plan: PlanDescription | None


class ScopeDescription(msgspec.Struct, frozen=True):
    """What kind of scope (`each`, `choose`, …), what it does with its bodies, in words, and those."""

    kind: str
    options: tuple[str, ...]
    bodies: tuple[BodyDescription, ...]


class WaitDescription(msgspec.Struct, frozen=True):
    """What a node waits for that does nothing else: `kind` is sleep, sleep_until, signal or approval; `signal` is empty if time alone ends it."""

    kind: str
    signal: str


class NodeDescription(msgspec.Struct, frozen=True):
    """A step in its place. `after` are the nodes that it waits for without taking their results; `line` is the user's own."""

    name: str
    step: str
    description: str
    mode: str
    arguments: tuple[ArgumentDescription, ...]
    returns: str
    after: tuple[str, ...]
    limits: tuple[LimitDescription, ...]
    retry: RetryDescription
    timeout: float | None
    irreversible: bool
    guards: tuple[GuardDescription, ...]
    undo: HandlerDescription | None
    compensate: HandlerDescription | None
    queue: str | None
    line: str
    scope: ScopeDescription | None = None
    wait: WaitDescription | None = None


class PlanDescription(msgspec.Struct, frozen=True):
    """A workflow, or the body of a scope; the inputs of a body are what the scope gives it, then what it takes from around."""

    name: str
    description: str
    inputs: tuple[InputDescription, ...]
    nodes: tuple[NodeDescription, ...]
    returns: str
    result: str
    notes: tuple[str, ...]
    fingerprint: str


# ── from plans to data ────────────────────────────────────────────────────────────────────────────────────────────────


def describe(plan: Plan, within: Within = ()) -> PlanDescription:
    """All of a plan, and of the bodies in it. Costs O(nodes + edges)."""
    return PlanDescription(
        name=plan.name,
        description=plan.description,
        inputs=tuple(map(_input, plan.inputs)),
        nodes=tuple(_node(plan, i, within) for i in range(len(plan))),
        returns=type_text(plan.return_type),
        result=result_text(plan),
        notes=plan.notes,
        fingerprint=plan.fingerprint,
    )


def _input(spec: InputSpec) -> InputDescription:
    return InputDescription(spec.name, type_text(spec.type), default_words(spec))


def _node(plan: Plan, i: int, within: Within) -> NodeDescription:
    spec = plan.steps[i]
    reads = frozenset(plan.reads[i])
    return NodeDescription(
        name=plan.names[i],
        step=spec.name,
        description=spec.description,
        mode=spec.mode,
        arguments=_arguments(plan, i),
        returns=type_text(spec.returns),
        after=tuple(plan.names[j] for j in plan.needs[i] if j not in reads),
        limits=tuple(map(_limit, spec.limits)),
        retry=_retry(spec.retry),
        timeout=spec.timeout,
        irreversible=spec.irreversible,
        guards=tuple(map(_guard, spec.guards)),
        undo=_handler(spec.undo),
        compensate=_handler(spec.compensate),
        queue=spec.queue,
        line=plan.lines.get(i, ""),
        scope=_scope(plan, i, spec, within),
        wait=None if spec.wait is None else WaitDescription(spec.wait.kind, spec.wait.signal),
    )


def _arguments(plan: Plan, i: int) -> tuple[ArgumentDescription, ...]:
    sources = sources_of(plan, i)
    parameters = parameters_of(plan.steps[i], len(sources), plan.keywords[i])
    pairs = zip(parameters, sources, strict=False)
    return tuple(ArgumentDescription(name, type_text(type), source) for (name, type), source in pairs)


def _limit(spec: LimitSpec) -> LimitDescription:
    limit, rate = spec.limit, spec.limit.rate
    starts, per = (None, None) if rate is None else (rate.starts, rate.per)
    return LimitDescription(limit.name, limit.at_most, starts, per, limit.key is not None)


def _retry(retry: Retry) -> RetryDescription:
    on = tuple(each.__name__ for each in retry.on)
    return RetryDescription(retry.attempts, on, retry.within, backoff_words(retry))


def _guard(guard: GuardSpec) -> GuardDescription:
    return GuardDescription(function_name(guard.function), guard.is_where, docs_of(guard.function))


def _handler(handler: HandlerSpec | None) -> HandlerDescription | None:
    if handler is None:
        return None
    return HandlerDescription(
        name=handler_name(handler),
        description=docs_of(handler.function),
        retry=_retry(handler.retry),
        timeout=handler.timeout,
        wants_arguments=handler.wants_arguments,
        unknown=handler.unknown,
    )


def _scope(plan: Plan, i: int, spec: StepSpec, within: Within) -> ScopeDescription | None:
    if spec.control is None:
        return None
    inside = (*within, plan)
    bodies = [
        BodyDescription(body.key, body.plan.name, None if is_inside(body.plan, inside) else describe(body.plan, inside))
        for body in bodies_of(plan, i)
    ]
    return ScopeDescription(kind_of(plan, i), tuple(scope_words(spec.control)), tuple(bodies))
