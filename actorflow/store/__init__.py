"""What is recorded of runs, and how values become bytes."""

from __future__ import annotations

from actorflow.store.codec import Codec

__all__ = ["Codec"]
