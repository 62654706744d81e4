"""R13: exceptions as records that outlive their process."""

from typing import Any

import msgspec
import pytest

from actorflow.errors import (
    AttemptsExhausted,
    InvalidStep,
    NotSerializable,
    RecordedFailure,
    RunFailed,
    StepError,
    StepTimeout,
)
from actorflow.failures import FailureRecord, failed_with, failure, rebuild, record


class Charge(msgspec.Struct, frozen=True):
    id: str


class PaymentError(Exception):
    pass


@failure
class CardDeclined(PaymentError):
    charge: Charge

    def __init__(self, charge: Charge, *, code: int, client: Any = None) -> None:
        self.charge = charge
        self.code = code
        self.client = client
        super().__init__(f"declined: {charge.id}")


class Unregistered(PaymentError):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def through_bytes(error: BaseException) -> BaseException:
    """As after a restart."""
    return rebuild(msgspec.msgpack.decode(msgspec.msgpack.encode(record(error)), type=FailureRecord))


def test_r13_a_registered_class_is_rebuilt_with_its_typed_fields() -> None:
    error = CardDeclined(Charge("c1"), code=51)
    back = through_bytes(error)
    assert type(back) is CardDeclined
    assert (str(back), back.charge, back.code) == ("declined: c1", Charge("c1"), 51)


def test_a_field_that_cannot_be_recorded_is_none_and_a_note_says_so() -> None:
    back = through_bytes(CardDeclined(Charge("c1"), code=51, client=object()))
    assert isinstance(back, CardDeclined)
    assert back.client is None
    assert "client" in back.__notes__[-1]


def test_r13_other_classes_come_back_as_recorded_failure_with_type_message_traceback_and_notes() -> None:
    try:
        error = Unregistered(7)
        error.add_note("seen at the till")
        raise error
    except Unregistered as raised:
        back = through_bytes(raised)
    assert isinstance(back, RecordedFailure)
    assert back.type == f"{__name__}.Unregistered"
    assert back.message == "7"
    assert "raise error" in back.traceback
    assert back.notes == ("seen at the till",)
    assert back.__notes__ == ["seen at the till"]


@pytest.mark.parametrize(
    "error", [CardDeclined(Charge("c1"), code=1), Unregistered(7), TimeoutError("late"), KeyError("x")]
)
@pytest.mark.parametrize(
    "kind",
    [
        CardDeclined,
        Unregistered,
        PaymentError,
        "PaymentError",
        "Unregistered",
        f"{__name__}.CardDeclined",
        OSError,
        "OSError",
        LookupError,
        Exception,
        "seats.Other",
        "Error",
    ],
)
def test_r13_failed_with_answers_the_same_before_and_after_it_was_recorded(error: Exception, kind: Any) -> None:
    assert failed_with(error, kind) is failed_with(through_bytes(error), kind)


def test_failed_with_knows_subclasses_and_names() -> None:
    back = through_bytes(Unregistered(7))
    assert failed_with(back, PaymentError)
    assert failed_with(back, "PaymentError")
    assert not failed_with(back, CardDeclined)
    assert not failed_with(back, "mentError")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x", 3),
        OSError(2, "no such file"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        KeyError("k"),
        StopIteration(3),
    ],
)
def test_built_in_exceptions_come_back_as_they_were(error: Exception) -> None:
    back = through_bytes(error)
    assert type(back) is type(error)
    assert (str(back), back.args) == (str(error), error.args)


@pytest.mark.parametrize(
    "error",
    [
        StepTimeout("charge", 3.0),
        AttemptsExhausted("charge", 5, "busy"),
        NotSerializable("no", path="$.a"),
        RecordedFailure("a.B", "x"),
    ],
)
def test_actorflows_own_errors_come_back_with_their_fields(error: Exception) -> None:
    back = through_bytes(error)
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_a_failed_run_inside_of_a_step_comes_back_with_the_errors_of_the_run() -> None:
    failed = RunFailed("r1", "book", [StepError("charge", "run", 2, Unregistered(7))], "complete")
    back = through_bytes(failed)
    assert isinstance(back, RunFailed)
    assert (back.run_id, back.rollback) == ("r1", "complete")
    assert [(each.node, each.phase, each.attempt) for each in back.errors] == [("charge", "run", 2)]
    assert failed_with(back.errors[0].error, Unregistered)


def test_causes_and_groups_come_back_to_a_depth() -> None:
    group = ExceptionGroup("both", [ValueError("a"), Unregistered(1)])
    group.__cause__ = ValueError("cause")
    back = through_bytes(group)
    assert isinstance(back, ExceptionGroup)
    assert [type(part) for part in back.exceptions] == [ValueError, RecordedFailure]
    assert isinstance(back.__cause__, ValueError)
    looped = ValueError("loop")
    looped.__context__ = RuntimeError("inner")
    looped.__context__.__context__ = looped
    assert isinstance(through_bytes(looped), ValueError)


class Nasty(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_cannot_be_shown_is_recorded_all_the_same() -> None:
    back = through_bytes(Nasty(object(), "\ud800"))
    assert isinstance(back, RecordedFailure)
    assert "without a text" in back.message


def test_a_recorded_failure_recorded_again_stays_what_it_was() -> None:
    once = through_bytes(Unregistered(7))
    twice = through_bytes(once)
    assert isinstance(twice, RecordedFailure)
    assert (twice.type, twice.message) == (f"{__name__}.Unregistered", "7")
    assert failed_with(twice, PaymentError)


def test_failure_registers_exception_classes_of_modules_only() -> None:
    class Local(Exception):
        pass

    with pytest.raises(InvalidStep, match="Local"):
        failure(Local)
    with pytest.raises(InvalidStep, match="exception classes"):
        failure(int)
