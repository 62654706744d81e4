"""Drawing, composing, naming, and binding inputs (R2, R3, R4, R5)."""

# The mistakes below are written on purpose, and steps that are only drawn have no bodies.
# mypy: disable-error-code="empty-body, arg-type, call-arg, misc, return, return-value, redundant-expr, type-arg, unused-ignore"
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportReturnType=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportTypedDictNotRequiredAccess=false, reportUnusedExpression=false, reportOptionalMemberAccess=false

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from actorflow.errors import InvalidInput, InvalidState, InvalidStep, InvalidWorkflow
from actorflow.plan import Plan, initial_values
from actorflow.workflow import Workflow, step, workflow


class Trip(msgspec.Struct):
    city: str
    legs: list[str] = []


@dataclass
class Pair:
    left: Any
    right: Any


@step
async def reserve(city: str) -> str: ...


@reserve.undo
async def release(value: str) -> None: ...


@step
async def charge(seat: str, nights: int = 2, *, tip: int = 0) -> int: ...


@step
async def collect(*seats: str, **more: int) -> list[str]: ...


@step
async def notify(text: str) -> None: ...


@workflow
def book(trip: Trip, nights: int = 2) -> int:
    return charge(reserve(trip.city), nights)


def arguments(plan: Plan, inputs: tuple[Any, ...] = ()) -> list[Any]:
    """Each node's arguments, where the result of node `x` is the text `x!`."""
    values = initial_values(plan, inputs)
    values[: len(plan)] = [f"{name}!" for name in plan.names]
    found = []
    for i, takes in enumerate(plan.takes):
        found.append([values[slot] for slot in takes] if takes is not None else plan.binders[i](values))
    return found


# ── drawing ──


def test_a_workflow_is_drawn_once_at_the_first_compile() -> None:
    calls = []

    @workflow
    def counted() -> str:
        calls.append(1)
        return reserve("x")

    assert calls == []
    assert counted.compile() is counted.compile()
    assert calls == [1]


def test_a_workflow_is_drawn_once_though_threads_ask_together() -> None:
    calls = []
    together = threading.Barrier(4)

    @workflow
    def counted() -> str:
        calls.append(1)
        return reserve("x")

    def ask() -> None:
        together.wait()
        counted.compile()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_parameters_are_inputs_with_their_defaults_and_arguments_are_flat() -> None:
    @workflow
    def flat(a: str, b: int = 7, *, c: int = 8) -> list[str]:
        one = charge(a, b, tip=c)
        two = charge(a)
        return collect(a, "x", reserve(a), n=one, m=two)

    plan = flat.compile()
    assert [(spec.name, spec.type, spec.default is spec.default) for spec in plan.inputs] == [
        ("a", str, True), ("b", int, True), ("c", int, True)
    ]  # fmt: skip
    assert arguments(plan, ("A", 7, 8)) == [
        ["A", 7, 8],
        ["A", 2, 0],
        ["A"],
        ["A", "x", "reserve!", "charge!", "charge_2!"],
    ]
    assert plan.keywords == (("tip",), ("tip",), (), ("n", "m"))
    assert all(takes is not None for takes in plan.takes)


RETURNS: dict[str, tuple[Any, Any]] = {
    "a promise": (lambda s: s, "reserve!"),
    "a constant": (lambda s: 3, 3),
    "nothing": (lambda s: None, None),
    "a list": (lambda s: [s, 1], ["reserve!", 1]),
    "a tuple": (lambda s: (s, 1), ("reserve!", 1)),
    "a set": (lambda s: {s, 1}, {"reserve!", 1}),
    "a dict": (lambda s: {"a": s, "b": [s]}, {"a": "reserve!", "b": ["reserve!"]}),
    "a struct": (lambda s: Trip(s, [s]), Trip("reserve!", ["reserve!"])),
    "a dataclass": (lambda s: Pair(s, 1), Pair("reserve!", 1)),
}


@pytest.mark.parametrize("case", RETURNS.values(), ids=RETURNS)
def test_r4_a_workflow_returns_promises_constants_and_containers_of_them(case: Any) -> None:
    body, expected = case

    @workflow
    def returning() -> Any:
        return body(reserve("x"))

    plan = returning.compile()
    values = ["reserve!", *plan.constants]
    assert plan.returns(values) == expected
    assert plan.keeps == ("reserve!" in repr(expected),)


