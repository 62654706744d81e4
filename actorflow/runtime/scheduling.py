"""Where schedules are declared: on a runtime, and on its options."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from actorflow.runtime.options import Runs, RunSettings, Start
from actorflow.workflow import Workflow

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.schedule_triggers import Cron, Every
    from actorflow.runtime.schedules import Schedule

P = ParamSpec("P")


class SchedulingRuns(Runs):
    """Starts runs, now and again."""

    @abstractmethod
    def _open(self) -> Machine: ...

    def schedule(
        self, name: str, trigger: Cron | Every, workflow: Workflow[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Schedule:
        """Has the workflow run whenever the trigger comes due, from now on, as long as this runtime is open.

        runtime.schedule("nightly", Cron("0 6 * * mon-fri", "Europe/Oslo"), send_report, "sales")

        With a store, one of the runtimes that have declared the schedule starts the run of a due time, no other does, and what came due while
        none was there is made up for as the trigger says (`missed=`). The store knows by name how far a schedule has come: one that is new, or
        has another trigger by now, starts from now. Without a store it's this runtime's own, and starts from now.

        A run's id is `<name>@<due time in UTC>`; it has the label `schedule`, and `step_context().context` has `schedule` and `due`, as text.
        Options for the runs go before: `runtime.options(timeout=600).schedule(…)`.

        Raises `InvalidInput`, `InvalidWorkflow`, `NotSerializable`, `RuntimeClosed`, and `InvalidState` for a name that another one has.
        """
        machine = self._open()
        machine.check_open()
        from actorflow.runtime.schedule_firing import Firing
        from actorflow.runtime.schedules import Schedules

        table = machine.schedules = machine.schedules or Schedules(machine)
        return table.add(trigger, Firing(machine, name, self._settings, workflow, args, kwargs))


class RunsHere(SchedulingRuns):
    """What `Runtime.options` gives."""

    def __init__(self, start: Start, settings: RunSettings, machine: Callable[[], Machine]) -> None:
        super().__init__(start, settings)
        self._machine_of = machine

    def _open(self) -> Machine:
        return self._machine_of()
