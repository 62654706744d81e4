"""Plays simulated worlds with the copy of the code in the current folder: `python -m tests.mutants.simulated WORLDS`."""

from __future__ import annotations

import sys

from tests.mutants.inside import check_import
from tests.simulation.world import play_many

if __name__ == "__main__":
    check_import()
    play_many(0, int(sys.argv[1]))
