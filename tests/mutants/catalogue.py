"""All mutants."""

from __future__ import annotations

from tests.mutants import engine, pools, runtime, surroundings
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*engine.MUTANTS, *pools.MUTANTS, *runtime.MUTANTS, *surroundings.MUTANTS)
