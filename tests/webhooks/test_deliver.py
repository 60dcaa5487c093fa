"""Delivering: at least once, with a stable id, until it arrives or is given up."""

from __future__ import annotations

import json
import socket
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier

from clicktocall.calls.reports import due
from clicktocall.calls.reports.deliver import Deliverer, delivering
from clicktocall.calls.reports.results import record_tries
from clicktocall.calls.reports.secrets import (
    account_secrets,
    rotate_account_secret,
    rotate_webhook_secret,
)
from clicktocall.calls.reports.sending import Letter, Tried
from clicktocall.calls.reports.subscribe import MOST_WEBHOOKS, replay, save_webhook
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Delivery, DeliveryState, DeliveryTry, SigningSecret, Webhook
from clicktocall.states import CallState
from tests.embed.faults import failing
from tests.factories import make_account, make_call, make_endpoint
from tests.providers.loopback import MisbehavingServer, Peer
from tests.webhooks.making import (
    deliver,
    due_now,
    ended,
    make_delivery,
    make_placed,
    make_webhook,
    secret_of,
    told,
    whole_call,
)
from tests.webhooks.receiver import Message, Receiver

DELIVER = "clicktocall.calls.reports.deliver"

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def answering(*statuses: int) -> Any:
    """These, one after the other; then 204."""
    left = list(statuses)
    return lambda _message: left.pop(0) if left else 204


# --- what arrives ------------------------------------------------------------------------------


def test_a_webhook_gets_a_message_that_can_be_verified(receiver: Receiver) -> None:
    webhook = make_webhook(url=receiver.url)
    told(make_placed(webhook.account), *whole_call())
    deliver()

    (message,) = receiver.messages
    delivery = Delivery.objects.get()
    assert message.id == delivery.pk
    assert message.path == "/reports"
    assert message.headers["content-type"] == "application/json"
    verified = Verifier(secret_of(webhook)).verify(message.body, message.headers)
    assert verified["type"] == "call.ended"
    assert (delivery.state, delivery.tries, delivery.last_status) == ("delivered", 1, 204)
    assert delivery.done_at
    assert delivery.next_try_at is None
    (row,) = delivery.log.all()
    assert (row.status, row.words) == (204, "")


def test_a_report_is_signed_with_the_accounts_secret(receiver: Receiver) -> None:
    attempt = make_placed(notify_url=receiver.url, notify_content_type="application/xml")
    told(attempt, *whole_call())
    assert not SigningSecret.objects.exists()
    deliver()

    (message,) = receiver.messages
    assert message.headers["content-type"] == "application/xml"
    (secret,) = account_secrets(attempt.call.account)  # made on its first use
    Verifier(secret.secret).verify(message.body, message.headers, json_parse=False)


def test_nothing_is_sent_twice_when_it_has_arrived(receiver: Receiver) -> None:
    delivery = make_delivery(make_webhook(url=receiver.url))
    deliver()
    deliver()
    assert len(receiver.messages) == 1
    assert fresh(delivery).tries == 1


# --- what does not arrive ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 400, 404, 429, 500, 503])
def test_anything_but_2xx_is_tried_again_with_the_same_id(status: int, receiver: Receiver) -> None:
    answers: list[Any] = [(status, {"Location": receiver.url}), 204]
    receiver.answer = lambda _message: answers.pop(0)
    delivery = make_delivery(make_webhook(url=receiver.url))
    deliver()
    failed = fresh(delivery)
    assert (failed.state, failed.tries, failed.last_status) == ("pending", 1, status)
    assert failed.next_try_at
    assert timedelta(seconds=3) < failed.next_try_at - timezone.now() < timedelta(seconds=6)

    due_now(delivery)
    deliver()
    assert (fresh(delivery).state, fresh(delivery).tries) == ("delivered", 2)
    first, second = receiver.messages
    assert first.id == second.id == delivery.pk
    assert first.body == second.body
    assert [row.status for row in delivery.log.all()] == [status, 204]


def test_the_ladder_takes_about_three_days_and_ends_as_a_dead_letter(receiver: Receiver) -> None:
    receiver.answer = lambda _message: 500
    delivery = make_delivery(make_webhook(url=receiver.url))
    waits = []
    while fresh(delivery).state == DeliveryState.PENDING:
        due_now(delivery)
        before = timezone.now()
        deliver()
        next_try = fresh(delivery).next_try_at
        if next_try:
            waits.append((next_try - before).total_seconds())
    assert len(waits) == 10
    for waited, pause in zip(
        waits, (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 64800, 79200), strict=True
    ):
        assert 0.89 * pause <= waited <= 1.1 * pause + 5
    assert 2.5 * 86400 < sum(waits) < 3.5 * 86400
    dead = fresh(delivery)
    assert (dead.state, dead.tries, dead.last_status, dead.next_try_at) == ("dead", 11, 500, None)
    assert dead.log.count() == 11
    deliver()
    assert len(receiver.messages) == 11


