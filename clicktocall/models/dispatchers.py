"""The dispatchers that are at work, so that an operator sees when none is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Dispatcher(models.Model):
    """A running dispatcher process; it renews `beat_at` every few seconds."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    beat_at = models.DateTimeField(_("last beat"))

    class Meta:
        verbose_name = _("dispatcher")
        verbose_name_plural = _("dispatchers")
        ordering = ("-beat_at",)

    def __str__(self) -> str:
        return self.name
