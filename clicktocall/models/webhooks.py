"""Who wants to be told of calls, what is to be sent to them, and how every try went."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clicktocall.models.accounts import Account
from clicktocall.models.calls import Call
from clicktocall.models.fields import hex_id

LONGEST_ADDRESS = 2048


class Told(models.TextChoices):
    """What a webhook can be told of: the states a call comes to, and its recording."""

    SCHEDULED = "scheduled", _("scheduled again")
    PLACED = "placed", _("placed")
    RINGING = "ringing", _("ringing")
    ANSWERED = "answered", _("answered")
    CONNECTING = "connecting", _("connecting")
    CONNECTED = "connected", _("connected")
    ENDED = "ended", _("ended")
    RECORDED = "recorded", _("recording ready")


class Webhook(models.Model):
    """A subscription: an address that is told of the calls of its account.

    Change it through `calls.subscribe`, which judges it.
    """

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="webhooks", db_index=False
    )
    url = models.CharField(
        _("address"),
        max_length=LONGEST_ADDRESS,
        help_text=_("Where reports are sent by POST, such as https://www.example.com/calls."),
    )
    description = models.CharField(_("description"), max_length=200, blank=True)
    events = models.JSONField(
        _("told of"),
        default=list,
        blank=True,
        help_text=_('For example ["connected", "ended"]. None: everything.'),
    )
    active = models.BooleanField(_("active"), default=True)
    disabled_at = models.DateTimeField(_("switched off"), null=True, blank=True, editable=False)
    disabled_why = models.CharField(_("because"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("-created_at", "-id")
        indexes = (
            # Every batch of news of calls asks it.
            models.Index(fields=("account", "active"), name="ctc_webhook_account"),
        )

    def __str__(self) -> str:
        return self.description or self.url

    def wants(self, told: str) -> bool:
        return self.active and (not self.events or told in self.events)


class SigningSecret(models.Model):
    """What a receiver knows our reports by: of one webhook, or of an account's `notify_url`s.

    A secret that was replaced still signs until `retires_at`, beside the new one.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="signing_secrets")
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, null=True, blank=True, related_name="secrets"
    )
    secret = models.CharField(max_length=100, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    retires_at = models.DateTimeField(_("signs until"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("signing secret")
        verbose_name_plural = _("signing secrets")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("webhook",),
                condition=Q(webhook__isnull=False, retires_at=None),
                name="clicktocall_one_webhook_secret",
            ),
            models.UniqueConstraint(
                fields=("account",),
                condition=Q(webhook=None, retires_at=None),
                name="clicktocall_one_account_secret",
            ),
        )

    def __str__(self) -> str:
        return str(self.webhook or self.account)


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("pending")
    DELIVERED = "delivered", _("delivered")
    DEAD = "dead", _("given up")


class Delivery(models.Model):
    """One message to one receiver: its body as it was when it became news, until it is delivered.

    `id` is sent with every try of it, so that a receiver knows a repeat. Without a `webhook` it is
    the report to a call's own `notify_url`, which is then `url`.
    """

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    webhook = models.ForeignKey(
        Webhook,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(_("event"), max_length=32)
    url = models.CharField(_("address"), max_length=LONGEST_ADDRESS, blank=True)
    receiver = models.CharField(_("receiver"), max_length=300)
    content_type = models.CharField(_("content type"), max_length=64)
    body = models.BinaryField(_("body"))
    state = models.CharField(
        _("state"), max_length=16, choices=DeliveryState, default=DeliveryState.PENDING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(_("last answer"), null=True, blank=True)
    last_words = models.CharField(_("last result"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    done_at = models.DateTimeField(_("delivered or given up"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(
                fields=("receiver", "next_try_at"),
                name="ctc_delivery_due",
                condition=Q(state=DeliveryState.PENDING),
            ),
            models.Index(
                fields=("done_at",),
                name="ctc_delivery_delivered",
                condition=Q(state=DeliveryState.DELIVERED),
            ),
            models.Index(fields=("account", "-created_at", "-id"), name="ctc_delivery_account"),
            models.Index(fields=("webhook", "-created_at", "-id"), name="ctc_delivery_webhook"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def address(self) -> str:
        """Where it is sent: a webhook's address as it is now."""
        return self.webhook.url if self.webhook else self.url


class DeliveryTry(models.Model):
    """One try of a delivery, and what the receiver answered. Rows are only ever added."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(_("when"))
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    words = models.CharField(_("result"), max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField(_("took (ms)"), default=0)

    class Meta:
        verbose_name = _("try")
        verbose_name_plural = _("tries")
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status or self.words}"
