"""Applying one event: the only place where a call moves once it has been claimed."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from clicktocall.calls.database import atomic, on_commit
from clicktocall.calls.patience import REPORT_GRACE, longest_talk, report_wait
from clicktocall.calls.redial import LONGEST_VALIDITY, redial_wait
from clicktocall.calls.schedule import next_due
from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent, Source
from clicktocall.orders import ReportedEvent
from clicktocall.signals import call_ended, call_updated
from clicktocall.states import (
    WAITING_STATES,
    WITH_PROVIDER_STATES,
    CallState,
    EventKind,
    Outcome,
    Progress,
)

logger = logging.getLogger(__name__)

_LONGEST_WORDS = 500
_LONGEST_URL = 500
_MOST_SECONDS = 7 * 24 * 3600
_ABSURD_PRICE = 1_000_000
# A provider's clock may be off, and a report late; beyond this its time is not believed.
_BELIEVED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Retry:
    """The call is to be placed again at `at`, by `provider`."""

    at: datetime
    provider: str
    is_redial: bool = False


def apply_report(
    reported: ReportedEvent, *, alias: str, receipt: CallbackReceipt | None = None
) -> Call | None:
    """Apply a fact that the provider `alias` reported; None when it is of no attempt of its own.

    Applying the same report again changes nothing.
    """
    attempt = _attempt_of(reported, alias)
    if attempt is None:
        return None
    return apply_event(attempt, reported, source=Source.PROVIDER, receipt=receipt)


def apply_event(
    attempt: Attempt,
    reported: ReportedEvent,
    *,
    source: Source = Source.SELF,
    receipt: CallbackReceipt | None = None,
    retry: Retry | None = None,
) -> Call:
    """Note one fact of `attempt` and move the attempt and its call accordingly.

    `retry` says how a call whose attempt ends here is placed again, when that is decided by
    whoever reports the fact; otherwise the redial ladder decides.
    """
    with atomic():
        call = Call.objects.select_for_update().get(pk=attempt.call_id)
        attempt = Attempt.objects.get(pk=attempt.pk)
        event = _new_event(call, attempt, reported, source, receipt)
        if CallEvent.objects.filter(attempt=attempt, dedupe_key=event.dedupe_key).exists():
            return call
        event.save(force_insert=True)
        progress = Progress.from_facts(
            (known.fact() for known in attempt.events.all()), one_leg=call.one_leg
        )
        if attempt.show(progress):
            attempt.save()
        _move(call, attempt, progress, retry)
        on_commit(lambda: call_updated.send_robust(Call, call=call, event=event))
    return call


def _move(call: Call, attempt: Attempt, progress: Progress, retry: Retry | None) -> None:
    """Let the call follow its latest attempt."""
    if attempt.number != call.attempt_count:
        return
    if call.state in WAITING_STATES and not _calls_off_the_retry(progress):
        return
    was_over = call.is_over
    retry = _retry_after(call, progress, retry)
    if retry is not None:
        _place_again(call, progress, retry)
    else:
        _follow(call, progress)
    call.save()
    if call.is_over and not was_over:
        logger.info("call ended id=%s outcome=%s", call.pk, call.outcome)
        on_commit(lambda: call_ended.send_robust(Call, call=call))


def _calls_off_the_retry(progress: Progress) -> bool:
    """Whether placing again would be wrong: they have spoken, or a phone rings after all."""
    return progress.outcome == Outcome.COMPLETED or progress.state != CallState.ENDED


def _retry_after(call: Call, progress: Progress, decided: Retry | None) -> Retry | None:
    """How the call is placed again after what has happened; None when it is not."""
    if progress.state != CallState.ENDED or progress.outcome == Outcome.COMPLETED:
        return None
    if call.is_over or call.cancel_requested_at is not None:
        return None
    return decided or _redial(call, progress)


def _follow(call: Call, progress: Progress) -> None:
    call.show(progress)
    call.due_at = None
    if call.is_over:
        call.report_due_at = call.cancel_due_at = call.claimed_until = None
    elif progress.joined_at is not None:
        call.report_due_at = timezone.now() + longest_talk(call.call_options) + REPORT_GRACE
    elif call.report_due_at is None and call.state in WITH_PROVIDER_STATES:
        call.report_due_at = timezone.now() + report_wait(call)


def _redial(call: Call, progress: Progress) -> Retry | None:
    options = call.call_options
    wait = redial_wait(options, call.redial_count, Outcome(progress.outcome or Outcome.UNKNOWN))
    if wait is None:
        return None
    validity = (
        timedelta(minutes=options.validity_period) if options.validity_period else LONGEST_VALIDITY
    )
    call.expires_at = call.created_at + validity
    at = next_due(options, timezone.now() + wait)
    return Retry(at=at, provider=call.provider, is_redial=True) if at < call.expires_at else None


def _place_again(call: Call, progress: Progress, retry: Retry) -> None:
    fresh = replace(
        Progress.from_facts((), one_leg=call.one_leg),
        state=CallState.SCHEDULED,
        outcome_words=progress.outcome_words,
    )
    call.show(fresh)
    call.due_at = retry.at
    call.provider = retry.provider
    call.redial_count += retry.is_redial
    call.report_due_at = call.claimed_until = None


def _attempt_of(reported: ReportedEvent, alias: str) -> Attempt | None:
    attempts = Attempt.objects.filter(provider=alias)
    if reported.reference:
        return attempts.filter(reference=reported.reference).first()
    if reported.provider_reference:
        return attempts.filter(provider_reference=reported.provider_reference).first()
    return None


def _new_event(
    call: Call,
    attempt: Attempt,
    reported: ReportedEvent,
    source: Source,
    receipt: CallbackReceipt | None,
) -> CallEvent:
    return CallEvent(
        call=call,
        attempt=attempt,
        kind=reported.kind,
        source=source,
        leg=reported.leg,
        leg_state=reported.leg_state,
        outcome=reported.outcome,
        occurred_at=_believable(reported.occurred_at, attempt.created_at),
        talk_seconds=_within(reported.talk_seconds),
        recording_url=_short_enough(storable(reported.recording_url)),
        price=_believable_price(reported.price),
        currency=storable(reported.currency)[:3],
        words=storable(reported.words)[:_LONGEST_WORDS],
        receipt=receipt,
        dedupe_key=_dedupe_key(reported, source),
    )


def _believable(at: datetime | None, claimed_at: datetime) -> datetime:
    now = timezone.now()
    if at is None or not (claimed_at - _BELIEVED <= at <= now + _BELIEVED):
        return now
    return at


def storable(text: str) -> str:
    """The text without what no text column takes: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _short_enough(url: str) -> str:
    return url if len(url) <= _LONGEST_URL else ""


def _believable_price(price: Decimal | None) -> Decimal | None:
    if price is None or not price.is_finite() or not 0 <= price < _ABSURD_PRICE:
        return None
    return price


def _within(seconds: int | None) -> int | None:
    return seconds if seconds is not None and 0 <= seconds <= _MOST_SECONDS else None


def _dedupe_key(reported: ReportedEvent, source: Source) -> str:
    """The provider's own event id where it has one, else what the event says."""
    said = (
        (reported.event_id,)
        if reported.event_id
        else (
            reported.kind,
            reported.leg,
            reported.leg_state,
            reported.outcome,
            reported.occurred_at and reported.occurred_at.isoformat(),
            reported.talk_seconds,
            reported.recording_url,
            reported.words,
        )
    )
    return hashlib.sha256(repr((str(source), *map(str, said))).encode()).hexdigest()


def event_now(kind: EventKind, **known: object) -> ReportedEvent:
    """A fact that this site states itself, now."""
    return ReportedEvent(kind=kind, occurred_at=timezone.now(), **known)  # type: ignore[arg-type]
