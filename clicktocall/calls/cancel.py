"""Hanging up, or taking a call off the queue."""

from __future__ import annotations

import logging

from django.db.models.functions import Now

from clicktocall.calls.database import on_commit
from clicktocall.exceptions import ConfigurationError, NotCancellable
from clicktocall.models import Call
from clicktocall.orders import Capability
from clicktocall.providers import get_provider
from clicktocall.signals import call_ended
from clicktocall.states import WAITING_STATES, CallState, Outcome

logger = logging.getLogger(__name__)


def is_cancellable(call: Call) -> bool:
    """Whether `cancel_call` can still do something for this call."""
    if call.is_over or call.cancel_requested_at is not None:
        return False
    return call.state in WAITING_STATES or _provider_can_cancel(call)


def cancel_call(call: Call) -> Call:
    """Take the call off the queue, or have its provider hang up; returns the call as it now is.

    Cancelling a call that is over, or twice, changes nothing.

    Raises:
        NotCancellable: it is with a provider that cannot be asked to hang up.
    """
    if _taken_off_the_queue(call):
        return Call.objects.get(pk=call.pk)
    call = Call.objects.get(pk=call.pk)
    if call.is_over:
        return call
    if not _provider_can_cancel(call):
        raise NotCancellable(f"{call.provider} cannot be asked to hang up.")
    Call.objects.filter(pk=call.pk, cancel_requested_at=None).exclude(state=CallState.ENDED).update(
        cancel_requested_at=Now(), cancel_due_at=Now()
    )
    call.refresh_from_db()
    return call


def _taken_off_the_queue(call: Call) -> bool:
    """The same condition as a dispatcher's claim, so exactly one of the two succeeds."""
    taken = Call.objects.filter(pk=call.pk, state__in=WAITING_STATES).update(
        state=CallState.ENDED,
        outcome=Outcome.CANCELED,
        due_at=None,
        ended_at=Now(),
        cancel_requested_at=Now(),
        updated_at=Now(),
    )
    if taken:
        logger.info("call taken off the queue id=%s", call.pk)
        canceled = Call.objects.get(pk=call.pk)
        on_commit(lambda: call_ended.send_robust(Call, call=canceled))
    return bool(taken)


def _provider_can_cancel(call: Call) -> bool:
    try:
        return get_provider(call.provider).can(Capability.CANCEL)
    except ConfigurationError:
        return False
