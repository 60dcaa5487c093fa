"""Pausing, resuming, moving and cancelling the calls of a bulk that still wait."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.database import atomic, on_commit
from clicktocall.calls.reports.outbox import post_ends
from clicktocall.calls.schedule import check_send_at
from clicktocall.models import Bulk, Call
from clicktocall.signals import call_ended
from clicktocall.states import WAITING_STATES, CallState, Outcome

logger = logging.getLogger(__name__)


def pause_bulk(bulk: Bulk) -> Bulk:
    """Dial none of its calls until it is resumed; those handed to a provider go on.

    Pausing twice changes nothing.
    """
    Bulk.objects.filter(pk=bulk.pk, paused_at=None).update(paused_at=Now())
    return _as_it_is(bulk)


def resume_bulk(bulk: Bulk) -> Bulk:
    """Go on where it was paused: what waited is put off by as long as the pause has lasted.

    Resuming a bulk that is not paused changes nothing.
    """
    with atomic():
        paused = Bulk.objects.select_for_update().annotate(now=Now()).get(pk=bulk.pk)
        if paused.paused_at is None:
            return _as_it_is(bulk)
        pause = paused.now - paused.paused_at
        waiting = _waiting(bulk)
        waiting.filter(due_at__isnull=False).update(
            due_at=F("due_at") + pause, expires_at=F("expires_at") + pause, updated_at=Now()
        )
        next_call_at = paused.next_call_at and paused.next_call_at + pause
        Bulk.objects.filter(pk=bulk.pk).update(paused_at=None, next_call_at=next_call_at)
    return _as_it_is(bulk)


def reschedule_bulk(bulk: Bulk, send_at: datetime) -> Bulk:
    """Place the calls that still wait at another time; with a speed, from then on.

    Raises:
        InvalidOption: `send_at` cannot be scheduled for.
    """
    now = timezone.now()
    check_send_at(send_at, now)
    start = max(send_at, now)
    with atomic():
        moved = Bulk.objects.select_for_update().get(pk=bulk.pk)
        _waiting(bulk).filter(due_at__isnull=False).update(
            expires_at=F("expires_at") + (start - F("due_at")),
            due_at=start,
            state=CallState.SCHEDULED,
            updated_at=Now(),
        )
        if moved.next_call_at is not None:
            Bulk.objects.filter(pk=bulk.pk).update(next_call_at=start)
    return _as_it_is(bulk)


def cancel_bulk(bulk: Bulk) -> int:
    """Take its waiting calls off the queue; how many. Those handed to a provider go on."""
    with atomic():
        Bulk.objects.select_for_update().get(pk=bulk.pk)
        calls = list(_waiting(bulk).select_for_update().values_list("pk", flat=True))
        Call.objects.filter(pk__in=calls, state__in=WAITING_STATES).update(
            state=CallState.ENDED,
            outcome=Outcome.CANCELED,
            due_at=None,
            ended_at=Now(),
            cancel_requested_at=Now(),
            updated_at=Now(),
        )
        Bulk.objects.filter(pk=bulk.pk).update(next_call_at=None)
        post_ends(Call.objects.filter(pk__in=calls), timezone.now())
        on_commit(lambda: _tell(calls))
    logger.info("bulk cancelled id=%s calls=%s", bulk.pk, len(calls))
    return len(calls)


def _tell(calls: list[str]) -> None:
    for call in Call.objects.filter(pk__in=calls):
        call_ended.send_robust(Call, call=call)


def _waiting(bulk: Bulk) -> QuerySet[Call]:
    return Call.objects.filter(bulk=bulk.pk, state__in=WAITING_STATES)


def _as_it_is(bulk: Bulk) -> Bulk:
    return Bulk.objects.get(pk=bulk.pk)
