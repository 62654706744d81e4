"""A spec is validated as strictly as code: everything that is wrong is told together, with its path; nothing is reached but by name."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, list-item, misc, unused-ignore"
# pyright: basic, reportArgumentType=false

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow import (
    InvalidRegistry,
    InvalidWorkflow,
    Limit,
    Middleware,
    Registry,
    Runtime,
    Workflow,
    step,
    transform,
    workflow,
)
from tests.workflow.spec.spec_parts import GATEWAY, REGISTRY, Declined, everything, leg_name, reserve


def spec_of(*nodes: Any, **more: Any) -> dict[str, Any]:
    inputs = [{"name": "trip", "type": "Trip"}, {"name": "n", "type": "int", "default": {"value": 1}}]
    return {"format": 1, "name": "made", "inputs": inputs, "nodes": list(nodes), **more}


def problems(spec: Any, registry: Registry = REGISTRY) -> list[str]:
    with pytest.raises(InvalidWorkflow) as caught:
        Workflow.from_spec(spec, registry)
    return list(caught.value.problems)


SEAT = {"name": "seat", "step": "reserve", "arguments": {"leg": "trip.city"}}


async def test_a_spec_written_by_hand_runs(runtime: Runtime) -> None:
    from tests.workflow.spec.spec_parts import Trip

    made = Workflow.from_spec(
        spec_of(
            SEAT,
            {"name": "all", "each": {"items": "trip.legs", "body": {
                "nodes": [{"name": "one", "step": "joined", "arguments": {"parts": ["item", "seat", "trip.by_name.x"]}}],
                "returns": "one",
            }}},
            {"name": "held", "group": {
                "before": {"nodes": [{"name": "first", "step": "grow", "arguments": {"count": {"value": 1}}}]},
                "body": {"nodes": [{"name": "then", "step": "grow", "arguments": {"count": "n"}}], "returns": "then"},
            }},
            {"name": "text", "template": {"text": "{a[0]}", "values": {"a": "all"}}, "after": ["held"]},
            returns={"dict": {"text": "text", "held": "held", "fixed": {"value": [1, {"a": None}]}}},
        ),
        REGISTRY,
    )  # fmt: skip
    assert made.compile().scopes[2].bodies[0].plan.needs == ((), (0,))
    found = await runtime.run(made, Trip("Oslo", 2, ["a"], {"x": 7}), 4)
    assert found == {"text": "a+Oslo/1+7", "held": 5, "fixed": [1, {"a": None}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, "$: expected an object, got None"),
        ([], "$: expected an object, got []"),
        ("{}", "$: expected an object, got '{}'"),
        ({1: 2}, "$: expected an object, got {1: 2}"),
        ({"format": 2, "anything": 1}, "$.format: 2 isn't a format that is known here; this is 1"),
        ({}, "$: its field 'format' is missing"),
        (spec_of(nods=[]), "$: there is no field 'nods' here; did you mean 'nodes'?"),
        ({**spec_of(), "name": ""}, "$.name: expected a text that isn't empty, got ''"),
        ({**spec_of(), "nodes": {}}, "$.nodes: expected a list, got {}"),
        ({**spec_of(), "inputs": [3]}, "$.inputs[0]: expected an object, got 3"),
        ({**spec_of(), "inputs": [{"name": "a"}]}, "$.inputs[0]: its field 'type' is missing"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "Tripp"}]}, "there is no type 'Tripp' in the registry; did you mean 'Trip'?"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "list[Trip"}]}, "'list[Trip' isn't a type: a `]` is missing"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "__import__('os')"}]}, "isn't a type"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "int.real"}]}, "isn't a type: `.real` can't be read"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "int", "default": 3}]}, '$.inputs[0].default: a literal is an object, such as {"value": 3}; got 3'),
        ({**spec_of(), "inputs": [{"name": "a b", "type": "int"}]}, "an input's name is an identifier, not 'a b'"),
        ({**spec_of(), "inputs": [{"name": "a", "type": "int"}] * 2}, "'a' is there already"),
        (spec_of(return_type="Nothing"), "$.return_type: there is no type 'Nothing' in the registry"),
        (spec_of(returns="nowhere"), "$: the returned value: there is no input or node 'nowhere'"),
        (spec_of(returns=3), '$.returns: a reference is a text, a literal is marked so: {"value": …}; got 3'),
        (spec_of(SEAT, return_type="int", returns="seat"), "the returned value: takes int, but the result of 'seat' is str"),
    ],
)  # fmt: skip
def test_the_whole_is_checked(spec: Any, expected: str) -> None:
    assert any(expected in problem for problem in problems(spec)), problems(spec)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (3, "$.nodes[0]: expected an object, got 3"),
        ({"name": "a"}, "$.nodes[0]: it doesn't say what the node is; it's one of step, workflow, each"),
        ({"name": "a", "eahc": {}}, "$.nodes[0]: it doesn't say what the node is; did you mean 'each'?"),
        ({"name": "a", "step": "reserve", "fail": {}}, "$.nodes[0]: a node is one thing, not step and fail"),
        ({"step": "reserve"}, "$.nodes[0]: its field 'name' is missing"),
        ({**SEAT, "name": "a[0]"}, "$.nodes[0]: the step name 'a[0]' holds '['"),
        ({**SEAT, "name": "a..b"}, "$.nodes[0]: a step's name is a text that isn't empty"),
        ({**SEAT, "step": "resrve"}, "$.nodes[0].step: there is no step 'resrve' in the registry; did you mean 'reserve'?"),
        ({**SEAT, "step": ["reserve"]}, "$.nodes[0].step: expected a text that isn't empty, got ['reserve']"),
        ({**SEAT, "aftr": []}, "$.nodes[0]: there is no field 'aftr' here; did you mean 'after'?"),
        ({**SEAT, "after": ["nowhere"]}, "$.nodes[0]: 'seat', after: there is no input or node 'nowhere'"),
        ({**SEAT, "after": [3]}, "$.nodes[0].after[0]: expected a text, got 3"),
        ({**SEAT, "arguments": ["trip"]}, "$.nodes[0].arguments: expected an object, got ['trip']"),
        ({**SEAT, "arguments": {"lag": "trip"}}, "$.nodes[0]: step 'seat' takes no argument 'lag'; did you mean 'leg'?"),
        ({**SEAT, "arguments": {}}, "$.nodes[0]: step 'seat' misses its argument 'leg'"),
        ({**SEAT, "arguments": {"leg": "trip.town"}}, "$.nodes[0]: step 'seat', 'trip.town': Trip has no field 'town'"),
        ({**SEAT, "arguments": {"leg": {"value": 3}}}, "$.nodes[0]: step 'seat', argument 'leg': expected str, got int"),
        ({**SEAT, "arguments": {"leg": "n"}}, "$.nodes[0]: step 'seat', argument 'leg': takes str, but input 'n' is int"),
        ({**SEAT, "arguments": {"leg": {"value": 3, "tpe": "int"}}}, "$.nodes[0].arguments.leg: there is no field 'tpe' here"),
        ({**SEAT, "arguments": {"leg": {"value": float("nan")}}}, "$.nodes[0].arguments.leg.value: expected plain JSON, got nan"),
        ({**SEAT, "arguments": {"leg": {"value": {"city": 3}, "type": "Trip"}}}, "$.nodes[0].arguments.leg.value: Expected `str`"),
        ({**SEAT, "arguments": {"leg": {"value": 1, "list": []}}}, "$.nodes[0].arguments.leg: a reference is a text"),
        ({**SEAT, "arguments": {"leg": ""}}, "$.nodes[0].arguments.leg: a reference is a text"),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "path": [{"field": "__class__"}]}}}, "a name that doesn't begin with `__`"),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "path": [{"field": "city.__class__"}]}}}, "a name that doesn't begin with `__`"),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "path": [{"attr": "city"}]}}}, 'a part is {"field": name} or {"item": key}'),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "path": [{"item": 1.5}]}}}, "expected a text or a whole number, got 1.5"),
        ({**SEAT, "arguments": {"leg": "trip.__class__"}}, "`.__class__` is the value's own, and can't be reached"),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "up": 1}}}, "there is no input or node 'trip'"),
        ({**SEAT, "arguments": {"leg": {"from": "trip", "up": -1}}}, "$.nodes[0].arguments.leg.up: expected a whole number from 0, got -1"),
        ({**SEAT, "arguments": {"leg": {"input": "seat"}}}, "there is no input or node 'seat'"),
        ({**SEAT, "arguments": {"leg": {"pairs": [1]}}}, "$.nodes[0].arguments.leg.pairs[0]: expected a pair, got 1"),
        ({**SEAT, "arguments": {"leg": {"pairs": [[{"value": []}, "n"]]}}}, "unhashable"),
        ({**SEAT, "arguments": {"leg": {"struct": "Kind", "fields": {}}}}, "isn't a struct, a dataclass or a named tuple"),
        ({**SEAT, "arguments": {"leg": {"struct": "Pair", "fields": {"right": "n"}}}}, "expected the fields left, right, in this order, got right"),
        ({**SEAT, "timeout": "5"}, "$.nodes[0].timeout: expected a number, got '5'"),
        ({**SEAT, "step": "charge", "timeout": -1}, "$.nodes[0]: step 'charge' has timeout=-1"),
        ({**SEAT, "mode": "fast"}, "$.nodes[0]: step 'reserve' has mode='fast'"),
        ({**SEAT, "keep": 1}, "$.nodes[0].keep: expected true or false, got 1"),
        ({**SEAT, "limits": ["gateway", "other"]}, "$.nodes[0].limits[1]: there is no limit 'other' in the registry"),
        ({**SEAT, "retry": {"attempts": 0}}, "$.nodes[0].retry: Retry has attempts=0"),
        ({**SEAT, "retry": {"on": ["Nope"]}}, "$.nodes[0].retry.on[0]: there is no exception 'Nope' in the registry"),
        ({**SEAT, "retry": {"on": ["Trip"]}}, "$.nodes[0].retry.on[0]: there is no exception 'Trip' in the registry"),
        ({**SEAT, "retry": {"on": ["SystemExit"]}}, "$.nodes[0].retry: Retry has on="),
        ({**SEAT, "retry": {"backoff": 3}}, "$.nodes[0].retry.backoff: a backoff is"),
        ({**SEAT, "retry": {"backoff": {"fixed": {}}}}, "$.nodes[0].retry.backoff.fixed: its field 'seconds' is missing"),
        ({**SEAT, "retry": {"backoff": {"fixed": {"seconds": -1}}}}, "$.nodes[0].retry: Fixed has seconds=-1"),
        ({**SEAT, "guards": ["nope"]}, "$.nodes[0].guards[0]: there is no function 'nope' in the registry"),
        ({**SEAT, "where": "is_long"}, "$.nodes[0]: 'seat': the where 'is_long' of step 'reserve' takes (nights), which isn't what it is given"),
        ({"name": "b", "workflow": "bok"}, "$.nodes[0].workflow: there is no workflow 'bok' in the registry; did you mean 'book'?"),
        ({"name": "b", "workflow": "book", "where": None}, "$.nodes[0].where: expected a text that isn't empty, got None"),
        ({"name": "b", "workflow": "book"}, "$.nodes[0]: workflow 'b' misses its argument 'leg'"),
        ({"name": "e", "each": {"items": "trip.legs"}}, "$.nodes[0].each: its field 'body' is missing"),
        ({"name": "e", "each": {"items": "n", "body": {"nodes": []}}}, "$.nodes[0]: each 'e': what it is given is int, which can't be iterated"),
        ({"name": "e", "each": {"items": "trip.legs", "body": {"nodes": [], "on_error": 1}}}, "$.nodes[0].each.body: there is no field 'on_error' here"),
        ({"name": "e", "each": {"items": "trip.legs", "on_error": "ignore", "body": {"nodes": []}}}, "'ignore' is none of fail, collect"),
        ({"name": "e", "each": {"items": "trip.legs", "concurrency": 0, "body": {"nodes": []}}}, "$.nodes[0]: each 'e': concurrency is how many"),
        ({"name": "e", "each": {"items": "trip.legs", "body": {"nodes": [{**SEAT, "arguments": {"leg": "itm"}}]}}}, "$.nodes[0].each.body.nodes[0]: step 'seat': there is no input or node 'itm'; did you mean 'item'?"),
        ({"name": "c", "choose": {"on": "n", "branches": [{"when": {"value": "x"}, "body": {"nodes": []}}]}}, "$.nodes[0]: choose 'c': the case 'x' never is the value"),
        ({"name": "c", "choose": {"on": "n", "branches": [{"when": {"value": []}, "body": {"nodes": []}}]}}, "$.nodes[0].choose.branches[0].when: [] can't be looked up"),
        ({"name": "c", "choose": {"on": "n", "branches": [{"when": {"value": 1}, "body": {"nodes": []}}] * 2}}, "$.nodes[0].choose.branches[1].when: there is a branch for 1 already"),
        ({"name": "c", "choose": {"on": "n", "branches": [3]}}, "$.nodes[0].choose.branches[0]: expected an object, got 3"),
        ({"name": "c", "choose_first": {"on": "n", "branches": [{"when": "is_lng", "body": {"nodes": []}}]}}, "there is no function 'is_lng' in the registry; did you mean 'is_long'?"),
        ({"name": "a", "around": {"factory": "double", "body": {"nodes": []}}}, "$.nodes[0]: around 'a': its factory"),
        ({"name": "r", "repeat": {"start": "n", "at_most": 2}}, "$.nodes[0].repeat: it has either a workflow or a body"),
        ({"name": "r", "repeat": {"workflow": "grown", "start": "n"}}, "$.nodes[0]: repeat 'r': says neither until= nor at_most="),
        ({"name": "r", "repeat": {"body": {"nodes": []}, "undoable": False, "start": "n", "at_most": 1}}, "$.nodes[0].repeat.undoable: this is said of a workflow"),
        ({"name": "t", "template": {"text": "{nme}", "values": {"name": "n"}}}, "$.nodes[0]: template 't': misses a value for its field 'nme'; did you mean 'name'?"),
        ({"name": "t", "template": {"text": "{a.__class__}", "values": {"a": "n"}}}, "attributes that begin with an underscore are the value's own"),
        ({"name": "t", "template": {"text": 3}}, "$.nodes[0].template.text: expected a text, got 3"),
        ({"name": "f", "fail": {}}, "$.nodes[0].fail: its field 'text' is missing"),
        ({"name": "d", "debug": {"level": "loud"}}, "$.nodes[0]: debug 'd': has level='loud'"),
        ({"name": "g", "gather": {"type": "Tripp"}}, "$.nodes[0].gather.type: there is no type 'Tripp' in the registry"),
        ({"name": "g", "gather": {"type": "Trip", "values": {"cty": "n"}}}, "$.nodes[0]: gather 'g': Trip takes no argument 'cty'; did you mean 'city'?"),
        ({"name": "x", "transform": {"value": "n", "function": "open"}}, "$.nodes[0].transform.function: there is no function 'open' in the registry"),
        ({"name": "x", "transform": {"value": "n", "function": "waits"}}, "$.nodes[0]: transform 'x'"),
    ],
)  # fmt: skip
def test_each_node_is_checked(node: Any, expected: str) -> None:
    assert any(expected in problem for problem in problems(spec_of(node))), problems(spec_of(node))


def test_everything_wrong_is_told_together_and_once() -> None:
    found = problems(
        spec_of(
            {**SEAT, "stp": 1},
            {"name": "next", "step": "joined", "arguments": {"parts": ["seat", "nowhere"]}},
            {"name": "next", "step": "joined", "arguments": {"parts": ["seet"]}, "after": ["seat"]},
            {
                "name": "e",
                "each": {"items": "trip.leg", "body": {"nodes": [{"name": "z", "step": "zzz"}], "returns": "z"}},
            },
            returns={"list": ["e", "seat", "lost"]},
        )
    )
    assert [problem.partition(": ")[0] for problem in found] == [
        "$.nodes[0]",
        "$.nodes[3].each.body.nodes[0].step",
        "$.nodes[2]",
        "$.nodes[1]",
        "$",
    ]


def test_deep_nesting_is_refused_and_not_too_soon() -> None:
    def nested(depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "nodes": [{"name": "n", "step": "joined", "arguments": {"parts": ["trip"]}}],
            "returns": "n",
        }
        for _ in range(depth):
            body = {"nodes": [{"name": "n", "group": {"body": body}}], "returns": "n"}
        return spec_of(*body["nodes"], returns="n")

    made = Workflow.from_spec(nested(40), REGISTRY)
    assert made.to_spec(REGISTRY)["nodes"] == nested(40)["nodes"]
    assert any("nested deeper than 40" in problem for problem in problems(nested(41)))
    argument: Any = "n"
    for _ in range(200):
        argument = {"list": [argument]}
    assert any(
        "nested deeper than 40" in problem for problem in problems(spec_of({**SEAT, "arguments": {"leg": argument}}))
    )


def test_nothing_is_reached_that_the_registry_does_not_name() -> None:
    empty = Registry()
    spec = everything.to_spec(REGISTRY)
    assert all("in the registry" in problem for problem in problems(spec, empty)), problems(spec, empty)


def test_the_spec_is_left_as_it_was() -> None:
    spec = everything.to_spec(REGISTRY)
    before = copy.deepcopy(spec)
    Workflow.from_spec(spec, REGISTRY)
    assert spec == before


# ── telling ──


def untold(draw: Callable[[Any], Any], registry: Registry = REGISTRY) -> list[str]:
    made = workflow(name="untold")(draw)
    with pytest.raises(InvalidWorkflow, match="workflow 'untold' can't be told as data") as caught:
        made.to_spec(registry)
    return list(caught.value.problems)


def test_what_can_not_be_told_is_refused_with_its_node_and_line() -> None:
    @step
    async def unknown(value: Any) -> Any: ...

    def draw(value: Any) -> Any:
        transform.options(name="changed")(value, lambda value: value)
        unknown(value)
        reserve.options(guards=[lambda leg, nights=1: None])("x", 1)
        return object()

    changed, step_, guarded, result = untold(draw)
    assert "changed: the function test_what_can_not_be_told" in changed
    assert "<lambda> isn't in the registry; give it to Registry(functions=[…])" in changed
    assert step_.endswith("unknown: step 'unknown' isn't in the registry; give it to Registry(steps=[…])")
    assert "reserve: the function" in guarded
    assert "the returned value: the constant <object object" in result
    assert all("test_reading.py:" in problem for problem in (changed, step_, guarded, result))


def test_a_middleware_is_no_data() -> None:
    @workflow(name="watched", middleware=[Middleware()])
    def watched() -> None: ...

    with pytest.raises(InvalidWorkflow, match="its middleware isn't data; give it to the runtime"):
        watched.to_spec(REGISTRY)


# ── registries ──


def test_two_of_one_name_and_what_is_not_of_its_kind_are_refused_all_together() -> None:
    with pytest.raises(InvalidRegistry) as caught:
        Registry(
            steps=[reserve, reserve.options(timeout=None), 3], workflows={"": everything}, types=[3, Declined, Declined],
            functions=[leg_name, lambda: 1, reserve], limits=[GATEWAY, Limit("gateway", at_most=1)],
        )  # fmt: skip
    found = "\n".join(caught.value.problems)
    for expected in (
        "two steps are named 'reserve'", "3 isn't a step", "has no name of its own", "3 isn't a type", "two types are named 'Declined'",
        "isn't a function", "two limits are named 'gateway'",
    ):  # fmt: skip
        assert expected in found
    with pytest.raises(InvalidRegistry, match="isn't a workflow by itself, but one with options"):
        Registry(workflows=[everything.options(name="other")])
    with pytest.raises(InvalidRegistry, match="steps are a list, or a dict by name, not 3"):
        Registry(steps=3)


def test_a_mapping_gives_names_of_its_own() -> None:
    registry = Registry(
        steps={"seat": reserve, "slow": reserve.options(description="slow")},
        functions={"upper": lambda text: text.upper()},
    )
    spec = {
        "format": 1, "name": "named", "inputs": [{"name": "leg", "type": "str"}],
        "nodes": [
            {"name": "a", "step": "slow", "arguments": {"leg": "leg"}},
            {"name": "b", "transform": {"value": "a", "function": "upper"}},
        ],
        "return_type": "None",
    }  # fmt: skip
    made = Workflow.from_spec(spec, registry)
    assert made.compile().steps[0].description == "slow"
    assert made.to_spec(registry) == spec


# ── anything at all ──

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPEC = everything.to_spec(REGISTRY)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(each for key, value in inside for each in places(value, (*path, key)))]


PLACES = places(SPEC)


@given(
    st.sampled_from(PLACES[1:]),
    JSON | st.sampled_from(["trip", "item", "seat", {"value": 1}, {"nodes": []}, {"from": "trip"}]),
)
def test_whatever_stands_somewhere_it_is_read_or_refused_with_problems(place: tuple[Any, ...], data: Any) -> None:
    """No other exception than `InvalidWorkflow`, and what is read can be told again."""
    spec = copy.deepcopy(SPEC)
    owner = spec
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = data
    try:
        made = Workflow.from_spec(spec, REGISTRY)
    except InvalidWorkflow as error:
        assert all(problem.startswith(("$", "spec_parts.py:")) for problem in error.problems), error.problems
    else:
        again = made.to_spec(REGISTRY)
        assert Workflow.from_spec(msgspec.json.decode(msgspec.json.encode(again)), REGISTRY).to_spec(REGISTRY) == again


@given(JSON)
def test_garbage_is_refused(data: Any) -> None:
    with pytest.raises(InvalidWorkflow):
        Workflow.from_spec(data, REGISTRY)
