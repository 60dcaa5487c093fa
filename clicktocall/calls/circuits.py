"""Leaving a provider alone that fails, until one call in a while gets through to it.

What is known of it stands in the database, so that all dispatchers together try it once.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.facts import storable
from clicktocall.models import Brake, BrakeScope, Call, Circuit
from clicktocall.states import WAITING_STATES

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5
LEFT_ALONE = timedelta(seconds=30)

_HANDED_OVER_AT_ONCE = 200
_LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many calls may be handed to a provider now; `is_try`: one, to see how it is."""

    calls: int
    is_try: bool = False


def allowance(alias: str, room: int) -> Allowance:
    """Of the `room` there is: all of it; none while the provider is left alone; one when it has
    been for long enough, to whichever dispatcher asks first.
    """
    circuit = Circuit.objects.filter(provider=alias).first()
    if circuit is None or room == 0:
        return Allowance(room)
    if circuit.wait_until and circuit.wait_until > timezone.now():
        return Allowance(0)
    if circuit.open_until is None:
        return Allowance(room)
    if not _due(alias).exists():
        return Allowance(0)  # nobody is there to be the one that is tried
    over = Circuit.objects.filter(provider=alias, open_until__lte=Now())
    tried = over.update(open_until=Now() + LEFT_ALONE)
    return Allowance(tried, is_try=bool(tried))


def give_back(alias: str) -> None:
    """The try was not used: none of the calls that were due could be placed now."""
    Circuit.objects.filter(provider=alias, open_until__isnull=False).update(open_until=Now())


def is_held(alias: str) -> bool:
    """Whether nothing goes to a provider now: it is left alone, or its brake is pulled."""
    return (
        Circuit.objects.filter(provider=alias).filter(left_alone()).exists()
        or Brake.objects.filter(scope=BrakeScope.PROVIDER, provider=alias).exists()
    )


def left_alone() -> Q:
    """The circuits of providers to which nothing goes now."""
    return Q(open_until__gt=Now()) | Q(wait_until__gt=Now())


def note_wait(alias: str, seconds: float) -> None:
    """The provider has asked us to wait; whatever it answers meanwhile, it is left alone."""
    circuit, _ = Circuit.objects.get_or_create(provider=alias)
    Circuit.objects.filter(pk=circuit.pk).update(
        wait_until=Now() + timedelta(seconds=max(0.0, seconds)), changed_at=Now()
    )


def note_failure(alias: str, words: str) -> None:
    """One more request that came to nothing; after some in a row the circuit opens.

    Args:
        words: what went wrong, without telephone numbers.
    """
    circuit, _ = Circuit.objects.get_or_create(provider=alias)
    known = Circuit.objects.filter(pk=circuit.pk)
    known.update(
        failures=F("failures") + 1, words=storable(words)[:_LONGEST_WORDS], changed_at=Now()
    )
    if known.filter(failures__gte=FAILURES_IN_A_ROW).update(open_until=Now() + LEFT_ALONE):
        logger.error("provider %s is left alone for %s: %s", alias, LEFT_ALONE, words)


def note_answer(aliases: Collection[str]) -> None:
    """These providers answer: their circuits are closed. A wait that was asked for goes on."""
    failing = Circuit.objects.filter(provider__in=aliases).filter(
        Q(failures__gt=0) | ~Q(wait_until__gt=Now())
    )
    for circuit in failing:
        known = Circuit.objects.filter(pk=circuit.pk)
        if not known.filter(wait_until__gt=Now()).update(failures=0, open_until=None):
            known.delete()
        if circuit.open_until is not None:
            logger.warning("provider %s answers again", circuit.provider)


def hand_over(alias: str) -> int:
    """Give the calls that wait for a provider to the next one of their endpoint; how many."""
    following: dict[str, list[str]] = {}
    found = 0
    waiting = _due(alias).exclude(fallback_providers=[]).order_by("due_at")
    for call in waiting.only("id", "provider", "fallback_providers").iterator(500):
        after = call.provider_after()
        if after is not None:
            following.setdefault(after, []).append(call.pk)
            found += 1
        if found == _HANDED_OVER_AT_ONCE:
            break
    return sum(
        Call.objects.filter(pk__in=calls, state__in=WAITING_STATES, provider=alias).update(
            provider=after, updated_at=Now()
        )
        for after, calls in following.items()
    )


def _due(alias: str) -> QuerySet[Call]:
    return Call.objects.filter(state__in=WAITING_STATES, provider=alias, due_at__lte=Now())
