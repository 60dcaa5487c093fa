"""Calls that would otherwise be forgotten, each brought to an honest end."""

from __future__ import annotations

import logging

from clicktocall.calls.claim import claims_of_the_dead, reports_overdue
from clicktocall.calls.database import atomic
from clicktocall.calls.events import apply_event, event_now
from clicktocall.models import Attempt, Call
from clicktocall.states import CallState, EventKind, Outcome

logger = logging.getLogger(__name__)

_AT_A_TIME = 100
_DISPATCHER_DIED = "The dispatcher stopped while the call was being placed."
_PROVIDER_SILENT = "The provider never reported how the call ended."


def recover() -> int:
    """End the calls of dispatchers that died and those whose provider fell silent; how many.

    Whether such a call was dialled is not known, so it ends `unknown` and is never repeated.
    """
    dead = claims_of_the_dead(_AT_A_TIME)
    overdue = reports_overdue(_AT_A_TIME)
    return sum(_end_if(attempt, CallState.PLACING, _DISPATCHER_DIED) for attempt in dead) + sum(
        _end_if(attempt, CallState(attempt.call.state), _PROVIDER_SILENT) for attempt in overdue
    )


def _end_if(attempt: Attempt, state: CallState, words: str) -> bool:
    """End the call `unknown` if it still stands where it was found; whether it did."""
    with atomic():
        call = Call.objects.select_for_update().get(pk=attempt.call_id)
        if call.state != state or call.attempt_count != attempt.number:
            return False  # a report has come in the meantime
        apply_event(attempt, event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN, words=words))
    logger.warning("call recovered id=%s: %s", attempt.call_id, words)
    return True
