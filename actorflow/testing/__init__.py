"""What tests of workflows are made of: a clock that jumps, an order for races, histories, faults, a check for leaks.

    from actorflow.testing import Faults, MockClock, Sequencer, history, inject, open_runtime, record

The pytest plugin (`actorflow.testing.plugin`) gives them as the fixtures `clock`, `runtime`, `make_runtime`, `faults`, `sequencer`
and `no_leaks`.
"""

from actorflow.testing.causal import Comparison
from actorflow.testing.clock import EPOCH, MockClock
from actorflow.testing.faults import Crash, Fault, Faults
from actorflow.testing.histories import History, Record
from actorflow.testing.injection import inject
from actorflow.testing.leaks import Outside, tasks_left
from actorflow.testing.recorder import Recorder, history, record
from actorflow.testing.runtimes import open_runtime
from actorflow.testing.sequencer import Sequencer

__all__ = [
    "EPOCH",
    "Comparison",
    "Crash",
    "Fault",
    "Faults",
    "History",
    "MockClock",
    "Outside",
    "Record",
    "Recorder",
    "Sequencer",
    "history",
    "inject",
    "open_runtime",
    "record",
    "tasks_left",
]
