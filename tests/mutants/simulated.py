"""Plays simulated worlds with the copy of the code in the current folder: `python -m tests.mutants.simulated WORLDS`."""

from __future__ import annotations

import sys

from tests.mutants.only_the_copy import pytest_sessionstart
from tests.simulation.world import play_many

if __name__ == "__main__":
    pytest_sessionstart()
    play_many(0, int(sys.argv[1]))
