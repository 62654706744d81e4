"""The soak's judge: what the books, the store and the agencies say has to be the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from actorflow import MemoryStore, Runtime, step, workflow
from examples.trip.faults import OPERATIONS
from examples.trip.service import Ledger
from tests.soak.books import problems_of


@step
async def book(name: str) -> str:
    return name


@workflow
def trip(name: str) -> str:
    return book(name)


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[dict[str, Ledger]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(closing(Ledger(name, str(tmp_path / f"{name}.db")))) for name in OPERATIONS}


async def complaints(folder: Path, *runs: str, **hows: str) -> list[str]:
    async with MemoryStore() as store:
        async with Runtime(store=store.beside()) as runtime:
            for run_id in runs:
                await runtime.options(run_id=run_id).run(trip, run_id)
        return await problems_of(store, folder, hows)


def take(ledgers: dict[str, Ledger], *names: str) -> None:
    for name in names:
        ledgers[name].work(OPERATIONS[name][0], "oslo", f"{name} key")


async def test_books_that_say_what_the_runs_say_are_sound(ledgers: dict[str, Ledger], tmp_path: Path) -> None:
    take(ledgers, "seats", "rooms", "cards")
    assert await complaints(tmp_path, "oslo", oslo="booked") == []


async def test_a_charge_without_its_room_is_found(ledgers: dict[str, Ledger], tmp_path: Path) -> None:
    take(ledgers, "seats", "cards")
    assert await complaints(tmp_path, "oslo", oslo="booked") == ["oslo: charged, without a room"]


async def test_a_run_whose_end_nobody_was_told_is_found(ledgers: dict[str, Ledger], tmp_path: Path) -> None:
    assert await complaints(tmp_path, "oslo") == ["oslo: nobody was told how it ended (succeeded)"]


async def test_a_trip_that_is_told_as_booked_and_is_not_charged_is_found(
    ledgers: dict[str, Ledger], tmp_path: Path
) -> None:
    assert await complaints(tmp_path, "oslo", oslo="booked") == [
        "oslo: told as booked, stored as succeeded, charged: False"
    ]


async def test_a_trip_that_nobody_has_stored_is_found(ledgers: dict[str, Ledger], tmp_path: Path) -> None:
    take(ledgers, "seats", "rooms", "cards")
    assert await complaints(tmp_path, oslo="given back") == ["oslo: told as given back, stored as None, charged: True"]
    assert await complaints(tmp_path, oslo="booked") == ["oslo: told as booked, stored as None, charged: True"]
