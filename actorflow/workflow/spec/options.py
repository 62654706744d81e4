"""The options of steps, and whatever is named in the registry, read: the other way of `steps.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from actorflow.errors import InvalidStep, brief, suggest
from actorflow.policy import Exponential, Fixed, Retry
from actorflow.workflow.calls import one_line
from actorflow.workflow.spec.fields import Fields, fields, is_object
from actorflow.workflow.spec.registry import Registry
from actorflow.workflow.spec.types import Unread, read_error

T = TypeVar("T")

STEP_OPTIONS = ("timeout", "retry", "limits", "mode", "irreversible", "description")


class OptionReader:
    """Reads what isn't a value. What is wrong is remembered."""

    def __init__(self, registry: Registry, problems: list[str]) -> None:
        self._registry = registry
        self._problems = problems

    # ── names ──

    def named(self, owner: Fields, name: str, known: Mapping[str, T]) -> T | None:
        """What a field names; None if there is no such thing, or no such field."""
        text = owner.text(name)
        return None if text is None else self._found(text, owner.at(name), name, known)

    def _found(self, text: str, path: str, kind: str, known: Mapping[str, T]) -> T | None:
        if text not in known:
            self._problems.append(f"{path}: there is no {kind} {text!r} in the registry{suggest(text, known)}")
        return known.get(text)

    def function(self, owner: Fields, name: str) -> Callable[..., Any] | None:
        text = owner.text(name)
        return None if text is None else self._found(text, owner.at(name), "function", self._registry.functions)

    def functions(self, owner: Fields, name: str) -> list[Any]:
        found = [
            self._found(text, f"{owner.at(name)}[{i}]", "function", self._registry.functions)
            for i, text in enumerate(owner.texts(name))
        ]
        return [each for each in found if each is not None]

    # ── options of steps ──

    def of_step(self, owner: Fields) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "timeout" in owner:
            found["timeout"] = None if owner.get("timeout") is None else owner.number("timeout")
        if "retry" in owner:
            retry = self._retry(owner.get("retry"), owner.at("retry"))
            found |= {} if retry is None else {"retry": retry}
        if "limits" in owner:
            names = enumerate(owner.texts("limits"))
            limits = [
                self._found(name, f"{owner.at('limits')}[{i}]", "limit", self._registry.limits) for i, name in names
            ]
            found["limit"] = tuple(limit for limit in limits if limit is not None)
        for name, value in (
            ("mode", owner.text("mode")),
            ("irreversible", owner.boolean("irreversible")),
            ("description", owner.text("description", empty=True)),
        ):
            found |= {} if value is None else {name: value}
        return found

    def _retry(self, data: Any, path: str) -> Retry | None:
        found = fields(data, path, self._problems, may=("attempts", "on", "within", "backoff"))
        if found is None:
            return None
        given: dict[str, Any] = {}
        if "attempts" in found:
            given["attempts"] = None if found.get("attempts") is None else found.whole("attempts")
        if "within" in found:
            given["within"] = None if found.get("within") is None else found.number("within")
        if "on" in found:
            given["on"] = tuple(self._errors(found))
        try:
            if "backoff" in found:
                given["backoff"] = self._backoff(found.get("backoff"), found.at("backoff"))
            return Retry(**given)
        except InvalidStep as error:
            self._problems.append(f"{path}: {one_line(error)}")
            return None

    def _errors(self, owner: Fields) -> list[type[BaseException]]:
        found: list[type[BaseException]] = []
        for i, name in enumerate(owner.texts("on")):
            try:
                found.append(read_error(name, self._registry))
            except Unread as error:
                self._problems.append(f"{owner.at('on')}[{i}]: {error}")
        return found

    def _backoff(self, data: Any, path: str) -> Any:
        kinds = [kind for kind in ("fixed", "exponential", "function") if is_object(data) and kind in data]
        if len(kinds) != 1:
            says = 'a backoff is {"fixed": …}, {"exponential": …} or {"function": name}'
            self._problems.append(f"{path}: {says}, not {brief(data)}")
            return None
        (kind,) = kinds
        found = fields(data, path, self._problems, needs=(kind,))
        assert found is not None
        if kind == "function":
            return self.function(found, "function")
        needs, may = (("seconds",), ()) if kind == "fixed" else (("first",), ("factor", "most", "jitter"))
        numbers = fields(found.get(kind), found.at(kind), self._problems, needs=needs, may=may)
        if numbers is None:
            return None
        given = {name: numbers.number(name) for name in (*needs, *may) if name in numbers}
        if None in given.values() or any(name not in given for name in needs):
            return None
        made: Any = Fixed if kind == "fixed" else Exponential
        return made(**given)
