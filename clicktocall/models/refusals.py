"""Requests that a rule refused: the first ones of an hour in full, all of them counted."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clicktocall.models.endpoints import Endpoint
from clicktocall.models.fields import E164Field, e164_check


class Refusal(models.Model):
    """A refused request, with the rule that refused it and what it saw."""

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="refusals", db_index=False
    )
    rule = models.CharField(_("rule"), max_length=40)
    code = models.CharField(_("answered"), max_length=32)
    detail = models.CharField(_("why"), max_length=500, blank=True)
    contact = E164Field(_("contact"), blank=True)
    door = models.CharField(_("came in by"), max_length=16)
    requester = models.CharField(_("requested by"), max_length=80, blank=True)
    origin = models.CharField(_("site"), max_length=255, blank=True)
    page = models.CharField(_("page"), max_length=2000, blank=True)
    created_at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("refused request")
        verbose_name_plural = _("refused requests")
        ordering = ("-created_at", "-id")
        constraints = (e164_check("refusal", "contact", blank=True),)
        indexes = (
            models.Index(fields=("endpoint", "-created_at"), name="ctc_refusal_endpoint"),
            models.Index(fields=("-created_at",), name="ctc_refusal_created"),
        )

    def __str__(self) -> str:
        return f"{self.rule} {self.created_at:%Y-%m-%d %H:%M:%S}"


class RefusalCount(models.Model):
    """How often a rule refused at an endpoint within one hour."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="+")
    rule = models.CharField(_("rule"), max_length=40)
    hour = models.DateTimeField(_("hour"))
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("refusal count")
        verbose_name_plural = _("refusal counts")
        ordering = ("-hour",)
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "rule", "hour"), name="clicktocall_one_refusal_count"
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule}: {self.count}"
