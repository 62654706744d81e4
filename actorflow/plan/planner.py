"""From a draft to a plan: checks everything, numbers the slots, and builds the closures that make arguments.

1. find all problems; if there is any, refuse the workflow with all of them (R3)
2. give each node, input and constant a slot
3. per node: what it takes, reads and needs; a scope node reads its captures too, but doesn't wait for them
4. turn the needs round: dependents, counts, roots
5. the same for the bodies of scope nodes
6. sum up: the result, what must be kept, the fingerprint

Costs O(nodes + edges).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from actorflow.errors import InvalidWorkflow
from actorflow.plan.checks import examine
from actorflow.plan.control import Around, Body, BodyPlan, Call, Choose, ChooseFirst, ScopePlan
from actorflow.plan.draft import Draft, DraftNode
from actorflow.plan.expression import Expression, Slots, binder, evaluator, inputs_in, nodes_in, nodes_of
from actorflow.plan.findings import Findings
from actorflow.plan.fingerprint import fingerprint
from actorflow.plan.plan import Binder, Plan

Numbers = tuple[int, ...]


def compile_draft(draft: Draft, problems: Iterable[str] = ()) -> Plan:
    """The plan of a draft. `problems` are those already known; all are told together.

    Raises `InvalidWorkflow` if there is any.
    """
    found = examine(draft)
    everything = [*problems, *found.problems]
    if everything:
        raise InvalidWorkflow(draft.name, everything)
    return _compile(draft, found)


def _compile(draft: Draft, found: Findings, lent: frozenset[int] = frozenset()) -> Plan:
    nodes = draft.nodes
    slots = Slots(len(nodes), len(draft.inputs))
    takes, binders = _arguments(nodes, slots)
    taken = [_reads(node, slot, len(nodes)) for node, slot in zip(nodes, takes, strict=True)]
    needs = [_needs(node, read) for node, read in zip(nodes, taken, strict=True)]
    reads = [_with_captures(node, read) if node.captures else read for node, read in zip(nodes, taken, strict=True)]
    returns = evaluator(draft.result, slots)
    scopes = {i: _scope(node, slots, lent) for i, node in enumerate(nodes) if node.spec.control is not None}
    names = tuple(node.name for node in nodes)
    counts = tuple(map(len, needs))
    return Plan(
        name=draft.name,
        inputs=draft.inputs,
        names=names,
        steps=tuple(node.spec for node in nodes),
        needs=tuple(needs),
        dependents=_reversed(needs),
        counts=counts,
        roots=tuple(i for i, count in enumerate(counts) if not count),
        takes=tuple(takes),
        binders=binders,
        keywords=tuple(node.keywords for node in nodes),
        reads=tuple(reads),
        readers=_readers(reads),
        keeps=_keeps(draft),
        returns=returns,
        return_type=draft.return_type,
        constants=tuple(slots.constants),
        fingerprint=fingerprint(draft),
        description=draft.description,
        middleware=draft.middleware,
        notes=(*draft.notes, *found.notes),
        lines={i: node.line for i, node in enumerate(nodes) if node.line},
        scopes=scopes,
        readers_of=_readers_of(draft) if draft.is_body else (),
        lent=lent,
        draft=draft,
    )


def _arguments(nodes: Sequence[DraftNode], slots: Slots) -> tuple[list[Numbers | None], dict[int, Binder]]:
    """Per node its slots, where each argument is one whole slot; a closure for the others."""
    takes: list[Numbers | None] = []
    binders: dict[int, Binder] = {}
    for i, node in enumerate(nodes):
        found = [slots.of(argument) for argument in node.arguments]
        if None not in found:
            takes.append(tuple(cast("list[int]", found)))
        else:
            takes.append(None)
            binders[i] = binder(node.arguments, slots)
    return takes, binders


def _reads(node: DraftNode, takes: Numbers | None, count: int) -> Numbers:
    """The nodes among what it takes, each once; the same tuple where it's all of that."""
    if takes is None:
        return tuple(dict.fromkeys(nodes_of(node.arguments)))
    read = dict.fromkeys([slot for slot in takes if slot < count])
    return takes if len(read) == len(takes) else tuple(read)


def _with_captures(node: DraftNode, reads: Numbers) -> Numbers:
    return tuple(dict.fromkeys((*reads, *nodes_of(node.captures))))


def _needs(node: DraftNode, reads: Numbers) -> Numbers:
    return tuple(dict.fromkeys((*reads, *node.after))) if node.after else reads


def _reversed(needs: Sequence[Numbers]) -> tuple[Numbers, ...]:
    dependents: list[list[int] | None] = [None] * len(needs)
    for i, needed in enumerate(needs):
        for j in needed:
            waiting = dependents[j]
            if waiting is None:
                dependents[j] = [i]
            else:
                waiting.append(i)
    return tuple(tuple(waiting) if waiting else () for waiting in dependents)


def _readers(reads: Sequence[Numbers]) -> Numbers:
    readers = [0] * len(reads)
    for read in reads:
        for j in read:
            readers[j] += 1
    return tuple(readers)


def _readers_of(draft: Draft) -> tuple[Numbers, ...]:
    readers: list[dict[int, None]] = [{} for _ in draft.inputs]
    for i, node in enumerate(draft.nodes):
        for argument in node.arguments:
            for index in inputs_in(argument):
                readers[index][i] = None
    return tuple(map(tuple, readers))


def _keeps(draft: Draft) -> tuple[bool, ...]:
    returned = set(nodes_in(draft.result))
    return tuple(node.keep or i in returned for i, node in enumerate(draft.nodes))


# ── scopes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _scope(node: DraftNode, slots: Slots, lent: frozenset[int]) -> ScopePlan:
    control = node.spec.control
    assert control is not None
    return ScopePlan(
        control,
        tuple(BodyPlan(body, _compile_body(node, body, lent)) for body in node.bodies),
        tuple(evaluator(capture, slots) for capture in node.captures),
        tuple(_slots_in(capture, slots) for capture in node.captures),
    )


def _compile_body(node: DraftNode, body: Body, lent: frozenset[int]) -> Plan | None:
    """Its problems have been told with those of the whole. None: it is compiled when it is needed."""
    if body.draft is None:
        return None
    own = _lent_to_it(node, body, lent)
    captures = enumerate(body.takes, body.given)
    taken = (place for place, capture in captures if not lent.isdisjoint(inputs_in(node.captures[capture])))
    return _compile(body.draft, Findings(), frozenset((*own, *taken)))


def _lent_to_it(node: DraftNode, body: Body, lent: frozenset[int]) -> Iterator[int]:
    """What a body is given by an around, or through its scope's own arguments. Items and results of passes are values of their own."""
    match node.spec.control:
        case Around():
            yield from range(body.given)
        case Call() | Choose() | ChooseFirst():
            given = enumerate(node.arguments[: body.given])
            yield from (place for place, argument in given if not lent.isdisjoint(inputs_in(argument)))
        case _:
            return


def _slots_in(expression: Expression, slots: Slots) -> Numbers:
    inputs = (slots.nodes + index for index in inputs_in(expression))
    return tuple(dict.fromkeys((*nodes_in(expression), *inputs)))


def initial_values(plan: Plan, inputs: Sequence[Any]) -> list[Any]:
    """A run's values as it starts: empty slots for the nodes, then the inputs, then the constants."""
    return [*([None] * len(plan)), *inputs, *plan.constants]
