"""Mutants of the stores: a claim that two have, a write that was stale, a run that is purged while it goes on."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MEMORY = "tests/store/test_store_contract.py::TestMemoryStore"
SQLITE = "tests/store/test_store_contract.py::TestSQLiteStore"
LUCK = "tests/store/test_sqlite_bad_luck.py"

MUTANTS = (
    Mutant(
        "two-may-claim-a-running-step", "R45", "store/rules.py",
        "CLAIMABLE = frozenset({PENDING, FAILED})", "CLAIMABLE = frozenset({PENDING, FAILED, RUNNING})", MEMORY,
    ),
    Mutant(
        "an-older-claim-may-write", "R46", "store/rules.py",
        "(request.token is not None and request.token != before.token)",
        "(request.token is not None and request.token > before.token)",
        MEMORY,
    ),
    Mutant(
        "a-repeated-write-is-stale", "R46", "store/rules.py",
        "    if is_repeated(before, request, made):\n        return Change(before)\n", "", MEMORY,
    ),
    Mutant(
        "a-claim-of-a-pending-step-takes-the-new-input", "R45", "store/rules.py",
        "    input = before.input if before.status is PENDING else request.input", "    input = request.input", MEMORY,
    ),
    Mutant(
        "whoever-has-the-run-may-be-anybody", "R50", "store/lead.py",
        "    if lead.owner != owner:", "    if lead.owner is None:", MEMORY,
    ),
    Mutant(
        "rows-may-come-in-any-order", "R48", "store/lead.py",
        "    if request.sequence != lead.tail + 1:", "    if request.sequence > lead.tail + 1:", MEMORY,
    ),
    Mutant(
        "an-append-that-was-made-is-refused", "R48", "store/lead.py",
        "    return request.sequence == lead.tail > 0 and lead.owner in {None, request.owner}", "    return False", MEMORY,
    ),
    Mutant(
        "other-turns-pass-for-those-that-are-there", "R48", "store/run_answers.py",
        " and tables.turns_at(lead.number, request.sequence) == request.turns", "", MEMORY,
    ),
    Mutant(
        "a-runtime-that-was-fenced-may-write", "R50", "store/run_answers.py",
        "def append(tables: Tables, request: Append) -> int:\n    known(tables, request.owner)\n",
        "def append(tables: Tables, request: Append) -> int:\n",
        MEMORY,
    ),
    Mutant(
        "nobodys-lease-lapses", "R50", "store/run_answers.py",
        "    for number in tables.lapsed(now, request.owner):\n        tables.drop_runtime(number)\n", "", MEMORY,
    ),
    Mutant(
        "a-run-is-taken-from-a-live-runtime", "R50", "store/run_answers.py",
        "    is_free = lead.owner is None or lead.owner == request.owner or tables.runtime(lead.owner) is None",
        "    is_free = True",
        MEMORY,
    ),
    Mutant(
        "runs-are-deleted-under-their-runtime", "R50", "store/run_answers.py",
        "    if is_alive(tables, lead.owner):\n", "    if lead.owner is not None and not is_alive(tables, lead.owner):\n", MEMORY,
    ),
    Mutant(
        "a-run-is-created-again-with-other-inputs", "R47", "store/run_answers.py",
        "    if found.inputs != new.inputs:", "    if found.inputs is None:", MEMORY,
    ),
    Mutant(
        "a-message-wakes-nobody", "R50", "store/run_answers.py",
        "    if lead.wake is not None:\n        tables.move(rules.woken(lead))\n", "", MEMORY,
    ),
    Mutant(
        "halted-runs-are-taken-over", "R50", "store/lead.py",
        "        and lead.status in UNFINISHED\n", "", MEMORY,
    ),
    Mutant(
        "what-was-left-alone-is-taken-over", "R51", "store/lead.py",
        "        and lead.problem is None\n", "", MEMORY,
    ),
    Mutant(
        "running-runs-are-purged", "R50", "store/memory_runs.py",
        "            if run.ended is not None and run.ended < before and run.status in statuses and run.owner is None",
        "            if (run.ended or 0.0) < before and (run.status in statuses or run.owner is not None)",
        MEMORY,
    ),
    Mutant(
        "step-runs-are-never-made", "R46", "store/answers.py",
        "    if backlog:\n        project(tables, run, run_id, backlog)\n        tables.keep_projected(run, len(backlog))\n",
        "    if backlog:\n        tables.keep_projected(run, len(backlog))\n",
        MEMORY,
    ),
    Mutant(
        "step-runs-are-made-twice", "R46", "store/answers.py",
        "        tables.keep_projected(run, len(backlog))\n", "", SQLITE,
    ),
    # ── SQLite
    Mutant(
        "messages-outlive-the-runs-that-took-them-in", "R50", "store/sqlite_runs.py",
        '        self._db.executemany(self._sql["drop_message"], [(number, run) for number in numbers])\n',
        '        self._db.executemany(self._sql["drop_message"], [(run, number) for number in numbers])\n',
        SQLITE,
    ),
    Mutant(
        "what-was-gathered-outlives-a-rollback", "R48", "store/sqlite_runs.py",
        "        for each in (self._numbers, self._leads, self._runtimes, self._projected, self._turns, self._moves):",
        "        for each in (self._numbers, self._runtimes, self._projected):",
        LUCK,
    ),
    Mutant(
        "a-database-of-a-newer-version-is-opened", "R48", "store/sqlite_open.py",
        "    if version > known[-1].version:", "    if version > known[-1].version + 1000:", LUCK,
    ),
)  # fmt: skip
