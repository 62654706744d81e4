"""Shows runs as they are recorded: a list, one whole, why it isn't further, what the doctor found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from actorflow.cli.output import Output
from actorflow.cli.runs_hints import as_command
from actorflow.cli.runs_table import RUN_GLYPHS, RUN_STYLES, Cell, run_status, runtime_text, step_status, table, when
from actorflow.cli.words import counted, duration, printable
from actorflow.runtime import ErrorView, Explanation, Finding, Reason, RunView, StepView
from actorflow.store import RunPage, RunRecord

WAITING = frozenset({"sleeping", "waiting for a signal", "waiting for approval"})


def json_line(output: Output, value: Any) -> None:
    """One line. Bytes are written as base64, what isn't JSON as its text."""
    output.text(msgspec.json.encode(value, enc_hook=str).decode())


# ── many ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(run: RunRecord) -> dict[str, Any]:
    """What a list shows of a run, for machines."""
    return {
        "run_id": run.run_id, "workflow": run.workflow, "status": run.status, "created": run.created, "updated": run.updated, "ended": run.ended,
        "labels": run.labels, "parent": run.parent, "owner": run.owner, "problem": run.problem,
    }  # fmt: skip


def tell_page(page: RunPage, output: Output) -> None:
    if not page.runs:
        output.text("no runs")
        return
    now = time.time()
    table(output, ("run", "workflow", "status", "started", "took", "labels"), [run_row(run, now) for run in page.runs])
    if page.next is not None:
        output.line((f"There are more: --after {page.next}", "dim"))


def run_row(run: RunRecord, now: float) -> Sequence[Cell]:
    glyph, style = run_status(run.status)
    note = " (left alone)" if run.problem is not None else ""
    took = duration(max((run.ended or now) - run.created, 0.0))
    return (
        (run.run_id, "bold"),
        (run.workflow, ""),
        (f"{glyph}{note}", style),
        (when(run.created), ""),
        (took, ""),
        (labels_text(run.labels), "dim"),
    )


def labels_text(labels: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())


# ── one ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_run(view: RunView, output: Output, *, values: bool) -> None:
    style = RUN_STYLES.get(view.status, "")
    took = f" in {duration(view.ended - view.created)}" if view.ended is not None else ""
    rollback = f", rollback {view.rollback}" if view.status in {"failed", "cancelled"} else ""
    glyph = RUN_GLYPHS.get(view.status, "·")
    status = view.status.replace("_", " ")
    output.line(
        (f"{glyph} ", style),
        (view.workflow, "bold"),
        (f" {status}{took}{rollback}", style),
        (f"  run {printable(view.run_id)}", "dim"),
    )
    for line in particulars(view):
        output.line((f"  {printable(line)}", "dim"))
    if values:
        for number, value in enumerate(view.inputs or (), 1):
            output.line((f"  input {number}: ", "dim"), (printable(repr(value)), ""))
        if view.result is not None:
            output.line(("  result: ", "dim"), (printable(repr(view.result)), ""))
    tell_steps(view.steps, output, values=values)
    for error in view.errors:
        tell_error(error, output)
    for note in view.notes:
        why = f": {note.why}" if note.why else ""
        output.line(("✎ ", "dim"), (printable(f"{when(note.at)}  {note.who}  {note.what}{why}"), ""))


def particulars(view: RunView) -> Iterator[str]:
    yield f"started {when(view.created)}" + (f", ended {when(view.ended)}" if view.ended is not None else "")
    if view.labels:
        yield f"labels {labels_text(view.labels)}"
    if view.parent is not None:
        yield f"child of run {view.parent}"
    if view.by:
        yield f"{'halted by' if view.status == 'halted' else 'because of'} {view.by}"
    if view.owner is not None:
        yield f"{runtime_text(view.owner)} has it, with a lease until {when(view.owner.expires)}"
    if view.problem is not None:
        yield f"left alone: {view.problem}"
    for message in view.messages:
        yield f"a {message.kind} waits for it since {when(message.posted)}"


def tell_steps(steps: Sequence[StepView], output: Output, *, values: bool) -> None:
    if steps:
        output.text("")
        table(output, ("", "", "", ""), [step_row(step, values=values) for step in steps], indent="  ")


def step_row(step: StepView, *, values: bool) -> Sequence[Cell]:
    text, style = step_status(step.status)
    took = duration(step.ended - step.started) if step.started is not None and step.ended is not None else ""
    return (step.name, "bold"), (text, style), (took, ""), (told_of(step, values=values), "dim")


def told_of(step: StepView, *, values: bool) -> str:
    tries = [attempt for attempt in step.attempts if attempt.phase == "run"]
    parts = [counted(len(tries), "attempt")] if len(tries) > 1 else []
    lost = sum(attempt.outcome == "lost" for attempt in tries)
    if lost:
        parts.append(f"{lost} lost with their process" if lost > 1 else "1 lost with its process")
    if step.signal and step.status in WAITING:
        parts.append(waits_of(step))
    if step.due is not None:
        parts.append(f"until {when(step.due)}" if step.status in WAITING else f"next one at {when(step.due)}")
    if step.error and step.status not in {"completed", "skipped"}:
        parts.append(step.error)
    if step.orphaned:
        parts.append(f"its thread still holds a permit of {', '.join(step.orphaned)}")
    if values and step.status == "completed":
        parts.append(repr(step.value))
    return ", ".join(parts)


def waits_of(step: StepView) -> str:
    """What a person may want to know of a wait."""
    if step.question is None:
        return f"for {step.signal!r}"
    whom = f" by {', '.join(step.by)}" if step.by else ""
    return f"{step.question!r}{whom}" if step.question else whom.strip() or "by anybody"


def tell_error(error: ErrorView, output: Output) -> None:
    phase = {"undo": "its undo", "compensate": "its compensation", "guard": "a guard"}.get(error.phase, "")
    where = error.step or "the run itself"
    tries = f" · {phase}" if phase else f" · attempt {error.attempt}"
    output.line(("\n", ""), (printable(where), "bold red"), (tries, "dim"))
    text = error.traceback.rstrip() or str(error)
    output.text("\n".join(f"  {printable(line)}" for line in text.splitlines()))
    if error.cause:
        output.text(f"  because of {printable(error.cause)}")


# ── why ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_explanation(told: Explanation, output: Output) -> None:
    style = RUN_STYLES.get(told.status, "")
    output.line(
        ("run ", ""),
        (printable(told.run_id), "bold"),
        (f" of {told.workflow}: ", ""),
        (told.status.replace("_", " "), style),
    )
    for reason in told.reasons:
        tell_reason(reason, told.run_id, output)


def tell_reason(reason: Reason, run_id: str, output: Output) -> None:
    output.line(("  ", ""), (printable(reason.what), "bold" if reason.kind == "set_aside" else ""))
    for line in reason.then:
        output.line((f"    {printable(as_command(line, run_id, reason.step))}", "dim"))


def tell_findings(found: Sequence[Finding], output: Output) -> None:
    if not found:
        output.line(("✓ ", "green"), ("every unfinished run has something that will move it", ""))
        return
    for finding in found:
        output.line(
            ("✗ ", "bold red"), (printable(finding.run_id), "bold"), (f" of {finding.workflow}, {finding.status.replace('_', ' ')}: ", ""),
            (printable(finding.what), ""),
        )  # fmt: skip
        output.line((f"  {printable(as_command(finding.then, finding.run_id))}", "dim"))
    output.line((f"{counted(len(found), 'run')} nobody will move", "bold red"))
