"""Facts as subscribers get them: without what annotations mark as secret. The engine and the journal have them whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from actorflow import facts
from actorflow.plan import Plan
from actorflow.runtime.entry_fields import body_of, wait_of
from actorflow.runtime.known import plans_in
from actorflow.values import MASK, holds_secrets, redacted

if TYPE_CHECKING:
    from actorflow.runtime.row import Row

Hide = Callable[["Row", Any], Any]


def hides(plan: Plan) -> bool:
    """Whether a type in the plan, or in a body that was drawn with it, has secrets. Worked out once per plan."""
    known: bool | None = plan.memo.get(_Hides)
    if known is None:
        known = plan.memo[_Hides] = any(any(map(holds_secrets, types_in(one))) for one in plans_in(plan))
    return known


class _Hides:
    """Where a plan keeps the answer."""


def types_in(plan: Plan) -> Iterator[Any]:
    yield plan.return_type
    for spec in plan.inputs:
        yield spec.type
    for step in plan.steps:
        yield step.returns
        yield from (kind for _, kind in step.arguments)
        if step.wait is not None:
            yield step.wait.takes


def for_subscribers(row: Row, told: Sequence[Any]) -> Sequence[Any]:
    """The same facts, some of them copied. To be called while their nodes have their numbers."""
    return [shown(row, fact) for fact in told]


def shown(row: Row, fact: facts.Fact) -> Any:
    """Whatever goes wrong with that doesn't harm the run; then nothing of the value is shown."""
    hide = HIDES.get(type(fact))
    if hide is None:
        return fact
    try:
        return hide(row, fact)
    except Exception:
        return replace(fact, **dict.fromkeys(CARRIED & set(fact.__struct_fields__), MASK))


def value_hidden(row: Row, fact: Any) -> Any:
    value = redacted(fact.value, row.step(fact.node).returns)
    return fact if value is fact.value else replace(fact, value=value)


def emission_hidden(row: Row, fact: facts.StepsEmitted) -> Any:
    """A plan has what was given to its steps."""
    fact = value_hidden(row, fact)
    return replace(fact, plan=None) if fact.plan is not None and hides(fact.plan) else fact


def given_hidden(row: Row, fact: facts.BodyOpened) -> Any:
    kinds = [spec.type for spec in body_of(row, fact.node, fact.body).plan.inputs]
    return replace(fact, given=tuple(redacted(one, kind) for one, kind in zip(fact.given, kinds, strict=False)))


def items_hidden(row: Row, fact: facts.ItemsPulled) -> Any:
    kind = body_of(row, fact.node, 0).plan.inputs[0].type
    return replace(fact, items=[redacted(one, kind) for one in fact.items])


def item_hidden(row: Row, fact: facts.ItemStarted) -> Any:
    return replace(fact, item=redacted(fact.item, body_of(row, fact.node, 0).plan.inputs[0].type))


def signal_hidden(row: Row, fact: facts.SignalReceived) -> Any:
    """One that an emitted step has waited for is known by that step alone."""
    wait = wait_of(row, fact.signal)
    if wait is None:
        waits = (step.wait for step in row.state.program.steps if step.wait is not None)
        wait = next((one for one in waits if one.signal == fact.signal), None)
    return fact if wait is None else replace(fact, value=redacted(fact.value, wait.takes))


HIDES: Final[dict[type, Hide]] = {
    facts.StepSucceeded: value_hidden,
    facts.StepSkipped: value_hidden,
    facts.StepHalted: value_hidden,
    facts.StepRecovered: value_hidden,
    facts.StepsEmitted: emission_hidden,
    facts.BodyOpened: given_hidden,
    facts.ItemsPulled: items_hidden,
    facts.ItemStarted: item_hidden,
    facts.SignalReceived: signal_hidden,
}
"""The facts that carry values."""
CARRIED: Final = frozenset({"value", "given", "items", "item", "plan"})


def letter_hidden(fact: facts.DeadLetter) -> facts.DeadLetter:
    """A message that nobody took, by the annotations of its own type."""
    message = redacted(fact.message, type(fact.message))
    return fact if message is fact.message else replace(fact, message=message)
