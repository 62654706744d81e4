"""Where a halted run's snapshot goes, and where it comes from."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from actorflow.cli.exits import Refused


def place_of(run_id: str, wanted: Path | None) -> Path:
    """`wanted`, or `<run id>.snapshot` in the current folder."""
    name = re.sub(r"[^\w.-]", "_", run_id).lstrip(".")
    return wanted if wanted is not None else Path(f"{name or 'run'}.snapshot")


def check_place(path: Path) -> None:
    """Raises `Refused` where no file could be written: told before anything runs, not when the run is halted."""
    folder = path.parent
    if path.is_dir():
        raise Refused(f"--snapshot {path}: it is a folder")
    if not folder.is_dir():
        raise Refused(f"--snapshot {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise Refused(
            f"the snapshot of a halted run couldn't be written to {folder}\nName another file with --snapshot."
        )


def write(path: Path, data: bytes) -> Path:
    """Writes it whole or not at all; where that fails, to the system's folder for temporary files. Says where it is."""
    try:
        return _written(path, data)
    except OSError:
        return _written(Path(tempfile.mkdtemp(prefix="actorflow-")) / path.name, data)


def _written(path: Path, data: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"the snapshot {path} can't be read: {error.strerror or error}") from None
