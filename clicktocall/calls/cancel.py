"""Hanging up, or taking a call off the queue."""

from __future__ import annotations

import logging

from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.cancellable import provider_can_cancel
from clicktocall.calls.database import atomic, on_commit
from clicktocall.calls.reports.outbox import post_ends
from clicktocall.exceptions import NotCancellable
from clicktocall.models import Call
from clicktocall.signals import call_ended
from clicktocall.states import WAITING_STATES, CallState, Outcome

logger = logging.getLogger(__name__)


def cancel_call(call: Call) -> Call:
    """Take the call off the queue, or have its provider hang up; returns the call as it now is.

    Cancelling a call that is over, or twice, changes nothing.

    Raises:
        NotCancellable: it is with a provider that cannot be asked to hang up.
    """
    # Under the lock that every move of a call takes: it is either still waiting, or with somebody.
    with atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        if call.is_over:
            return call
        if call.state in WAITING_STATES:
            return _taken_off_the_queue(call)
        if not provider_can_cancel(call):
            raise NotCancellable(f"{call.provider} cannot be asked to hang up.")
        Call.objects.filter(pk=call.pk, cancel_requested_at=None).update(
            cancel_requested_at=Now(), cancel_due_at=Now()
        )
        call.refresh_from_db()
        return call


def _taken_off_the_queue(call: Call) -> Call:
    Call.objects.filter(pk=call.pk).update(
        state=CallState.ENDED,
        outcome=Outcome.CANCELED,
        due_at=None,
        ended_at=Now(),
        cancel_requested_at=Now(),
        updated_at=Now(),
    )
    call.refresh_from_db()
    post_ends([call], timezone.now())
    logger.info("call taken off the queue id=%s", call.pk)
    on_commit(lambda: call_ended.send_robust(Call, call=call))
    return call
