"""The soak's own eyes: growth is seen, and what merely comes and goes isn't taken for it."""

from __future__ import annotations

import os

from tests.soak.watched import FEW, SPARE, Look, Watched

MIB = 1 << 20


def watched(*looks: tuple[int, int]) -> Watched:
    """Each look is mebibytes and handles."""
    found = Watched()
    found.looks = [Look(number * 10, size * MIB, handles) for number, (size, handles) in enumerate(looks)]
    return found


def test_a_process_that_takes_the_same_all_the_time_is_sound() -> None:
    assert watched(*[(50, 20 + number % 5) for number in range(20)]).problems == []


def test_memory_that_grows_with_the_trips_is_seen() -> None:
    growing = watched(*[(50 + number * SPARE // MIB, 20) for number in range(20)])
    assert growing.problems == ["its memory grows"]


def test_handles_that_stay_open_are_seen() -> None:
    leaking = watched(*[(50, 20 + number * FEW) for number in range(20)])
    assert leaking.problems == ["its handles grow"]


def test_a_process_that_was_hardly_looked_at_proves_nothing() -> None:
    assert watched((50, 20)).problems
    assert str(watched((50, 20))) == "hardly looked at"


def test_it_sees_this_process() -> None:
    found = Watched()
    found.look(os.getpid(), 1)
    assert found.looks[0].most_bytes > MIB
    assert found.looks[0].handles > 2


def test_a_process_that_is_gone_leaves_nothing_to_be_seen() -> None:
    found = Watched()
    found.look(2**22 + 1, 1)
    assert found.looks == []
