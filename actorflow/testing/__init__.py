"""What tests of workflows are made of: a clock that jumps, an order for races, histories, faults, a check for leaks.

    from actorflow.testing import Faults, MockClock, Sequencer, history, inject, open_runtime, record

The pytest plugin (`actorflow.testing.plugin`) gives them as the fixtures `clock`, `runtime`, `make_runtime`, `faults`, `sequencer`
and `no_leaks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.testing.causal import Comparison
from actorflow.testing.clock import EPOCH, MockClock
from actorflow.testing.faults import Crash, Fault, Faults
from actorflow.testing.histories import History, Record
from actorflow.testing.injection import inject
from actorflow.testing.leaks import Outside, tasks_left
from actorflow.testing.recorder import Recorder, history, record
from actorflow.testing.runtimes import open_runtime
from actorflow.testing.sequencer import Sequencer

if TYPE_CHECKING:
    from actorflow.testing.checking import InvariantBroken, check_run, check_store
    from actorflow.testing.crashes import CRASH_POINTS, Crashes, Crashing, Saga, Story, crash_at
    from actorflow.testing.everywhere import at_every_commit, crash_everywhere
    from actorflow.testing.faulty_store import FaultyStore, StoreFault
    from actorflow.testing.lives import Life, MortalStore, ProcessDied
    from actorflow.testing.store_contract import StoreContract
else:
    __getattr__ = loads_later(
        __name__,
        checking="InvariantBroken check_run check_store",
        crashes="CRASH_POINTS Crashes Crashing Saga Story crash_at",
        everywhere="at_every_commit crash_everywhere",
        faulty_store="FaultyStore StoreFault",
        lives="Life MortalStore ProcessDied",
        store_contract="StoreContract",
    )

__all__ = [
    "CRASH_POINTS",
    "EPOCH",
    "Comparison",
    "Crash",
    "Crashes",
    "Crashing",
    "Fault",
    "Faults",
    "FaultyStore",
    "History",
    "InvariantBroken",
    "Life",
    "MockClock",
    "MortalStore",
    "Outside",
    "ProcessDied",
    "Record",
    "Recorder",
    "Saga",
    "Sequencer",
    "StoreContract",
    "StoreFault",
    "Story",
    "at_every_commit",
    "check_run",
    "check_store",
    "crash_at",
    "crash_everywhere",
    "history",
    "inject",
    "open_runtime",
    "record",
    "tasks_left",
]
