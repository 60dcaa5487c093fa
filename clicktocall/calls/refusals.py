"""Keeping refused requests: the first of an hour in full, all of them counted."""

from __future__ import annotations

import logging

from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from clicktocall.calls.database import atomic, on_commit
from clicktocall.conf import settings
from clicktocall.models import Endpoint, Refusal, RefusalCount
from clicktocall.numbers import ContactNumber, mask
from clicktocall.rules import Refusal as Verdict
from clicktocall.signals import call_refused

logger = logging.getLogger(__name__)


def record_refusal(
    verdict: Verdict,
    *,
    endpoint: Endpoint,
    contact: ContactNumber | None,
    door: str,
    requester: str,
    origin: str,
    page: str,
) -> None:
    """Count the refusal, and keep it while it is among the first of its endpoint, rule and hour."""
    number = contact.e164 if contact else ""
    with atomic():
        if _counted(endpoint, verdict.rule) <= settings.REFUSALS_KEPT_PER_HOUR:
            Refusal.objects.create(
                endpoint=endpoint,
                rule=verdict.rule,
                code=verdict.code,
                detail=verdict.detail[:500],
                contact=number,
                door=door,
                requester=requester,
                origin=origin[:255],
                page=page[:2000],
            )
    logger.info(
        "call refused endpoint=%s rule=%s contact=%s", endpoint.pk, verdict.rule, mask(number)
    )
    on_commit(
        lambda: call_refused.send_robust(
            Refusal, endpoint=endpoint, refusal=verdict, contact=number or None
        )
    )


def _counted(endpoint: Endpoint, rule: str) -> int:
    """The number of this refusal within its hour, the first being 1."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    counts = RefusalCount.objects.filter(endpoint=endpoint, rule=rule, hour=hour)
    if not counts.update(count=F("count") + 1):
        try:
            with atomic():
                RefusalCount.objects.create(endpoint=endpoint, rule=rule, hour=hour, count=1)
        except IntegrityError:
            counts.update(count=F("count") + 1)
    return counts.values_list("count", flat=True).get()
