"""Writing down what providers answered, each answer wholly or not at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import DatabaseError
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.brakes import stop_calls
from clicktocall.calls.circuits import note_failure, note_wait
from clicktocall.calls.database import atomic
from clicktocall.calls.doubt import (
    doubt,
    give_up,
    is_doubted,
    proves_absence,
    provider_of,
    stop_looking,
)
from clicktocall.calls.events import News, Retry, apply_event, apply_news, event_now, storable
from clicktocall.calls.match import match_reports
from clicktocall.calls.placing import Answer, Failure, HungUp, LookedUp, NotPlaced, Placed, Pulled
from clicktocall.calls.receive import keep, process_receipt
from clicktocall.calls.redial import pause_after_failed_placing
from clicktocall.calls.schedule import next_due
from clicktocall.exceptions import (
    NotAuthorized,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
)
from clicktocall.models import Attempt, Call, ReceiptStatus, Source
from clicktocall.numbers import mask_within
from clicktocall.providers import get_provider
from clicktocall.states import WITH_PROVIDER_STATES, EventKind, Outcome

logger = logging.getLogger(__name__)

_CANCEL_AGAIN_AFTER = timedelta(seconds=2)
_CANCEL_TRIED_FOR = timedelta(minutes=5)
_READ = frozenset({ReceiptStatus.APPLIED, ReceiptStatus.UNMATCHED})
_NOT_KNOWN_THERE = "The provider does not know this call: it was never placed."


def record(answer: Answer) -> None:
    """Write down one answer.

    Raises:
        django.db.Error: it could not be written; nothing was.
    """
    match answer:
        case Placed():
            record_placements([answer])
        case Pulled():
            record_pulled(answer)
        case NotPlaced() | Failure() | HungUp() | LookedUp():
            with atomic():
                _record_about(answer)


def _record_about(answer: NotPlaced | Failure | HungUp | LookedUp) -> None:
    match answer:
        case Failure():
            _record_failure(answer)
        case NotPlaced():
            _record_error(answer)
        case HungUp():
            _record_hang_up(answer)
        case LookedUp():
            _record_look_up(answer)


def record_pulled(answer: Pulled) -> bool:
    """Keep what was pulled, and then apply it; whether the provider may have more.

    It is handed out once, so it is kept for good before anything is made of it.

    Raises:
        django.db.Error: it could not be kept.
    """
    if answer.error is not None:
        _log(answer.alias, answer.error)
    if answer.reports is None:
        return False
    provider = get_provider(answer.alias)
    receipt = keep(provider, answer.reports, source_address=None)
    try:
        return process_receipt(provider, answer.reports, receipt) in _READ
    except DatabaseError:
        # Nobody sends them again, but they are kept: recovery takes them up.
        logger.exception("pulled reports not applied yet receipt=%s", receipt.pk)
        return False


def record_placements(placed: Sequence[Placed]) -> None:
    """Write down many placements in one transaction.

    Raises:
        django.db.Error: they could not be written; none was.
    """
    with atomic():
        # The events first: whoever moves a call locks its row before those of its attempts.
        apply_news(
            [
                News(each.attempt, event_now(EventKind.PLACED, words=each.placement.words))
                for each in placed
            ]
        )
        _store_references(placed)
    for alias in {each.attempt.provider for each in placed}:
        match_reports(alias, _references_of_their_own(alias, placed))


def _store_references(placed: Sequence[Placed]) -> None:
    attempts = Attempt.objects.filter(pk__in=[each.attempt.pk for each in placed])
    attempts.exclude(follow_up_at=None).update(follow_up_at=None)
    goes_by_ours = [each.attempt.pk for each in placed if _goes_by_our_reference(each)]
    attempts.filter(pk__in=goes_by_ours).update(provider_reference=F("reference"))
    others = [each for each in placed if not _goes_by_our_reference(each)]
    for each in others:
        each.attempt.provider_reference = storable(each.placement.provider_reference)[:200]
        each.attempt.provider_state = each.placement.provider_state
    remembered = [each.attempt for each in others if each.placement.provider_state]
    Attempt.objects.bulk_update([each.attempt for each in others], ["provider_reference"])
    Attempt.objects.bulk_update(remembered, ["provider_state"])


def _goes_by_our_reference(each: Placed) -> bool:
    """Nothing of its own is to be remembered: then one statement serves for many."""
    placement = each.placement
    return placement.provider_reference == each.attempt.reference and not placement.provider_state


def _references_of_their_own(alias: str, placed: Sequence[Placed]) -> list[str]:
    """The references only the provider knew until now; ours it was told beforehand."""
    attempts = [each.attempt for each in placed if each.attempt.provider == alias]
    return [
        attempt.provider_reference
        for attempt in attempts
        if attempt.provider_reference not in ("", attempt.reference)
    ]


def _record_error(answer: NotPlaced) -> None:
    attempt, error = answer.attempt, answer.error
    match error:
        case _ if answer.again:
            # It says nothing about the order that was sent first.
            give_up(_fresh(attempt), error.detail)
        case NotAuthorized():
            _record_not_placed(attempt, error)
        case ProviderRefused():
            apply_event(
                attempt, event_now(EventKind.ENDED, outcome=Outcome.REJECTED, words=error.detail)
            )
        case OutcomeUnknown():
            doubt(attempt, error.detail)
        case _:
            _record_not_placed(attempt, error)
    _log(attempt.provider, error, attempt)


def _record_failure(failure: Failure) -> None:
    """Leave the provider alone: for a while, or until somebody has looked."""
    alias, error = failure.alias, failure.error
    match error:
        case NotAuthorized():
            stop_calls(provider=alias, reason=mask_within(error.detail), by="clicktocall")
        case ProviderThrottled():
            note_wait(alias, error.retry_after)
        case _:
            note_failure(alias, mask_within(error.detail))


def _record_not_placed(attempt: Attempt, error: ProviderError) -> None:
    """Surely not placed: tried again, unless somebody has asked for a hang-up meanwhile."""
    call = Call.objects.get(pk=attempt.call_id)
    if call.cancel_requested_at is not None:
        canceled = event_now(EventKind.NOT_PLACED, outcome=Outcome.CANCELED, words=error.detail)
        apply_event(attempt, canceled)
        return
    failed = event_now(EventKind.NOT_PLACED, outcome=Outcome.FAILED, words=error.detail)
    apply_event(attempt, failed, retry=_next_try(call, attempt, error))


def _next_try(call: Call, attempt: Attempt, error: ProviderError) -> Retry:
    """The next provider at once, or the same one after a pause; inside the delivery window."""
    following = call.provider_after()
    if following is not None:
        return Retry(at=next_due(call.call_options, timezone.now()), provider=following)
    pause = pause_after_failed_placing(attempt.number)
    if isinstance(error, ProviderThrottled):
        pause = max(pause, timedelta(seconds=error.retry_after))
    at = next_due(call.call_options, timezone.now() + pause)
    return Retry(at=at, provider=call.provider)


def _record_hang_up(answer: HungUp) -> None:
    """Done, or tried again shortly, for a few minutes."""
    calls = Call.objects.filter(pk=answer.attempt.call_id)
    if answer.error is None:
        apply_event(answer.attempt, event_now(EventKind.CANCEL_REQUESTED))
        calls.update(cancel_due_at=None)
        return
    words = f"Hang-up failed: {answer.error.detail}"
    apply_event(answer.attempt, event_now(EventKind.NOTE, words=words))
    recent = timezone.now() - _CANCEL_TRIED_FOR
    still_wanted = calls.filter(
        state__in=WITH_PROVIDER_STATES, cancel_requested_at__gt=recent
    ).update(cancel_due_at=Now() + _CANCEL_AGAIN_AFTER)
    if not still_wanted:
        calls.update(cancel_due_at=None)


def _record_look_up(answer: LookedUp) -> None:
    """Apply what the provider knows of the attempt, and ask again while that is not its end."""
    attempt = answer.attempt
    told = [event for event in answer.events if event.reference in ("", attempt.reference)]
    if told:
        apply_news([News(attempt, event, Source.PROVIDER) for event in told])
    attempt = _fresh(attempt)
    if answer.error is not None:
        _log(attempt.provider, answer.error, attempt)
        _look_after(attempt, answer.error)
    elif not answer.events and is_doubted(attempt) and proves_absence(provider_of(attempt)):
        stop_looking(attempt)
        _record_not_placed(attempt, ProviderError(_NOT_KNOWN_THERE))
    else:
        give_up(attempt, "The provider knows nothing of this call yet.")


def _look_after(attempt: Attempt, error: ProviderError) -> None:
    if isinstance(error, ProviderRefused) and not is_doubted(attempt):
        stop_looking(attempt)  # it will not answer this another time either
        return
    waits = error.retry_after if isinstance(error, ProviderThrottled) else 0.0
    give_up(attempt, error.detail, at_least=timedelta(seconds=waits))


def _fresh(attempt: Attempt) -> Attempt:
    return Attempt.objects.select_related("call").get(pk=attempt.pk)


def _log(alias: str, error: ProviderError | None, attempt: Attempt | None = None) -> None:
    if error is not None:
        logger.warning(
            "attempt=%s provider=%s %s: %s",
            attempt.reference if attempt else "-",
            alias,
            type(error).__name__,
            mask_within(error.detail),
        )
