"""The delivery time window as Infobip takes it: days and times of fixed UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clicktocall.hours import DAYS, WeeklyHours, delivery_window

_A_YEAR = 366  # days: long enough to see every change of a zone's clocks


def window_in_utc(
    stored: Mapping[str, Any], *, now: datetime | None = None
) -> dict[str, Any] | None:
    """A stored delivery time window as `deliveryTimeWindow`; None for none, and for one that
    fixed UTC cannot express.

    It can when the zone's clocks do not change within a year of `now` and the window, in UTC,
    does not run over midnight: whether Infobip takes one that does is not documented, and one
    without times its schema refuses. Absent days are all seven, which it wants written out.

    Raises:
        ValueError: naming the key of the stored window that is wrong.
    """
    window = delivery_window(stored)
    if window is None:
        return None
    offset = _fixed_offset(window.zone, now or datetime.now(UTC))
    if offset is None:
        return None
    return _in_utc(window, offset)


def _fixed_offset(zone: ZoneInfo, now: datetime) -> timedelta | None:
    offsets = {
        (now + timedelta(days=ahead)).astimezone(zone).utcoffset() for ahead in range(_A_YEAR)
    }
    return offsets.pop() if len(offsets) == 1 else None


def _in_utc(window: WeeklyHours, offset: timedelta) -> dict[str, Any] | None:
    span = next(span for spans in window.days for span in spans)
    chosen = [day for day, spans in enumerate(window.days) if spans]
    if span.overnight:  # so are whole days
        return None
    start, end = (
        timedelta(hours=clock.hour, minutes=clock.minute) - offset
        for clock in (span.start, span.end)
    )
    if start.seconds % 60 or start.days != end.days:
        return None
    return {
        "days": _named(sorted((day + start.days) % 7 for day in chosen)),
        "from": _hour_minute(start),
        "to": _hour_minute(end),
    }


def _named(days: list[int]) -> list[str]:
    return [DAYS[day].upper() for day in days]


def _hour_minute(clock: timedelta) -> dict[str, int]:
    return {"hour": clock.seconds // 3600, "minute": clock.seconds % 3600 // 60}
