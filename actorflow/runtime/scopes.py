"""The own code of scopes: which branch, which items, whether once more; and the context managers of arounds.

What a scope decides is posted as a fact, like what a step returns. Predicates, keys and iterators are called in the executor's own turn, as
inline steps are; async iterators and context managers have tasks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from actorflow import crash_points
from actorflow.errors import InvalidValue, NoBranch, RepeatExhausted, brief, describe
from actorflow.facts import BodyOpened, ItemsPulled, ScopeLeft, StepFact, StepSucceeded
from actorflow.plan import Around, Call, Choose, ChooseFirst, Each, Repeat, ScopePlan, StepSpec
from actorflow.runtime.here import HERE
from actorflow.runtime.holding import hold, leave
from actorflow.runtime.row import Live, Row
from actorflow.values import MASK, redacted

if TYPE_CHECKING:
    from actorflow.engine import Scope
    from actorflow.runtime.step_runner import StepRunner

Source = Iterator[Any] | AsyncIterator[Any]


class ScopeRunner:
    def __init__(self, runner: StepRunner) -> None:
        self.runner = runner

    def decide(self, row: Row, node: int, number: int, step: StepSpec, arguments: Sequence[Any]) -> None:
        """The scope's turn: at first, and again whenever its bodies leave it something to decide."""
        match step.control:
            case Around(factory):
                self.enter_or_leave(row, node, number, factory)
            case Each() as control:
                self.pull(row, node, number, control, arguments[0])
            case Repeat() as control:
                self.answer(row, node, number, partial(self.pass_on, row, node, number, control, arguments[0]))
            case Call():
                self.answer(row, node, number, partial(self.opened, row, node, number, 0, "", tuple(arguments)))
            case Choose() | ChooseFirst() as control:
                self.answer(row, node, number, partial(self.branch, row, node, number, control, arguments[0]))
            case control:
                raise AssertionError(f"{row.name(node)} is no scope: {control!r}")

    def answer(self, row: Row, node: int, number: int, decide: Callable[[float], StepFact]) -> None:
        """Asks the scope's own code, in a context of its own, and posts what it decides."""
        began = self.runner.monotonic()
        try:
            message = row.context.copy().run(self.here, row, node, number, partial(decide, began))
            if row.journal is not None:
                row.journal.prepare(row, message)
        except BaseException as error:
            self.runner.attempt_raised(row, node, number, error, began)
        else:
            if crash_points.listener is not None:
                crash_points.listener("scope.decided")
            self.runner.post(message)

    def here(self, row: Row, node: int, number: int, decide: Callable[[], StepFact]) -> StepFact:
        HERE.set((self.runner, row, node, number, ""))
        return decide()

    def opened(
        self,
        row: Row,
        node: int,
        number: int,
        body: int,
        key: str,
        given: tuple[Any, ...],
        began: float,
        index: int = 0,
    ) -> StepFact:
        return BodyOpened(row.id, node, number, self.runner.monotonic(), body, index, key, given, began)

    # ── branches ──────────────────────────────────────────────────────────────────────────────────────────────────

    def branch(
        self, row: Row, node: int, number: int, control: Choose | ChooseFirst, value: Any, began: float
    ) -> StepFact:
        chosen = chosen_case(control, value) if isinstance(control, Choose) else first_true(control, value)
        if chosen is None:
            raise NoBranch(row.name(node), shown(row, node, value))
        body = scope_plan(row, node).bodies[chosen]
        given = (value,) if body.given else ()
        return self.opened(row, node, number, chosen, body.key, given, began)

    # ── repeating ─────────────────────────────────────────────────────────────────────────────────────────────────

    def pass_on(self, row: Row, node: int, number: int, control: Repeat, start: Any, began: float) -> StepFact:
        """At least one pass; then until it is said to be enough, or `at_most` are done."""
        scope = scope_of(row, node)
        if scope is None:
            return self.begin_pass(row, node, number, 1, start, began)
        value, passes = scope.value, scope.passes
        is_enough = control.until is not None and control.until(value)
        if not is_enough and passes == control.at_most and control.fails:
            raise RepeatExhausted(row.name(node), passes, shown(row, node, value))
        if is_enough or passes == control.at_most:
            return StepSucceeded(row.id, node, number, self.runner.monotonic(), value, scope.began)
        return self.begin_pass(row, node, number, passes + 1, value, began)

    def begin_pass(self, row: Row, node: int, number: int, index: int, value: Any, began: float) -> StepFact:
        _ = scope_plan(row, node).bodies[0].plan  # a workflow that can't be compiled fails the repeat, not the runtime
        return self.opened(row, node, number, 0, str(index), (value,), began, index)

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def pull(self, row: Row, node: int, number: int, control: Each, items: Any) -> None:
        """A list is taken as it is. What isn't one is pulled, `batch_size` items at a time."""
        source = row.scoped.sources.get(node)
        if source is None and (isinstance(items, (list, tuple)) or not is_lazy(items)):
            self.answer(row, node, number, partial(self.whole, row, node, number, control, items))
            return
        if source is None:
            try:
                source = row.scoped.sources[node] = opened_source(row, node, items)
            except BaseException as error:
                self.runner.attempt_raised(row, node, number, error, self.runner.monotonic())
                return
        if isinstance(source, Iterator):
            self.answer(row, node, number, partial(self.batch, row, node, number, control, source))
            return
        live = row.live[node] = Live(number)
        self.runner.spawn(row, node, number, pull_async(self, row, node, number, control, source), None, live)

    def whole(self, row: Row, node: int, number: int, control: Each, items: Any, began: float) -> StepFact:
        found: Sequence[Any] = (
            cast("Sequence[Any]", items) if isinstance(items, (list, tuple)) else listed(row, node, items)
        )
        return self.pulled(row, node, number, control, found, began, more=False)

    def batch(self, row: Row, node: int, number: int, control: Each, source: Iterator[Any], began: float) -> StepFact:
        found = list(islice(source, control.batch_size))
        return self.pulled(row, node, number, control, found, began, more=len(found) == control.batch_size)

    def pulled(
        self, row: Row, node: int, number: int, control: Each, items: Sequence[Any], began: float, *, more: bool
    ) -> StepFact:
        keys = None if control.key is None else self.keys(row, node, control.key, items)
        if not more:
            row.scoped.sources.pop(node, None)
            row.scoped.keys.pop(node, None)
        return ItemsPulled(row.id, node, number, self.runner.monotonic(), items, keys, more, began)

    def keys(self, row: Row, node: int, key: Callable[[Any], object], items: Sequence[Any]) -> Sequence[str]:
        """R5: an item's key is a part of names, so it's text, and no other item's."""
        known = row.scoped.keys.setdefault(node, set())
        found: list[str] = []
        for item in items:
            name = key(item)
            if not isinstance(name, str) or not name or set(name) & set("[]"):
                raise InvalidValue(
                    f"the key of an item of {row.name(node)!r} is text without brackets, not {brief(name)}"
                )
            if name in known:
                raise InvalidValue(f"two items of {row.name(node)!r} have the key {name!r}")
            known.add(name)
            found.append(name)
        return found

    # ── arounds ───────────────────────────────────────────────────────────────────────────────────────────────────

    def enter_or_leave(self, row: Row, node: int, number: int, factory: Callable[[], Any]) -> None:
        scope = scope_of(row, node)
        if scope is not None and scope.is_done:
            self.leave(row, node, None)
            return
        live = row.live[node] = Live(number)
        self.runner.spawn(row, node, number, hold(self.runner, row, node, number, factory), None, live)

    def leave(self, row: Row, node: int, error: BaseException | None) -> None:
        """One that nobody holds has been left already."""
        if not leave(row, node, error):
            at = self.runner.monotonic()
            self.runner.post(ScopeLeft(row.id, node, row.state.attempt[node], at, None, at))


