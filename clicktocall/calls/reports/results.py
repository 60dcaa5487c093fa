"""Writing down how tries went, and what follows: done, tried again, given up, switched off."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from clicktocall.calls.database import atomic
from clicktocall.calls.facts import storable
from clicktocall.calls.reports.sending import GONE, Tried
from clicktocall.conf import settings
from clicktocall.models import Delivery, DeliveryState, DeliveryTry, Webhook

logger = logging.getLogger(__name__)

# What fails together shall not be tried again together.
_JITTER = (0.9, 1.1)
_LONGEST_PAUSE = timedelta(days=1)


def record_tries(tried: Sequence[Tried]) -> None:
    """Write down these tries, all of them or none.

    Raises:
        django.db.Error: they could not be written; none was.
    """
    now = timezone.now()
    with atomic():
        # Locked, and passed over where somebody has removed them meanwhile.
        ids = [each.letter.id for each in tried]
        known = set(
            Delivery.objects.select_for_update().filter(pk__in=ids).values_list("pk", flat=True)
        )
        found = [each for each in tried if each.letter.id in known]
        DeliveryTry.objects.bulk_create(_log_row(each) for each in found)
        _record_arrivals([each for each in found if each.arrived], now)
        for each in found:
            if not each.arrived:
                _record_failure(each, now)


def give_up(ids: Sequence[str], words: str) -> None:
    """Keep these deliveries as dead letters without trying them again."""
    Delivery.objects.filter(pk__in=ids, state=DeliveryState.PENDING).update(
        state=DeliveryState.DEAD, next_try_at=None, done_at=timezone.now(), last_words=words
    )


def _log_row(each: Tried) -> DeliveryTry:
    return DeliveryTry(
        delivery_id=each.letter.id,
        at=each.at,
        status=each.status,
        words=storable(each.words),
        milliseconds=round(each.seconds * 1000),
    )


def _record_arrivals(arrived: Sequence[Tried], now: datetime) -> None:
    for status in {each.status for each in arrived}:
        ids = [each.letter.id for each in arrived if each.status == status]
        Delivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.DELIVERED,
            tries=F("tries") + 1,
            next_try_at=None,
            done_at=now,
            last_status=status,
            last_words="",
        )


def _record_failure(each: Tried, now: datetime) -> None:
    pause = None if each.status == GONE else _pause(each)
    dead = pause is None
    # One that has arrived after all, by another process, stays delivered.
    Delivery.objects.filter(pk=each.letter.id, state=DeliveryState.PENDING).update(
        state=DeliveryState.DEAD if dead else DeliveryState.PENDING,
        tries=F("tries") + 1,
        next_try_at=None if pause is None else now + pause,
        done_at=now if dead else None,
        last_status=each.status,
        last_words=storable(each.words),
    )
    if dead:
        logger.warning("delivery given up id=%s receiver=%s", each.letter.id, each.letter.receiver)
    if each.status == GONE and each.letter.webhook_id:
        _switch_off(each.letter.webhook_id, now)


def _pause(each: Tried) -> timedelta | None:
    """How long until the next try; None when there is none."""
    pauses: Sequence[float] = settings.REPORT_PAUSES
    if each.letter.tries >= len(pauses):
        return None
    seconds = pauses[each.letter.tries] * random.uniform(*_JITTER)  # noqa: S311  (no secret)
    return min(timedelta(seconds=max(seconds, each.retry_after)), _LONGEST_PAUSE)


def _switch_off(webhook_id: str, now: datetime) -> None:
    switched_off = Webhook.objects.filter(pk=webhook_id, active=True).update(
        active=False,
        disabled_at=now,
        disabled_why=_("The receiver answered 410: it wants no more."),
        updated_at=now,
    )
    if switched_off:
        logger.warning("webhook switched off by its receiver id=%s", webhook_id)
