"""A run for machines: a JSON object per line for each event, and a last one for the outcome."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow.cli.ending import Ending
from actorflow.cli.output import Output
from actorflow.cli.trace import traceback_of
from actorflow.errors import StepError, brief
from actorflow.facts import Event, Fact
from actorflow.failures import record
from actorflow.outcome import Cancelled, Failed, Halted, Succeeded
from actorflow.plan import Plan
from actorflow.values import redacted

_IN_THE_EVENT = frozenset({"run", "node", "attempt", "at", "began"})
"""Fields of facts that their events say already."""


class JsonLines:
    """Writes a line per event: `event` is the fact's name, its fields stand beside those of the event."""

    taken: tuple[type[Any], ...] = (Fact,)

    def __init__(self, output: Output) -> None:
        self._output = output

    def begin(self, run_id: str, plan: Plan, *, resumed: bool) -> None:
        """The events tell it."""

    def take(self, event: Event) -> None:
        self._output.text(encoded(line_of(event)))

    def say(self, text: str) -> None:
        self._output.text(encoded({"event": "Notice", "text": text}))

    def end(self, ending: Ending) -> None:
        self._output.text(encoded(outcome_of(ending)))

    def stop(self) -> None:
        """Nothing is drawn."""


def line_of(event: Event) -> dict[str, Any]:
    fact = event.fact
    own = {name: getattr(fact, name) for name in fact.__struct_fields__ if name not in _IN_THE_EVENT}
    return {
        "event": type(fact).__name__,
        "run_id": event.run_id,
        "sequence": event.sequence,
        "node": event.node,
        "attempt": event.attempt,
        "time": event.time,
        "monotonic": event.monotonic,
        "duration": event.duration,
        **own,
    }


def outcome_of(ending: Ending) -> dict[str, Any]:
    """The last line."""
    told = {
        "outcome": ending.word,
        "run_id": ending.run_id,
        "workflow": ending.plan.name,
        "duration": ending.ledger.seconds,
    }
    match ending.outcome:
        case Succeeded(value):
            return told | {"value": redacted(value, ending.plan.return_type)}
        case Failed(error, rollback):
            return told | {"rollback": rollback, "undone": ending.ledger.undone.first, "errors": _errors(error.errors)}
        case Cancelled(reason, rollback, errors):
            undone = ending.ledger.undone.first
            return told | {"reason": reason, "rollback": rollback, "undone": undone, "errors": _errors(errors)}
        case Halted(by, _, _, set_aside):
            return told | {
                "by": by,
                "snapshot": ending.snapshot or None,
                "resume": ending.resume or None,
                "set_aside": set_aside,
                "why_no_snapshot": None if ending.snapshot else ending.why_no_snapshot,
            }


def _errors(errors: tuple[StepError, ...]) -> list[dict[str, Any]]:
    return [
        {"node": each.node, "phase": each.phase, "attempt": each.attempt, **_error(each.error)}
        | {"traceback": traceback_of(each.error)}
        for each in errors
    ]


def _error(error: BaseException) -> dict[str, Any]:
    written = record(error)
    return {"error": written.type, "message": written.message}


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def encoded(line: dict[str, Any]) -> str:
    """One line of JSON. What isn't data is given as its `repr`."""
    try:
        return _encode(line)
    except Exception:
        return _encode({name: _safe(value) for name, value in line.items()})


def _encode(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_as_data).decode()


def _as_data(value: Any) -> Any:
    return _error(value) if isinstance(value, BaseException) else _repr(value)


def _safe(value: Any) -> Any:
    """A value that may hold itself, or keys that aren't text."""
    try:
        _encode(value)
    except Exception:
        return _repr(value)
    return value


def _repr(value: Any) -> str:
    try:
        return repr(value).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return brief(value)
