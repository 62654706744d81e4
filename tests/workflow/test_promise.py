"""What a promise can't mean is refused where it is written, with the step's name and a way out (R3; section "drawing")."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import re
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec
import pytest

from actorflow.errors import InvalidState, InvalidWorkflow
from actorflow.plan import initial_values
from actorflow.workflow import step, transform, workflow

T = TypeVar("T")


class Leg(msgspec.Struct):
    city: str


class Spot(NamedTuple):
    x: int
    y: str


class Row(TypedDict):
    name: str
    size: int


@dataclass
class Room:
    number: int

    @property
    def floor(self) -> int:
        return self.number // 100


class Box(msgspec.Struct, Generic[T]):
    value: T


class Seat(msgspec.Struct):
    code: str
    legs: list[Leg] = []
    pair: tuple[int, str] = (0, "")
    spot: Spot = Spot(0, "")
    maybe: Leg | None = None
    by_name: dict[str, Leg] = {}
    name: str = ""
    run: int = 0
    keys: int = 0
    options: str = ""
    count: int = 0
    anything: Any = None

    def described(self) -> str:
        return self.code


@step
async def reserve() -> Seat: ...


@step
async def take_int(value: int) -> int: ...


@step
async def take_str(value: str) -> str: ...


@step
async def take_leg(value: Leg) -> None: ...


@step
async def take_any(value: Any) -> Any: ...


@step
async def room() -> Room: ...


@step
async def row() -> Row: ...


@step
async def box() -> Box[Leg]: ...


def drawn(body: Any) -> Any:
    """Draws a workflow of one step and what is done with its promise."""

    @workflow(name="drawn")
    def made() -> Any:
        return body(reserve())

    return made.compile()


async def awaited(p: Any) -> None:
    await p


async def entered(p: Any) -> None:
    async with p:
        pass


async def iterated(p: Any) -> None:
    async for _ in p:
        pass


def with_it(p: Any) -> None:
    with p:
        pass


def unpacked(p: Any) -> None:
    _a, _b = p


def item_set(p: Any) -> None:
    p["x"] = 1


def attribute_set(p: Any) -> None:
    p.code = 1


def attribute_deleted(p: Any) -> None:
    del p.code


def augmented(p: Any) -> None:
    p += 1


def coroutine(function: Any) -> Any:
    def run(p: Any) -> None:
        running = function(p)
        try:
            running.send(None)
        finally:
            running.close()

    return run


MISUSES: dict[str, Any] = {
    "if": lambda p: 1 if p else 2,
    "not": lambda p: not p,
    "and": lambda p: p and 1,
    "or": lambda p: p or 1,
    "==": lambda p: p == 1,
    "!=": lambda p: p != 1,
    "<": lambda p: p < 1,
    ">=": lambda p: p >= 1,
    "sorted": lambda p: sorted([p, reserve()]),
    "max": lambda p: max(p, reserve()),
    "p + 1": lambda p: p + 1,
    "1 + p": lambda p: 1 + p,
    "p % 2": lambda p: p % 2,
    "-p": lambda p: -p,
    "p += 1": augmented,
    "divmod": lambda p: divmod(p, 2),
    "f-string": lambda p: f"{p}",
    "%s": lambda p: "%s" % p,  # noqa: UP031
    "format": lambda p: "{}".format(p),  # noqa: UP032
    "str": str,
    "print": print,
    "for": lambda p: [x for x in p],  # noqa: C416
    "unpacking": unpacked,
    "*p": lambda p: [*p],
    "**p": lambda p: dict(**p.anything),
    "len": len,
    "in": lambda p: 1 in p,
    "in a list": lambda p: p in [1, 2],
    "int": int,
    "float": float,
    "range": lambda p: range(p),
    "round": round,
    "index": lambda p: [1, 2][p],
    "slice": lambda p: p.legs[1:2],
    "slice by": lambda p: [1, 2][p:],
    "bytes": lambda p: bytes(p),
    "reversed": lambda p: reversed(p),
    "next": lambda p: next(p),
    "with": with_it,
    "await": coroutine(awaited),
    "async with": coroutine(entered),
    "async for": coroutine(iterated),
    "p[...] =": item_set,
    "p.x =": attribute_set,
    "del p.x": attribute_deleted,
    "call": lambda p: p(),
    "method": lambda p: p.described(),
    "method of a field": lambda p: p.code.upper(),
    "method of anything": lambda p: p.anything.method(),
    "pickle": lambda p: pickle.dumps(p),
    "key of a promise": lambda p: p.by_name[p.code],
    "isinstance of it": lambda p: isinstance(1, p),
    "hasattr of a misspelt field": lambda p: hasattr(p, "cod"),
}


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_a_misuse_is_refused_with_the_steps_name_and_a_way_out(misuse: Any) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        drawn(misuse)
    text = str(caught.value)
    assert "reserve" in text
    assert "test_promise.py:" in text
    assert any(word in text for word in ("Use ", "did you mean"))


@pytest.mark.parametrize(
    ("misuse", "word"),
    [("if", "choose or choose_first"), ("for", "each(promise, body)"), ("with", "around(factory, body)")],
)
def test_a_misuse_is_refused_with_the_combinator_that_was_meant(misuse: str, word: str) -> None:
    with pytest.raises(InvalidWorkflow, match=re.escape(word)):
        drawn(MISUSES[misuse])


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_a_refusal_that_is_swallowed_is_raised_at_the_end_of_the_drawing(misuse: Any) -> None:
    def swallowing(p: Any) -> Any:
        try:
            misuse(p)
        except BaseException:
            return p
        return p

    with pytest.raises(InvalidWorkflow):
        drawn(swallowing)


def test_a_misspelt_field_names_the_nearest() -> None:
    with pytest.raises(InvalidWorkflow, match="Seat has no field 'cod'; did you mean 'code'"):
        drawn(lambda p: p.cod)


def test_a_field_of_an_optional_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match=r"`\.city` can't be relied on, it may be None"):
        drawn(lambda p: p.maybe.city)


def test_an_index_out_of_a_tuple_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="2 items"):
        drawn(lambda p: p.pair[2])


def test_a_missing_key_of_a_typed_dict_names_the_nearest() -> None:
    with pytest.raises(InvalidWorkflow, match="no key 'nam'; did you mean 'name'"):
        drawn(lambda p: row()["nam"])


def test_a_promise_as_key_of_a_returned_dict_is_refused_though_it_can_be_hashed() -> None:
    with pytest.raises(InvalidWorkflow, match="key of a dict"):
        drawn(lambda p: {p: 1})


def test_a_promise_as_key_of_a_passed_dict_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="key of a dict"):
        drawn(lambda p: take_any({p: 1}))


def test_copies_of_a_promise_are_the_promise_and_its_repr_is_for_debuggers() -> None:
    def body(p: Any) -> Any:
        assert copy.copy(p) is p
        assert copy.deepcopy(p) is p
        assert repr(p) == "<promise of reserve in workflow 'drawn'>"
        assert {p: 1}[p] == 1
        assert not hasattr(p, "__len_hint__")
        return p

    drawn(body)


FIELDS: dict[str, Any] = {
    "str": (lambda p: take_int(p.code), "str"),
    "fields named like our own": (lambda p: take_int(p.name), "str"),
    "options": (lambda p: take_int(p.options), "str"),
    "run": (lambda p: take_str(p.run), "int"),
    "keys": (lambda p: take_str(p.keys), "int"),
    "count": (lambda p: take_str(p.count), "int"),
    "list item": (lambda p: take_int(p.legs[0]), "Leg"),
    "field of an item": (lambda p: take_int(p.legs[0].city), "str"),
    "tuple": (lambda p: take_int(p.pair[1]), "str"),
    "tuple from the end": (lambda p: take_str(p.pair[-2]), "int"),
    "named tuple by name": (lambda p: take_str(p.spot.x), "int"),
    "named tuple by index": (lambda p: take_int(p.spot[1]), "str"),
    "dict": (lambda p: take_int(p.by_name["a"].city), "str"),
    "typed dict": (lambda p: take_int(row()["name"]), "str"),
    "property": (lambda p: take_str(room().floor), "int"),
    "generic": (lambda p: take_int(box().value), "Leg"),
    "field of a generic": (lambda p: take_int(box().value.city), "str"),
}


@pytest.mark.parametrize("wiring", FIELDS.values(), ids=FIELDS)
def test_parts_are_typed(wiring: Any) -> None:
    body, produced = wiring
    with pytest.raises(InvalidWorkflow, match=f"takes (int|str), but .* is {produced}"):
        drawn(body)


def test_a_part_of_an_unknown_type_passes_with_a_note() -> None:
    plan = drawn(lambda p: take_int(p.anything.whatever[3].more))
    assert any("take_int" in note for note in plan.notes)


def test_parts_are_taken_from_the_value_at_run_time() -> None:
    plan = drawn(lambda p: take_leg(p.legs[1]))
    values = initial_values(plan, ())
    values[0] = Seat("1A", legs=[Leg("Oslo"), Leg("Rome")])
    assert plan.binders[1](values) == [Leg("Rome")]


def test_a_step_passed_without_a_call_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match=r"<step reserve> is passed without being called"):
        drawn(lambda p: take_any(reserve))


def test_a_workflow_passed_without_a_call_is_refused_within_a_list_too() -> None:
    @workflow
    def inner() -> None: ...

    with pytest.raises(InvalidWorkflow, match=r"<workflow inner> is passed without being called"):
        drawn(lambda p: take_any([p, inner]))


def test_a_promise_that_left_its_workflow_is_refused_as_argument_result_and_after() -> None:
    kept: list[Any] = []
    drawn(kept.append)
    stray = kept[0]
    for body in (lambda p: take_any(stray), lambda p: stray, lambda p: reserve.options(after=[stray])()):
        with pytest.raises(InvalidWorkflow, match="'reserve' belongs to workflow 'drawn'"):
            drawn(body)


def test_a_step_called_outside_of_a_workflow_says_what_to_do() -> None:
    with pytest.raises(InvalidState, match=r"in a unit test call reserve\.run"):
        reserve()


@pytest.mark.parametrize("misuse", [lambda p: json.dumps(p), lambda p: ",".join([p]), lambda p: msgspec.json.encode(p)])  # noqa: FLY002
def test_errors_that_c_raises_get_a_note_that_names_the_workflow(misuse: Any) -> None:
    with pytest.raises(TypeError) as caught:
        drawn(misuse)
    assert any("workflow 'drawn' was being drawn" in note for note in caught.value.__notes__)


def test_all_problems_are_reported_together_each_with_its_line() -> None:
    def body(p: Any) -> Any:
        take_int("two")
        take_int(p)
        take_int(wrong=1)
        take_int.options(name="same")(1)
        take_int.options(name="same")(1)
        return p + 1

    with pytest.raises(InvalidWorkflow) as caught:
        drawn(body)
    assert len(caught.value.problems) == 5
    assert all(problem.startswith("test_promise.py:") for problem in caught.value.problems)


def test_a_transform_is_an_inline_node_named_after_its_function() -> None:
    def shorten(seat: Seat) -> str:
        return seat.code[:1]

    plan = drawn(
        lambda p: [
            transform(p, shorten),
            transform(p, lambda s: s),
            transform(p, lambda s: s.code),
            transform(p, shorten),
        ]
    )
    assert plan.names == ("reserve", "shorten", "transform", "transform_2", "shorten_2")
    assert [spec.mode for spec in plan.steps] == ["async", "inline", "inline", "inline", "inline"]
    assert plan.steps[1].returns is str


TRANSFORMS: dict[str, Any] = {
    "async": (lambda p: transform(p, take_int.function), "ordinary function"),
    "step": (lambda p: transform(p, take_any), "called by itself"),
    "no function": (lambda p: transform(p, 3), "function of the value"),
    "two parameters": (lambda p: transform(p, lambda a, b: a), "one argument"),
    "a closure over a promise": (lambda p: transform(1, lambda a: p), "uses the promise 'reserve'"),
    "a wrong type": (lambda p: transform(p, takes_an_int), "takes int, but"),
}


def takes_an_int(value: int) -> int:
    return value


@pytest.mark.parametrize("case", TRANSFORMS.values(), ids=TRANSFORMS)
def test_transforms_that_make_no_sense_are_refused(case: Any) -> None:
    body, text = case
    with pytest.raises(InvalidWorkflow, match=text):
        drawn(body)


def test_a_promise_is_no_coroutine_and_leaves_no_loop_behind() -> None:
    drawn(lambda p: (asyncio.iscoroutine(p), p)[1])