def test_promises_hidden_in_containers_become_dependencies() -> None:
    @step
    async def take(value: Any) -> None: ...

    @workflow
    def hidden() -> None:
        seat = reserve("x")
        take({"a": [Pair((seat,), Trip(seat))]})

    plan = hidden.compile()
    assert plan.reads == ((), (0,))
    assert arguments(plan)[1] == [{"a": [Pair(("reserve!",), Trip("reserve!"))]}]


def test_a_constant_container_is_passed_as_the_object_that_it_is() -> None:
    seats = {"a": [1]}

    @step
    async def take(value: Any) -> None: ...

    @workflow
    def constant() -> None:
        take(seats)

    assert constant.compile().constants[0] is seats


MISMATCHES: dict[str, Any] = {}


def mismatch(text: str) -> Any:
    def keep(function: Any) -> Any:
        MISMATCHES[function.__name__] = (function, text)
        return function

    return keep


@mismatch("annotated to return str, but returns nothing")
def forgets_to_return() -> str:
    reserve("x")


@mismatch("returns a value, but is annotated to return None")
def returns_though_none() -> None:
    return reserve("x")


@mismatch("takes int, but the result of 'reserve' is str")
def returns_another_type() -> int:
    return reserve("x")


@mismatch("expected int, got str 'two'")
def constant_of_a_wrong_type() -> Any:
    charge(reserve("x"), "two")


@mismatch(r"argument 'seat': takes str, but the result of 'charge' is int")
def wired_wrong() -> Any:
    charge(charge("x"))


@mismatch(r"input 'nights': takes int, but the result of 'reserve' is str")
def composed_wrong() -> Any:
    book(Trip("x"), reserve("y"))


@mismatch("misses its argument 'seat'")
def misses_an_argument() -> Any:
    charge()


@mismatch("did you mean 'nights'")
def misspells_an_argument() -> Any:
    charge("x", night=1)


@pytest.mark.parametrize("case", MISMATCHES.values(), ids=MISMATCHES)
def test_r3_what_does_not_fit_is_refused(case: Any) -> None:
    function, text = case
    with pytest.raises(InvalidWorkflow, match=text):
        workflow(function).compile()


def test_none_may_be_returned_by_a_step_of_none() -> None:
    @workflow
    def through() -> None:
        return notify("x")

    through.compile()


# ── definition ──


def test_only_ordinary_functions_are_workflows() -> None:
    async def waits() -> None: ...

    def generates() -> Any:
        yield 1

    class Service:
        def method(self) -> None: ...

    def many(*args: int) -> None: ...

    def mutable(tags: list[str] = []) -> None: ...  # noqa: B006

    for function in (waits, generates, Service, Service.method, many, mutable, lambda: None, 3):
        with pytest.raises(InvalidWorkflow):
            workflow(function)  # type: ignore[call-overload]


def test_a_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="without `.`"):  # noqa: RUF043
        workflow(name="a.b")(lambda: None)
    with pytest.raises(InvalidStep):
        book.options(name="a.b")


def test_the_description_is_the_docstring_unless_given() -> None:
    def described() -> None:
        """Says what."""

    assert workflow(described).compile().description == "Says what."
    assert workflow(description="other", name="n")(described).compile().description == "other"


def test_a_workflow_called_outside_of_one_says_what_to_do() -> None:
    with pytest.raises(InvalidState, match=r"await runtime\.run\(book, …\)"):
        book(Trip("x"))


# ── composing ──


def test_r5_names_of_repeated_and_composed_nodes() -> None:
    @workflow
    def outer(trip: Trip) -> int:
        reserve("a")
        reserve("b")
        reserve.options(name="special")("c")
        book(trip)
        book(trip)
        return book.options(name="third")(trip)

    assert outer.compile().names == (
        "reserve", "reserve_2", "special",
        "book.reserve", "book.charge", "book_2.reserve", "book_2.charge", "third.reserve", "third.charge",
    )  # fmt: skip


def test_composed_inputs_are_wired_through_and_its_parts_are_reached() -> None:
    @workflow
    def pair(trip: Trip, extra: str) -> dict[str, Any]:
        return {"seat": reserve(trip.city), "extra": extra, "three": 3}

    @workflow
    def outer(city: str) -> list[Any]:
        made = pair(Trip(city), reserve("first"))
        charge(made["seat"])
        return [made["extra"], made["three"]]

    plan = outer.compile()
    assert arguments(plan, ("Oslo",)) == [["first"], ["Oslo"], ["pair.reserve!", 2, 0]]
    values = initial_values(plan, ("Oslo",))
    values[0] = "r"
    assert plan.returns(values) == ["r", 3]


