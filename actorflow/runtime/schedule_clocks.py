"""From what a clock on the wall shows to the moments at which it shows that, where clocks are put forward and back.

A *face* is a time of day on a date, without a zone. Most faces come once; those in a gap never, those in an hour that comes twice, twice. Faces are
gone through in order and not moments, so that the moments are the same from wherever one begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

MORE_THAN_A_DAY: Final = timedelta(hours=26)
"""No clock was ever put forward or back by so much."""
SECOND: Final = timedelta(seconds=1)


def earliest_face(moment: datetime, zone: tzinfo) -> datetime:
    """No later moment has an earlier face, even if the clock is put back just now."""
    now, later = moment.astimezone(UTC), (moment + MORE_THAN_A_DAY).astimezone(UTC)
    return min(now + offset(now, zone), now + offset(later, zone)).replace(tzinfo=None)


def offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def at_each_time(faces: Iterable[datetime], zone: tzinfo) -> Iterator[datetime]:
    """Once for each face: the first time that it comes, or the end of the gap that it's in."""
    for face in faces:
        first, second = both(face, zone)
        yield end_of_gap(second, first, zone) if second < first else first


def all_through(faces: Iterable[datetime], zone: tzinfo) -> Iterator[datetime]:
    """Whenever the clock shows one of the faces."""
    again: deque[datetime] = deque()
    for face in faces:
        first, second = both(face, zone)
        while again and again[0] < first:
            yield again.popleft()
        if first <= second:
            yield first
        if first < second:
            again.append(second)


def both(face: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """By the clock as it goes before a change, and as it goes after it. The same, for most; of a face in a gap the first is the later one."""
    before, after = (face.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return before, after


def end_of_gap(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The second in which the clock is put forward: between these two moments."""
    old = offset(before, zone)
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        before, after = (middle, after) if offset(middle, zone) == old else (before, middle)
    return after


def growing(moments: Iterable[datetime], last: datetime) -> Iterator[datetime]:
    """Those after the last one; of equal ones one."""
    for moment in moments:
        if moment > last:
            last = moment
            yield moment
