"""The clauses of R1–R44 that can't have a test yet: they need a combinator, the command line (issue 3), a store or recovery (issue 4)."""

from __future__ import annotations

from typing import NamedTuple


class Later(NamedTuple):
    rule: str
    clause: str
    issue: int


LATER = [
    Later("R3", "With a store, types that can't be encoded are refused when the plan is compiled.", issue=4),
    Later("R4", "Recovery finds the workflows given as `Runtime(workflows=…)` and those started as objects.", issue=4),
    Later("R7", "A value is kept as long as a record may need it.", issue=4),
    Later("R10", "Context variables are gone after a restart; `context` is stored with the run.", issue=4),
    Later("R12", "An orphaned permit is shown as such, by `inspect` and `explain`.", issue=4),
    Later(
        "R13", "After a restart an exception is rebuilt if its class is registered, else a `RecordedFailure`.", issue=4
    ),
    Later("R14", "The count of attempts survives a restart.", issue=4),
    Later("R14", "An operator's retry starts a new budget.", issue=4),
    Later("R16", "With a store the halted run is resumed by id, in any runtime.", issue=4),
    Later("R22", "Each undo is recorded exactly once, over restarts too.", issue=4),
    Later("R26", "A reversible run can be undone as long as it is in the store.", issue=4),
    Later("R31", 'With a store, `on_timeout` is `"halt"` unless told.', issue=4),
    Later("R35", "A store's actor restarts on the same tables.", issue=4),
    Later("R35", "A run with a store whose row isn't sound is given back to the store.", issue=4),
    Later(
        "R37", "Leaving by exception or cancellation, and the end of the drain, releases runs with a store.", issue=4
    ),
    Later("R37", "Runs with a store that only wait are released at once.", issue=4),
    Later("R41", "After a takeover the last events may come again, with the same number.", issue=4),
    Later("R41", "History that must be whole is read from the store.", issue=4),
    Later("R41", "Events leave after their facts are on disk.", issue=4),
    Later("R43", "A fact of the executor's own is built if a store takes it.", issue=4),
]
