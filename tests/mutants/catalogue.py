"""All mutants."""

from __future__ import annotations

from tests.mutants import engine, pools, recovery, runtime, scopes, stores, surroundings, takeovers, waits
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *engine.MUTANTS,
    *scopes.MUTANTS,
    *takeovers.MUTANTS,
    *waits.MUTANTS,
    *recovery.MUTANTS,
    *stores.MUTANTS,
    *pools.MUTANTS,
    *runtime.MUTANTS,
    *surroundings.MUTANTS,
)
