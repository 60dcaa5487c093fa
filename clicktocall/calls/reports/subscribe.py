"""What doors do with webhooks and deliveries: the same judgement whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from clicktocall.calls.database import atomic
from clicktocall.calls.reports.outbox import receiver_of
from clicktocall.calls.reports.secrets import (
    first_webhook_secret,
    rotate_account_secret,
    rotate_webhook_secret,
)
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Delivery, DeliveryState, Told, Webhook
from clicktocall.outbound import AddressRefused, check_public_url

__all__ = [
    "MOST_WEBHOOKS",
    "check_webhook",
    "replay",
    "rotate_account_secret",
    "rotate_webhook_secret",
    "save_webhook",
]

MOST_WEBHOOKS = 20  # of one account: each is written to at every move of every call


def save_webhook(webhook: Webhook, changes: Mapping[str, Any] | None = None) -> str:
    """Judge the webhook with `changes` (field name to value) and write it, new or not.

    Switched on again it forgets why it was off.

    Returns:
        The secret of a new webhook, which its receiver verifies with; "" for one that was there.

    Raises:
        ValidationError: a dictionary of field name to messages; nothing was written.
    """
    for name, value in (changes or {}).items():
        setattr(webhook, name, value)
    webhook.clean_fields(exclude=("account",))
    check_webhook(webhook)
    if webhook.active:
        webhook.disabled_at, webhook.disabled_why = None, ""
    elif webhook.disabled_at is None:
        webhook.disabled_at = timezone.now()
    adding = webhook._state.adding
    with atomic():
        webhook.save(force_insert=adding)
        if adding:
            return first_webhook_secret(webhook).secret
        webhook.deliveries.filter(state=DeliveryState.PENDING).update(
            receiver=receiver_of(webhook.url)
        )
    return ""


def check_webhook(webhook: Webhook) -> None:
    """Refuse what no message could ever be sent to, or what nobody can be told of.

    Raises:
        ValidationError: a dictionary of field name to messages.
    """
    problems: dict[str, list[str]] = {}
    try:
        check_public_url(webhook.url)
    except AddressRefused as error:
        problems["url"] = [str(error)]
    events: Any = webhook.events
    if not isinstance(events, list) or any(word not in Told.values for word in events):
        words = ", ".join(f"“{word}”" for word in Told.values)
        problems["events"] = [_("Give a list of any of these: %(words)s.") % {"words": words}]
    if webhook._state.adding and webhook.account_id:
        others = Webhook.objects.filter(account_id=webhook.account_id).count()
        if others >= MOST_WEBHOOKS:
            message = _("An account has at most %d webhooks.") % MOST_WEBHOOKS
            problems.setdefault("url", []).append(message)
    if problems:
        raise ValidationError(problems)


def replay(delivery: Delivery) -> Delivery:
    """Send the delivery once more, now, and then as often as a new one; it keeps its id.

    Raises:
        InvalidOption: its webhook is switched off.
    """
    if delivery.webhook and not delivery.webhook.active:
        raise InvalidOption("webhook", _("The webhook is switched off. Switch it on first."))
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.PENDING,
        receiver=receiver_of(delivery.address),
        tries=0,
        next_try_at=Now(),
        done_at=None,
    )
    return Delivery.objects.select_related("webhook").get(pk=delivery.pk)
