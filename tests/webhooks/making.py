"""Webhooks, deliveries and calls that move, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from clicktocall.calls.events import News, apply_news
from clicktocall.calls.reports.deliver import Deliverer
from clicktocall.calls.reports.outbox import receiver_of
from clicktocall.calls.reports.subscribe import save_webhook
from clicktocall.models import Account, Attempt, Call, Delivery, Source, Webhook
from clicktocall.models.fields import hex_id
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Leg, Outcome
from tests.factories import make_account, make_attempt, make_call, make_endpoint

ALIAS = "sandbox"


def make_webhook(account: Account | None = None, **fields: Any) -> Webhook:
    webhook = Webhook(account=account or make_account(), **fields)
    save_webhook(webhook)
    return webhook


def secret_of(webhook: Webhook) -> str:
    """The newest secret."""
    return webhook.secrets.get(retires_at=None).secret


def make_placed(account: Account | None = None, **options: Any) -> Attempt:
    """An attempt that its provider holds, of a call with these options."""
    endpoint = make_endpoint(account)
    call = make_call(
        endpoint,
        state=CallState.PLACED,
        options={**endpoint.call_options().to_json(), **options},
    )
    return make_attempt(call)


def told(attempt: Attempt, *events: ReportedEvent) -> Call:
    """The provider reports these, all at once."""
    apply_news([News(attempt, event, Source.PROVIDER) for event in events])
    return Call.objects.get(pk=attempt.call_id)


def said(kind: EventKind, leg: Leg | None = None, **known: Any) -> ReportedEvent:
    return ReportedEvent(
        kind=kind, leg=leg, **{"occurred_at": timezone.now(), "event_id": hex_id(), **known}
    )


def ended(outcome: Outcome = Outcome.COMPLETED, **known: Any) -> ReportedEvent:
    return said(EventKind.ENDED, outcome=outcome, **known)


def whole_call(seconds: int = 30) -> list[ReportedEvent]:
    """Both answer, talk and hang up."""
    end = timezone.now()
    begin = end - timedelta(seconds=seconds + 10)
    joined = end - timedelta(seconds=seconds)
    return [
        said(EventKind.RINGING, Leg.A, occurred_at=begin),
        said(EventKind.ANSWERED, Leg.A, occurred_at=begin + timedelta(seconds=4)),
        said(EventKind.RINGING, Leg.B, occurred_at=begin + timedelta(seconds=5)),
        said(EventKind.ANSWERED, Leg.B, occurred_at=joined),
        said(EventKind.JOINED, occurred_at=joined),
        said(EventKind.ENDED, occurred_at=end, outcome=Outcome.COMPLETED),
    ]


def make_delivery(webhook: Webhook, call: Call | None = None, **fields: Any) -> Delivery:
    """Something to be sent to the webhook now."""
    call = call or make_call(make_endpoint(webhook.account))
    given = {
        "account": webhook.account,
        "webhook": webhook,
        "call": call,
        "event": "call.ended",
        "receiver": receiver_of(webhook.url),
        "content_type": "application/json",
        "body": b'{"type":"call.ended"}',
        "next_try_at": timezone.now() - timedelta(seconds=1),
        **fields,
    }
    return Delivery.objects.create(**given)


def deliver() -> None:
    """One round of a deliverer: everything that is due now is tried."""
    Deliverer().drain()


def due_now(delivery: Delivery) -> None:
    """As if its next try had come."""
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(pk=delivery.pk).update(next_try_at=past)
