"""`python -m actorflow.cli` is `actorflow`."""

from __future__ import annotations

from actorflow.cli import main

main()
