"""An attempt whose fate nobody knows: it may have rung, and must not ring twice.

What can be done about it depends on what was proven of the provider (`Provider.dedupe`): it is
asked whether it knows the attempt, the same order is repeated because it knows the reference
again, or the call ends `unknown` and is never repeated. Where the provider can be asked at all,
it is asked later too, so that the history learns what happened.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.database import atomic
from clicktocall.calls.events import apply_event, event_now
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Attempt, Call
from clicktocall.providers import Provider, get_provider
from clicktocall.states import CallState, EventKind, Outcome

logger = logging.getLogger(__name__)

# What a provider remembers of a call is not asked for after this; Infobip's logs reach as far.
REMEMBERED_FOR = timedelta(hours=48)
# A call in doubt is on its way for so long at most; then it ends `unknown`.
DOUBT_LASTS = timedelta(minutes=10)
# Between one look and the next. The first one leaves the lost order time to arrive.
_PAUSES = (
    *(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60)),
    *(timedelta(minutes=minutes) for minutes in (2, 5, 10, 60, 360, 720)),
)
# Clocks of two machines, and the way to the provider: the window of a provider that knows a
# reference again is not used up to its end.
_WINDOW_MARGIN = timedelta(seconds=3)


def provider_of(attempt: Attempt) -> Provider | None:
    """The provider that `attempt` was meant for; None when it is no longer configured."""
    try:
        return get_provider(attempt.provider)
    except ConfigurationError:
        return None


def doubt(attempt: Attempt, words: str) -> bool:
    """Note that nobody knows whether `attempt` was placed, and see to it that it is found out.

    Returns:
        False if it is known after all: a report has come in the meantime.
    """
    with atomic():
        call = Call.objects.select_for_update().get(pk=attempt.call_id)
        if call.state != CallState.PLACING or call.attempt_count != attempt.number:
            return False
        provider = provider_of(attempt)
        if provider is None or provider.dedupe.kind == "none":
            _end_unknown(attempt, words)
        else:
            apply_event(attempt, event_now(EventKind.NOTE, words=words))
            Call.objects.filter(pk=call.pk).update(claimed_until=None)
            if not _can_be_found_out(attempt):  # its window ended while nobody was there
                _end_unknown(attempt, words)
        look_later(attempt)
    return True


def is_doubted(attempt: Attempt) -> bool:
    """Whether the call waits for what is found out about `attempt`."""
    call = attempt.call
    latest = call.attempt_count == attempt.number
    return latest and call.state == CallState.PLACING and call.claimed_until is None


def may_be_repeated_until(attempt: Attempt, provider: Provider) -> datetime | None:
    """Until when the very same order rings nobody twice; None when it is not to be repeated."""
    if provider.dedupe.kind != "window" or attempt.call.cancel_requested_at is not None:
        return None
    until = attempt.created_at + timedelta(seconds=provider.dedupe.seconds) - _WINDOW_MARGIN
    return until if is_doubted(attempt) and timezone.now() < until else None


def proves_absence(provider: Provider | None) -> bool:
    """Whether an attempt that the provider does not know was never placed."""
    return provider is not None and provider.dedupe.kind == "lookup"


def look_later(attempt: Attempt, *, at_least: timedelta = timedelta()) -> None:
    """Have the provider asked again, later each time; not when nobody can answer any more."""
    pause = max(_PAUSES[min(attempt.follow_ups, len(_PAUSES) - 1)], at_least)
    forgotten = timezone.now() + pause > attempt.created_at + REMEMBERED_FOR
    if forgotten or not _can_be_found_out(attempt):
        stop_looking(attempt)
    else:
        Attempt.objects.filter(pk=attempt.pk).update(follow_up_at=Now() + pause)


def give_up(attempt: Attempt, words: str, *, at_least: timedelta = timedelta()) -> None:
    """End a call that has been in doubt for long enough; otherwise have a look again later.

    Nobody looks again for an attempt of which something is known.
    """
    if not is_doubted(attempt):
        if attempt.outcome == Outcome.UNKNOWN:
            look_later(attempt, at_least=at_least)
        else:
            stop_looking(attempt)
        return
    lasted = timezone.now() - attempt.created_at
    if lasted > DOUBT_LASTS or not _can_be_found_out(attempt):
        _end_unknown(attempt, words)
    look_later(attempt, at_least=at_least)


def _can_be_found_out(attempt: Attempt) -> bool:
    """Whether the provider can be asked, or may be asked for the very same once more."""
    provider = provider_of(attempt)
    if provider is None:
        return False
    as_it_is = Attempt.objects.select_related("call").get(pk=attempt.pk)
    return provider.looks_up or may_be_repeated_until(as_it_is, provider) is not None


def stop_looking(attempt: Attempt) -> None:
    """It is known what became of it."""
    Attempt.objects.filter(pk=attempt.pk).update(follow_up_at=None)


def _end_unknown(attempt: Attempt, words: str) -> None:
    apply_event(attempt, event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN, words=words))
