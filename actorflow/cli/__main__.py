"""`python -m actorflow.cli` is `actorflow`."""

from __future__ import annotations

from actorflow.cli.entry import main

main()