def test_after_holds_back_all_of_a_composed_workflow_and_waits_for_all_of_one() -> None:
    @workflow
    def silent() -> None:
        reserve("a")
        charge(reserve("b"))

    @workflow
    def outer() -> None:
        first = silent()
        second = silent.options(after=[first])()
        notify.options(after=[second])("done")

    plan = outer.compile()
    assert plan.names[6] == "notify"
    assert plan.needs == ((), (), (1,), (0, 2), (0, 2), (4,), (3, 5))
    assert plan.reads[3] == plan.reads[6] == ()


def test_undoable_false_drops_the_undos_of_its_nodes_alone() -> None:
    @workflow
    def outer() -> None:
        book(Trip("a"))
        book.options(undoable=False)(Trip("b"))

    plan = outer.compile()
    assert [spec.undo is not None for spec in plan.steps] == [True, False, False, False]


def test_a_workflow_that_contains_itself_is_refused_with_the_way_round() -> None:
    @workflow
    def one() -> None:
        two()

    @workflow
    def two() -> None:
        one()

    with pytest.raises(InvalidWorkflow, match="one → two → one"):
        one.compile()


def test_problems_of_a_composed_workflow_are_those_of_the_outer_one() -> None:
    @workflow
    def broken() -> None:
        charge("x", "two")

    @workflow
    def outer() -> None:
        broken()

    with pytest.raises(InvalidWorkflow, match="workflow 'broken': .*expected int"):  # noqa: RUF043
        outer.compile()


def test_two_explicit_names_alike_are_refused() -> None:
    @workflow
    def alike() -> None:
        reserve.options(name="x")("a")
        notify.options(name="x")("b")

    with pytest.raises(InvalidWorkflow, match="two nodes are named 'x'"):
        alike.compile()


def test_keep_and_order_of_definition() -> None:
    @workflow
    def kept() -> str:
        reserve.options(keep=True)("a")
        reserve("b")
        return reserve("c")

    plan = kept.compile()
    assert plan.keeps == (True, False, True)
    assert plan.lines[0].startswith("test_workflow.py:")


# ── inputs ──


def test_r2_inputs_are_checked_deeply_and_neither_copied_nor_converted() -> None:
    trip = Trip("Oslo", ["a"])
    assert book.bind((trip,), {}) == (trip, 2)
    assert book.bind((), {"nights": 3, "trip": trip})[0] is trip


BAD: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "wrong part": ((Trip("x", ["a", "b", 3]),), {}, r"trip\.legs\[2\]: expected str, got int"),  # type: ignore[list-item]
    "wrong": (("Oslo",), {}, "trip: expected Trip, got str"),
    "missing": ((), {}, "misses its input 'trip'"),
    "unknown": ((Trip("x"),), {"night": 3}, "no input 'night'; did you mean 'nights'"),
    "twice": ((Trip("x"),), {"trip": Trip("x")}, "given twice"),
    "too many": ((Trip("x"), 1, 2), {}, "takes 2 inputs by position, but 3 were given"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_r2_bad_inputs_are_refused_with_their_path(case: Any) -> None:
    args, kwargs, text = case
    with pytest.raises(InvalidInput, match=text):
        book.bind(args, kwargs)


def test_r2_inputs_of_a_message_are_converted_strictly() -> None:
    assert book.convert_inputs({"trip": {"city": "Oslo", "legs": ["a"]}}) == (Trip("Oslo", ["a"]), 2)
    with pytest.raises(InvalidInput, match="nights: expected int, got str"):
        book.convert_inputs({"trip": {"city": "Oslo"}, "nights": "3"})
    with pytest.raises(InvalidInput, match=r"trip\.legs\[0\]"):
        book.convert_inputs({"trip": {"city": "Oslo", "legs": [1]}})
    with pytest.raises(InvalidInput, match="a mapping"):
        book.convert_inputs([])  # type: ignore[arg-type]


def test_an_annotation_that_names_nothing_is_a_problem_of_the_workflow() -> None:
    def unknown(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    made: Workflow[..., Any] = workflow(unknown)
    with pytest.raises(InvalidWorkflow, match="Nowhere"):
        made.compile()


# ── fingerprint ──


def test_the_fingerprint_is_that_of_the_plan_and_changes_with_it() -> None:
    def made(nights: int) -> str:
        @workflow(name="same")
        def same() -> int:
            return charge(reserve("a"), nights)

        return same.compile().fingerprint

    assert made(1) == made(1) != made(2)
