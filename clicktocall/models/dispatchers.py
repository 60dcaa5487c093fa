"""The dispatchers that are at work, so that an operator sees when none is."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# A dispatcher renews its beat every five seconds; one that has missed six is taken for dead.
BEAT_IS_FRESH = timedelta(seconds=30)


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

    @property
    def is_alive(self) -> bool:
        return timezone.now() - self.beat_at < BEAT_IS_FRESH
