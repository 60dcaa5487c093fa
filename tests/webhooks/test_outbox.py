"""What is to be sent is written in the transaction in which it becomes true."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clicktocall.calls import cancel_call
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.reports.outbox import post_ends, receiver_of
from clicktocall.models import Call, Delivery
from clicktocall.states import CallState, EventKind, Leg, Outcome
from tests.factories import make_account, make_attempt, make_call, make_endpoint
from tests.webhooks.making import (
    ended,
    make_placed,
    make_webhook,
    said,
    told,
    whole_call,
)

pytestmark = pytest.mark.django_db

HOOK = "https://www.example.com/calls"
NOTIFY = "https://client.example.com/notify?for=7"


def types() -> list[str]:
    return sorted(json.loads(bytes(one.body))["type"] for one in Delivery.objects.all())


def test_every_state_the_call_comes_to_is_told() -> None:
    webhook = make_webhook(url=HOOK)
    attempt = make_placed(webhook.account)
    for event in whole_call():
        told(attempt, event)

    sent = [json.loads(bytes(one.body)) for one in Delivery.objects.order_by("created_at")]
    assert [(one["type"], one["data"]["state"]) for one in sent] == [
        ("call.ringing", "ringing"),
        ("call.answered", "answered"),
        ("call.connecting", "connecting"),
        ("call.connected", "connected"),
        ("call.ended", "ended"),
    ]
    one = Delivery.objects.earliest("created_at")
    assert (one.account, one.webhook, one.call_id) == (webhook.account, webhook, attempt.call_id)
    assert (one.event, one.content_type, one.state) == (
        "call.ringing",
        "application/json",
        "pending",
    )
    assert (one.receiver, one.address) == ("www.example.com", HOOK)
    assert len({one.pk for one in Delivery.objects.all()}) == 5


def test_states_that_were_only_passed_through_are_facts_and_no_news() -> None:
    webhook = make_webhook(url=HOOK)
    told(make_placed(webhook.account), *whole_call())
    (one,) = Delivery.objects.all()
    sent = json.loads(bytes(one.body))
    assert sent["type"] == "call.ended"
    assert sent["data"]["attempts"][0]["leg_times"]["a"]["answered_at"]


def test_a_repeated_report_is_no_news() -> None:
    webhook = make_webhook(url=HOOK)
    attempt, event = make_placed(webhook.account), ended()
    told(attempt, event)
    told(attempt, event)
    told(attempt, said(EventKind.NOTE, words="nothing new"))
    assert types() == ["call.ended"]


def test_only_the_events_that_are_wanted() -> None:
    account = make_account()
    make_webhook(account, url=HOOK, events=["connected", "ended"])
    make_webhook(account, url=HOOK, events=["ringing"])
    make_webhook(account, url=HOOK, active=False)
    attempt = make_placed(account)
    for event in whole_call():
        told(attempt, event)
    assert types() == ["call.connected", "call.ended", "call.ringing"]


def test_nobody_is_told_of_another_accounts_calls() -> None:
    make_webhook(url=HOOK)
    told(make_placed(), *whole_call())
    assert not Delivery.objects.exists()


def test_a_call_that_is_dialled_again_is_scheduled() -> None:
    webhook = make_webhook(url=HOOK)
    told(
        make_placed(webhook.account, retry_max_count=2, retry_min_period=1, retry_max_period=5),
        ended(Outcome.BUSY, leg=Leg.A),
    )
    assert types() == ["call.scheduled"]


def test_a_recording_that_comes_after_the_end_is_told() -> None:
    webhook = make_webhook(url=HOOK, events=["recorded"])
    attempt = make_placed(webhook.account)
    told(attempt, *whole_call())
    told(attempt, said(EventKind.RECORDED, recording_url="https://provider.example/r/1"))
    assert types() == ["call.recorded"]
    body = bytes(Delivery.objects.get().body)
    assert b"provider.example" not in body
    assert json.loads(body)["data"]["recording"].endswith(f"/calls/{attempt.call_id}/recording/")


def test_an_end_that_turns_out_to_be_another_is_told_again() -> None:
    webhook = make_webhook(url=HOOK)
    attempt = make_placed(webhook.account, notify_url=NOTIFY)
    told(attempt, ended(Outcome.UNKNOWN))
    told(attempt, *whole_call())
    outcomes = [
        json.loads(bytes(one.body))["data"]["outcome"]
        for one in Delivery.objects.exclude(webhook=None).order_by("created_at")
    ]
    assert outcomes == ["unknown", "completed"]
    assert Delivery.objects.filter(webhook=None).count() == 2


# --- a call's own report -----------------------------------------------------------------------


def test_a_call_with_a_notify_url_is_reported_when_it_is_over() -> None:
    attempt = make_placed(notify_url=NOTIFY)
    for event in whole_call():
        told(attempt, event)
    (one,) = Delivery.objects.all()
    assert (one.webhook, one.address, one.receiver) == (None, NOTIFY, "client.example.com")
    assert (one.event, one.content_type) == ("report", "application/json")
    assert json.loads(bytes(one.body))["results"][0]["messageId"] == attempt.call_id


def test_it_is_written_as_xml_where_that_is_asked() -> None:
    told(
        make_placed(notify_url=NOTIFY, notify_content_type="application/xml"),
        *whole_call(),
    )
    (one,) = Delivery.objects.all()
    assert one.content_type == "application/xml"
    assert bytes(one.body).startswith(b"<?xml")


def test_a_call_that_is_dialled_again_is_not_reported_yet() -> None:
    told(
        make_placed(notify_url=NOTIFY, retry_max_count=1, retry_min_period=1, retry_max_period=1),
        ended(Outcome.NO_ANSWER, leg=Leg.A),
    )
    assert not Delivery.objects.exists()


def test_ends_outside_an_attempt_can_be_told_too() -> None:
    account = make_account()
    make_webhook(account, url=HOOK)
    call = make_call(
        make_endpoint(account),
        state=CallState.ENDED,
        outcome=Outcome.EXPIRED,
        options={"notify_url": NOTIFY},
    )
    post_ends([Call.objects.get(pk=call.pk)], timezone.now())
    report = json.loads(bytes(Delivery.objects.get(webhook=None).body))["results"][0]
    assert report["status"]["name"] == "EXPIRED_EXPIRED"
    assert (
        json.loads(bytes(Delivery.objects.get(event="call.ended").body))["data"]["attempts"] == []
    )


# --- together with what it tells ---------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_told() -> None:
    webhook = make_webhook(url=HOOK)
    attempt = make_placed(webhook.account)

    with transaction.atomic():
        told(attempt, ended())
        assert Delivery.objects.exists()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
    assert Call.objects.get(pk=attempt.call_id).state == CallState.PLACED


def test_it_costs_one_query_and_none_without_news() -> None:
    attempts = [make_placed() for _ in range(5)]

    def asked(*events: Any) -> list[str]:
        with CaptureQueriesContext(connection) as looked:
            for attempt in attempts[:1]:
                told(attempt, *events)
        return [query["sql"] for query in looked.captured_queries]

    moving = asked(*whole_call())
    assert sum("clicktocall_webhook" in sql for sql in moving) == 1
    assert not any("clicktocall_delivery" in sql for sql in moving)
    standing = asked(said(EventKind.NOTE, words="nothing new"))
    assert not any("clicktocall_webhook" in sql for sql in standing)


def test_one_query_serves_a_batch_and_goes_by_an_index(on_postgresql: bool) -> None:
    from clicktocall.calls.events import News, apply_news
    from clicktocall.models import Source

    attempts = [make_placed() for _ in range(20)]
    with CaptureQueriesContext(connection) as looked:
        apply_news([News(attempt, ended(), Source.PROVIDER) for attempt in attempts])
    (sql,) = [q["sql"] for q in looked.captured_queries if "clicktocall_webhook" in q["sql"]]
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'' if on_postgresql else 'QUERY PLAN'} {sql}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "ctc_webhook_account" in plan, plan


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://Example.com/a", "example.com"),
        ("http://example.com:8080/a", "example.com:8080"),
        ("http://[::1", ""),
        ("nonsense", ""),
    ],
)
def test_who_receives(url: str, receiver: str) -> None:
    assert receiver_of(url) == receiver


def test_attempts_before_the_last_one_are_told() -> None:
    webhook = make_webhook(url=HOOK)
    first = make_placed(webhook.account)
    second = make_attempt(first.call)
    told(second, ended())
    (one,) = Delivery.objects.all()
    data = json.loads(bytes(one.body))["data"]
    assert [each["reference"] for each in data["attempts"]] == [first.reference, second.reference]
    assert data["reference"] == second.reference


def waiting(**fields: Any) -> Call:
    """A call on the queue whose end two are told of."""
    account = make_account()
    make_webhook(account, url=HOOK, events=["ended"])
    options = {"notify_url": NOTIFY}
    return make_call(make_endpoint(account), options=options, **fields)


def reported() -> str:
    assert types_of_webhooks() == ["call.ended"]
    (result,) = json.loads(bytes(Delivery.objects.get(webhook=None).body))["results"]
    return str(result["status"]["name"])


def types_of_webhooks() -> list[str]:
    return list(Delivery.objects.exclude(webhook=None).values_list("event", flat=True))


def test_a_call_taken_off_the_queue_is_told() -> None:
    call = waiting()
    cancel_call(call)
    cancel_call(call)  # which changes nothing
    assert reported() == "CANCELLED"


@pytest.mark.django_db(transaction=True)
def test_a_call_that_nobody_could_place_in_time_is_told() -> None:
    past = timezone.now() - timedelta(minutes=5)
    waiting(due_at=past, expires_at=past + timedelta(minutes=1))
    CallDispatcher(["sandbox"]).step()
    assert reported() == "EXPIRED_EXPIRED"
