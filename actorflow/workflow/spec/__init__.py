"""Workflows as data: told as plain JSON, and made of it again by names that the host allows.

registry.py     what a spec may name
types.py        annotations as texts
literals.py     constants as data
arguments.py    where values come from, as data
steps.py        the options of a step, as data
telling.py      from a workflow to its spec
fields.py       strict reading, with the path of whatever is wrong
reading.py      from a spec to what a builder is told
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.workflow.spec.registry import Registry

if TYPE_CHECKING:
    from actorflow.workflow.spec.reading import read_spec
    from actorflow.workflow.spec.telling import tell_workflow
else:
    __getattr__ = loads_later(__name__, reading="read_spec", telling="tell_workflow")

__all__ = ["Registry", "read_spec", "tell_workflow"]
