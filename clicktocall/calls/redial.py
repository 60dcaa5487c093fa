"""Trying again: the redial ladder after an attempt that reached nobody."""

from __future__ import annotations

from datetime import timedelta

from clicktocall.orders import CallOptions
from clicktocall.states import REDIALLED_OUTCOMES, Outcome

# Minutes, from Infobip's description of `retry`.
LADDER = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 960, 1440)
MOST_REDIALS = 4
LONGEST_VALIDITY = timedelta(hours=48)

_SHORTEST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


def redial_wait(options: CallOptions, redials_so_far: int, outcome: Outcome) -> timedelta | None:
    """How long to wait before the next redial; None when there is to be none.

    Each step of the ladder is clipped into the shortest and longest wait the options name.
    """
    if outcome not in REDIALLED_OUTCOMES:
        return None
    if redials_so_far >= min(options.retry_max_count, MOST_REDIALS):
        return None
    low, high = options.retry_min_period, options.retry_max_period
    if low is None or high is None:
        return None
    step = LADDER[min(redials_so_far, len(LADDER) - 1)]
    return timedelta(minutes=min(max(step, low), high))


def pause_after_failed_placing(tries: int) -> timedelta:
    """How long to wait before a provider that surely did not place is asked again."""
    return timedelta(seconds=min(_SHORTEST_PAUSE * 2 ** min(tries - 1, 10), _LONGEST_PAUSE))
