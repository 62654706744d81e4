"""SQL lives in `.sql` files: a query begins with `-- its_name --` and a comment that describes it; migrations are numbered files."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "sql"
HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)
COMMENT = re.compile(r"^--.*$\n?", re.MULTILINE)
MIGRATION = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(NamedTuple):
    """One numbered change of the tables: `sql` holds its statements."""

    version: int
    name: str
    sql: str


@cache
def queries(dialect: str) -> dict[str, str]:
    """The queries of a database's dialect by name, without their comments."""
    parts = HEADING.split((FOLDER / dialect / "queries.sql").read_text(encoding="utf-8"))
    return {name: COMMENT.sub("", sql).strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def migrations(dialect: str) -> tuple[Migration, ...]:
    """The migrations of a dialect, oldest first; versions count from 1 without a gap."""
    found = sorted((FOLDER / dialect / "migrations").glob("*.sql"))
    return tuple(_migration(path) for path in found)


def _migration(path: Path) -> Migration:
    named = MIGRATION.fullmatch(path.name)
    assert named is not None, path
    return Migration(int(named[1]), named[2], path.read_text(encoding="utf-8"))
