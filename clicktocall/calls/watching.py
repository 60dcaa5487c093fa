"""What somebody who watches a call can be told of it, and how soon to look again."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Attempt, Call
from clicktocall.providers import get_provider
from clicktocall.states import CallState, LegState

_SOON = 0.7
_TALKING = 2.0
_LATER = 15.0
_SLOW_AFTER = 60
_RECORDED_WITHIN = timedelta(minutes=5)


def reports_progress(alias: str) -> bool:
    """Whether this provider tells of ringing and answering as they happen, not only of the end.

    A provider that is gone from the settings tells of nothing any more.
    """
    try:
        return get_provider(alias).reports_progress
    except ConfigurationError:
        return False


def legs_as_told(call: Call | Attempt) -> dict[str, str | None]:
    """The state of each leg as far as anybody can know it; None for a leg the call does not have.

    Of a provider that tells only the end we cannot say that a phone still waits to be rung: until
    then both sides may ring, or talk. Its legs are `unreported`.
    """
    legs: dict[str, str | None] = {"a": call.leg_a, "b": call.leg_b}
    if call.is_over or reports_progress(call.provider):
        return legs
    return {
        leg: LegState.UNREPORTED if state == LegState.WAITING else state
        for leg, state in legs.items()
    }


def poll_after(call: Call) -> float | None:
    """Seconds until a change may be seen; None when there will be none."""
    match call.state:
        case CallState.ENDED:
            return None
        case CallState.SCHEDULED:
            wait = (call.due_at - timezone.now()).total_seconds() if call.due_at else 0.0
            return min(max(_SOON, wait), _LATER)
        case CallState.CONNECTED:
            return _TALKING
    # A call that has made no progress for a minute is not watched every second.
    idle = (timezone.now() - call.updated_at).total_seconds()
    if idle >= _SLOW_AFTER:
        return _SOON * 8
    # The only news of a call that nobody reports is its end.
    hidden = call.state == CallState.PLACED and not reports_progress(call.provider)
    return _TALKING if hidden else _SOON


def recording_after(call: Call) -> float | None:
    """Seconds until the recording of a call that has ended may be there; None when none is due."""
    due = call.is_over and call.talk_seconds and call.call_options.record and not call.recording_url
    if not due or call.ended_at is None or timezone.now() - call.ended_at > _RECORDED_WITHIN:
        return None
    return _TALKING
