"""What tests of workflows are made of: a clock that jumps, an order for races, a check for leaks.

    from actorflow.testing import MockClock, Sequencer

The pytest plugin (`actorflow.testing.plugin`) gives them as the fixtures `clock`, `sequencer` and `no_leaks`.
"""

from actorflow.testing.clock import EPOCH, MockClock
from actorflow.testing.leaks import Outside, tasks_left
from actorflow.testing.sequencer import Sequencer

__all__ = ["EPOCH", "MockClock", "Outside", "Sequencer", "tasks_left"]
