"""What can be said inside a workflow beside calling steps: functions of a value, and combinators with bodies.

A body is a function that calls steps, a step, or a workflow. It is drawn once, where it is written, with promises; those from around it can be
used in it too. How each is drawn is in a module of its own, loaded when it is first called.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Literal, TypeVar, cast, overload

from msgspec import UNSET

from actorflow.outcome import Outcome
from actorflow.workflow.combinators import Combinator

A = TypeVar("A")
B = TypeVar("B")

_UNSET: Any = UNSET


class Transform(Combinator):
    """Computes with a value when it's there: an inline node named after the function, `transform` for a lambda (R9).

        name = transform(booking, lambda booking: booking.name)

    The function takes the value alone, is quick, and waits for nothing: it runs in the executor's own turn. Raises `InvalidState` outside of
    a workflow.
    """

    word = "transform"

    def __call__(self, value: A, function: Callable[[A], B]) -> B:
        from actorflow.workflow.transforms import draw_transform

        return cast("B", draw_transform(self, value, function))


class EachItem(Combinator):
    """Runs a body once per item, and gives the list of what it gives.

        seats = each(trip.legs, lambda leg: reserve_seat(leg, trip.nights), concurrency=10)

    Its steps are named `each[17].reserve_seat`, by the item's index from 0, or by what `key` says of it. At most `concurrency` items are under way
    at once, `batch_size` if it isn't told; from what isn't a sequence that many are pulled at once, and never more. The results are in the order of
    the items, or of their completion with `ordered=False`. An item that fails fails the run, which takes all of them back; with
    `on_error="collect"` it takes back its own steps alone, and the results are outcomes: `Succeeded` or `Failed`.
    """

    word = "each"

    @overload
    def __call__(
        self,
        items: Iterable[A] | AsyncIterable[A],
        body: Callable[[A], B],
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        batch_size: int = 100,
        key: Callable[[A], str] | None = None,
        on_error: Literal["fail"] = "fail",
    ) -> list[B]: ...
    @overload
    def __call__(
        self,
        items: Iterable[A] | AsyncIterable[A],
        body: Callable[[A], B],
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        batch_size: int = 100,
        key: Callable[[A], str] | None = None,
        on_error: Literal["collect"],
    ) -> list[Outcome[B]]: ...
    def __call__(
        self,
        items: Any,
        body: Any,
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        batch_size: int = 100,
        key: Any = None,
        on_error: Literal["fail", "collect"] = "fail",
    ) -> Any:
        from actorflow.workflow.items import EachOptions, draw_each

        return draw_each(self, items, body, EachOptions(concurrency, ordered, batch_size, key, on_error))


class ChooseCase(Combinator):
    """Runs the branch of the case that equals a value.

        charge = choose(trip.paid_by, {"card": lambda: charge_card(trip), "invoice": lambda: invoice(trip)})

    Its steps are named `choose[card].charge_card`, or `choose[default].…`. A value that matches nothing, with no default, fails with `NoBranch`.
    """

    word = "choose"

    @overload
    def __call__(self, value: A, branches: Mapping[A, Callable[[], B]]) -> B: ...
    @overload
    def __call__(self, value: A, branches: Mapping[A, Callable[[], B]], *, default: Callable[[], B]) -> B: ...
    def __call__(self, value: Any, branches: Any, *, default: Any = _UNSET) -> Any:
        from actorflow.workflow.branches import draw_choose

        return draw_choose(self, value, branches, default)


class ChooseFirst(Combinator):
    """Runs the branch of the first predicate that says yes to a value, and gives it the value.

        offer = choose_first([(lambda nights: nights > 7, long_stay)], on=trip.nights, default=short_stay)

    Its steps are named `choose_first[0].long_stay`, or `choose_first[default].…`. If no predicate says yes, and there is no default, it fails with
    `NoBranch`. Predicates run in the executor's own turn.
    """

    word = "choose_first"

    def __call__(
        self,
        branches: Sequence[tuple[Callable[[A], bool], Callable[[A], B]]],
        *,
        on: A,
        default: Callable[[A], B] = _UNSET,
    ) -> B:
        from actorflow.workflow.branches import draw_choose_first

        return cast("B", draw_choose_first(self, branches, on, default))


class Group(Combinator):
    """Runs a body with something before it, and something after it.

        charge = group(lambda: charge_card(trip), before=open_ledger, after=lambda charge: note(charge))

    `before`, `body` and `after` call steps; `after` may take what the body returns. Nothing of the body starts until all of `before` has ended,
    nothing of `after` until all of the body has. Its steps are named `group.charge_card`; it gives what the body gives.
    """

    word = "group"

    @overload
    def __call__(
        self, body: Callable[[], B], *, before: Callable[[], Any] = ..., after: Callable[[], Any] = ...
    ) -> B: ...
    @overload
    def __call__(self, body: Callable[[], B], *, before: Callable[[], Any] = ..., after: Callable[[B], Any]) -> B: ...
    def __call__(self, body: Any, *, before: Any = _UNSET, after: Any = _UNSET) -> Any:
        from actorflow.workflow.groups import draw_group

        return draw_group(self, body, before, after)


class Around(Combinator):
    """Runs a body inside of an async context manager.

        rows = around(lambda: database.connect(), lambda connection: copy_rows(connection))

    `factory` is called at run time, and gives the context manager; the body is given what entering it gives, which is a resource: used by the
    steps of the body, never stored. It is left when all of the body has ended, and before anything is undone, with the failure if there is one; a
    halt leaves it, a resume enters another one if a step of the body is still to run. An exit that raises fails the run; one that returns true hides
    nothing. Its steps are named `around.copy_rows`.
    """

    word = "around"

    def __call__(self, factory: Callable[[], AbstractAsyncContextManager[A]], body: Callable[[A], B]) -> B:
        from actorflow.workflow.surroundings import draw_around

        return cast("B", draw_around(self, factory, body))


class Repeat(Combinator):
    """Runs a workflow again and again, each pass with what the last one gave.

        page = repeat(next_page, first, until=lambda page: page.is_last, at_most=100)

    There is one pass at least; `until` sees the result of each. Its steps are named `repeat[1].fetch`, `repeat[2].fetch`, by pass from 1. To have
    made `at_most` passes is fine, or with `exhausted="fail"` an error, `RepeatExhausted`. A workflow may contain itself through `repeat`,
    in a branch that ends. Instead of a workflow it may be a step, or a function that calls steps.
    """

    word = "repeat"

    def __call__(
        self,
        workflow: Callable[[A], A],
        start: A,
        *,
        until: Callable[[A], bool] | None = None,
        at_most: int | None = None,
        exhausted: Literal["return", "fail"] = "return",
    ) -> A:
        from actorflow.workflow.repeating import RepeatOptions, draw_repeat

        return cast("A", draw_repeat(self, workflow, start, RepeatOptions(until, at_most, exhausted)))


transform: Final = Transform()
each: Final = EachItem()
choose: Final = ChooseCase()
choose_first: Final = ChooseFirst()
group: Final = Group()
around: Final = Around()
repeat: Final = Repeat()
