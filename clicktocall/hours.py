"""Weekly hours in a time zone: opening hours and delivery time windows.

Hours are wall-clock times of the zone, so a window keeps its meaning on daylight-saving days.
A span whose end is not after its start runs over midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHORTEST_WINDOW = timedelta(hours=1)
# Days from any instant on in which every day of the week begins, wherever it lies in its own.
_A_WEEK_AND_ITS_EDGES = 9

MOST_EXCEPTIONS = 400  # dates


@dataclass(frozen=True, slots=True)
class Span:
    """Open from `start` up to, not including, `end`; `end` 00:00 is midnight."""

    start: time
    end: time

    @property
    def overnight(self) -> bool:
        return self.end <= self.start


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """`days[0]` holds Monday's spans. Without any span the hours are never open.

    `exceptions` are the spans of single dates, in place of those of their day of the week; none
    of them: closed.
    """

    zone: ZoneInfo
    days: tuple[tuple[Span, ...], ...]
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        """Whether the aware instant `at` lies inside a span."""
        local = at.astimezone(self.zone)
        now = local.time()
        today = self._on(local.date())
        yesterday = self._on(local.date() - timedelta(days=1))
        return any(
            span.start <= now and (span.overnight or now < span.end) for span in today
        ) or any(span.overnight and now < span.end for span in yesterday)

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant from `at` on that is open, in UTC; None when there is none."""
        if self.is_open(at):
            return at.astimezone(UTC)
        local = at.astimezone(self.zone)
        for ahead in range(_A_WEEK_AND_ITS_EDGES + len(self.exceptions)):
            day = local.date() + timedelta(days=ahead)
            starts = (
                datetime.combine(day, span.start, self.zone).astimezone(UTC)
                for span in self._on(day)
            )
            coming = [start for start in starts if start >= at]
            if coming:
                return min(coming)
        return None

    def _on(self, day: date) -> tuple[Span, ...]:
        return self.exceptions.get(day, self.days[day.weekday()])


def opening_hours(stored: Mapping[str, Any]) -> WeeklyHours | None:
    """Read `{"time_zone": "Europe/London", "monday": [["09:00", "17:30"]], …}`; None if empty.

    `"exceptions": {"2026-12-25": [], "2026-12-24": [["09:00", "12:00"]]}` are the hours of single
    dates, in place of those of their day.

    Raises:
        ValueError: naming the day, date or key that is wrong.
    """
    if not stored:
        return None
    unknown = set(stored) - {"time_zone", "exceptions", *DAYS}
    if unknown:
        raise ValueError(
            f"unknown key {min(unknown)!r}; use time_zone, exceptions and {', '.join(DAYS)}"
        )
    exceptions = dict(_exceptions(stored.get("exceptions", {})))
    days = tuple(tuple(_span(day, pair) for pair in _pairs(day, stored)) for day in DAYS)
    if not any(days):
        raise ValueError("name at least one day with hours, or leave the field empty")
    return WeeklyHours(_zone(stored), days, exceptions)


def delivery_window(stored: Mapping[str, Any]) -> WeeklyHours | None:
    """Read Infobip's `deliveryTimeWindow`: `days`, `from`, `to` (`{hour, minute}`), `time_zone`.

    Absent `days` means all seven, an absent zone UTC; `from` and `to` go together and lie at
    least an hour apart.

    Raises:
        ValueError: naming the key that is wrong.
    """
    if not stored:
        return None
    unknown = set(stored) - {"days", "from", "to", "time_zone"}
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}; use days, from, to and time_zone")
    chosen = _window_days(stored.get("days"))
    span = _window_span(stored)
    return WeeklyHours(_zone(stored), tuple((span,) if day in chosen else () for day in DAYS))


def _window_days(days: Any) -> frozenset[str]:
    if days is None:
        return frozenset(DAYS)
    if not isinstance(days, list) or not days:
        raise ValueError("days: give a list of day names, or leave it out for all seven")
    named = [str(day).lower() for day in days]
    for day in named:
        if day not in DAYS:
            raise ValueError(f"days: {day!r} is not a day of the week")
    return frozenset(named)


def _window_span(stored: Mapping[str, Any]) -> Span:
    if ("from" in stored) != ("to" in stored):
        raise ValueError("from and to go together")
    if "from" not in stored:
        return Span(time(0), time(0))
    start, end = _hour_minute("from", stored["from"]), _hour_minute("to", stored["to"])
    length = timedelta(hours=end.hour - start.hour, minutes=end.minute - start.minute)
    if length < timedelta(0):
        length += timedelta(days=1)
    if length < _SHORTEST_WINDOW:
        raise ValueError("to: the window must be at least one hour long")
    return Span(start, end)


def _hour_minute(key: str, value: Any) -> time:
    if not isinstance(value, Mapping) or set(value) - {"hour", "minute"} or "hour" not in value:
        raise ValueError(f'{key}: write it as {{"hour": 9, "minute": 0}}')
    hour, minute = value["hour"], value.get("minute", 0)
    if type(hour) is not int or type(minute) is not int:
        raise ValueError(f"{key}: hour and minute are whole numbers")
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise ValueError(f"{key}: hour is 0 to 23, minute 0 to 59")
    return time(hour, minute)


def _exceptions(stored: Any) -> Iterator[tuple[date, tuple[Span, ...]]]:
    if not isinstance(stored, Mapping) or len(stored) > MOST_EXCEPTIONS:
        raise ValueError(f"exceptions: give an object of at most {MOST_EXCEPTIONS} dates")
    for written in stored:
        if not isinstance(written, str) or not _DATE.fullmatch(written):
            raise ValueError(f"exceptions: {written!r} is not a date such as 2026-12-25")
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise ValueError(f"exceptions: there is no {written}") from None
        yield day, tuple(_span(written, pair) for pair in _pairs(written, stored))


def _pairs(day: str, stored: Mapping[str, Any]) -> list[Any]:
    pairs = stored.get(day, [])
    if not isinstance(pairs, list):
        raise ValueError(f'{day}: give a list of spans such as [["09:00", "17:30"]]')
    return pairs


def _span(day: str, pair: Any) -> Span:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(f'{day}: a span is a pair such as ["09:00", "17:30"]')
    return Span(_clock(day, pair[0]), _clock(day, pair[1]))


def _clock(day: str, text: Any) -> time:
    if text == "24:00":
        return time(0)
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{day}: {text!r} is not a time such as 09:00")
    return time(int(match[1]), int(match[2]))


def _zone(stored: Mapping[str, Any]) -> ZoneInfo:
    name = stored.get("time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f"time_zone: {name!r} is not a time zone name") from error
