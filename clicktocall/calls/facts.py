"""From what somebody reports to the row that keeps it: bounded, storable, told apart."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.utils import timezone

from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent, Source
from clicktocall.orders import ReportedEvent
from clicktocall.states import EventKind

_LONGEST_WORDS = 500
_LONGEST_URL = 500
_LONGEST_REFERENCE = 200
_LONGEST_VARIABLE = 64
_MOST_ANSWERS = 50
_MOST_SECONDS = 7 * 24 * 3600
_ABSURD_PRICE = 1_000_000
# A provider's clock may be off, and a report late; beyond this its time is not believed.
_BELIEVED = timedelta(days=2)


def new_event(
    call: Call,
    attempt: Attempt,
    reported: ReportedEvent,
    source: Source,
    receipt: CallbackReceipt | None,
) -> CallEvent:
    """The row, not yet saved, that keeps one fact of `attempt`."""
    return CallEvent(
        call=call,
        attempt=attempt,
        kind=reported.kind,
        source=source,
        leg=reported.leg,
        leg_state=reported.leg_state,
        outcome=reported.outcome,
        occurred_at=_believable(reported.occurred_at, attempt.created_at),
        talk_seconds=_within(_talked(reported, call)),
        recording_url=_short_enough(storable(reported.recording_url)),
        price=_believable_price(reported.price),
        currency=storable(reported.currency)[:3],
        words=storable(reported.words)[:_LONGEST_WORDS],
        answers=_storable_answers(reported.answers),
        receipt=receipt,
        dedupe_key=_dedupe_key(reported, source),
    )


def _talked(reported: ReportedEvent, call: Call) -> int | None:
    if reported.talk_seconds is None and call.one_leg:
        return reported.answered_seconds
    return reported.talk_seconds


def _storable_answers(answers: dict[str, str]) -> dict[str, str]:
    return {
        storable(variable)[:_LONGEST_VARIABLE]: storable(said)[:_LONGEST_WORDS]
        for variable, said in islice(answers.items(), _MOST_ANSWERS)
    }


def _believable(at: datetime | None, claimed_at: datetime) -> datetime:
    now = timezone.now()
    if at is None or not (claimed_at - _BELIEVED <= at <= now + _BELIEVED):
        return now
    return at


def names_of(reported: ReportedEvent) -> tuple[str, str]:
    """What a report calls its call: our reference or else theirs; two empty ones if no call can
    be called so.
    """
    name = reported.reference or reported.provider_reference
    if len(name) > _LONGEST_REFERENCE or storable(name) != name:
        return "", ""
    return (name, "") if reported.reference else ("", name)


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
            *([sorted(reported.answers.items())] if reported.answers else []),
            *([reported.answered_seconds] if reported.answered_seconds is not None else []),
        )
    )
    return hashlib.sha256(repr((str(source), *map(str, said))).encode()).hexdigest()


def event_now(kind: EventKind, **known: object) -> ReportedEvent:
    """A fact that this site states itself, now."""
    return ReportedEvent(kind=kind, occurred_at=timezone.now(), **known)  # type: ignore[arg-type]
