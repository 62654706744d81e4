"""Watching runs: the hub that takes facts and hands out events, and what writes them to a log."""

from actorflow.telemetry.hub import Hub
from actorflow.telemetry.logs import log_events
from actorflow.telemetry.subscription import Subscription

__all__ = ["Hub", "Subscription", "log_events"]
