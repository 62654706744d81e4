"""`actorflow check`: draws and compiles all workflows of modules, and tells all that is wrong with any of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorflow.cli.exits import FAILED, SUCCEEDED, USAGE, Refused
from actorflow.cli.finding import load, workflows_in
from actorflow.cli.output import Output
from actorflow.cli.trace import traceback_of
from actorflow.cli.words import counted
from actorflow.errors import InvalidWorkflow
from actorflow.workflow import Workflow


class Checked:
    """What was found in all modules."""

    def __init__(self) -> None:
        self.seen = set[int]()
        self.workflows = 0
        self.problems = 0
        self.notes = 0
        self.missing = 0


def check(modules: Sequence[str], output: Output) -> int:
    """Tells, and gives the exit code: 2 if a module can't be imported, else 1 if there is a problem, else 0."""
    found = Checked()
    for name in modules:
        _check_module(name, found, output)
    _sum_up(found, output)
    if found.missing:
        return USAGE
    return FAILED if found.problems else SUCCEEDED


def _check_module(name: str, found: Checked, output: Output) -> None:
    try:
        workflows = workflows_in(load(name))
    except Refused as error:
        found.missing += 1
        output.line(("✗ ", "bold red"), (str(error), ""))
        return
    if not workflows:
        output.line(("· ", "dim"), (f"{name} has no workflows", "dim"))
    for workflow in workflows.values():
        if id(workflow.definition) not in found.seen:
            found.seen.add(id(workflow.definition))
            _check_workflow(name, workflow, found, output)


def _check_workflow(module: str, workflow: Workflow[..., Any], found: Checked, output: Output) -> None:
    found.workflows += 1
    notes: Sequence[str] = ()
    try:
        plan = workflow.compile()
    except InvalidWorkflow as error:
        problems, about = error.problems, ""
    except Exception as error:
        problems, about = (f"it can't be drawn\n{traceback_of(error)}",), ""
    else:
        problems, notes, about = (), plan.notes, f"  {counted(len(plan), 'step')}"
    found.problems += len(problems)
    found.notes += len(notes)
    sign = ("✗ ", "bold red") if problems else ("✓ ", "green")
    output.line(sign, (f"{module}:", "dim"), (workflow.name, "bold"), (about, "dim"))
    for problem in problems:
        output.line(("    problem  ", "red"), (_under(problem), ""))
    for note in notes:
        output.line(("    note     ", "yellow"), (_under(note), ""))


def _under(text: str) -> str:
    return text.replace("\n", "\n             ")


def _sum_up(found: Checked, output: Output) -> None:
    parts = [counted(found.workflows, "workflow"), counted(found.problems, "problem"), counted(found.notes, "note")]
    if found.missing:
        parts.append(f"{counted(found.missing, 'module')} that can't be imported")
    output.line((", ".join(parts), "bold red" if found.problems or found.missing else "bold"))
