"""Taking in reports, pushed or pulled: keep them, then understand them, then apply them."""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from clicktocall.calls.database import atomic
from clicktocall.calls.events import apply_reports, storable
from clicktocall.calls.waiting import fits_by_now, wait_for
from clicktocall.models import CallbackReceipt, ReceiptStatus
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest, Provider

logger = logging.getLogger(__name__)

_LONGEST_ERROR = 2000


def receive_callback(
    provider: Provider, request: CallbackRequest, *, source_address: str | None
) -> CallbackReceipt:
    """Keep an authentic callback and apply what it says.

    The receipt is committed first: whatever goes wrong later, the evidence stays and can be
    replayed, and the provider need not send it again.

    Raises:
        django.db.Error: the receipt could not be kept, or the database left before it was applied.
    """
    receipt = keep(provider, request, source_address)
    process_receipt(provider, request, receipt)
    return receipt


def keep(
    provider: Provider, request: CallbackRequest, source_address: str | None
) -> CallbackReceipt:
    """Write down a callback, or pulled reports, as they came, before anybody looks into them.

    Call it outside a transaction, so that the receipt is committed when it returns, and then give
    the receipt to `process_receipt`. One that never gets there stays `received`, until recovery or
    `manage.py reprocess_callbacks` takes it up.

    Args:
        source_address: the IP address it came from; None for what was pulled, or when nobody knows.

    Raises:
        django.db.Error: it could not be written.
    """
    return CallbackReceipt.objects.create(
        provider=provider.alias,
        method=request.method,
        content_type=storable(request.content_type)[:128],
        query={storable(name): storable(value) for name, value in request.query.items()},
        body=request.body,
        source_address=source_address,
    )


def process_receipt(
    provider: Provider, request: CallbackRequest, receipt: CallbackReceipt
) -> ReceiptStatus:
    """Understand and apply one kept callback; its status says what became of it.

    It may be done again at any time and by several processes at once: every fact counts once.
    Reports that fit no call leave a `WaitingReport` each, and those rows are all that is left
    waiting of this receipt.

    Raises:
        django.db.Error: the database left; the receipt is as it was.
    """
    status = _process(provider, request, receipt)
    if status == ReceiptStatus.UNMATCHED and fits_by_now(receipt):
        # A placement was stored between our look for it and our commit. Whoever stored it could
        # not see yet that this receipt waits; one that comes from now on sees it.
        status = _process(provider, request, receipt)
    return status


def _process(
    provider: Provider, request: CallbackRequest, receipt: CallbackReceipt
) -> ReceiptStatus:
    try:
        reports = provider.parse_callback(request)
        with atomic():
            _lock(receipt)
            unmatched = apply_reports(reports, alias=provider.alias, receipt=receipt)
            wait_for(receipt, unmatched)
            return _note(receipt, *_verdict(len(reports), len(unmatched)))
    except CallbackNotUnderstood as error:
        logger.warning("callback not understood provider=%s: %s", provider.alias, error)
        return _give_up(receipt, ReceiptStatus.NOT_UNDERSTOOD, str(error))
    except (OperationalError, InterfaceError):
        raise  # the database is away: the provider is to send it again, which does no harm
    except Exception as error:
        # A parser's mistake must not make the provider send the same report for ever.
        logger.exception("callback failed provider=%s", provider.alias)
        return _give_up(receipt, ReceiptStatus.FAILED, f"{type(error).__name__}: {error}")


def _lock(receipt: CallbackReceipt) -> None:
    """Let whoever processes the same receipt at the same time come after us.

    Else one that looked earlier could have the last word on its status and on what waits.
    """
    CallbackReceipt.objects.select_for_update(no_key=True).only("pk").get(pk=receipt.pk)


def _verdict(reports: int, unmatched: int) -> tuple[ReceiptStatus, str]:
    if not reports:
        return ReceiptStatus.IGNORED, ""
    if unmatched:
        return ReceiptStatus.UNMATCHED, f"{unmatched} of {reports} reports fit no call."
    return ReceiptStatus.APPLIED, ""


def _give_up(receipt: CallbackReceipt, status: ReceiptStatus, error: str) -> ReceiptStatus:
    """Note what went wrong. Nothing of it waits: only a mended parser can help it now."""
    with atomic():
        wait_for(receipt, [])
        return _note(receipt, status, error)


def _note(receipt: CallbackReceipt, status: ReceiptStatus, error: str) -> ReceiptStatus:
    receipt.status, receipt.error = status, storable(error)[:_LONGEST_ERROR]
    receipt.processed_at = timezone.now()
    receipt.save(update_fields=["status", "error", "processed_at"])
    return status
