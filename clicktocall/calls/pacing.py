"""The calls of a bulk with a speed: the first at once, then evenly spaced.

A call that waits for its turn is not due. Its turn comes when it is released; so a dispatcher that
was away for an hour releases the next call, and not an hour's worth of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from clicktocall.calls.brakes import is_stopped
from clicktocall.calls.circuits import is_held
from clicktocall.calls.database import atomic
from clicktocall.calls.schedule import first_due
from clicktocall.conf import settings
from clicktocall.models import Bulk, Call
from clicktocall.states import WAITING_STATES, CallState

# Later than this nobody was there to release them: what was missed is not made up for.
_LATE = timedelta(seconds=1)
_BULKS_AT_ONCE = 50
_READ_AT_ONCE = 100


def release_due() -> int:
    """Make due the calls whose turn has come, in all bulks; how many."""
    due = Bulk.objects.filter(next_call_at__lte=Now(), paused_at=None).order_by("next_call_at")
    return sum(map(_release, due.values_list("pk", flat=True)[:_BULKS_AT_ONCE]))


def waiting_for_their_turn(bulk_id: str) -> QuerySet[Call]:
    """The calls of a bulk that have not been released, in the order they were asked for."""
    calls = Call.objects.filter(bulk=bulk_id, state__in=WAITING_STATES, due_at=None)
    return calls.order_by("pk")


def _release(bulk_id: str) -> int:
    with atomic():
        bulk = Bulk.objects.select_for_update().annotate(now=Now()).get(pk=bulk_id)
        next_call_at, interval = bulk.next_call_at, bulk.interval
        if next_call_at is None or interval is None or bulk.paused_at or next_call_at > bulk.now:
            return 0  # somebody else was quicker
        if _is_jammed(bulk_id):
            return 0
        many, then = _turns(next_call_at, interval, bulk.now)
        calls, opens = _ready(bulk_id, many, bulk.now)
        Call.objects.filter(pk__in=calls).update(
            state=CallState.QUEUED,
            due_at=Now(),
            expires_at=Now() + timedelta(seconds=settings.CALL_VALIDITY),
            updated_at=Now(),
        )
        if not calls:
            then = opens  # every one of them waits for its window, or none waits any more
        elif not waiting_for_their_turn(bulk_id).exists():
            then = None
        Bulk.objects.filter(pk=bulk_id).update(next_call_at=then)
    return len(calls)


def _is_jammed(bulk_id: str) -> bool:
    """Whether calls that were released are not taken: a brake, a failing provider, no dispatcher.

    Then no more are released, so that none of them expires, and they do not all go out at once
    when the way is free again.
    """
    return Call.objects.filter(
        bulk=bulk_id,
        state__in=WAITING_STATES,
        due_at__lte=Now() - _LATE,
        attempt_count=0,
    ).exists() or any(
        is_stopped(call) or is_held(call.provider) for call in waiting_for_their_turn(bulk_id)[:1]
    )


def _ready(bulk_id: str, many: int, now: datetime) -> tuple[list[str], datetime | None]:
    """The next calls that may be placed now, and else when the first of the others may be."""
    ready: list[str] = []
    opens: datetime | None = None
    for call in waiting_for_their_turn(bulk_id).iterator(_READ_AT_ONCE):
        then = _opening_of(call, now)
        if then is None:
            ready.append(call.pk)
        elif opens is None or then < opens:
            opens = then
        if len(ready) == many:
            break
    return ready, opens


def _opening_of(call: Call, now: datetime) -> datetime | None:
    try:
        return first_due(call.call_options, now)
    except ValueError:
        return None  # hours that nobody can read: its order cannot be written, and says so


def _turns(
    next_call_at: datetime, interval: timedelta, now: datetime
) -> tuple[int, datetime | None]:
    """How many turns have come, and when the next one does."""
    late = now - next_call_at
    if late > _LATE:
        return 1, now + interval
    many = late // interval + 1
    return many, next_call_at + many * interval
