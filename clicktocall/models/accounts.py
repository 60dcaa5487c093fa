"""Who owns endpoints and calls, who may act for them, and the numbers they may show."""

from __future__ import annotations

import contextlib
import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from clicktocall.exceptions import InvalidNumber
from clicktocall.models.fields import hex_id
from clicktocall.numbers import is_e164, parse_number

SENDER_ID = re.compile(r"[A-Za-z0-9]{3,14}", re.ASCII)


class Account(models.Model):
    """A tenant: everything else belongs to one."""

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    name = models.CharField(_("name"), max_length=128)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="Membership",
        related_name="clicktocall_accounts",
        verbose_name=_("members"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do: look, also change endpoints, also manage keys, numbers and members."""

    VIEWER = "viewer", _("viewer: sees endpoints and calls")
    EDITOR = "editor", _("editor: also changes endpoints")
    MANAGER = "manager", _("manager: also keys, numbers and members")


class Membership(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clicktocall_memberships"
    )
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.VIEWER)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = (
            models.UniqueConstraint(fields=("account", "user"), name="clicktocall_one_membership"),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Scope(models.TextChoices):
    """What an API key may do."""

    READ = "read", _("read: everything of the account")
    CALL = "call", _("call: place and cancel calls")
    MANAGE = "manage", _("manage: change endpoints, whitelists and numbers; any option of a call")


class ApiKey(models.Model):
    """A 64-character secret for servers. Only its hash is kept; it is shown once."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=128, help_text=_("Who or what uses this key."))
    prefix = models.CharField(_("begins with"), max_length=8, db_index=True, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    default_endpoint = models.ForeignKey(
        "Endpoint",
        verbose_name=_("default endpoint"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Used by requests that name no endpoint."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        unknown = [scope for scope in self.scopes if scope not in Scope.values]
        if not self.scopes or unknown:
            raise ValidationError({"scopes": _("Choose at least one of read, call, manage.")})
        if self.default_endpoint and self.default_endpoint.account_id != self.account_id:
            raise ValidationError(
                {"default_endpoint": _("Choose an endpoint of the same account.")}
            )


class OwnedNumber(models.Model):
    """A number or sender id this account may show or bridge with: the source of every caller id."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="numbers")
    number = models.CharField(
        _("number or sender id"),
        max_length=16,
        help_text=_("International form such as +442079460190, or 3 to 14 letters and digits."),
    )
    label = models.CharField(_("label"), max_length=64, blank=True)
    provider_aliases = models.JSONField(
        _("providers"),
        default=list,
        blank=True,
        help_text=_("Aliases of the providers that may use it; none means all of them."),
    )
    for_leg_a = models.BooleanField(_("caller id for leg A"), default=True)
    for_leg_b = models.BooleanField(_("caller id for leg B"), default=True)
    for_bridge = models.BooleanField(_("bridge number"), default=False)

    class Meta:
        verbose_name = _("owned number")
        verbose_name_plural = _("owned numbers")
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=("account", "number"), name="clicktocall_one_owned_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} ({self.label})" if self.label else self.number

    def clean(self) -> None:
        with contextlib.suppress(InvalidNumber):  # a sender id, or refused below
            self.number = parse_number(self.number).e164
        if not is_e164(self.number) and not SENDER_ID.fullmatch(self.number):
            raise ValidationError(
                {
                    "number": _(
                        "Write a number in international form such as +442079460190, "
                        "or a sender id of 3 to 14 letters and digits."
                    )
                }
            )
