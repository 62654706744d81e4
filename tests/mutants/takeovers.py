"""Mutants of runs that are taken over: something that was in flight is forgotten, done twice, or done wrongly."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "lost-attempt-counts-against-retry",
        "R53",
        "engine/fold.py",
        "    state.running -= 1\n    state.uncounted[node] = state.uncounted.get(node, 0) + 1\n    if state.program.steps[node].acts:\n        state.lost",
        "    state.running -= 1\n    if state.program.steps[node].acts:\n        state.lost",
    ),
    Mutant(
        "irreversible-step-runs-again-after-a-crash",
        "R49",
        "engine/taking_over.py",
        "    return not step.irreversible and state.lost",
        "    return state.lost",
    ),
    Mutant(
        "lost-once-more-than-may-be",
        "R53",
        "engine/taking_over.py",
        "state.lost.get(node, 0) + message.crashed < message.lost_limit",
        "state.lost.get(node, 0) < message.lost_limit",
    ),
    Mutant(
        "what-a-lost-attempt-did-is-never-unknown",
        "R54",
        "engine/fold.py",
        "    if node in state.unknown or node in state.doubtful:",
        "    if node in state.unknown:",
    ),
    Mutant(
        "a-new-attempt-leaves-the-lost-one-unknown",
        "R54",
        "engine/fold.py",
        "    state.stopped.discard(node)\n    state.doubtful.discard(node)\n",
        "    state.stopped.discard(node)\n",
    ),
    Mutant(
        "permits-outlive-their-owner",
        "R28 R50",
        "engine/taking_over.py",
        "    state.held.clear()\n",
        "",
    ),
    Mutant(
        "retry-isnt-reminded-of-after-a-crash",
        "R50",
        "engine/taking_over.py",
        "        state.orders.append(Remind(due, RetryDue",
        "        repr(Remind(due, RetryDue",
    ),
    Mutant(
        "handler-of-the-lost-process-is-waited-for",
        "R50",
        "engine/taking_over.py",
        "    for node in handled:\n",
        "    for node in ():\n",
    ),
    Mutant(
        "handlers-try-is-counted-twice-when-it-asks-again",
        "R19 R50",
        "engine/rollback.py",
        "            state.tries[node] -= 1\n",
        "",
    ),
    Mutant(
        "guards-that-were-lost-hold-their-place",
        "R17 R50",
        "engine/taking_over.py",
        "            state.handlers -= 1\n            state.uncounted",
        "            state.uncounted",
    ),
    Mutant(
        "arounds-that-are-gone-count-as-entered",
        "R50",
        "engine/taking_over.py",
        "        tree.left.add(node)\n        return\n",
        "        return\n",
    ),
    Mutant(
        "result-isnt-checked-again",
        "R44 R50",
        "engine/taking_over.py",
        "    if state.phase == CLOSING:\n",
        "    if state.phase is None:\n",
    ),
    Mutant(
        "times-of-the-old-clock-stay",
        "R50",
        "engine/taking_over.py",
        "            times[node] += shift\n",
        "            times[node] += 0.0\n",
    ),
)
