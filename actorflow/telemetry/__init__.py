"""Watching runs: the hub that takes facts and hands out events, and what writes them to a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.doors import loads_later
from actorflow.telemetry.logs import log_events, words_of, words_of_kind
from actorflow.telemetry.subscription import Subscription

if TYPE_CHECKING:
    from actorflow.telemetry.hub import Hub, NodeNames
    from actorflow.telemetry.statuses import statuses_of, update_statuses
else:
    __getattr__ = loads_later(__name__, hub="Hub NodeNames", statuses="statuses_of update_statuses")

__all__ = [
    "Hub",
    "NodeNames",
    "Subscription",
    "log_events",
    "statuses_of",
    "update_statuses",
    "words_of",
    "words_of_kind",
]
