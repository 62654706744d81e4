"""The combinators as a builder says them: each calls the combinator itself, so that what is checked and drawn is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from msgspec import UNSET

from actorflow.workflow.calls import one_line
from actorflow.workflow.combinators import Combinator
from actorflow.workflow.combine import around, choose, choose_first, each, group, repeat, transform
from actorflow.workflow.entries import Entry, Said
from actorflow.workflow.gathering import named_arguments, not_a_maker, signature_of_maker
from actorflow.workflow.named_bodies import bodies
from actorflow.workflow.words import debug, fail, gather, template

if TYPE_CHECKING:
    from actorflow.workflow.resolving import Resolver


class SaidText(Said):
    """A `template` or a `fail`, with its values by name."""

    def __init__(self, word: Combinator, text: Any, returns: Any) -> None:
        self._word: Any = word
        self._text = text
        self.returns = returns

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        return resolver.ready(self._word, entry)(self._text, **resolver.promises(entry.arguments, entry))


def said_template(text: Any) -> Said:
    return SaidText(template, text, str)


def said_fail(message: Any) -> Said:
    return SaidText(fail, message, Any)


class SaidDebug(Said):
    returns = type(None)

    def __init__(self, level: Any) -> None:
        self._level = level

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        values = resolver.promises(entry.arguments, entry)
        if "level" in values:
            resolver.problem(entry, "a value named 'level' would be taken for the level; give it another name")
            return None
        return resolver.ready(debug, entry)(level=self._level, **values)


class SaidGather(Said):
    """`positional` are arguments that have no names of their own."""

    def __init__(self, maker: Any, positional: Sequence[Any] = ()) -> None:
        self._maker = maker
        self._positional = positional
        self.returns = maker if isinstance(maker, type) else Any

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        word = resolver.ready(gather, entry)
        if not_a_maker(self._maker):
            return word(self._maker)  # it says why
        try:
            args, kwargs = self._arguments(entry)
        except TypeError as error:
            return resolver.problem(entry, one_line(error))
        promises = [resolver.promise(value, entry) for value in args]
        return word(self._maker, *promises, **resolver.promises(kwargs, entry))

    def _arguments(self, entry: Entry) -> tuple[Sequence[Any], Mapping[str, Any]]:
        if self._positional:
            return self._positional, entry.arguments
        return named_arguments(signature_of_maker(self._maker), entry.arguments)


class SaidTransform(Said):
    def __init__(self, value: Any, function: Callable[[Any], Any]) -> None:
        self._value = value
        self._function = function

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        return resolver.ready(transform, entry)(resolver.promise(self._value, entry), self._function)


class SaidEach(Said):
    returns = list

    def __init__(self, items: Any, body: Any, options: Mapping[str, Any]) -> None:
        self._items = items
        self._body = body
        self._options: Any = options

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        (body,) = bodies(resolver, entry, [self._body], given=True)
        return resolver.ready(each, entry)(resolver.promise(self._items, entry), body, **self._options)


class SaidChoose(Said):
    def __init__(self, on: Any, branches: Any, default: Any) -> None:
        self._on = on
        self._branches = branches
        self._default = default

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        word, value = resolver.ready(choose, entry), resolver.promise(self._on, entry)
        if not _are_cases(self._branches):
            return word(value, self._branches)  # it says why
        *drawn, default = bodies(resolver, entry, [*self._branches.values(), self._default], given=False)
        return word(value, dict(zip(self._branches, drawn, strict=True)), default=default)


class SaidChooseFirst(Said):
    def __init__(self, on: Any, branches: Any, default: Any) -> None:
        self._on = on
        self._branches = branches
        self._default = default

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        word, value = resolver.ready(choose_first, entry), resolver.promise(self._on, entry)
        if not _are_pairs(self._branches):
            return word(self._branches, on=value)  # it says why
        *drawn, default = bodies(resolver, entry, [*(body for _, body in self._branches), self._default], given=True)
        predicates = [predicate for predicate, _ in self._branches]
        return word(list(zip(predicates, drawn, strict=True)), on=value, default=default)


def _are_cases(branches: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(branches, Mapping)


def _are_pairs(branches: Any) -> bool:
    is_list = isinstance(branches, Sequence) and not isinstance(branches, str)
    return is_list and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in branches)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


class SaidGroup(Said):
    def __init__(self, body: Any, before: Any, afterwards: Any) -> None:
        self._parts = (body, before, afterwards)

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        body, before, after = bodies(resolver, entry, self._parts, given=False)
        return resolver.ready(group, entry)(body, before=before, after=after)


class SaidAround(Said):
    def __init__(self, factory: Any, body: Any) -> None:
        self._factory = factory
        self._body = body

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        (body,) = bodies(resolver, entry, [self._body], given=True)
        return resolver.ready(around, entry)(self._factory, body)


class SaidRepeat(Said):
    def __init__(self, body: Any, start: Any, options: Mapping[str, Any]) -> None:
        self._body = body
        self._start = start
        self._options: Any = options

    def draw(self, resolver: Resolver, entry: Entry) -> Any:
        (body,) = bodies(resolver, entry, [self._body], given=True, whole=True)
        return resolver.ready(repeat, entry)(body, resolver.promise(self._start, entry), **self._options)


def told(**options: Any) -> dict[str, Any]:
    """The options that were said."""
    return {name: value for name, value in options.items() if value is not UNSET}
