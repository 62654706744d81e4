"""Combinations that make no sense are refused at decoration: each row of the tables in docs/steps.md."""

import functools
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actorflow.errors import InvalidStep, InvalidWorkflow
from actorflow.policy import Exponential, Fixed, Halt, Limit, Rate, Retry
from actorflow.workflow import Step, Value, WorkflowBuilder, step, workflow

if TYPE_CHECKING:
    from nowhere import Nowhere  # type: ignore[import-not-found]

PAGE = (Path(__file__).parents[2] / "docs" / "steps.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
REFUSED = ROW.findall(PAGE.partition("## What is refused")[2])


def charge(seat: str, nights: int = 1) -> str:
    return f"{seat}-{nights}"


async def charge_async(seat: str) -> str:
    return seat


def refund(value: str) -> None: ...


def numbers() -> Iterator[int]:
    yield 1


class Service:
    def book(self, seat: str) -> str:
        return seat

    def __call__(self, seat: str) -> str:
        return seat


class Client:
    pass


def takes_a_client(client: Client) -> None: ...


def unknown_type(seat: "Nowhere") -> None: ...


def with_default(value: Any) -> Callable[..., Any]:
    def has_default(items: Any = value) -> None: ...

    return has_default


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def local_function() -> Callable[..., Any]:
    def local(seat: str) -> str:
        return seat

    return local


def in_a_notebook() -> Callable[..., Any]:
    function = types.FunctionType(charge.__code__, {"__name__": "__main__"}, "charge")
    function.__module__ = "__main__"
    function.__qualname__ = "charge"
    return function


def twice(attach: Any, handler: Any) -> None:
    attach(handler)
    attach(handler)


def undoable() -> Step[..., Any, Any]:
    made = step(charge)
    made.undo(refund)
    return made


def compiled(made: Step[..., Any, Any]) -> Step[..., Any, Any]:
    """A step that is in the plan of a workflow."""
    WorkflowBuilder("book").add_step("charge", made, arguments={"seat": Value("3A")}).returns("charge").build()
    return made


def test_the_page_has_the_tables() -> None:
    assert len(REFUSED) > 80


@pytest.mark.parametrize(("written", "words"), REFUSED, ids=[written for written, _ in REFUSED])
def test_what_makes_no_sense_is_refused_where_it_is_written(
    written: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "notebook" in written:
        monkeypatch.setitem(__import__("sys").modules, "__main__", types.ModuleType("__main__"))
    names = globals() | {"Exponential": Exponential, "Fixed": Fixed, "Halt": Halt, "Limit": Limit, "Rate": Rate}
    with pytest.raises(InvalidStep) as caught:
        eval(written, names | {"Retry": Retry, "step": step})
    assert words.replace(r"\|", "|").strip("`") in str(caught.value) or words in str(caught.value)


@pytest.mark.parametrize("made", [step, step(charge).options])
def test_an_option_that_does_not_exist_is_a_type_error(made: Any) -> None:
    with pytest.raises(TypeError, match="queue"):
        made(queue="gpu")


def test_a_handler_is_refused_once_any_copy_of_the_step_is_in_a_plan() -> None:
    """The plan is compiled once, so a run would never call the handler."""
    charged = step(charge)
    copy = charged.options(name="once")

    @workflow
    def book(seat: str) -> str:
        return copy(seat)

    book.compile()
    with pytest.raises(InvalidStep, match="after workflow 'book' was compiled with it, and so without an undo"):
        charged.undo(refund)
    assert charged.spec.undo is None


def test_a_handler_may_come_after_a_workflow_that_was_refused() -> None:
    charged = step(charge)
    builder = WorkflowBuilder("book").add_step("charge", charged)
    with pytest.raises(InvalidWorkflow):
        builder.build()
    charged.undo(refund)
    assert charged.spec.undo is not None
