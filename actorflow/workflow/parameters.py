"""Binds arguments that are given by name, quickly: what a signature says is read once."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any

from actorflow.errors import suggest
from actorflow.plan import Constant

Bound = tuple[list[Any], tuple[str, ...], list[str]]


class Parameters:
    """The parameters of a step, ready to bind. Defaults are `Constant`s, one object for all nodes."""

    def __init__(self, signature: Signature) -> None:
        parameters = list(signature.parameters.values())
        self._names = frozenset(signature.parameters)
        self._many = next((p.name for p in parameters if p.kind is Parameter.VAR_POSITIONAL), None)
        self._others = next((p.name for p in parameters if p.kind is Parameter.VAR_KEYWORD), None)
        self._plain = [p for p in parameters if p.name != self._others]
        self._keywords = tuple(p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY)
        self._defaults = {p.name: Constant(p.default) for p in parameters if p.default is not Parameter.empty}

    def bind(self, arguments: Mapping[str, Any]) -> Bound:
        """The flat arguments (see `StepSpec`), the names of the trailing ones that go by keyword, and what is wrong.

        `*xs` is given as `"xs": [reference, …]`; what no parameter takes goes to `**others`.
        """
        flat: list[Any] = []
        problems: list[str] = []
        for parameter in self._plain:
            name = parameter.name
            if name == self._many:
                flat.extend(self._spread(name, arguments.get(name, ()), problems))
            elif name in arguments:
                flat.append(arguments[name])
            elif name in self._defaults:
                flat.append(self._defaults[name])
            else:
                problems.append(f"misses its argument {name!r}")
        extra = [name for name in arguments if name not in self._names or name == self._others]
        if not extra:
            return flat, self._keywords, problems
        return self._with_extra(flat, extra, arguments, problems)

    def _with_extra(
        self, flat: list[Any], extra: list[str], arguments: Mapping[str, Any], problems: list[str]
    ) -> Bound:
        if self._others is None:
            problems += [f"takes no argument {name!r}{suggest(str(name), self._names)}" for name in extra]
            return flat, self._keywords, problems
        flat += [arguments[name] for name in extra]
        return flat, (*self._keywords, *extra), problems

    def _spread(self, name: str, given: Any, problems: list[str]) -> list[Any]:
        if isinstance(given, (list, tuple)):
            return list(given)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        problems.append(f"takes a list for {name!r}, as in {{{name!r}: ['first', 'second']}}, not {given!r}")
        return []
