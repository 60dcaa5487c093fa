"""Taking in a callback: keep it, then understand it, then apply it."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from clicktocall.calls.database import atomic
from clicktocall.calls.events import apply_report, storable
from clicktocall.models import CallbackReceipt, ReceiptStatus
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest, Provider

logger = logging.getLogger(__name__)


def receive_callback(
    provider: Provider, request: CallbackRequest, *, source_address: str | None
) -> CallbackReceipt:
    """Keep an authentic callback and apply what it says.

    The receipt is committed first: whatever goes wrong later, the evidence stays and can be
    replayed, and the provider need not send it again.

    Raises:
        django.db.Error: the receipt could not be kept, or the database left before it was applied.
    """
    receipt = CallbackReceipt.objects.create(
        provider=provider.alias,
        method=request.method,
        content_type=request.content_type[:128],
        query={storable(name): storable(value) for name, value in request.query.items()},
        body=request.body,
        source_address=source_address,
    )
    process_receipt(provider, request, receipt)
    return receipt


def process_receipt(
    provider: Provider, request: CallbackRequest, receipt: CallbackReceipt
) -> ReceiptStatus:
    """Understand and apply one kept callback; its status says what became of it."""
    status, error = _apply(provider, request, receipt)
    receipt.status, receipt.error = status, storable(error)[:2000]
    receipt.processed_at = timezone.now()
    receipt.save(update_fields=["status", "error", "processed_at"])
    return status


def _apply(
    provider: Provider, request: CallbackRequest, receipt: CallbackReceipt
) -> tuple[ReceiptStatus, str]:
    try:
        reports = provider.parse_callback(request)
        if not reports:
            return ReceiptStatus.IGNORED, ""
        with atomic():
            unmatched = [
                report
                for report in reports
                if apply_report(report, alias=provider.alias, receipt=receipt) is None
            ]
    except CallbackNotUnderstood as error:
        logger.warning("callback not understood provider=%s: %s", provider.alias, error)
        return ReceiptStatus.NOT_UNDERSTOOD, str(error)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the provider is to send it again, which does no harm
    except Exception as error:
        # A parser's mistake must not make the provider send the same report for ever.
        logger.exception("callback failed provider=%s", provider.alias)
        return ReceiptStatus.FAILED, f"{type(error).__name__}: {error}"
    if unmatched:
        return ReceiptStatus.UNMATCHED, f"{len(unmatched)} of {len(reports)} reports fit no call."
    return ReceiptStatus.APPLIED, ""
