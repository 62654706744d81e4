"""The doors of folders: what a door names, but few need at once, is loaded when it's first asked for.

Declaring steps and workflows loads what that takes; drawing, checking and rendering plans, encoding values, supervising actors load with
their first use. A name asked for once is the door's own from then on, and costs nothing more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def loads_later(door: str, **rooms: str) -> Callable[[str], Any]:
    """The `__getattr__` of a folder's door. Per module of the folder the names that it has, as one text."""
    room_of = {name: room for room, names in rooms.items() for name in names.split()}

    def find(name: str) -> Any:
        room = room_of.get(name)
        if room is None:
            raise AttributeError(f"module {door!r} has no attribute {name!r}")
        found = getattr(_loaded(f"{door}.{room}"), name)
        setattr(sys.modules[door], name, found)
        return found

    return find


def _loaded(module: str) -> Any:
    __import__(module)
    return sys.modules[module]
