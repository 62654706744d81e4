"""What comes due when, and what becomes of a due time that was missed, or comes while a firing goes on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from actorflow.errors import InvalidInput, brief
from actorflow.runtime.forms import is_seconds, is_text, one_of, or_none, refuse_others
from actorflow.runtime.schedule_clocks import all_through, at_each_time, earliest_face, growing

Missed: TypeAlias = Literal["skip", "once", "all"]
Overlap: TypeAlias = Literal["skip", "queue", "allow"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
LEAST: Final = timedelta(milliseconds=1)
MOST: Final = timedelta(days=36_525)
"""A hundred years."""
NICKNAMES: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def moment_of(seconds: float) -> datetime:
    """Seconds since the epoch as a moment, in UTC."""
    return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))


def seconds_of(moment: datetime) -> float:
    return (moment - EPOCH) // MICROSECOND / 1_000_000


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """What `Cron` and `Every` have in common.

    missed   what becomes of due times at which nobody was there, or nobody could: `once`, one run for the latest of them; `skip`, none, but for
             the latest if it's at most `grace` seconds old; `all`, one each, in order (of more than 1,000 the latest)
    overlap  what becomes of one that comes while an earlier firing goes on: `skip`, nothing; `queue`, it waits for its end, what comes meanwhile
             counting as missed; `allow`, it fires all the same. `skip` unless told, and `queue` with `missed="all"`
    """

    missed: Missed = "once"
    overlap: Overlap | None = None
    grace: float = 60.0

    def __post_init__(self) -> None:
        refuse_others("missed", self.missed, '"skip", "once" or "all"', one_of("skip", "once", "all"))
        refuse_others("overlap", self.overlap, '"skip", "queue" or "allow"', or_none(one_of("skip", "queue", "allow")))
        refuse_others("grace", self.grace, "a number of seconds, 0 or more", is_seconds)
        if self.missed == "all" and self.overlap == "skip":
            raise InvalidInput(
                'missed="all" makes up for due times one right after the other, and overlap="skip" would drop them'
                '\nSay overlap="queue", so that each waits for the one before, or "allow".'
            )
        if self.missed == "skip" and self.overlap == "queue":
            raise InvalidInput(
                'overlap="queue" lets a due time wait until it is late, and missed="skip" would drop it'
                '\nSay missed="once" or "all".'
            )

    @property
    def overlaps(self) -> Overlap:
        """`overlap`, or what stands for it where it isn't told."""
        return self.overlap or ("queue" if self.missed == "all" else "skip")

    @property
    @abstractmethod
    def text(self) -> str:
        """When it comes due, in words. Two of one text come due at the same times."""

    @property
    @abstractmethod
    def pace(self) -> timedelta:
        """At least so much lies between two due times."""

    @property
    @abstractmethod
    def zone(self) -> tzinfo:
        """The time zone that its due times are told in."""

    @abstractmethod
    def following(self, moment: datetime) -> Iterator[datetime]:
        """All due times after this moment, in order, in UTC: the same from wherever one begins."""

    def after(self, moment: datetime) -> datetime | None:
        """The first due time after this moment, in the trigger's time zone; `None` if none ever comes.

        Raises `InvalidInput` for a moment without a time zone.
        """
        if moment.utcoffset() is None:
            raise InvalidInput(f"{brief(moment)} has no time zone\nGive it one: datetime.now(UTC).")
        due = next(self.following(moment), None)
        return None if due is None else due.astimezone(self.zone)


