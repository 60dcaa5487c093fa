"""How soon somebody who watches a call should look again."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from clicktocall.models import Call
from clicktocall.states import CallState

_SOON = 0.7
_TALKING = 2.0
_LATER = 15.0
_SLOW_AFTER = 60
_RECORDED_WITHIN = timedelta(minutes=5)


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
    return _SOON if idle < _SLOW_AFTER else _SOON * 8


def recording_after(call: Call) -> float | None:
    """Seconds until the recording of a call that has ended may be there; None when none is due."""
    due = call.is_over and call.talk_seconds and call.call_options.record and not call.recording_url
    if not due or call.ended_at is None or timezone.now() - call.ended_at > _RECORDED_WITHIN:
        return None
    return _TALKING
