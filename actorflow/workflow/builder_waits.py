"""The waits as a builder says them: `add_sleep`, `add_sleep_until`, `add_wait_for_signal`, `add_approval`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from msgspec import UNSET

from actorflow.workflow.entries import NOTHING, Options, Value

_UNSET: Any = UNSET


class BuilderOfWaits:
    """A part of `WorkflowBuilder`."""

    def _add(self, name: str, what: Any, arguments: Mapping[str, Any], after: Sequence[str], options: Options) -> Self:
        raise NotImplementedError

    def add_sleep(
        self,
        name: str,
        seconds: str | float | timedelta | Value,
        *,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> Self:
        """Adds a `sleep`: for so many seconds, or for what `seconds` refers to."""
        from actorflow.workflow.said_waits import SaidSleep

        return self._add(name, SaidSleep("sleep", seconds), NOTHING, after, Options(guards, where))

    def add_sleep_until(
        self,
        name: str,
        when: str | datetime | Value,
        *,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> Self:
        """Adds a `sleep_until`: until a moment, or what `when` refers to."""
        from actorflow.workflow.said_waits import SaidSleep

        return self._add(name, SaidSleep("sleep_until", when), NOTHING, after, Options(guards, where))

    def add_wait_for_signal(
        self,
        name: str,
        signal: str,
        type: Any,
        *,
        timeout: str | float | timedelta | Value | None = None,
        default: Any = _UNSET,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> Self:
        """Adds a `wait_for_signal`. `timeout` and `default` may be references."""
        from actorflow.workflow.said_waits import SaidSignal

        return self._add(name, SaidSignal(signal, type, timeout, default), NOTHING, after, Options(guards, where))

    def add_approval(
        self,
        name: str,
        question: str = "",
        *,
        by: str | Sequence[str] | None = None,
        timeout: str | float | timedelta | Value | None = None,
        default: Any = _UNSET,
        reject: Literal["value", "fail"] = "value",
        arguments: Mapping[str, Any] = NOTHING,
        after: Sequence[str] = (),
        guards: Sequence[Callable[..., Any]] = _UNSET,
        where: Callable[..., Any] = _UNSET,
    ) -> Self:
        """Adds an `approval`. Question and names are taken as they are; `arguments={"question": …, "by": …}` gives references instead."""
        from actorflow.workflow.said_waits import SaidApproval

        given = {"question": Value(question), **({} if by is None else {"by": Value(by)})}
        said = SaidApproval({**given, **arguments}, timeout, default, reject)
        return self._add(name, said, NOTHING, after, Options(guards, where))
