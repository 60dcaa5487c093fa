"""What keeps calls from being placed: brakes that somebody pulled, circuits that opened."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clicktocall.models.accounts import Account


class BrakeScope(models.TextChoices):
    SITE = "site", _("the whole site")
    ACCOUNT = "account", _("one account")
    PROVIDER = "provider", _("one provider")


class Brake(models.Model):
    """While this row is there, nothing in its scope is dialled; removing it lets go.

    Pulled by hand, or by this site when a provider no longer accepts its credentials. An endpoint
    has a switch of its own (`Endpoint.active`).
    """

    scope = models.CharField(_("stops"), max_length=8, choices=BrakeScope)
    account = models.ForeignKey(
        Account,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="brakes",
    )
    provider = models.CharField(
        _("provider"), max_length=64, blank=True, help_text=_("Alias in the settings.")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    pulled_by = models.CharField(_("pulled by"), max_length=150, blank=True)
    pulled_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("brake")
        verbose_name_plural = _("brakes")
        ordering = ("-pulled_at",)
        constraints = (
            models.CheckConstraint(
                condition=(
                    Q(scope=BrakeScope.SITE, account=None, provider="")
                    | Q(scope=BrakeScope.ACCOUNT, account__isnull=False, provider="")
                    | Q(scope=BrakeScope.PROVIDER, account=None) & ~Q(provider="")
                ),
                name="clicktocall_brake_names_its_scope",
                violation_error_message=_("Name the account or the provider that is to stop."),
            ),
            models.UniqueConstraint(
                fields=("scope",),
                condition=Q(scope=BrakeScope.SITE),
                name="clicktocall_one_brake_of_the_site",
            ),
            models.UniqueConstraint(
                fields=("account",),
                condition=Q(scope=BrakeScope.ACCOUNT),
                name="clicktocall_one_brake_of_an_account",
            ),
            models.UniqueConstraint(
                fields=("provider",),
                condition=Q(scope=BrakeScope.PROVIDER),
                name="clicktocall_one_brake_of_a_provider",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.account or self.provider}".strip()


class Circuit(models.Model):
    """Failures of a provider in a row; from a few on it is left alone until `open_until`.

    Then one call is tried, and closes the circuit or leaves it open. A provider may also have asked
    us to wait. One that simply answers has no row.
    """

    provider = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    wait_until = models.DateTimeField(_("asked us to wait until"), null=True, blank=True)
    words = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("provider that fails")
        verbose_name_plural = _("providers that fail")

    def __str__(self) -> str:
        return self.provider
