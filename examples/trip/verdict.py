"""Says whether the three services agree: `python examples/trip/verdict.py seats.db rooms.db cards.db`.

It reads the services' ledgers and nothing else, and knows nothing of how the trips were booked. Exit code 1 if a charge
lacks its seat or its room, if a seat or a room is left over, or if anything was taken or given back twice.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

NAMES = ("seats", "rooms", "cards")


def balances(path: str) -> dict[str, int]:
    """What each trip has at one service: 1 if it holds something, 0 if it was given back or never taken."""
    if not Path(path).is_file():
        sys.exit(f"{path}: there is no such file")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return dict(database.execute("SELECT trip, sum(amount) FROM ledger GROUP BY trip"))


def entries(path: str) -> tuple[int, int]:
    """How often something was taken, and given back."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        taken, given = database.execute("SELECT sum(amount > 0), sum(amount < 0) FROM ledger").fetchone()
        return taken or 0, given or 0


def complaints(seats: dict[str, int], rooms: dict[str, int], cards: dict[str, int]) -> list[str]:
    """What is wrong, trip by trip."""
    found: list[str] = []
    for trip in sorted(seats.keys() | rooms.keys() | cards.keys()):
        seat, room, charge = (service.get(trip, 0) for service in (seats, rooms, cards))
        if {seat, room, charge} - {0, 1}:
            found.append(f"{trip}: taken or given back twice (seat {seat}, room {room}, charge {charge})")
        elif charge and not (seat and room):
            found.append(f"{trip}: charged, without a {'seat' if not seat else 'room'}")
        elif not charge and (seat or room):
            found.append(f"{trip}: a {'seat' if seat else 'room'} is left over, without a charge")
    return found


def main(paths: list[str]) -> int:
    if len(paths) != len(NAMES):
        sys.exit("usage: verdict.py seats.db rooms.db cards.db")
    seats, rooms, cards = map(balances, paths)
    for name, path in zip(NAMES, paths, strict=True):
        taken, given = entries(path)
        print(f"{name}: {taken} taken, {given} given back, {taken - given} held")
    found = complaints(seats, rooms, cards)
    for complaint in found:
        print(complaint)
    if found:
        print(f"VERDICT: {len(found)} trips are not as they should be")
        return 1
    print(
        f"VERDICT: all is well. {sum(cards.values())} trips are booked, with seat, room and charge; nothing is left over"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
