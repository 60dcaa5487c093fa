"""Callbacks exactly as providers sent them, kept before they are understood."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReceiptStatus(models.TextChoices):
    RECEIVED = "received", _("received")
    APPLIED = "applied", _("applied")
    IGNORED = "ignored", _("says nothing of ours")
    UNMATCHED = "unmatched", _("no such call")
    NOT_UNDERSTOOD = "not_understood", _("not understood")
    FAILED = "failed", _("failed while applying")


class CallbackReceipt(models.Model):
    """One authentic callback: evidence, and what became of it."""

    provider = models.CharField(_("provider"), max_length=64)
    method = models.CharField(max_length=8)
    content_type = models.CharField(_("content type"), max_length=128, blank=True)
    query = models.JSONField(default=dict, blank=True)
    body = models.BinaryField(_("body"))
    source_address = models.GenericIPAddressField(_("from"), null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=ReceiptStatus, default=ReceiptStatus.RECEIVED
    )
    error = models.TextField(_("error"), blank=True)
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        verbose_name = _("callback receipt")
        verbose_name_plural = _("callback receipts")
        ordering = ("-received_at",)
        indexes = (
            models.Index(fields=("-received_at",), name="ctc_receipt_received"),
            models.Index(fields=("status", "-received_at"), name="ctc_receipt_status"),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.received_at:%Y-%m-%d %H:%M:%S}"


class WaitingReport(models.Model):
    """A report of a call that nobody knows yet: it may have overtaken the provider's answer.

    It names the call as the provider did: by our reference, or by the provider's own.
    """

    receipt = models.ForeignKey(CallbackReceipt, on_delete=models.CASCADE, related_name="waiting")
    provider = models.CharField(max_length=64)
    reference = models.CharField(max_length=200, blank=True)
    provider_reference = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("receipt", "reference", "provider_reference"),
                name="clicktocall_one_waiting_report",
            ),
        )
        indexes = (
            models.Index(
                fields=("provider", "provider_reference"), name="ctc_waiting_provider_ref"
            ),
            models.Index(fields=("created_at",), name="ctc_waiting_created"),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.reference or self.provider_reference}"
