"""Two accounts with everything in them, and people with every role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from clicktocall.accounts.keys import issue_key
from clicktocall.calls.events import apply_event
from clicktocall.calls.reports.subscribe import save_webhook
from clicktocall.models import (
    Account,
    ApiKey,
    Brake,
    BrakeScope,
    Call,
    CallbackReceipt,
    Delivery,
    Endpoint,
    Membership,
    OwnedNumber,
    Refusal,
    RefusalCount,
    Role,
    Source,
    Webhook,
)
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome
from tests.factories import make_account, make_attempt, make_call, make_endpoint, make_owned_number


@dataclass
class House:
    """An account with one of everything; `mark` stands in every text of it."""

    mark: str
    account: Account
    number: OwnedNumber
    endpoint: Endpoint
    call: Call
    receipt: CallbackReceipt
    refusal: Refusal
    count: RefusalCount
    key: ApiKey
    secret: str
    brake: Brake
    webhook: Webhook
    delivery: Delivery


@pytest.fixture
def house(db: None) -> Callable[..., House]:
    return build_house


@pytest.fixture
def ours(db: None) -> House:
    return build_house("OURS", "0101")


@pytest.fixture
def theirs(db: None) -> House:
    return build_house("THEIRS", "0177")


@pytest.fixture
def superuser(db: None) -> Client:
    return _client(User.objects.create_superuser("root", password="root"))


@pytest.fixture
def member(db: None) -> Callable[..., Client]:
    """A client logged in as staff with all of Django's permissions on this app, and this role."""

    def logged_in(account: Account | None, role: str = Role.VIEWER) -> Client:
        user = User.objects.create_user(f"{role}-{User.objects.count()}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="clicktocall"))
        if account is not None:
            Membership.objects.create(account=account, user=user, role=role)
        return _client(user)

    return logged_in


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def build_house(mark: str, ending: str = "0101") -> House:
    account = make_account(name=f"{mark} account")
    owner = User.objects.create_user(f"{mark}-owner", is_staff=True)
    Membership.objects.create(account=account, user=owner, role=Role.MANAGER)
    number = make_owned_number(account, label=f"{mark} number")
    endpoint = make_endpoint(
        account,
        name=f"{mark} endpoint",
        caller_id_a=number,
        whitelist=[rf"\+44{len(mark)}"],
        consent_text=f"{mark} consent",
        consent_version=mark,
    )
    call, receipt = _completed_call(endpoint, mark, f"+44207946{ending}")
    refusal = Refusal.objects.create(
        endpoint=endpoint,
        rule=f"{mark}_rule".lower(),
        code="not_available",
        detail=f"{mark} detail",
        contact=f"+44207946{ending}",
        door="embed",
        requester=f"{mark} requester",
        origin=f"https://{mark.lower()}.example",
        page=f"https://{mark.lower()}.example/page",
    )
    counted = RefusalCount.objects.create(
        endpoint=endpoint, rule=refusal.rule, hour=timezone.now(), count=7
    )
    key, secret = issue_key(account, f"{mark} key")
    brake = Brake.objects.create(
        scope=BrakeScope.ACCOUNT, account=account, reason=f"{mark} reason", pulled_by=mark
    )
    webhook = Webhook(account=account, url=f"https://{mark.lower()}.example/", description=mark)
    save_webhook(webhook)
    delivery = Delivery.objects.create(
        account=account,
        webhook=webhook,
        call=call,
        event="call.ended",
        receiver=f"{mark.lower()}.example",
        content_type="application/json",
        body=f'{{"note": "{mark} body"}}'.encode(),
        state="dead",
        last_words=f"{mark} words",
    )
    delivery.log.create(at=timezone.now(), status=500, words=f"{mark} words")
    return House(
        *(mark, account, number, endpoint, call, receipt, refusal, counted, key, secret, brake),
        webhook=webhook,
        delivery=delivery,
    )


def _completed_call(endpoint: Endpoint, mark: str, contact: str) -> tuple[Call, CallbackReceipt]:
    call = make_call(
        endpoint,
        contact=contact,
        state=CallState.PLACED,
        requester=f"{mark} requester",
        client_reference=f"{mark}-client-reference",
        page=f"https://{mark.lower()}.example/page",
        context={"note": f"{mark} context"},
        visitor_name=f"{mark} Visitor",
        visitor_email=f"{mark.lower()}@example.com",
        visitor_question=f"{mark} question",
        consent_text=f"{mark} consent",
        consent_version=mark,
    )
    attempt = make_attempt(call, provider_reference=f"{mark}-provider-reference")
    receipt = CallbackReceipt.objects.create(
        provider=call.provider,
        method="POST",
        query={"note": f"{mark} query"},
        body=f'{{"note": "{mark} body"}}'.encode(),
        status="applied",
    )
    began = attempt.created_at
    for after, kind, leg, more in (
        (1, EventKind.RINGING, Leg.A, {}),
        (4, EventKind.ANSWERED, Leg.A, {}),
        (5, EventKind.RINGING, Leg.B, {}),
        (9, EventKind.ANSWERED, Leg.B, {}),
        (10, EventKind.JOINED, None, {}),
        (30, EventKind.LEG_ENDED, Leg.B, {"leg_state": LegState.ENDED}),
        (31, EventKind.ENDED, None, {"outcome": Outcome.COMPLETED, "talk_seconds": 20}),
    ):
        reported = ReportedEvent(
            kind=kind,
            leg=leg,
            occurred_at=began + timedelta(seconds=after),
            words=f"{mark} words",
            **more,
        )
        apply_event(attempt, reported, source=Source.PROVIDER, receipt=receipt)
    call.refresh_from_db()
    return call, receipt


def page_of(obj: Any, view: str = "change") -> str:
    from django.urls import reverse

    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{view}", args=(obj.pk,))


def list_of(model: Any, view: str = "changelist") -> str:
    from django.urls import reverse

    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}")
