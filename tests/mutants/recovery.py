"""Mutants of what is recorded of runs, and of how they are taken over: something is lost, done twice, or told before it is stored."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

WAITS = "tests/people/test_stored_waits.py"
COMMANDS = "tests/operating/test_commands.py"
FAULTS = "tests/durable/test_store_faults.py"

MUTANTS = (
    # ── commits
    Mutant(
        "what-follows-doesnt-wait-for-its-commit", "R48", "runtime/journal.py",
        "        if self.is_strict or state.phase not in (RUN, HALTING, CLOSING):\n            return True\n",
        "        if state.phase not in (RUN, HALTING, CLOSING):\n            return True\n",
    ),
    Mutant(
        "rollbacks-run-ahead-at-write-behind", "R48", "runtime/journal.py",
        "        if self.is_strict or state.phase not in (RUN, HALTING, CLOSING):\n",
        "        if self.is_strict:\n",
    ),
    Mutant(
        "irreversible-steps-run-ahead-at-write-behind", "R48", "runtime/journal.py",
        "        steps = state.program.steps\n        for node in held",
        "        return False\n        for node in held",
    ),
    Mutant(
        "a-commit-of-which-nobody-knows-is-given-up", "R48", "runtime/recorder.py",
        "PASSING = (CommitUnknown, StoreBusy, StoreFull, StoreUnavailable)",
        "PASSING = (StoreBusy, StoreFull, StoreUnavailable)",
        FAULTS,
    ),
    Mutant(
        "a-store-that-is-away-isnt-waited-for", "R48", "runtime/recorder.py",
        "                if self.machine.now() - began > self.patience:\n",
        "                if self.machine.now() - began >= 0:\n",
        FAULTS,
    ),
    Mutant(
        "what-comes-during-a-commit-is-never-sent", "R48", "runtime/recorder.py",
        "            if journal.turns:\n                self.due[sent.row.id] = sent.row\n",
        "",
        FAULTS,
    ),
    Mutant(
        "rows-arent-numbered", "R48", "runtime/recorder.py",
        "        journal.sequence += 1\n        if change is not None:",
        "        if change is not None:",
    ),
    Mutant(
        "a-message-that-was-taken-in-stays-in-the-store", "R50", "runtime/recorder.py",
        "data, change, tuple(journal.consumed)))",
        "data, change, ()))",
        WAITS,
    ),
    Mutant(
        "that-it-was-left-in-order-isnt-said", "R53", "runtime/recorder.py",
        "        if marks:\n            await self.store.together(marks)",
        "        if marks is None:\n            await self.store.together(marks)",
    ),
    Mutant(
        "the-end-of-a-run-isnt-told-to-its-record", "R48", "runtime/recorder.py",
        "        is_new = journal.ends or (",
        "        is_new = (",
        COMMANDS,
    ),
    # ── messages and signals
    Mutant(
        "a-signal-is-delivered-at-each-look", "R50", "runtime/commands.py",
        " or self.handed.get(message.number) is row:",
        ":",
        "tests/people/test_mail.py",
    ),
    Mutant(
        "an-early-signal-is-refused", "R50", "runtime/signals.py",
        "    if wait is None:\n        return None\n    try:",
        "    if wait is None:\n        return refused(row, now, letter.name, 'nothing waits for it')\n    try:",
        "tests/people/test_mail.py",
    ),
    Mutant(
        "what-a-halted-run-was-asked-before-still-counts", "R50", "runtime/take_overs.py",
        "        row.journal.consumed += await overtaken(self.keeper, run_id)\n",
        "",
        COMMANDS,
    ),
    # ── taking over
    Mutant(
        "a-runtime-that-was-fenced-goes-on-with-its-runs", "R50", "runtime/keeper.py",
        "            self.machine.lose_all()\n",
        "",
    ),
    Mutant(
        "a-runtime-that-was-fenced-writes-with-its-old-number", "R50", "runtime/keeper.py",
        "            self.owner = self.recorder.owner = await",
        "            self.owner = await",
    ),
    Mutant(
        "every-end-of-a-process-is-a-crash", "R53", "runtime/take_overs.py",
        "crashed=not before.has_left)",
        "crashed=True)",
    ),
    Mutant(
        "crashes-arent-counted", "R53", "runtime/take_overs.py",
        "crashed=not before.has_left)",
        "crashed=False)",
    ),
    Mutant(
        "no-time-passes-while-nobody-has-the-run", "R50", "runtime/take_overs.py",
        " if before.offset else 0.0",
        " if before.offset < 0 else 0.0",
        "tests/durable/test_clocks.py",
    ),
    Mutant(
        "what-the-store-failed-is-forgotten", "R48", "runtime/take_overs.py",
        "        found = await self.take_again()\n",
        "        found = False\n",
        FAULTS,
    ),
    Mutant(
        "a-run-that-doesnt-fit-is-tried-for-ever", "R51", "runtime/take_overs.py",
        "owner=self.keeper.owner, problem=str(problem))",
        "owner=self.keeper.owner)",
    ),
    # ── building again
    Mutant(
        "turns-are-decided-in-the-wrong-order", "R50", "runtime/stored.py",
        "        messages = [read(desk, row, entry) for entry in turn.messages]",
        "        messages = [read(desk, row, entry) for entry in reversed(turn.messages)]",
        "tests/conformance/test_r50_taking_over.py tests/conformance/test_r50_there_and_back.py "
        "tests/durable/test_crash_enumeration.py::test_a_saga_that_dies_once_ends_as_if_it_had_not",
    ),
    Mutant(
        "a-replay-that-goes-astray-isnt-seen", "R51", "runtime/stored.py",
        "    if then == now:\n        return\n",
        "    if then or now or True:\n        return\n",
    ),
    Mutant(
        "another-step-in-the-same-place-isnt-seen", "R51", "runtime/stored.py",
        "    if plan.fingerprint == record.fingerprint:",
        "    if plan.fingerprint:",
    ),
    Mutant(
        "a-run-that-was-built-again-counts-its-rows-from-none", "R50", "runtime/stored.py",
        "    row.journal.sequence = record.tail\n",
        "",
    ),
    Mutant(
        "steps-are-known-by-their-numbers", "R51", "runtime/entry_fields.py",
        "    if number < size and row.name(number) == name:",
        "    if number < size:",
    ),
    Mutant(
        "values-of-any-size-are-stored", "R56", "runtime/desk.py",
        "        if len(data) > self.max_bytes:\n            raise NotSerializable(",
        "        if len(data) > self.max_bytes > 1 << 40:\n            raise NotSerializable(",
    ),
    # ── resting
    Mutant(
        "a-run-that-rests-is-due-when-its-last-wait-ends", "R37", "runtime/resting.py",
        "    return min(ends, default=None)",
        "    return max(ends, default=None)",
        WAITS,
    ),
)  # fmt: skip
