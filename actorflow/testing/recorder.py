"""Records all facts of a runtime's runs, for `history(run)`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from actorflow.errors import InvalidState
from actorflow.facts import Event, Fact
from actorflow.runtime import Run, Runtime
from actorflow.testing.histories import History

UNBOUNDED = 1 << 60
"""Events that a recorder's buffer holds: it loses none."""


class Recorder:
    """All events of a runtime from now on, in order, whoever asks and when."""

    def __init__(self, runtime: Runtime) -> None:
        machine = runtime._open()
        self._machine = ref(machine)
        self._known = machine.known
        self._subscription = runtime.subscribe(buffer=UNBOUNDED)
        self._events: list[Event] = []
        vars(machine)[_RECORDER] = self

    @property
    def events(self) -> list[Event]:
        """All events so far, those of this very moment included."""
        machine = self._machine()
        if machine is not None:
            machine.executor.flush()
            machine.hub.flush()
        self._events += self._subscription.read_now()
        return self._events

    @property
    def facts(self) -> list[Fact]:
        return [event.fact for event in self.events]

    def history(self, run: Run[Any] | str) -> History:
        """What happened so far in a run, given by itself or by its id."""
        run_id = run if isinstance(run, str) else run.id
        plan = None if isinstance(run, str) else self._known.plans.get(run.workflow)
        return History.of_events((event for event in self.events if event.run_id == run_id), plan=plan)

    def close(self) -> None:
        """Records no more; what was recorded stays."""
        self._events = self.events
        self._subscription.close()


_RECORDER = "_recorder"
"""Under what name a machine has its recorder. A weak table of them would keep both for ever: recorded errors know the machine that they rose in."""


@contextmanager
def record(runtime: Runtime) -> Generator[Recorder]:
    """Records what happens in a runtime within the block; `history(run)` and the recorder know it afterwards, too."""
    recorder = Recorder(runtime)
    try:
        yield recorder
    finally:
        recorder.close()


def history(run: Run[Any]) -> History:
    """What happened so far in a run of a runtime that is being recorded, as those of the kit's fixtures are.

    Raises `InvalidState` if nobody records its runtime.
    """
    recorder: Recorder | None = vars(run._machine).get(_RECORDER)
    if recorder is None:
        raise InvalidState(
            "nobody records the runtime of this run"
            "\nUse the fixture `runtime`, or `with record(runtime):` around what is to be recorded."
        )
    return recorder.history(run)
