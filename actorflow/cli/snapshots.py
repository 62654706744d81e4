"""Where a halted run's snapshot goes, and where it comes from."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from actorflow.cli.exits import Refused


class Kept(NamedTuple):
    """Where a snapshot is, if it could be written; `trouble` says why it isn't where it was wanted."""

    place: Path | None
    trouble: str = ""


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


def write(path: Path, data: bytes) -> Kept:
    """Writes it whole or not at all; where that fails, as on a full disk, to the system's folder for temporary files."""
    try:
        return Kept(_written(path, data))
    except OSError as error:
        trouble = f"its snapshot couldn't be written to {path}: {error.strerror or error}"
    try:
        return Kept(_written(Path(tempfile.mkdtemp(prefix="actorflow-")) / path.name, data), trouble)
    except OSError:
        return Kept(None, f"{trouble}; nor to the system's folder for temporary files")


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
