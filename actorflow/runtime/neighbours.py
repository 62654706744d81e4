"""Which other runtimes of this machine are dead for sure, so that nobody has to wait for their leases to lapse.

A runtime's name in its store says where it lives: `host:pid;namespace;mark`. A process of this host and this namespace of process numbers is dead if its
number is nobody's, or this process's own with another mark. Of all others only their leases tell.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

MARK: Final = os.urandom(4).hex()
"""Of this process, and of those it forks: a number is somebody else's in them, so they differ all the same."""


def own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()};{namespace()};{MARK}"


def shown(name: str) -> str:
    """What people are told of it: the host and the process."""
    return name.partition(";")[0]


def namespace() -> str:
    """Numbers of processes mean nothing outside of it."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def is_dead(name: str) -> bool:
    """Whether this runtime's process can't be running any more."""
    where, _, rest = name.partition(";")
    space, _, mark = rest.partition(";")
    host, _, number = where.rpartition(":")
    if host != socket.gethostname() or space != namespace() or not number.isdecimal():
        return False
    pid = int(number)
    if pid == os.getpid():
        return mark != MARK
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and somebody else's
        return False
    return False
