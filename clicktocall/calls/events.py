"""Applying facts: the only place where a call moves once it has been claimed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from clicktocall.calls.changes import Changes
from clicktocall.calls.database import atomic, on_commit
from clicktocall.calls.facts import event_now, names_of, new_event, storable
from clicktocall.calls.patience import REPORT_GRACE, longest_talk, report_wait
from clicktocall.calls.redial import LONGEST_VALIDITY, redial_wait
from clicktocall.calls.reports.outbox import Stood, post_news
from clicktocall.calls.schedule import next_due
from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent, Source
from clicktocall.orders import ReportedEvent
from clicktocall.signals import call_ended, call_updated
from clicktocall.states import (
    WAITING_STATES,
    WITH_PROVIDER_STATES,
    CallState,
    Outcome,
    Progress,
)

__all__ = [
    "News",
    "Retry",
    "apply_event",
    "apply_news",
    "apply_report",
    "apply_reports",
    "event_now",
    "storable",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """The call is to be placed again at `at`, by `provider`."""

    at: datetime
    provider: str
    is_redial: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """One fact of an attempt, and who says so.

    `retry` says how a call whose attempt ends here is placed again, when that is decided by
    whoever brings the news; otherwise the redial ladder decides.
    """

    attempt: Attempt
    reported: ReportedEvent
    source: Source = Source.SELF
    receipt: CallbackReceipt | None = None
    retry: Retry | None = None


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


def apply_reports(
    reports: Iterable[ReportedEvent], *, alias: str, receipt: CallbackReceipt | None = None
) -> list[ReportedEvent]:
    """Apply everything that the provider `alias` reported at once, all of it or nothing.

    Returns:
        The reports of no attempt of its own.
    """
    found = [(report, _attempt_of(report, alias)) for report in reports]
    apply_news(
        [
            News(attempt, report, Source.PROVIDER, receipt)
            for report, attempt in found
            if attempt is not None
        ]
    )
    return [report for report, attempt in found if attempt is None]


def apply_event(
    attempt: Attempt,
    reported: ReportedEvent,
    *,
    source: Source = Source.SELF,
    receipt: CallbackReceipt | None = None,
    retry: Retry | None = None,
) -> Call:
    """Note one fact of `attempt` and move the attempt and its call accordingly. See `News`."""
    (call,) = apply_news([News(attempt, reported, source, receipt, retry)])
    return call


def apply_news(news: Sequence[News]) -> list[Call]:
    """Note many facts in one transaction, and move what they concern; the calls as they then are.

    A fact that is known already changes nothing.
    """
    with atomic():
        known = _Known(news)
        noted = [event for item in news if (event := _note(item, known)) is not None]
        known.save(noted)
    return list(known.calls.values())


class _Known:
    """What the database knows of the calls concerned, which stay locked meanwhile."""

    def __init__(self, news: Iterable[News]) -> None:
        # One instant for all, so that what happens to many is written in one statement.
        self.now = timezone.now()
        # In one order for everybody: two that lock the same calls never wait for each other.
        calls = Call.objects.select_for_update().order_by("pk")
        self.calls = {
            call.pk: call for call in calls.filter(pk__in={item.attempt.call_id for item in news})
        }
        attempts = Attempt.objects.filter(pk__in={item.attempt.pk for item in news})
        self.attempts = {attempt.pk: attempt for attempt in attempts}
        self.events: defaultdict[int, list[CallEvent]] = defaultdict(list)
        for event in CallEvent.objects.filter(attempt__in=self.attempts):
            self.events[event.attempt_id].append(event)
        self._changed_calls = Changes(self.calls.values())
        self._stood = {call.pk: Stood.of(call) for call in self.calls.values()}
        self._changed_attempts = Changes(self.attempts.values())

    def save(self, noted: list[CallEvent]) -> None:
        CallEvent.objects.bulk_create(noted)
        self._changed_attempts.write()
        self._changed_calls.write(updated_at=self.now)
        post_news([(call, self._stood[call.pk]) for call in self.calls.values()], self.now)


def _note(item: News, known: _Known) -> CallEvent | None:
    """The event of one fact, with its call moved; None when it was known already."""
    attempt = known.attempts[item.attempt.pk]
    call = known.calls[attempt.call_id]
    events = known.events[attempt.pk]
    event = new_event(call, attempt, item.reported, item.source, item.receipt)
    if any(event.dedupe_key == earlier.dedupe_key for earlier in events):
        return None
    events.append(event)
    progress = Progress.from_facts((fact.fact() for fact in events), one_leg=call.one_leg)
    attempt.show(progress)
    _move(call, attempt, progress, item.retry, known.now)
    on_commit(lambda: call_updated.send_robust(Call, call=call, event=event))
    return event


def _move(
    call: Call, attempt: Attempt, progress: Progress, retry: Retry | None, now: datetime
) -> None:
    """Let the call follow its latest attempt."""
    if attempt.number != call.attempt_count:
        return
    if call.state in WAITING_STATES and not _calls_off_the_retry(progress):
        return
    was_over = call.is_over
    retry = _retry_after(call, progress, retry, now)
    if retry is not None:
        _place_again(call, progress, retry)
    else:
        _follow(call, progress, now)
    if call.is_over and not was_over:
        logger.info("call ended id=%s outcome=%s", call.pk, call.outcome)
        on_commit(lambda: call_ended.send_robust(Call, call=call))


def _calls_off_the_retry(progress: Progress) -> bool:
    """Whether placing again would be wrong: they have spoken, or a phone rings after all."""
    return progress.outcome == Outcome.COMPLETED or progress.state != CallState.ENDED


def _retry_after(
    call: Call, progress: Progress, decided: Retry | None, now: datetime
) -> Retry | None:
    """How the call is placed again after what has happened; None when it is not."""
    if progress.state != CallState.ENDED or progress.outcome == Outcome.COMPLETED:
        return None
    if call.is_over or call.cancel_requested_at is not None:
        return None
    return decided or _redial(call, progress, now)


def _follow(call: Call, progress: Progress, now: datetime) -> None:
    call.show(progress)
    call.due_at = None
    if call.is_over:
        call.report_due_at = call.cancel_due_at = call.claimed_until = None
    elif progress.joined_at is not None:
        call.report_due_at = now + longest_talk(call.call_options) + REPORT_GRACE
    elif call.report_due_at is None and call.state in WITH_PROVIDER_STATES:
        call.report_due_at = now + report_wait(call)


def _redial(call: Call, progress: Progress, now: datetime) -> Retry | None:
    options = call.call_options
    wait = redial_wait(options, call.redial_count, Outcome(progress.outcome or Outcome.UNKNOWN))
    if wait is None:
        return None
    validity = (
        timedelta(minutes=options.validity_period) if options.validity_period else LONGEST_VALIDITY
    )
    call.expires_at = _first_dialled_at(call) + validity
    at = next_due(options, now + wait)
    return Retry(at=at, provider=call.provider, is_redial=True) if at < call.expires_at else None


def _first_dialled_at(call: Call) -> datetime:
    """From then on its validity counts: a call may have been asked for long before."""
    first: Attempt = call.attempts.earliest("number")
    return first.created_at


def _place_again(call: Call, progress: Progress, retry: Retry) -> None:
    fresh = replace(
        Progress.from_facts((), one_leg=call.one_leg),
        state=CallState.SCHEDULED,
        outcome_words=progress.outcome_words,
    )
    call.show(fresh)
    call.due_at = min(retry.at, call.expires_at)  # by then it is over, and said to be
    call.provider = retry.provider
    call.redial_count += retry.is_redial
    call.report_due_at = call.claimed_until = None


def _attempt_of(reported: ReportedEvent, alias: str) -> Attempt | None:
    ours, theirs = names_of(reported)
    attempts = Attempt.objects.filter(provider=alias)
    if ours:
        return attempts.filter(reference=ours).first()
    if theirs:
        fitting = attempts.filter(provider_reference=theirs)[:2]
        return fitting[0] if len(fitting) == 1 else None  # of two, nobody knows which
    return None
