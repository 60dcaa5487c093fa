"""When a call may be placed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from clicktocall.exceptions import InvalidOption
from clicktocall.hours import delivery_window
from clicktocall.orders import CallOptions

FURTHEST_AHEAD = timedelta(days=180)


def check_send_at(send_at: datetime, now: datetime) -> None:
    """Refuse an instant that no call can be scheduled for. One that is past means at once.

    Raises:
        InvalidOption: it has no time zone, or lies more than `FURTHEST_AHEAD` ahead.
    """
    if timezone.is_naive(send_at):
        raise InvalidOption("send_at", "Give the time with its zone, such as +00:00.")
    if send_at > now + FURTHEST_AHEAD:
        raise InvalidOption("send_at", f"Give a time within {FURTHEST_AHEAD.days} days.")


def first_due(
    options: CallOptions, now: datetime, *, send_at: datetime | None = None
) -> datetime | None:
    """The instant a call is to be placed, inside its delivery window; None for at once."""
    due = next_due(options, max(now, send_at) if send_at else now)
    return due if due > now else None


def next_due(options: CallOptions, earliest: datetime) -> datetime:
    """`earliest`, or the opening of the delivery time window after it."""
    return _wait_for_window(options, earliest) or earliest


def _wait_for_window(options: CallOptions, at: datetime) -> datetime | None:
    window = delivery_window(options.delivery_time_window)
    if window is None or window.is_open(at):
        return None
    return window.next_open(at)