def test_pauses_differ(receiver: Receiver) -> None:
    receiver.answer = lambda _message: 500
    webhook = make_webhook(url=receiver.url)
    for _ in range(6):
        make_delivery(webhook)
    deliver()
    pauses = {
        (one.next_try_at - one.log.get().at).total_seconds()
        for one in Delivery.objects.all()
        if one.next_try_at
    }
    assert max(pauses) - min(pauses) > 0.05


def test_a_receiver_may_ask_for_more_time(receiver: Receiver) -> None:
    receiver.answer = lambda _message: (429, {"Retry-After": "600"})
    delivery = make_delivery(make_webhook(url=receiver.url))
    deliver()
    next_try = fresh(delivery).next_try_at
    assert next_try
    assert timedelta(seconds=590) < next_try - timezone.now() <= timedelta(seconds=600)


def test_nobody_there() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    delivery = make_delivery(make_webhook(url=f"http://127.0.0.1:{port}/"))
    deliver()
    failed = fresh(delivery)
    assert (failed.state, failed.last_status) == ("pending", None)
    assert "cannot be reached" in failed.last_words
    assert "cannot be reached" in failed.log.get().words


def test_what_a_receiver_says_is_not_kept() -> None:
    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"<h1>secrets of an inner network</h1>", status="500 Oh my secret")

    with MisbehavingServer(behave) as server:
        delivery = make_delivery(make_webhook(url=f"{server.url}/"))
        deliver()
    kept = [fresh(delivery).last_words, *delivery.log.values_list("words", flat=True)]
    assert not any("secret" in words for words in kept)


def test_an_answer_that_breaks_off_after_its_head_counts() -> None:
    def behave(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    with MisbehavingServer(behave) as server:
        delivery = make_delivery(make_webhook(url=f"{server.url}/"))
        deliver()
    assert fresh(delivery).state == "delivered"


def test_an_address_that_leads_inside_is_refused_at_every_try(
    receiver: Receiver, settings: Any
) -> None:
    delivery = make_delivery(make_webhook(url=receiver.url))
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "ALLOWED_PRIVATE_HOSTS": []}
    deliver()
    failed = fresh(delivery)
    assert (failed.state, failed.last_status) == ("pending", None)
    assert "not a public host" in failed.last_words
    assert receiver.messages == []


# --- 410 and switching off ---------------------------------------------------------------------


def test_410_switches_the_webhook_off_and_keeps_what_was_not_delivered(
    receiver: Receiver, settings: Any
) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "REPORTS_PER_RECEIVER": 1}
    receiver.answer = lambda _message: 410
    webhook = make_webhook(url=receiver.url)
    waiting = make_delivery(webhook, next_try_at=timezone.now() + timedelta(hours=1))
    refused = make_delivery(webhook)
    deliver()

    webhook.refresh_from_db()
    assert not webhook.active
    assert webhook.disabled_at
    assert "410" in webhook.disabled_why
    assert (fresh(refused).state, fresh(refused).last_status) == ("dead", 410)
    due_now(waiting)
    deliver()
    assert (fresh(waiting).state, fresh(waiting).tries) == ("dead", 0)
    assert "switched off" in fresh(waiting).last_words
    assert len(receiver.messages) == 1
    told(make_placed(webhook.account), ended())
    assert Delivery.objects.count() == 2  # nobody is told any more


def test_410_to_a_report_switches_nothing_off(receiver: Receiver) -> None:
    receiver.answer = answering(410)
    attempt = make_placed(notify_url=receiver.url)
    told(attempt, ended())
    deliver()
    assert Delivery.objects.get().state == "dead"
    told(make_placed(attempt.call.account, notify_url=receiver.url), ended())
    deliver()
    assert Delivery.objects.filter(state="delivered").count() == 1


def test_switched_on_again_dead_letters_can_be_replayed(receiver: Receiver) -> None:
    receiver.answer = answering(410)
    webhook = make_webhook(url=receiver.url)
    delivery = make_delivery(webhook)
    deliver()
    with pytest.raises(InvalidOption, match="switched off"):
        replay(fresh(delivery))
    webhook.refresh_from_db()
    save_webhook(webhook, {"active": True})
    assert (webhook.disabled_at, webhook.disabled_why) == (None, "")
    again = replay(fresh(delivery))
    assert (again.state, again.tries) == ("pending", 0)
    deliver()
    assert fresh(delivery).state == "delivered"
    assert [message.id for message in receiver.messages] == [delivery.pk] * 2
    assert delivery.log.count() == 2


