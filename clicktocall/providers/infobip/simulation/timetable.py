"""When a message may be dialled: its own time, the window, the speed, and the retries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

Fields = dict[str, Any]

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
RETRY_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 960, 1440)  # minutes
MOST_RETRIES = 4
LONGEST_VALIDITY = 48 * 60  # minutes
_UNITS = {"second": 1, "minute": 60, "hour": 60 * 60, "day": 24 * 60 * 60}


def parse_moment(text: str) -> datetime:
    """A moment as the documents write it; the colon of the offset may be missing.

    Raises:
        ValueError: there is no such day or time.
    """
    return datetime.fromisoformat(text).astimezone(UTC)


def first_moment(fields: Fields, now: datetime) -> datetime:
    """When the window allows the call that `sendAt`, or its absence, asks for."""
    wanted = fields.get("sendAt")
    moment = max(now, parse_moment(wanted)) if wanted else now
    return _next_opening(fields.get("deliveryTimeWindow"), moment)


def seconds_between(fields: Fields) -> float:
    """The pause between two messages of a request that asks for a sending speed."""
    speed = fields.get("sendingSpeed") or {}
    count = speed.get("speed")
    return _UNITS[speed.get("timeUnit") or "minute"] / count if count else 0.0


def retries_of(fields: Fields) -> int:
    retry = fields.get("retry")
    return min(retry["maxCount"], MOST_RETRIES) if retry else 0


def minutes_before_retry(fields: Fields, number: int) -> int:
    """The pause before the retry `number` (from 1): a step of the ladder, climbing."""
    shortest, longest = (_step(fields["retry"][name]) for name in ("minPeriod", "maxPeriod"))
    steps = [step for step in RETRY_STEPS if shortest <= step <= longest] or [shortest]
    return steps[min(number, len(steps)) - 1]


def validity_of(fields: Fields) -> timedelta | None:
    """How long a message may be tried; none where it has no such limit."""
    minutes = fields.get("validityPeriod")
    if minutes is None or fields.get("sendingSpeed"):  # a speed overrules the validity
        return None
    return timedelta(minutes=min(minutes, LONGEST_VALIDITY))


def _step(minutes: int) -> int:
    return next((step for step in RETRY_STEPS if step >= minutes), RETRY_STEPS[-1])


def _next_opening(window: Fields | None, moment: datetime) -> datetime:
    if window is None:
        return moment
    opens, closes = _time(window.get("from"), time.min), _time(window.get("to"), time.max)
    for days_ahead in range(8):
        day = moment.date() + timedelta(days=days_ahead)
        start = datetime.combine(day, opens, UTC)
        if DAYS[day.weekday()] in window["days"] and moment < datetime.combine(day, closes, UTC):
            return max(start, moment)
    return moment  # not reached: a window has a day


def _time(given: Fields | None, otherwise: time) -> time:
    if given is None:
        return otherwise
    return time(given.get("hour") or 0, given.get("minute") or 0)
