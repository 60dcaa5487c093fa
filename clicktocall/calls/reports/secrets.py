"""Which secrets sign what: those of the webhook, or of the account for its `notify_url`s."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.utils import timezone

from clicktocall.calls.database import atomic
from clicktocall.calls.reports.sign import new_secret
from clicktocall.models import Account, Delivery, SigningSecret, Webhook

# A secret that was replaced signs for so long beside the new one.
OVERLAP = timedelta(hours=24)


def secrets_of(deliveries: Sequence[Delivery]) -> dict[str, tuple[str, ...]]:
    """What each of the deliveries is signed with, the newest secret first."""
    webhooks = {one.webhook_id for one in deliveries if one.webhook_id}
    accounts = {one.account_id for one in deliveries if not one.webhook_id}
    found: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    if deliveries:
        owners = Q(webhook__in=webhooks) | Q(webhook=None, account__in=accounts)
        for row in _in_force().filter(owners):
            found[row.account_id, row.webhook_id].append(row.secret)
    return {one.pk: tuple(_of(one, found)) for one in deliveries}


def account_secrets(account: Account) -> list[SigningSecret]:
    """What reports to this account's `notify_url`s are signed with, the newest first.

    The first one is made when it is first asked for.
    """
    rows = list(_in_force().filter(account=account, webhook=None))
    return rows or [_first_of(account.pk)]


def rotate_account_secret(account: Account) -> SigningSecret:
    """Replace the account's secret; the old one signs for `OVERLAP` more."""
    account_secrets(account)
    with atomic():
        _retire(Q(account=account, webhook=None))
        return SigningSecret.objects.create(account=account, secret=new_secret())


def first_webhook_secret(webhook: Webhook) -> SigningSecret:
    return SigningSecret.objects.create(
        account_id=webhook.account_id, webhook=webhook, secret=new_secret()
    )


def rotate_webhook_secret(webhook: Webhook) -> SigningSecret:
    """Replace the webhook's secret; the old one signs for `OVERLAP` more."""
    with atomic():
        _retire(Q(webhook=webhook))
        return first_webhook_secret(webhook)


def _in_force() -> QuerySet[SigningSecret]:
    return SigningSecret.objects.filter(Q(retires_at=None) | Q(retires_at__gt=timezone.now()))


def _of(delivery: Delivery, found: dict[tuple[str, str | None], list[str]]) -> list[str]:
    known = found.get((delivery.account_id, delivery.webhook_id))
    return known or [_first_of(delivery.account_id, delivery.webhook_id).secret]


def _first_of(account_id: str, webhook_id: str | None = None) -> SigningSecret:
    try:
        with atomic():
            return SigningSecret.objects.create(
                account_id=account_id, webhook_id=webhook_id, secret=new_secret()
            )
    except IntegrityError:  # somebody else was quicker
        return SigningSecret.objects.get(
            account_id=account_id, webhook_id=webhook_id, retires_at=None
        )


def _retire(whose: Q) -> None:
    SigningSecret.objects.filter(whose, retires_at=None).update(retires_at=timezone.now() + OVERLAP)
