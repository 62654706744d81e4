"""What `@step` and `.options(…)` make of a function (DESIGN, section 1)."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import msgspec
import pytest

from actorflow.policy import Limit, Recover, Retry, Skip
from actorflow.workflow.signatures import bind_arguments
from actorflow.workflow.step import Step, step


class Seat(msgspec.Struct, frozen=True):
    code: str


def new_charge() -> Step[..., Any, Any]:
    @step
    async def charge(seat: Seat, nights: int = 1) -> str:
        """Charges a card."""
        return f"{seat.code}-{nights}"

    return charge


async def test_run_calls_the_bare_function_as_it_was_written() -> None:
    @step
    def label(leg: str, n: int = 1) -> str:
        return leg * n

    assert label.run("x", n=2) == "xx"
    assert await new_charge().run(Seat("a"), 2) == "a-2"


def test_the_spec_tells_names_types_mode_and_description() -> None:
    spec = new_charge().spec
    assert (spec.name, spec.mode, spec.description) == ("charge", "async", "Charges a card.")
    assert spec.arguments == (("seat", Seat), ("nights", int))
    assert spec.returns is str
    assert list(spec.signature.parameters) == ["seat", "nights"]


@pytest.mark.parametrize(("asked", "mode"), [("auto", "thread"), ("thread", "thread"), ("inline", "inline")])
def test_r9_a_def_executes_in_a_thread_unless_told(asked: Any, mode: str) -> None:
    @step(mode=asked)
    def label() -> str:
        return ""

    assert label.spec.mode == mode


def top(seat: Seat) -> Seat:
    return seat


def test_r9_a_function_of_a_module_can_be_sent_to_a_process() -> None:
    assert step(mode="process")(top).spec.mode == "process"


def test_r14_without_retry_only_try_again_counts_five_attempts_in_all() -> None:
    assert new_charge().spec.retry == Retry(attempts=5, on=())


def test_r19_a_handler_is_tried_five_times_unless_it_has_a_policy_of_its_own() -> None:
    charge = new_charge()

    @charge.undo
    def refund(value: str) -> None: ...

    @charge.compensate(retry=Retry(attempts=2))
    async def settle(error: Exception, seat: Seat, nights: int = 1) -> Recover[str] | None:
        return None

    undo, compensate = charge.spec.undo, charge.spec.compensate
    assert undo is not None
    assert compensate is not None
    assert (undo.retry, undo.is_async, undo.wants_arguments) == (Retry(attempts=5), False, False)
    assert (compensate.retry, compensate.is_async, compensate.wants_arguments) == (Retry(attempts=2), True, True)


def test_r11_handlers_have_the_timeout_of_the_step_unless_given_their_own() -> None:
    charge = new_charge()
    charge.undo(timeout=7)(lambda value: None)

    @charge.compensate
    def settle(error: Exception, seat: Seat, nights: int = 1) -> Recover[str] | None: ...

    spec = charge.options(timeout=3).spec
    assert spec.undo is not None
    assert spec.compensate is not None
    assert (spec.undo.timeout, spec.compensate.timeout) == (7, 3)


def test_r54_an_undo_may_be_declared_to_be_called_when_the_outcome_is_unknown() -> None:
    charge = new_charge()
    charge.undo(unknown=True)(lambda value: None)
    assert charge.spec.undo is not None
    assert charge.spec.undo.unknown


def test_handlers_attached_after_a_copy_was_made_are_seen_by_the_copy() -> None:
    charge = new_charge()
    copy = charge.options(name="pay")
    assert copy.spec.undo is None

    @charge.undo
    def refund(value: str, seat: Seat, nights: int = 1) -> None: ...

    assert copy.spec.undo is not None
    assert copy.spec.undo.function is refund
    assert copy.spec.undo.wants_arguments
    assert copy.spec is copy.spec


def test_a_handler_may_take_anything() -> None:
    charge = new_charge()

    @charge.undo
    def note(value: Any, *args: Any, **kwargs: Any) -> None: ...

    assert charge.spec.undo is not None
    assert charge.spec.undo.wants_arguments


def test_options_change_a_copy_and_leave_the_step_as_it_was() -> None:
    charge = new_charge()
    copy = charge.options(name="pay", after=[1], keep=True, timeout=3, description="x")
    again = copy.options(timeout=None)
    assert charge.spec.timeout is None
    assert (copy.placement.name, copy.placement.after, copy.placement.keep) == ("pay", (1,), True)
    assert (copy.spec.timeout, copy.spec.description, copy.name) == (3, "x", "charge")
    assert (again.spec.timeout, again.placement.name) == (None, "pay")
    assert charge.placement.name is None


def test_r17_the_predicate_is_asked_before_the_guards_which_keep_their_order() -> None:
    def first(seat: Seat, nights: int) -> Skip[str] | None: ...
    async def second(*args: Any, **kwargs: Any) -> Skip[str] | None: ...
    def wanted(seat: Seat, nights: int = 1) -> bool:
        return True

    made = new_charge().options(guards=[first, second], where=wanted)
    assert [(guard.function, guard.is_async, guard.is_where) for guard in made.spec.guards] == [
        (wanted, False, True),
        (first, False, False),
        (second, True, False),
    ]
    assert [guard.function for guard in made.options(guards=[]).spec.guards] == [wanted]


def test_r28_limits_are_taken_in_order_of_name_and_keys_pick_their_arguments() -> None:
    def key(nights: int, seat: Seat, other: int = 3) -> str:
        return seat.code

    b, a = Limit("b", 1, key=key), Limit("a", 2)
    made = new_charge().options(limit=(b, a, a))
    assert [(each.limit.name, each.picks) for each in made.spec.limits] == [
        ("a", ()),
        ("b", (("nights", 1), ("seat", 0))),
    ]


def test_r28_a_key_may_name_what_stands_behind_args() -> None:
    @step(limit=Limit("a", 1, key=lambda k: k))
    def spread(first: int, *rest: int, k: int) -> None: ...

    arguments, _ = bind_arguments(spread.signature, (1, 2, 3), {"k": 4})
    (name, place) = spread.spec.limits[0].picks[0]
    assert (name, arguments[place]) == ("k", 4)


def test_lambdas_and_partials_are_steps_once_they_have_a_name() -> None:
    def charge(seat: str, nights: int) -> str:
        return seat * nights

    made = step(name="two")(functools.partial(charge, nights=2))
    assert made.run("x") == "xx"
    assert made.spec.arguments == (("seat", str), ("nights", int))
    assert step(name="same")(lambda seat: seat).spec.returns is Any


def test_annotations_may_name_what_is_local_or_defined_later() -> None:
    class Local(msgspec.Struct):
        x: int

    @step
    def takes_local(local: Local) -> list[Local]:
        return [local]

    assert takes_local.spec.arguments == (("local", Local),)
    assert takes_later.spec.arguments == (("later", Later),)


@step
def takes_later(later: Later) -> None: ...


class Later:
    pass


def spread(a: int, /, b: int = 2, *rest: int, k: int = 3, **more: int) -> None: ...
def plain(a: int, b: int = 2) -> None: ...


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "flat", "keywords"),
    [
        (plain, (1, 5), {}, [1, 5], ()),
        (plain, (1,), {}, [1, 2], ()),
        (plain, (), {"b": 3, "a": 1}, [1, 3], ()),
        (spread, (1,), {}, [1, 2, 3], ("k",)),
        (spread, (1, 4, 5, 6), {"k": 7, "z": 8}, [1, 4, 5, 6, 7, 8], ("k", "z")),
    ],
)
def test_arguments_are_bound_to_one_flat_list(function: Any, args: Any, kwargs: Any, flat: Any, keywords: Any) -> None:
    assert bind_arguments(inspect.signature(function), args, kwargs) == (flat, keywords)


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((), {}, "misses its argument 'a'"),
        ((1,), {"bb": 1}, "takes no argument 'bb'; did you mean 'b'?"),
        ((1, 2, 3), {}, "too many positional arguments"),
        ((1,), {"a": 1}, "multiple values for argument 'a'"),
    ],
)
def test_arguments_that_do_not_fit_are_told(args: Any, kwargs: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        bind_arguments(inspect.signature(plain), args, kwargs)
    assert words in str(caught.value)


def test_a_step_looks_like_its_function() -> None:
    charge = new_charge()
    assert (charge.__name__, charge.__doc__) == ("charge", "Charges a card.")
    assert repr(charge) == "<step charge>"