def test_a_changed_address_is_used_for_what_still_waits(receiver: Receiver) -> None:
    webhook = make_webhook(url="http://127.0.0.1:9/")
    delivery = make_delivery(webhook)
    save_webhook(webhook, {"url": receiver.url})
    assert fresh(delivery).receiver == f"127.0.0.1:{receiver.port}"
    deliver()
    assert fresh(delivery).state == "delivered"


def test_a_webhook_that_is_removed_meanwhile_hurts_nobody(receiver: Receiver) -> None:
    webhook, other = make_webhook(url=receiver.url), make_webhook(url=receiver.url)
    make_delivery(webhook)
    kept = make_delivery(other)

    def remove_and_answer(message: Message) -> int:
        time.sleep(0.3)
        return 204

    receiver.answer = remove_and_answer
    deliverer = Deliverer()
    deliverer.step()
    webhook.delete()
    deliverer.drain()
    assert fresh(kept).state == "delivered"
    assert DeliveryTry.objects.count() == 1


# --- secrets -----------------------------------------------------------------------------------


def test_while_a_secret_is_replaced_both_sign_for_a_day(receiver: Receiver) -> None:
    webhook = make_webhook(url=receiver.url)
    old = secret_of(webhook)
    new = rotate_webhook_secret(webhook).secret
    assert new != old
    make_delivery(webhook)
    deliver()
    message = receiver.messages[0]
    for secret in (old, new):
        Verifier(secret).verify(message.body, message.headers)
    assert message.headers["webhook-signature"].count("v1,") == 2

    replaced = webhook.secrets.exclude(retires_at=None)
    assert timedelta(hours=23) < replaced.get().retires_at - timezone.now() < timedelta(hours=25)  # type: ignore[operator]
    replaced.update(retires_at=timezone.now())
    make_delivery(webhook)
    deliver()
    message = receiver.messages[1]
    assert message.headers["webhook-signature"].count("v1,") == 1
    Verifier(new).verify(message.body, message.headers)
    assert [row.secret for row in webhook.secrets.all()] == [new]  # the retired one was removed


def test_an_account_has_one_secret_until_it_is_replaced() -> None:
    account = make_account()
    (first,) = account_secrets(account)
    assert account_secrets(account) == [first]
    second = rotate_account_secret(account)
    assert account_secrets(account) == [second, SigningSecret.objects.get(pk=first.pk)]
    assert account_secrets(make_account()) != account_secrets(account)


# --- saving ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "ftp://example.com/", "https://"),
        ("url", "https://user:pass@example.com/", "user name"),
        ("url", "http://10.0.0.7/", "not a public host"),
        ("url", "http://169.254.169.254/latest/", "not a public host"),
        ("url", "http://[::ffff:10.0.0.1]/", "not a public host"),
        ("url", "", "blank"),
        ("events", ["ended", "exploded"], "“ended”"),
        ("events", "ended", "list"),
    ],
)
def test_what_cannot_be_saved(field: str, value: Any, words: str) -> None:
    webhook = Webhook(account=make_account(), url="https://www.example.com/")
    with pytest.raises(ValidationError) as refused:
        save_webhook(webhook, {field: value})
    assert words in refused.value.message_dict[field][0]
    assert not Webhook.objects.exists()


def test_an_account_has_only_so_many_webhooks() -> None:
    account = make_account()
    for _ in range(MOST_WEBHOOKS):
        make_webhook(account, url="https://www.example.com/")
    with pytest.raises(ValidationError, match="at most 20"):
        make_webhook(account, url="https://www.example.com/")


# --- several at work ---------------------------------------------------------------------------


def test_what_one_has_taken_no_other_takes() -> None:
    webhook = make_webhook(url="http://127.0.0.1:9/")
    for _ in range(5):
        make_delivery(webhook)
    assert due.due_receivers() == ["127.0.0.1:9"]
    first = due.take_due({"127.0.0.1:9": 3})
    second = due.take_due({"127.0.0.1:9": 9})
    assert (len(first), len(second)) == (3, 2)
    assert not set(first) & set(second)
    assert due.take_due({"127.0.0.1:9": 9}) == []
    assert due.due_receivers() == []


def test_what_a_dead_process_had_taken_is_taken_by_another(receiver: Receiver) -> None:
    delivery = make_delivery(make_webhook(url=receiver.url))
    due.take_due({delivery.receiver: 1})
    deliver()
    assert receiver.messages == []
    leased = fresh(delivery).next_try_at
    assert leased
    assert timedelta(seconds=100) < leased - timezone.now() <= due.LEASE
    due_now(delivery)  # as if the lease had ended
    deliver()
    assert fresh(delivery).state == "delivered"


