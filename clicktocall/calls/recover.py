"""Calls that would otherwise be forgotten, each brought to an honest end."""

from __future__ import annotations

import logging

from clicktocall.calls.claim import claims_of_the_dead, reports_overdue
from clicktocall.calls.events import apply_event, event_now
from clicktocall.models import Attempt
from clicktocall.states import EventKind, Outcome

logger = logging.getLogger(__name__)

_AT_A_TIME = 100


def recover() -> int:
    """End the calls of dispatchers that died and those whose provider fell silent; how many.

    Whether such a call was dialled is not known, so it ends `unknown` and is never repeated.
    """
    recovered = 0
    for attempt in claims_of_the_dead(_AT_A_TIME):
        _end_unknown(attempt, "The dispatcher stopped while the call was being placed.")
        recovered += 1
    for attempt in reports_overdue(_AT_A_TIME):
        _end_unknown(attempt, "The provider never reported how the call ended.")
        recovered += 1
    return recovered


def _end_unknown(attempt: Attempt, words: str) -> None:
    logger.warning("call recovered id=%s: %s", attempt.call_id, words)
    apply_event(attempt, event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN, words=words))
