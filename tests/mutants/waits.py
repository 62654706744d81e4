"""Mutants of waits: they hold something, end too early, too late, twice, or with somebody else's signal."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant("a-wait-holds-its-slot", "R6", "engine/fold_waits.py", "    state.running -= 1\n", ""),
    Mutant(
        "a-time-that-comes-in-a-halt-counts",
        "R16",
        "engine/waits.py",
        "    return state.phase == RUN and state.status[node] == DORMANT and not items",
        "    return state.status[node] == DORMANT and not items",
    ),
    Mutant(
        "a-wait-in-an-item-that-is-taken-back-ends",
        "R21",
        "engine/waits.py",
        " and not items.is_taken_back(state, node)",
        "",
    ),
    Mutant(
        "a-wait-is-over-at-an-old-time", "R16", "engine/waits.py",
        "    if not may_end(state, node) or state.retry_at.get(node) != message.at:\n",
        "    if not may_end(state, node):\n",
    ),
    Mutant("a-signal-counts-twice", "R50", "engine/waits.py", "            state.signals[place] = TAKEN\n", ""),
    Mutant(
        "an-early-signal-is-lost", "R50", "engine/waits.py",
        "    place = next((i for i, (name, value) in enumerate(state.signals)",
        "    place = next((i for i, (name, value) in enumerate(state.signals[:0])",
    ),
    Mutant(
        "any-signal-will-do", "R50", "engine/waits.py",
        "    if not wait.signal or (signal != wait.signal and signal != state.name(node)):",
        "    if not wait.signal:",
    ),
    Mutant(
        "waits-arent-reminded-of-after-a-halt-or-a-crash", "R16 R50", "engine/waits.py",
        "            due = state.retry_at[node] = max(now, state.retry_at[node])\n            state.orders.append(",
        "            due = state.retry_at[node] = max(now, state.retry_at[node])\n            repr(",
    ),
    Mutant(
        "signals-that-came-in-a-halt-wait-for-the-next", "R16", "engine/waits.py",
        "(state.run, node, state.attempt[node], due)))\n    deliver(state, now)\n",
        "(state.run, node, state.attempt[node], due)))\n",
    ),
    Mutant(
        "a-lost-wait-counts-as-a-lost-step", "R53", "engine/fold.py",
        "    if state.program.steps[node].acts:\n        state.lost",
        "    if state.program.steps[node].control is None:\n        state.lost",
    ),
    Mutant("a-wait-is-one-of-max_steps", "R31", "engine/advance.py", "        state.allowance += step.wait is not None\n", ""),
    Mutant(
        "an-around-that-is-entered-again-is-over-beneath-it", "R22", "engine/scopes.py",
        " and state.status[node] in (OPEN, READY):\n        tree.left",
        ":\n        tree.left",
    ),
    Mutant(
        "an-around-whose-wait-ended-meanwhile-is-never-left", "R22", "engine/scopes.py",
        "    if tree.scopes[fact.node].is_done:  # a wait",
        "    if tree.scopes[fact.node] is None:  # a wait",
    ),
    Mutant(
        "somebody-elses-answer-counts", "R50", "engine/waits.py",
        "    return not wait.by or not isinstance(value, Approval) or value.who in wait.by\n",
        "    return True\n",
    ),
    Mutant(
        "a-no-never-fails", "R50", "engine/waits.py",
        "    if spec is not None and spec.fails and isinstance(value, Approval) and not value.approved:\n",
        "    if spec is not None and isinstance(value, int):\n",
    ),
    Mutant(
        "drains-wait-for-runs-that-only-wait", "R37", "runtime/closing.py",
        "                let_all_rest(machine, after=config.rest_after)\n",
        "                repr(config.rest_after)\n",
    ),
    Mutant(
        "runs-that-rest-have-no-time-to-be-woken", "R37", "runtime/recorder.py",
        ", wake=wake_of(self.machine, row)",
        "",
    ),
)  # fmt: skip
