"""What a person reads at the end of a run: the value, or what failed and where, what was undone, and what wasn't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from actorflow.cli.ending import Ending
from actorflow.cli.ledger import Names
from actorflow.cli.output import Output
from actorflow.cli.paths import joined, split
from actorflow.cli.trace import traceback_of
from actorflow.cli.words import counted, duration
from actorflow.errors import CompensationFailed, OutcomeUnknown, StepError, UndoFailed, brief, describe
from actorflow.outcome import Cancelled, Failed, Halted, Succeeded
from actorflow.plan import Plan
from actorflow.values import redacted

_SHOWN = 10
"""How many errors are shown whole."""

TRIED = {"guard": "a guard failed", "compensate": "its compensation was given up", "undo": "its undo was given up"}


def tell(ending: Ending, output: Output) -> None:
    """Writes the end of a run."""
    match ending.outcome:
        case Succeeded(value):
            _headline(ending, output, "✓", "green", "")
            if value is not None:
                _value(redacted(value, ending.plan.return_type), output)
        case Failed(error, rollback):
            _headline(ending, output, "✗", "bold red", f", rollback {rollback}")
            _tell_errors(ending, error.errors, error.__cause__, output)
            _tell_unknown(ending, error.errors, output)
        case Halted():
            _headline(ending, output, "⏸", "yellow", "")
            _tell_halt(ending, ending.outcome, output)
        case Cancelled(reason, rollback, errors):
            why = f" ({reason})" if reason else ""
            _headline(ending, output, "✗", "magenta", f"{why}, rollback {rollback}")
            _tell_errors(ending, errors, None, output)
            _tell_unknown(ending, errors, output)


def _headline(ending: Ending, output: Output, glyph: str, style: str, more: str) -> None:
    seconds = ending.ledger.seconds
    took = "" if seconds is None else f" in {duration(seconds)}"
    output.line((f"{glyph} ", style), (ending.plan.name, "bold"), (f" {ending.word}{took}{more}", style))


def _value(value: Any, output: Output) -> None:
    if output.is_terminal:
        from rich.pretty import pretty_repr

        output.text(pretty_repr(value, max_length=50, max_string=2000))
    else:
        output.text(_shown(value))


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return brief(value)


# ── what failed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _tell_errors(ending: Ending, errors: Sequence[StepError], cause: BaseException | None, output: Output) -> None:
    own = [error for error in errors if error.phase in {"run", "guard"}]
    left = [error for error in errors if error.phase not in {"run", "guard"}]
    for error in own[:_SHOWN]:
        _tell_error(ending, error, output)
    _tell_more(own, output)
    if cause is not None and not any(error.error is cause for error in own):
        output.line(("\n", ""), (describe(cause), "red"))
    _tell_rollback(ending, left, output)


def _tell_error(ending: Ending, error: StepError, output: Output) -> None:
    output.line(("\n", ""), (error.node or "the run itself", "bold red"), (_circumstances(ending, error), "dim"))
    output.text(_indented(traceback_of(error.error)))


def _circumstances(ending: Ending, error: StepError) -> str:
    where = line_of(ending.plan, error.node) if error.node else ""
    parts = (
        TRIED.get(error.phase, ""),
        f"attempt {error.attempt}" if error.node else "",
        f"called at {where}" if where else "",
    )
    return "".join(f" · {part}" for part in parts if part)


def line_of(plan: Plan, node: str) -> str:
    """Where in the workflow's source a node was called, `trips.py:17`; for what a running step added, where that step was."""
    parts = split(node)
    while parts:
        line = _line_in(plan, parts)
        if line:
            return line
        parts.pop()
    return ""


def _line_in(plan: Plan, parts: Sequence[str]) -> str:
    name = joined(parts)
    if name in plan.names:
        return plan.lines.get(plan.names.index(name), "")
    for number, scope in plan.scopes.items():
        own = split(plan.names[number])
        if list(parts[: len(own)]) == own:
            inner = [*parts[len(own) :]]
            inner = inner[1:] if inner and inner[0].startswith("[") else inner
            lines = (_line_in(body.plan, inner) for body in scope.bodies if inner and body.is_drawn)
            return next(filter(None, lines), "")
    return ""


def _tell_rollback(ending: Ending, left: Sequence[StepError], output: Output) -> None:
    undone, compensated = ending.ledger.undone, ending.ledger.compensated
    if undone.count or compensated.count or left:
        output.text("")
    if compensated.count:
        output.line(("✚ compensated: ", "magenta"), (str(compensated), ""))
    if undone.count:
        output.line(("↩ undone, in this order: ", "magenta"), (str(undone), ""))
    for error in left[:_SHOWN]:
        output.line(
            ("‼ ", "bold red"),
            (f"{'not undone' if error.phase == 'undo' else 'not compensated'}: ", "bold red"),
            (error.node, "bold"),
            (f" · {_tries(error)}", "dim"),
        )
        output.text(_indented(traceback_of(_reason(error.error))))
    _tell_more(left, output)


def _tell_unknown(ending: Ending, errors: Sequence[StepError], output: Output) -> None:
    """Steps that may have acted, and that no handler was there for: they make a rollback incomplete, too (R54)."""
    settled = {
        *ending.ledger.undone.first,
        *ending.ledger.compensated.first,
        *(e.node for e in errors if e.phase != "run"),
    }
    unknown = Names()
    for error in errors:
        if isinstance(error.error, OutcomeUnknown) and error.node not in settled:
            unknown.add(error.node)
    if unknown.count:
        output.line(("‼ not taken back, as nobody knows whether it acted: ", "bold red"), (str(unknown), "bold"))


def _tries(error: StepError) -> str:
    return "1 try" if error.attempt == 1 else f"{error.attempt} tries"


def _reason(error: BaseException) -> BaseException:
    """Of a handler that was given up: its own last error."""
    given_up = isinstance(error, UndoFailed | CompensationFailed)
    return error.__cause__ if given_up and error.__cause__ is not None else error


def _tell_more(errors: Sequence[StepError], output: Output) -> None:
    if len(errors) > _SHOWN:
        output.line((f"… and {counted(len(errors) - _SHOWN, 'error')} more", "dim"))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


# ── what is halted ────────────────────────────────────────────────────────────────────────────────────────────────────


def _tell_halt(ending: Ending, halted: Halted, output: Output) -> None:
    if halted.by:
        output.line(("  halted by ", "dim"), (halted.by, ""))
    for line in halt_notes(ending, halted):
        output.line((line, ""))


def halt_notes(ending: Ending, halted: Halted) -> Iterator[str]:
    """How to go on with it, or why that can't be."""
    if ending.stored:
        yield "Its store has it. Go on with:"
        yield f"  {ending.stored}"
        if halted.set_aside:
            yield "Irreversible steps may have acted. Say what is to become of each:"
            yield f"  {ending.stored.replace(' runs resume ', ' runs resolve ')} {' '.join(f'{node}=retry|fail|skip:JSON' for node in halted.set_aside)}"
        return
    if not ending.snapshot:
        yield f"It can't be resumed: {ending.why_no_snapshot}"
        yield "Nothing was taken back: what its steps did stands."
        return
    if ending.trouble:
        yield f"{ending.trouble[0].upper()}{ending.trouble[1:]}"
    yield f"Its snapshot is in {ending.snapshot}. Go on with:"
    yield f"  {ending.resume}"
    if halted.set_aside:
        yield "Irreversible steps were interrupted, and may have acted. Say what is to become"
        yield "of each: retry, fail, or skip:JSON with its result:"
        yield from (f"  --resolve {node}=…" for node in halted.set_aside)
