"""The exit codes, and the one exception that leads to usage errors."""

from __future__ import annotations

SUCCEEDED = 0
FAILED = 1
"""The run failed or was cancelled; `check` found a problem."""
USAGE = 2
"""A wrong option, a bad input, a module that can't be imported, a workflow that can't run: nothing was started."""
HALTED = 3


class Refused(Exception):
    """The command can't be carried out as it was given. Its text is shown as it is; nothing has run."""
