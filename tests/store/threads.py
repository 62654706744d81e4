"""A SQLite store's own thread."""

from __future__ import annotations

from actorflow.store import SQLiteStore


async def on_its_thread(store: SQLiteStore, statement: str) -> None:
    """Has a store's connection do something: it is used by its own thread alone, so this rides with a read."""
    together = store._desk._together

    def first(requests: object) -> list[object]:
        assert store._desk._db is not None
        store._desk._db.execute(statement)
        return together(requests)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    store._desk._together = first  # type: ignore[method-assign]  # pyright: ignore[reportAttributeAccessIssue]
    try:
        await store.count_runs()
    finally:
        store._desk._together = together  # type: ignore[method-assign]
