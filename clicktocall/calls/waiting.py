"""The reports that wait for their call: a provider's report may overtake its own answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from clicktocall.calls.facts import names_of
from clicktocall.models import Attempt, CallbackReceipt, WaitingReport
from clicktocall.orders import ReportedEvent

WAITS_FOR = timedelta(hours=24)


def wait_for(receipt: CallbackReceipt, reports: Iterable[ReportedEvent]) -> None:
    """Let `receipt` wait for the calls of exactly these reports, and no longer for others.

    A report that names no call, or names it in a way no call can have, waits for nothing; so does
    every report of a receipt that came more than `WAITS_FOR` ago.
    """
    wanted = set() if receipt.received_at < _since() else {names_of(report) for report in reports}
    wanted.discard(("", ""))
    rows = WaitingReport.objects.filter(receipt=receipt)
    known = {(row.reference, row.provider_reference): row.pk for row in rows}
    rows.filter(pk__in=[pk for names, pk in known.items() if names not in wanted]).delete()
    WaitingReport.objects.bulk_create(
        (
            WaitingReport(
                receipt=receipt,
                provider=receipt.provider,
                reference=reference,
                provider_reference=provider_reference,
            )
            for reference, provider_reference in sorted(wanted - known.keys())
        ),
        ignore_conflicts=True,
    )


def fits_by_now(receipt: CallbackReceipt) -> bool:
    """Whether a call that `receipt` waits for is there by now."""
    return _fitting().filter(receipt=receipt).exists()


def receipts_that_fit(aliases: Collection[str], limit: int) -> list[int]:
    """Receipts of these providers for which a call is there, of up to `limit` reports.

    Those that wait longest come first.
    """
    fitting = _fitting().filter(provider__in=aliases).order_by("created_at")
    return _each_once(fitting.values_list("receipt", flat=True)[:limit])


def receipts_waiting_for(alias: str, provider_references: Collection[str]) -> list[int]:
    """The receipts that wait for calls which the provider `alias` calls so, and which are there."""
    rows = _fitting().filter(
        provider=alias, provider_reference__in=provider_references, reference=""
    )
    return _each_once(rows.order_by("created_at").values_list("receipt", flat=True))


def forget_old(limit: int) -> int:
    """Remove up to `limit` rows that have waited in vain; how many. Their receipts stay."""
    old = WaitingReport.objects.filter(created_at__lt=_since()).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:limit])
    return WaitingReport.objects.filter(pk__in=pks).delete()[0] if pks else 0


def _fitting() -> QuerySet[WaitingReport]:
    """The rows whose attempt exists; the same judgement as `calls.events` makes of a report.

    Each row asks an index of the attempts, at most twice: a few microseconds.
    """
    attempts = Attempt.objects.filter(provider=OuterRef("provider"))
    ours = attempts.filter(reference=OuterRef("reference"))
    theirs = attempts.filter(provider_reference=OuterRef("provider_reference"))
    return WaitingReport.objects.filter(
        (~Q(reference="") & Q(Exists(ours)))
        | (Q(reference="") & Q(Exists(theirs)) & ~Q(Exists(theirs[1:2]))),  # of two, nobody knows
        created_at__gte=_since(),
    )


def _each_once(pks: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(pks))


def _since() -> datetime:
    return timezone.now() - WAITS_FOR
