"""How a run ended, as all forms of output tell it."""

from __future__ import annotations

from typing import Any

import msgspec

from actorflow.cli.ledger import Ledger
from actorflow.outcome import Cancelled, Failed, Halted, Outcome, Succeeded
from actorflow.plan import Plan


class Ending(msgspec.Struct, frozen=True):
    """`snapshot` is the file that a halted run was written to, `resume` the command that goes on with it.

    `trouble`: why it couldn't be written where it should. `stored` is that command for a run that is in a store, and has no file.
    """

    run_id: str
    plan: Plan
    outcome: Outcome[Any]
    ledger: Ledger
    snapshot: str = ""
    resume: str = ""
    trouble: str = ""
    stored: str = ""

    @property
    def why_no_snapshot(self) -> str:
        return self.trouble or self.ledger.no_snapshot or "it has no snapshot"

    @property
    def word(self) -> str:
        match self.outcome:
            case Succeeded():
                return "succeeded"
            case Failed():
                return "failed"
            case Halted():
                return "halted"
            case Cancelled():
                return "cancelled"