def test_one_that_arrived_by_another_process_stays_delivered() -> None:
    delivery = make_delivery(make_webhook(url="http://127.0.0.1:9/"), state="delivered")
    letter = Letter(delivery.pk, "r", "u", "t", b"", (), 0, None, 0.0)
    record_tries([Tried(letter, timezone.now(), 15.0, words="no answer")])
    assert fresh(delivery).state == "delivered"


def test_the_receiver_that_waits_longest_comes_first() -> None:
    now = timezone.now()
    for port, seconds in ((7001, 5), (7002, 50), (7003, -60)):
        webhook = make_webhook(url=f"http://127.0.0.1:{port}/")
        for later in (0, 1):
            at = now - timedelta(seconds=seconds - later)
            make_delivery(webhook, next_try_at=at)
    assert due.due_receivers() == ["127.0.0.1:7002", "127.0.0.1:7001"]


@pytest.mark.parametrize(
    "look", [due.due_receivers, lambda: due.take_due({"a": 3})], ids=["receivers", "take"]
)
def test_looks_at_the_outbox_go_by_its_index(look: Any, on_postgresql: bool) -> None:
    with CaptureQueriesContext(connection) as looked:
        look()
    (sql,) = [q["sql"] for q in looked.captured_queries if "clicktocall_delivery" in q["sql"]]
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'' if on_postgresql else 'QUERY PLAN'} {sql.replace('%%', '%')}")
        plan = [str(row[-1]) for row in cursor.fetchall()]
        if on_postgresql:
            cursor.execute("RESET enable_seqscan")
    assert any("ctc_delivery_due" in line for line in plan), plan
    assert not any("Seq Scan on clicktocall_delivery" in line for line in plan), plan
    assert "SCAN clicktocall_delivery" not in plan


def test_old_arrivals_are_removed_and_dead_letters_stay() -> None:
    webhook = make_webhook(url="http://127.0.0.1:9/")
    long_ago = timezone.now() - timedelta(days=31)
    call = make_call(make_endpoint(webhook.account), state=CallState.ENDED)
    old = {"done_at": long_ago, "next_try_at": None}
    for _ in range(3):
        DeliveryTry.objects.create(
            delivery=make_delivery(webhook, call, state="delivered", **old), at=long_ago
        )
    dead = make_delivery(webhook, call, state="dead", **old)
    recent = make_delivery(
        webhook, call, state="delivered", done_at=timezone.now(), next_try_at=None
    )
    deliver()
    assert set(Delivery.objects.values_list("pk", flat=True)) == {dead.pk, recent.pk}
    assert not DeliveryTry.objects.exists()


def test_a_small_message_of_every_state_reaches_a_real_receiver_in_a_second(
    receiver: Receiver,
) -> None:
    webhook = make_webhook(url=receiver.url)
    attempt = make_placed(webhook.account)
    for event in whole_call():
        told(attempt, event)
    began = time.monotonic()
    deliver()
    assert time.monotonic() - began < 2
    assert {json.loads(message.body)["type"] for message in receiver.accepted} == {
        f"call.{state}" for state in ("ringing", "answered", "connecting", "connected", "ended")
    }
    assert receiver.most_at_once <= 2


def test_a_lost_database_loses_no_result(receiver: Receiver) -> None:
    delivery = make_delivery(make_webhook(url=receiver.url))
    deliverer = Deliverer()
    deliverer.step()
    with failing("INSERT", OperationalError("database is locked")) as failed:
        for _ in range(3):
            with pytest.raises(OperationalError):
                deliverer.step(0.5)
    assert len(failed) == 3
    assert fresh(delivery).state == "pending"
    deliverer.drain()
    assert (fresh(delivery).state, fresh(delivery).tries) == ("delivered", 1)
    assert len(receiver.messages) == 1


def test_it_waits_out_a_lost_database(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery(make_webhook(url=receiver.url))
    left = [OperationalError("locked"), InterfaceError("gone"), ValueError("a mistake of ours")]

    def lost_at_first() -> list[str]:
        if left:
            raise left.pop()
        return due.due_receivers()

    monkeypatch.setattr(f"{DELIVER}.due_receivers", lost_at_first)
    with delivering():
        until = time.monotonic() + 10
        while not receiver.accepted and time.monotonic() < until:
            time.sleep(0.05)
    assert fresh(delivery).state == "delivered"


def test_one_result_that_cannot_be_written_holds_up_no_other(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = make_webhook(url=receiver.url)
    bad, good = make_delivery(webhook), make_delivery(webhook)

    def picky(tried: Any) -> None:
        if any(each.letter.id == bad.pk for each in tried):
            raise ValueError("cannot be written")
        record_tries(tried)

    monkeypatch.setattr(f"{DELIVER}.record_tries", picky)
    deliver()
    assert fresh(good).state == "delivered"
    assert fresh(bad).state == "pending"  # sent again when its lease ends
