"""Values and their types."""

from __future__ import annotations

from actorflow.values.hints import bare_function, resolve_hints

__all__ = ["bare_function", "resolve_hints"]