async def pull_async(
    scopes: ScopeRunner, row: Row, node: int, number: int, control: Each, source: AsyncIterator[Any]
) -> None:
    """One batch, in a task of its own."""
    runner = scopes.runner
    HERE.set((runner, row, node, number, ""))
    began = runner.monotonic()
    found: list[Any] = []
    pending = row.scoped.pending.pop(node, None)
    if pending is not None:
        found = pending
    try:
        more = True
        while more and len(found) < control.batch_size:
            try:
                found.append(await anext(source))
            except StopAsyncIteration:
                more = False
        message = scopes.pulled(row, node, number, control, found, began, more=more)
        if row.journal is not None:
            row.journal.prepare(row, message)
    except BaseException as error:
        row.scoped.pending[node] = found  # what it has pulled before it was stopped isn't lost
        runner.attempt_raised(row, node, number, error, began)
        return
    if crash_points.listener is not None:
        crash_points.listener("scope.decided")
    runner.deliver(row, node, message)


# ── what a scope looks at ─────────────────────────────────────────────────────────────────────────────────────────────


def scope_plan(row: Row, node: int) -> ScopePlan:
    launch, local, _ = row.at(node)
    return launch.plan.scopes[local]


def scope_of(row: Row, node: int) -> Scope | None:
    tree = row.state.tree
    return None if tree is None else tree.scopes.get(node)


def chosen_case(control: Choose, value: Any) -> int | None:
    try:
        return control.cases.get(value, control.default)
    except TypeError:  # what can't be hashed equals no case
        return control.default


def first_true(control: ChooseFirst, value: Any) -> int | None:
    for number, predicate in enumerate(control.predicates):
        if predicate(value):
            return number
    return control.default


def shown(row: Row, node: int, value: Any) -> Any:
    """A value of a scope for the text of an error, without its secrets; it is all secret if its type isn't known, and the run has some."""
    body = scope_plan(row, node).bodies[0]
    if not row.hides or not body.given:
        return MASK if row.hides else value
    return redacted(value, body.plan.inputs[0].type)


def shown_items(row: Row, items: Any) -> str:
    return MASK if row.hides else brief(items)


def is_lazy(items: Any) -> bool:
    """Whether items come one by one: an iterator, or an async iterable. A collection has them all."""
    return hasattr(items, "__aiter__") or hasattr(items, "__next__") or not hasattr(items, "__len__")


def listed(row: Row, node: int, items: Any) -> list[Any]:
    try:
        return list(items)
    except TypeError as error:
        raise InvalidValue(
            f"{row.name(node)!r} can't go through {shown_items(row, items)}: {describe(error)}"
        ) from error


def opened_source(row: Row, node: int, items: Any) -> Source:
    if hasattr(items, "__aiter__"):
        return cast("AsyncIterator[Any]", aiter(items))
    try:
        return cast("Iterator[Any]", iter(items))
    except TypeError as error:
        raise InvalidValue(
            f"{row.name(node)!r} can't go through {shown_items(row, items)}: {describe(error)}"
        ) from error
