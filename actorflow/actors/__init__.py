"""Actors: typed messages, mailboxes, supervisors and timers. Knows nothing of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later

from .actor import Actor
from .envelope import Answer, Down, Exit, ExitReason, Reply, asking
from .ref import ActorRef

if TYPE_CHECKING:
    from .child import ChildSpec, Restart, Strategy, SupervisorSpec
    from .kernel import Kernel, Publish
    from .supervisor import Supervisor
    from .system import ActorSystem
    from .timer import Timers
    from .turn import TurnActor
else:
    __getattr__ = loads_later(
        __name__,
        child="ChildSpec Restart Strategy SupervisorSpec",
        kernel="Kernel Publish",
        supervisor="Supervisor",
        system="ActorSystem",
        timer="Timers",
        turn="TurnActor",
    )

__all__ = [
    "Actor",
    "ActorRef",
    "ActorSystem",
    "Answer",
    "ChildSpec",
    "Down",
    "Exit",
    "ExitReason",
    "Kernel",
    "Publish",
    "Reply",
    "Restart",
    "Strategy",
    "Supervisor",
    "SupervisorSpec",
    "Timers",
    "TurnActor",
    "asking",
]
