"""How the runs of a schedule are started, and what they are told."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from actorflow.errors import InvalidInput
from actorflow.runtime import guardrails
from actorflow.runtime.forms import is_text, refuse_others
from actorflow.runtime.schedule_ledger import LABEL
from actorflow.runtime.stored import inputs_data

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.options import RunSettings
    from actorflow.workflow import Workflow

DUE: Final = "due"
"""What the due time is called in the context of a run."""


class Firing:
    """`is_recorded`: its runs are stored, as `check` has found. Only then is a run created once, whichever replica starts it (R47)."""

    def __init__(
        self,
        machine: Machine,
        name: str,
        settings: RunSettings,
        workflow: Workflow[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.machine = machine
        self.name = name
        self.settings = settings
        self.workflow = workflow
        self.args = args
        self.kwargs = kwargs
        self.is_recorded = False

    def run_id(self, due: datetime) -> str:
        return f"{self.name}@{iso(due)}"

    async def start(self, due: datetime) -> None:
        """Returns when the run is accepted. Raises what `Runtime.start` raises."""
        settings = replace(
            self.settings,
            run_id=self.run_id(due),
            labels={**self.settings.labels, LABEL: self.name},
            context={**self.settings.context, LABEL: self.name, DUE: iso(due)},
        )
        started = self.machine.start_with(settings, self.workflow, self.args, self.kwargs)
        if isinstance(started, Awaitable):
            await started

    def check(self) -> None:
        """Raises what `start` would raise of a run that can't be."""
        check_name(self.name)
        check_settings(self.settings)
        guardrails.check_workflow(self.workflow)
        machine = self.machine
        durability = machine.starting.durability(self.settings, self.workflow)
        self.is_recorded = machine.keeper is not None and durability != "none"
        plan = machine.known.plan_of(self.workflow, recorded=self.is_recorded)
        inputs = self.workflow.bind(self.args, self.kwargs)
        if machine.keeper is not None and self.is_recorded:
            desk = machine.keeper.desk
            inputs_data(desk, plan, inputs)
            desk.encode(dict(self.settings.context), dict[str, Any], "the run's context")


def iso(due: datetime) -> str:
    """In UTC: `2030-01-01T06:00:00Z`."""
    return due.astimezone(UTC).isoformat().replace("+00:00", "Z")


def check_name(name: object) -> None:
    refuse_others("a schedule's name", name, "text that isn't empty", is_name)


def is_name(value: object) -> bool:
    """What every store takes."""
    return is_text(value) and "\0" not in str(value)


def check_settings(settings: RunSettings) -> None:
    """Raises `InvalidInput` for options that the runs of a schedule can't have."""
    if settings.run_id is not None:
        raise InvalidInput("a schedule names its runs itself\nLeave out run_id=.")
    if settings.cancel_with_caller:
        raise InvalidInput("nobody waits for the start of a schedule's runs\nLeave out cancel_with_caller=.")
    told = {"labels": (settings.labels, (LABEL,)), "context": (settings.context, (LABEL, DUE))}
    for what, (given, taken) in told.items():
        for name in taken:
            if name in given:
                raise InvalidInput(
                    f"{what}={{{name!r}: …}} is what a schedule tells its runs itself\nUse another name."
                )
