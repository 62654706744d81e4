"""What goes wrong with Postgres, said in our words."""

from __future__ import annotations

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from actorflow.errors import (
    CommitUnknown,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""The server went away, or was told to: a network that breaks, a restart, an end of the session."""
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
BUSY = (
    TimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
)
READ_ONLY = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)
CORRUPT = (
    asyncpg.SyntaxOrAccessError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
)
"""Our statements are right for our tables: if they aren't, the tables aren't ours any more."""
DOUBLE = asyncpg.UniqueViolationError
REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


def said_plainly(store: str, error: BaseException, *, committing: bool = False) -> StoreError:
    """`committing` says that the error came out of a `COMMIT`: if the server was lost then, it may have done it, or not."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if committing and isinstance(error, (*LOST, TimeoutError)):
        return CommitUnknown(
            store, f"the server was lost in the middle of a commit ({words})", "Read what is recorded."
        )
    if isinstance(error, BUSY):  # before `LOST`: a timeout is an `OSError`, a cancelled query an intervention
        return StoreBusy(store, f"the server didn't do it in time ({words})", "Ask again later.")
    if isinstance(error, READ_ONLY):
        return StoreReadOnly(store, f"it may not be written to ({words})", "Is it a replica, has the user the right?")
    if isinstance(error, CORRUPT):
        return StoreCorrupt(store, f"its content isn't what a store writes ({words})", "Restore it from a backup.")
    if isinstance(error, asyncpg.InsufficientResourcesError):
        return StoreFull(store, f"there's no room left ({words})", "Make room; the store then works on.")
    if isinstance(error, (*LOST, *REFUSED)):
        return StoreUnavailable(store, f"the server can't be reached ({words})", "Is it running, is the address right?")
    return StoreError(store, f"Postgres refused ({words})")
