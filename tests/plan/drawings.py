"""Plans to draw: made from drafts, so that any graph can be had, and random ones with what a drawing of them has to show."""

from __future__ import annotations

from inspect import Parameter, Signature
from itertools import count
from typing import Any

import msgspec
from hypothesis import strategies as st

from actorflow.plan import (
    Around,
    Body,
    Call,
    Choose,
    Collected,
    Constant,
    Control,
    Draft,
    DraftNode,
    Each,
    Expression,
    InputSpec,
    InputValue,
    Item,
    NodeValue,
    Plan,
    Repeat,
    StepSpec,
    compile_draft,
    nodes_in,
)

VALUES = Signature([Parameter("values", Parameter.VAR_POSITIONAL)])
ANY_INPUT = InputSpec("x", Any, Parameter.empty)


def nothing(*_: object) -> None:
    """Stands for the code of a step that is only drawn."""


def leaf(name: str, **options: Any) -> StepSpec:
    return StepSpec(
        name=name,
        function=nothing,
        signature=VALUES,
        mode="async",
        returns=Any,
        arguments=(("values", Any),),
        **options,
    )


def scope(name: str, control: Control, **options: Any) -> StepSpec:
    return msgspec.structs.replace(leaf(name, **options), mode="scope", control=control)


def node(name: str, *arguments: Expression, spec: StepSpec | None = None, **more: Any) -> DraftNode:
    return DraftNode(name, spec or leaf(name), arguments, **more)


def made(*nodes: DraftNode, result: Expression | None = None, name: str = "drawn", inputs: int = 1) -> Plan:
    """The plan of these nodes."""
    return compile_draft(Draft(name, (ANY_INPUT,) * inputs, list(nodes), result or Constant(None), True))


def body(*nodes: DraftNode, inputs: int = 0) -> Draft:
    return Draft("body", (ANY_INPUT,) * inputs, list(nodes), Constant(None), True, is_body=True)


def a_loop(times: int = 3) -> Plan:
    """A workflow that repeats itself: `try` and `again`, which is a repeat of the whole."""
    nodes = [
        node("try", InputValue(0)),
        DraftNode(
            "again",
            scope("repeat", Repeat(None, times)),
            (NodeValue(0),),
            bodies=(Body("*", None, 1, (), lambda: plan),),
        ),
    ]
    plan = made(*nodes, name="loop")
    return plan


# ── random ones ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Drawn(msgspec.Struct):
    """A plan, and what every drawing of it shows: its nodes, and its arrows with whether they take a result. All names are unique."""

    plan: Plan
    steps: set[str]
    scopes: set[str]
    arrows: dict[tuple[str, str], bool]


CONTROLS: tuple[tuple[Control, tuple[str, ...], int], ...] = (
    (Call(), ("",), 0),
    (Each(7), ("*",), 1),
    (Repeat(None, 3), ("*",), 1),
    (Around(nothing), ("",), 1),
    (Choose({1: 0, 2: 1}, 2), ("1", "2", "default"), 0),
)
"""Kinds of scopes, with the keys of their bodies and how many values they give."""


@st.composite
def drawn_plans(draw: st.DrawFn) -> Drawn:
    """Any graph, with composed workflows, scopes in scopes and captures through several of them."""
    names = (f"s{number}" for number in count())
    draft = _draft(draw, names, depth=0, inputs=1, is_body=False)
    found = Drawn(compile_draft(draft), set(), set(), {})
    _expect(draft, [()], found)
    return found


def _draft(draw: st.DrawFn, names: Any, *, depth: int, inputs: int, is_body: bool) -> Draft:
    nodes: list[DraftNode] = []
    for _ in range(draw(st.integers(0, 5 if depth else 7))):
        nodes.append(_node(draw, names, nodes, depth, inputs))
    return Draft("drawn", (ANY_INPUT,) * inputs, nodes, Constant(None), True, is_body=is_body)


def _node(draw: st.DrawFn, names: Any, before: list[DraftNode], depth: int, inputs: int) -> DraftNode:
    name = draw(st.sampled_from(("", "", "w0.", "w1.", "w1.w2."))) + next(names)
    arguments = tuple(_values(draw, len(before), inputs))
    after = tuple(draw(st.sets(st.integers(0, len(before) - 1), max_size=2))) if before else ()
    if depth > 2 or not draw(st.integers(0, 3)) == 0:
        return DraftNode(name, leaf("step"), arguments, after=after)
    control, keys, given = draw(st.sampled_from(CONTROLS))
    captures = tuple(_values(draw, len(before), inputs))
    takes = tuple(range(len(captures)))
    drafts = (_draft(draw, names, depth=depth + 1, inputs=given + len(takes), is_body=True) for _ in keys)
    bodies = tuple(Body(key, draft, given, takes) for key, draft in zip(keys, drafts, strict=True))
    return DraftNode(name, scope("scope", control), arguments, after=after, bodies=bodies, captures=captures)


def _values(draw: st.DrawFn, nodes: int, inputs: int) -> list[Expression]:
    one: list[st.SearchStrategy[Expression]] = [st.builds(InputValue, st.integers(0, inputs - 1))] if inputs else []
    one += [st.builds(NodeValue, st.integers(0, nodes - 1))] if nodes else []
    if not one:
        return []
    pairs = st.tuples(st.one_of(one), st.one_of(one)).map(lambda two: Collected(list, (Item(0), Item(1)), two, list))
    return draw(st.lists(st.one_of(*one, pairs), max_size=3))


# ── what is to be seen of them ────────────────────────────────────────────────────────────────────────────────────────


def _expect(draft: Draft, sources: list[tuple[str, ...]], found: Drawn) -> None:
    """`sources` are, per input, the names of the nodes that it is made from."""
    for node in draft.nodes:
        name = own(node.name)
        (found.steps if node.spec.control is None else found.scopes).add(name)
        arrows = {own(draft.nodes[i].name): False for i in node.after}
        arrows |= {
            own(draft.nodes[i].name): True
            for each in (*node.arguments, *node.captures)
            for i in nodes_in(each)
            if i in node.after or each in node.arguments
        }
        arrows |= dict.fromkeys((tail for each in node.arguments for i in _inputs(each) for tail in sources[i]), True)
        found.arrows |= {(tail, name): takes for tail, takes in arrows.items()}
        for each in node.bodies:
            assert each.draft is not None
            captured = [_made_from(draft, node.captures[i], sources) for i in each.takes]
            _expect(each.draft, [*[()] * each.given, *captured], found)


def _made_from(draft: Draft, expression: Expression, sources: list[tuple[str, ...]]) -> tuple[str, ...]:
    nodes = [own(draft.nodes[i].name) for i in nodes_in(expression)]
    return tuple(dict.fromkeys([*nodes, *(name for i in _inputs(expression) for name in sources[i])]))


def _inputs(expression: Expression) -> list[int]:
    match expression:
        case InputValue(index):
            return [index]
        case Collected(items=items):
            return [index for item in items for index in _inputs(item)]
        case _:
            return []


def own(name: str) -> str:
    """The last part of a name: the number in it makes it unique."""
    return name.rpartition(".")[2]
