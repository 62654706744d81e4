"""What the command `actorflow` calls."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command that `sys.argv` holds, and exits with its code. Without typer and rich it says how to get them."""
    try:
        from actorflow.cli.app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich", "click"}:
            raise
        sys.stderr.write(f"actorflow: {error}\nThe command line needs more packages: pip install 'actorflow[cli]'\n")
        sys.exit(2)
    app()