class Cron(Trigger, frozen=True):
    """Comes due at the times of a crontab's line, in a time zone: `Cron("0 6 * * mon-fri", "Europe/Oslo")`.

    Its five fields are minute, hour, day of month, month and day of week; a sixth one before them is seconds. `@hourly`, `@daily`, `@weekly`,
    `@monthly` and `@yearly` do, too. `timezone` is an IANA name, or a `ZoneInfo`.

    Where clocks change it does what Debian's cron does. A time of day that doesn't exist comes due right after the gap, one that comes twice comes
    due once. What has `*` for its minute or hour, as `*/10 * * * *`, comes due whenever the clock shows it: twice in an hour that comes twice.

    Needs the extra `actorflow[cron]`. Raises `InvalidInput`.
    """

    expression: str
    timezone: str | tzinfo = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_others("Cron(…)", self.expression, "text, as '0 6 * * mon-fri'", is_text)
        simulator = cronsim()
        try:
            never = self.after(EPOCH + MOST // 2) is None
        except simulator.CronSimError as error:
            raise InvalidInput(
                f"Cron({self.expression!r}): {str(error)[:1].lower()}{str(error)[1:]}"
                "\nThe fields are minute, hour, day of month, month, day of week; with six the first one is seconds."
            ) from None
        if never:
            raise InvalidInput(f"Cron({self.expression!r}) never comes due")

    @property
    def fields(self) -> str:
        """The expression, as it's meant: one blank between fields, no nickname."""
        plain = " ".join(self.expression.split())
        return NICKNAMES.get(plain.lower(), plain)

    @property
    def text(self) -> str:
        return f"{self.fields} {self.timezone}"

    @property
    def pace(self) -> timedelta:
        return timedelta(minutes=1) if len(self.fields.split()) == 5 else timedelta(seconds=1)

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.timezone)

    def following(self, moment: datetime) -> Iterator[datetime]:
        try:
            faces = cronsim().CronSim(self.fields, earliest_face(moment, self.zone))
            _, minute, hour, *_ = faces.parts
            moments = all_through if minute.startswith("*") or hour.startswith("*") else at_each_time
            yield from growing(moments(faces, self.zone), moment)
        except (OverflowError, ValueError):  # beyond the year 9999
            return


class Every(Trigger, frozen=True):
    """Comes due again and again: `Every(timedelta(minutes=5))`, or in seconds, `Every(300)`.

    The times are those from the epoch on (1970-01-01 00:00 UTC), the same in every process: `Every(timedelta(hours=1))` on the hour. `offset` shifts
    them: with `offset=timedelta(minutes=15)` a quarter past. Raises `InvalidInput`.
    """

    interval: float | timedelta
    offset: float | timedelta = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        interval, _ = length_of("interval", self.interval), length_of("offset", self.offset)
        if not LEAST <= interval <= MOST:
            raise InvalidInput(f"an interval is from a millisecond to a hundred years, not {brief(self.interval)}")

    @property
    def text(self) -> str:
        shift = f" + {self.shift.total_seconds():g} s" if self.shift else ""
        return f"every {self.pace.total_seconds()!r} s{shift}"

    @property
    def pace(self) -> timedelta:
        return length_of("interval", self.interval)

    @property
    def shift(self) -> timedelta:
        return length_of("offset", self.offset) % self.pace

    @property
    def zone(self) -> tzinfo:
        return UTC

    def following(self, moment: datetime) -> Iterator[datetime]:
        pace, begun = self.pace, EPOCH + self.shift
        try:
            due = begun + ((moment - begun) // pace + 1) * pace
            while True:
                yield due
                due += pace
        except OverflowError:  # beyond the year 9999
            return


def length_of(what: str, value: Any) -> timedelta:
    """Of a number of seconds, or a timedelta, to the microsecond."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and type(value) is not bool and abs(value) <= MOST.total_seconds() * 10:
        return timedelta(microseconds=round(value * 1_000_000))
    raise InvalidInput(f"{what} is a timedelta, or a number of seconds, not {brief(value)}")


def zone_of(timezone: Any) -> tzinfo:
    """UTC is there without a database of time zones, too."""
    if isinstance(timezone, tzinfo):
        return timezone
    refuse_others("timezone", timezone, "an IANA name, as 'Europe/Oslo', or a ZoneInfo", is_text)
    if timezone == "UTC":
        return UTC
    try:
        return ZoneInfo(timezone)
    except (LookupError, OSError, ValueError):
        raise InvalidInput(f"there is no time zone {timezone!r}\nIt takes an IANA name, as 'Europe/Oslo'.") from None


def cronsim() -> Any:
    """The package of the extra `cron`."""
    try:
        return import_module("cronsim")
    except ModuleNotFoundError as error:
        raise ImportError("Cron needs cronsim\nInstall it: pip install 'actorflow[cron]'.") from error
