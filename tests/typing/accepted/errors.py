"""Errors, and exceptions of the user's own that come back after a restart."""

from typing import assert_type

from trip import Trip, book_trip

from actorflow import ActorflowError, RunFailed, Runtime, StepError, failed_with, failure


@failure
class CardDeclined(Exception):
    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


async def main(runtime: Runtime) -> None:
    try:
        await runtime.run(book_trip, Trip("", 1, []))
    except RunFailed as failed:
        assert_type(failed.errors, tuple[StepError, ...])
        for error in failed.errors:
            print(error.node, failed_with(error.error, CardDeclined), failed_with(error.error, "CardDeclined"))
    except ActorflowError:
        raise CardDeclined(51) from None
