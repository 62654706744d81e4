"""`actorflow runs …`: the commands for runs that are in a store. What they do stands in modules that are loaded when they are needed."""

from __future__ import annotations

from actorflow.cli import runs_look  # isort: skip
from actorflow.cli import runs_ask  # isort: skip
from actorflow.cli import runs_people  # isort: skip
from actorflow.cli import runs_again  # isort: skip
from actorflow.cli.runs_options import AsJson, Store, runs

doctor = runs_look.doctor
_ = runs_ask, runs_people, runs_again  # each has entered its commands

__all__ = ["AsJson", "Store", "doctor", "runs"]
