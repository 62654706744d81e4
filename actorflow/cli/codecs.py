"""Finds the codec that `--codec` names: what the values of a store are written with."""

from __future__ import annotations

from actorflow.cli.exits import Refused
from actorflow.cli.finding import find_thing
from actorflow.cli.trace import traceback_of
from actorflow.errors import brief
from actorflow.store import Codec


def find_codec(target: str) -> Codec | None:
    """A codec, or what a function without parameters gives; none if none is named. Raises `Refused`."""
    if not target:
        return None
    found = find_thing("--codec", target)
    if not isinstance(found, Codec) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise Refused(f"--codec {target}: it failed\n{traceback_of(error)}") from error
    if not isinstance(found, Codec):
        raise Refused(f"--codec {target}: it is {brief(found)}, not a Codec, nor a function that gives one")
    return found
