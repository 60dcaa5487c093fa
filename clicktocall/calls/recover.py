"""Calls that would otherwise be forgotten, each brought to an honest end."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models.functions import Now

from clicktocall.calls.claim import claims_of_the_dead, doubts_overdue, reports_overdue
from clicktocall.calls.database import atomic
from clicktocall.calls.doubt import DOUBT_LASTS, doubt, give_up, is_doubted, look_later, provider_of
from clicktocall.calls.events import apply_event, event_now
from clicktocall.calls.match import match_waiting, take_up_left_behind
from clicktocall.calls.patience import LOOK_UP_GRACE
from clicktocall.models import Attempt, Call
from clicktocall.states import EventKind, Outcome

logger = logging.getLogger(__name__)

_AT_A_TIME = 100
# After whoever looks has had its chance.
_A_LITTLE_LONGER = timedelta(minutes=2)
_DISPATCHER_DIED = "The dispatcher stopped while the call was being placed."
_NEVER_FOUND_OUT = "Nobody could find out whether the call was placed."
_PROVIDER_SILENT = "The provider never reported how the call ended."


def recover() -> int:
    """Look after the calls of dispatchers that died, those whose provider fell silent, and the
    reports that came too early or were left behind; how many were brought further.
    """
    return (
        sum(_left_by_the_dead(attempt) for attempt in claims_of_the_dead(_AT_A_TIME))
        + sum(_in_doubt_for_too_long(attempt) for attempt in _old_doubts())
        + sum(_overdue(attempt) for attempt in reports_overdue(_AT_A_TIME))
        + match_waiting()
        + take_up_left_behind()
    )


def _left_by_the_dead(attempt: Attempt) -> bool:
    judged = doubt(attempt, _DISPATCHER_DIED)
    if judged:
        logger.warning("call recovered id=%s: %s", attempt.call_id, _DISPATCHER_DIED)
    return judged


def _old_doubts() -> list[Attempt]:
    return doubts_overdue(DOUBT_LASTS + _A_LITTLE_LONGER, _AT_A_TIME)


def _in_doubt_for_too_long(attempt: Attempt) -> bool:
    """Nobody has come back to it: its provider is no longer configured, or no longer asked."""
    with atomic():
        call = Call.objects.select_for_update().get(pk=attempt.call_id)
        attempt.call = call
        if not is_doubted(attempt):
            return False
        give_up(attempt, _NEVER_FOUND_OUT)
    return True


def _overdue(attempt: Attempt) -> bool:
    """Ask the provider first, where it can be asked; then its silence ends the call."""
    with atomic():
        call = Call.objects.select_for_update().get(pk=attempt.call_id)
        if call.state != attempt.call.state or call.attempt_count != attempt.number:
            return False  # a report has come in the meantime
        provider = provider_of(attempt)
        if provider is not None and provider.looks_up and not attempt.follow_ups:
            Attempt.objects.filter(pk=attempt.pk).update(follow_up_at=Now())
            Call.objects.filter(pk=call.pk).update(report_due_at=Now() + LOOK_UP_GRACE)
            return True
        silent = event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN, words=_PROVIDER_SILENT)
        apply_event(attempt, silent)
        look_later(attempt)
    logger.warning("call recovered id=%s: %s", attempt.call_id, _PROVIDER_SILENT)
    return True
