"""What is inside scope nodes, for people: how many steps, under which names, and what kind of scope it is."""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.plan.control import Around, BodyPlan, Call, Choose, ChooseFirst, Control, Each, Repeat
from actorflow.plan.plan import Plan
from actorflow.plan.words import counted, function_name

USUAL_BATCH = 100
"""The size of batches that an `each` has unless told: it goes without saying."""

Within = tuple[Plan, ...]
"""The plans that one is drawn in, from the outside in."""


def bodies_of(plan: Plan, node: int) -> tuple[BodyPlan, ...]:
    """The bodies of a scope node; none of another one."""
    scope = plan.scopes.get(node)
    return () if scope is None else scope.bodies


def suffix_of(body: BodyPlan) -> str:
    """What stands between the scope's name and the names in the body; `[]` if that is another one in each run."""
    if body.key == "*":
        return "[]"
    return f"[{body.key}]" if body.key else ""


def is_inside(plan: Plan, within: Within) -> bool:
    """Whether a plan is one of those that it is in: a workflow that repeats itself. It may be compiled anew each time."""
    return any(outer is plan or outer.fingerprint == plan.fingerprint for outer in within)


def steps_at(plan: Plan, node: int, within: Within) -> int:
    """How many steps a node stands for: itself, or all in its bodies."""
    if node not in plan.scopes:
        return 1
    return sum(steps_in(body.plan, (*within, plan)) for body in bodies_of(plan, node))


def steps_in(plan: Plan, within: Within = ()) -> int:
    """How many steps a plan has, those in the bodies of its scopes among them; a workflow inside itself counts once."""
    if is_inside(plan, within):
        return 0
    return len(plan) - len(plan.scopes) + sum(steps_at(plan, node, within) for node in plan.scopes)


def kind_of(plan: Plan, node: int) -> str:
    """What a scope node is, by the name that it's written with."""
    match plan.scopes[node].control:
        case Each():
            return "each"
        case Choose():
            return "choose"
        case ChooseFirst():
            return "choose_first"
        case Repeat():
            return "repeat"
        case Around():
            return "around"
        case _:
            return "group" if plan.steps[node].name == "group" else "workflow"


def scope_words(control: Control) -> Iterator[str]:
    """How a scope goes about its bodies."""
    match control:
        case Each(limit, ordered, batch_size, key, collects):
            yield f"{limit:,} at once"
            yield from (["in any order"] if not ordered else [])
            yield from ([f"batches of {batch_size:,}"] if batch_size not in (limit, USUAL_BATCH) else [])
            yield from ([f"named by {function_name(key)}"] if key is not None else [])
            yield from (["collects failures"] if collects else [])
        case Repeat(until, at_most, fails):
            yield from ([f"until {function_name(until)}"] if until is not None else [])
            yield from ([f"at most {counted(at_most, 'pass', 'passes')}"] if at_most is not None else [])
            yield from (["else fails"] if fails else [])
        case Around(factory):
            yield f"in {function_name(factory)}"
        case Call() | Choose() | ChooseFirst() | _:
            return
