"""Mutants of limits: who holds permits, who waits, who goes next."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "the-last-in-line-goes-first",
        "R1 R28",
        "runtime/permits.py",
        "lane.waiters.popitem(last=False)",
        "lane.waiters.popitem(last=True)",
    ),
    Mutant(
        "who-is-blocked-elsewhere-holds-up-the-line",
        "R1 R28",
        "runtime/permits.py",
        "                if self._can_go(lane, now):\n                    return lane\n",
        "                return lane if self._can_go(lane, now) else None\n",
    ),
    Mutant(
        "runs-dont-take-turns",
        "R1",
        "runtime/permits.py",
        "            pool.serve(lane.run)\n",
        "",
    ),
    Mutant(
        "priority-reversed",
        "R1",
        "runtime/permits.py",
        "(not front, -priority)",
        "(not front, priority)",
    ),
    Mutant(
        "undo-waits-behind-the-steps",
        "R28",
        "runtime/permits.py",
        "key = (found, (not front, -priority), lineage)",
        "key = (found, (True, -priority), lineage)",
    ),
    Mutant(
        "rate-holds-for-undos-too",
        "R28",
        "runtime/permits.py",
        "            if lane.takes_rate and pool.is_spent(now):",
        "            if pool.is_spent(now):",
    ),
    Mutant(
        "rate-forgets-its-starts-early",
        "R28",
        "runtime/permit_pool.py",
        "        while starts and starts[0] + rate.per <= now:",
        "        while starts and starts[0] + rate.per / 2 <= now:",
    ),
    Mutant(
        "declined-grant-counts-as-a-start",
        "R28",
        "runtime/permits.py",
        "                pool.take_back_start(holding.started)",
        "                pass",
    ),
    Mutant(
        "one-more-than-at-most",
        "R28",
        "runtime/permit_pool.py",
        "self.held >= self.at_most",
        "self.held > self.at_most",
    ),
    Mutant(
        "takes-what-is-free-of-several-limits",
        "R28",
        "runtime/permits.py",
        "        for pool in lane.pools:\n            if lane.takes_rate",
        "        for pool in lane.pools[:1]:\n            if lane.takes_rate",
    ),
    Mutant(
        "all-keys-share-one-pool",
        "R28",
        "runtime/permits.py",
        "        known = self._know(limit)\n        pool = known.pools.get(key)",
        "        known = self._know(limit)\n        key = None\n        pool = known.pools.get(key)",
    ),
    Mutant(
        "child-waits-for-its-parents-permit",
        "R30",
        "runtime/permits.py",
        "            if pool.is_full() and (not lane.lineage or self._lender(lane, pool) is None):",
        "            if pool.is_full():",
    ),
    Mutant(
        "permit-of-an-abandoned-step-given-away",
        "R12",
        "runtime/executor.py",
        "            self.services.pool.orphan(row, order.node)",
        "            self.services.pool.release(row, order.node, now)",
    ),
    Mutant(
        "permit-of-an-abandoned-step-never-comes-back",
        "R12",
        "runtime/step_runner.py",
        "        if live.orphaned:",
        "        if live.orphaned and live.work is None and live.task is None:",
    ),
)
