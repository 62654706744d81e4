"""Actors: typed messages, mailboxes, supervisors and timers. Knows nothing of workflows."""

from .actor import Actor
from .child import ChildSpec, Restart, Strategy, SupervisorSpec
from .envelope import Answer, Down, Exit, ExitReason, Reply, asking
from .kernel import Kernel, Publish
from .ref import ActorRef
from .supervisor import Supervisor
from .system import ActorSystem
from .timer import Timers
from .turn import TurnActor

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
