"""When a call may be placed."""

from __future__ import annotations

from datetime import datetime

from clicktocall.hours import delivery_window
from clicktocall.orders import CallOptions


def first_due(options: CallOptions, now: datetime) -> datetime | None:
    """The instant the delivery time window opens next; None when the call may be placed now."""
    return _wait_for_window(options, now)


def next_due(options: CallOptions, earliest: datetime) -> datetime:
    """`earliest`, or the opening of the delivery time window after it."""
    return _wait_for_window(options, earliest) or earliest


def _wait_for_window(options: CallOptions, at: datetime) -> datetime | None:
    window = delivery_window(options.delivery_time_window)
    if window is None or window.is_open(at):
        return None
    return window.next_open(at)
