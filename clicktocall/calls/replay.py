"""Kept callbacks, understood and applied once more: after a parser was mended, or a crash."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from clicktocall.calls.receive import process_receipt
from clicktocall.models import CallbackReceipt, ReceiptStatus
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest, get_provider

# What a replay may change.
OPEN_STATUSES = (
    ReceiptStatus.RECEIVED,
    ReceiptStatus.NOT_UNDERSTOOD,
    ReceiptStatus.FAILED,
    ReceiptStatus.UNMATCHED,
)

READABLE = "readable"

# One that is still `received` by then has lost its process; a younger one is being worked on.
_LEFT_BEHIND_AFTER = timedelta(minutes=1)


def replay(receipt: CallbackReceipt) -> ReceiptStatus:
    """Process a kept callback as if it came in now; facts that are known already change nothing.

    It was authenticated when it came and is not asked again: what it would be asked by, headers
    and passwords, is not kept.

    Raises:
        ConfigurationError: its provider is not configured (any more).
        django.db.Error: the database left; the receipt is as it was.
    """
    return process_receipt(get_provider(receipt.provider), request_of(receipt), receipt)


def preview(receipt: CallbackReceipt) -> str:
    """The status that a replay would leave, or `readable` for what only a replay can tell.

    Only the provider's parser is asked; nothing is changed.

    Raises:
        ConfigurationError: its provider is not configured (any more).
    """
    provider = get_provider(receipt.provider)
    try:
        reports = provider.parse_callback(request_of(receipt))
    except CallbackNotUnderstood:
        return ReceiptStatus.NOT_UNDERSTOOD
    except Exception:  # noqa: BLE001 - a parser's mistake, as in `process_receipt`
        return ReceiptStatus.FAILED
    return READABLE if reports else ReceiptStatus.IGNORED


def request_of(receipt: CallbackReceipt) -> CallbackRequest:
    """The callback as it came in, without its headers."""
    return CallbackRequest(
        method=receipt.method,
        content_type=receipt.content_type,
        headers={},
        query=receipt.query,
        body=bytes(receipt.body),
        peer_address=receipt.source_address,
    )


def replayable(statuses: Collection[str] = OPEN_STATUSES) -> QuerySet[CallbackReceipt]:
    """The receipts with one of these statuses, in the order in which they came.

    Of those `received`, only the ones that nobody can be working on any more.
    """
    chosen = Q(status__in=[status for status in statuses if status != ReceiptStatus.RECEIVED])
    if ReceiptStatus.RECEIVED in statuses:
        since = timezone.now() - _LEFT_BEHIND_AFTER
        chosen |= Q(status=ReceiptStatus.RECEIVED, received_at__lt=since)
    return CallbackReceipt.objects.filter(chosen).order_by("pk")
