"""Evidence: kept before it is understood, answered 200 once it is kept, applied once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import Client

from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent
from clicktocall.models.fields import hex_id
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest
from clicktocall.providers.sandbox import SandboxProvider
from tests.callbacks.provider import SECRET, address, post, report
from tests.embed.faults import failing
from tests.embed.gunicorn import Server
from tests.factories import make_attempt, make_call, make_endpoint


def the_receipt() -> CallbackReceipt:
    return CallbackReceipt.objects.get()


def test_a_receipt_is_the_callback_as_it_came(attempt: Attempt) -> None:
    body = b'{ "event":\t"ringing" , "nothing": "\\u00e4" }\n'

    answer = post(body, to=address() + "?b=2&a=1&a=3", content_type="application/json; x=y")

    assert answer.status_code == 200
    receipt = the_receipt()
    assert bytes(receipt.body) == body
    assert (receipt.provider, receipt.method) == ("sandbox", "POST")
    assert receipt.content_type == "application/json"
    assert receipt.query == {"b": "2", "a": "3"}
    assert receipt.source_address == "127.0.0.1"
    assert receipt.processed_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"\x00", b"\xff\xfe\x00", b"\x00" * 1000, "ä".encode("latin-1"), b"\xed\xa0\x80"]
)
def test_any_bytes_are_kept_exactly(body: bytes) -> None:
    assert post(body).status_code == 200
    assert bytes(the_receipt().body) == body


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?a=%00", {"a": ""}),
        ("?%00=1", {"": "1"}),
        ("?a=%ff", {"a": "\ufffd"}),
        ("?a=%ed%a0%80", {"a": "\ufffd\ufffd\ufffd"}),
        ("?a=" + "x" * 5000, {"a": "x" * 5000}),
        ("?a", {"a": ""}),
        ("?", {}),
        ("?a=1;b=2&=&&", {"a": "1;b=2", "": ""}),
    ],
)
def test_a_query_that_no_column_takes_loses_no_evidence(query: str, kept: dict[str, str]) -> None:
    assert post(report(), to=address() + query).status_code == 200
    assert the_receipt().query == kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("peer", "kept"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unix:", None),
        ("192.0.2.7:443", None),
        ("nonsense", None),
    ],
)
def test_the_peers_address_never_loses_evidence(peer: str, kept: str | None) -> None:
    client = Client(REMOTE_ADDR=peer, raise_request_exception=False)
    answer = client.post(address(), report(), content_type="application/json")

    assert answer.status_code == 200
    assert the_receipt().source_address == kept


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", ["", "x" * 500, "text/ä", "; ;", "multipart/form-data"])
def test_any_content_type_is_kept(content_type: str) -> None:
    answer = post(report(), content_type=content_type)

    assert answer.status_code == 200
    assert len(the_receipt().content_type) <= 128


@pytest.mark.parametrize(
    ("event", "receipt_status"),
    [
        ({"event": "ringing"}, "applied"),
        ({"event": "note", "leg": None}, "applied"),
        ({"event": "nonsense"}, "not_understood"),
        ({"reference": "0" * 32}, "unmatched"),
    ],
)
def test_the_receipt_says_what_became_of_it(
    attempt: Attempt, event: dict[str, Any], receipt_status: str
) -> None:
    answer = post(report(attempt, **event))

    assert answer.status_code == 200
    receipt = the_receipt()
    assert receipt.status == receipt_status
    assert bool(receipt.error) == (receipt_status != "applied"), receipt.error


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"not json",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 5000,
        b"null",
        b"[]",
        b"NaN",
        b"\xff\xfe{}",
        b"event=ringing&leg=a",
        b"<report/>",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    ],
)
def test_what_is_not_understood_is_kept_and_answered_200(body: bytes) -> None:
    answer = post(body)

    assert answer.status_code == 200
    assert the_receipt().status == "not_understood"
    assert the_receipt().error


def test_an_event_points_at_its_receipt(attempt: Attempt) -> None:
    post(report(attempt))

    event = CallEvent.objects.get()
    assert event.receipt == the_receipt()
    assert (event.kind, event.source, event.leg, event.words) == (
        "ringing",
        "provider",
        "a",
        "180 Ringing",
    )
    assert event.attempt == attempt


# Kept first


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("failure", "kept_as"),
    [
        (RuntimeError("a bug of the parser"), "failed"),
        (RecursionError(), "failed"),
        (KeyError("call"), "failed"),
        (CallbackNotUnderstood("says nothing known"), "not_understood"),
        (DataError("value too long"), "failed"),
    ],
)
def test_the_receipt_is_committed_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, kept_as: str
) -> None:
    seen_by_others: list[str] = []

    def look() -> None:
        try:
            seen_by_others.append(CallbackReceipt.objects.get().status)
        finally:
            connection.close()

    def parse(_self: Any, _request: CallbackRequest) -> Any:
        with ThreadPoolExecutor(1) as pool:  # a connection of its own sees only what is committed
            pool.submit(look).result()
        raise failure

    monkeypatch.setattr(SandboxProvider, "parse_callback", parse)
    answer = post(report())

    assert seen_by_others == ["received"], "the receipt was not committed before the parser ran"
    assert answer.status_code == 200
    receipt = the_receipt()
    assert receipt.status == kept_as
    assert str(failure) in receipt.error
    assert receipt.processed_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_host_with_atomic_requests_does_not_undo_the_receipt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    in_transaction: list[bool] = []

    def parse(_self: Any, _request: CallbackRequest) -> Any:
        in_transaction.append(connection.in_atomic_block)
        return []

    monkeypatch.setattr(SandboxProvider, "parse_callback", parse)

    assert post(report()).status_code == 200
    assert in_transaction == [False]
    assert the_receipt().status == "ignored"


@pytest.mark.django_db(transaction=True)
def test_half_a_callback_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two facts in one callback, the second cannot be applied: neither is, the receipt stays."""
    attempt = make_attempt(provider_reference=hex_id())
    genuine = SandboxProvider.parse_callback

    def parse(self: SandboxProvider, request: CallbackRequest) -> Any:
        [reported] = genuine(self, request)
        return [reported, "not a report"]

    monkeypatch.setattr(SandboxProvider, "parse_callback", parse)
    answer = post(report(attempt))

    assert answer.status_code == 200
    assert the_receipt().status == "failed"
    assert not CallEvent.objects.exists()
    attempt.refresh_from_db()
    assert attempt.state == "placed"


@pytest.mark.parametrize(
    "failure", [OperationalError("database is locked"), InterfaceError("connection is closed")]
)
@pytest.mark.django_db(transaction=True)
def test_a_callback_that_cannot_be_kept_is_503(failure: Exception) -> None:
    attempt = make_attempt(provider_reference=hex_id())

    with failing("INSERT", failure):
        answer = post(report(attempt))

    assert answer.status_code == 503
    assert json.loads(answer.content)["error"]["code"] == "unavailable"
    assert int(answer["Retry-After"]) > 0
    assert not CallbackReceipt.objects.exists()
    attempt.refresh_from_db()
    assert attempt.state == "placed"

    assert post(report(attempt)).status_code == 200, "the provider's next try is lost"


# Applied once


def test_the_same_report_again_changes_nothing(attempt: Attempt) -> None:
    told = report(attempt)
    for _ in range(3):
        assert post(told).status_code == 200

    assert CallbackReceipt.objects.count() == 3
    assert {receipt.status for receipt in CallbackReceipt.objects.all()} == {"applied"}
    assert CallEvent.objects.count() == 1


def test_a_report_never_moves_a_call_backwards(attempt: Attempt) -> None:
    post(report(attempt, event="ended", outcome="completed", leg=None, talk_seconds=8))
    post(report(attempt, event="ringing"))

    call = Call.objects.get()
    assert (call.state, call.outcome) == ("ended", "completed")
    assert CallEvent.objects.count() == 2


def test_100_parallel_duplicates_have_one_effect(gunicorn: Server) -> None:
    attempt = make_attempt(provider_reference=hex_id())
    told = json.dumps(report(attempt, event="ended", outcome="completed", leg=None)).encode()
    url = gunicorn.base_url + address()

    def send(_number: int) -> int:
        headers = {"Content-Type": "application/json"}
        return requests.post(url, data=told, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(25) as pool:
        statuses = list(pool.map(send, range(100)))

    assert set(statuses) == {200}
    assert CallbackReceipt.objects.count() == 100
    assert set(CallbackReceipt.objects.values_list("status", flat=True)) == {"applied"}
    assert CallEvent.objects.count() == 1
    call = Call.objects.get()
    assert (call.state, call.outcome) == ("ended", "completed")


def test_a_report_of_an_unknown_call_is_kept_as_unmatched(attempt: Attempt) -> None:
    answer = post(report(reference=hex_id(), call=hex_id()))

    assert answer.status_code == 200
    assert the_receipt().status == "unmatched"
    assert not CallEvent.objects.exists()


@pytest.mark.usefixtures("two_aliases", "db")
def test_a_report_of_one_alias_never_moves_an_attempt_of_another() -> None:
    call = make_call(make_endpoint(provider="second"), state="placed", provider="second")
    theirs = make_attempt(call, provider_reference=hex_id())
    told = report(theirs, event="ended", outcome="completed", leg=None)

    assert post(told, to=address("sandbox")).status_code == 200
    assert the_receipt().status == "unmatched"
    assert not CallEvent.objects.exists()
    theirs.refresh_from_db()
    assert theirs.state == "placed"

    assert post(told, to=address("second", f"{SECRET}-second")).status_code == 200
    theirs.refresh_from_db()
    assert theirs.state == "ended"


@pytest.mark.usefixtures("two_aliases", "db")
def test_the_same_reference_of_two_providers_is_told_apart_by_the_alias() -> None:
    ours = make_attempt(provider_reference="the-same-id")
    call = make_call(make_endpoint(provider="second"), state="placed", provider="second")
    theirs = make_attempt(call, provider_reference="the-same-id")

    for attempt, to in ((ours, address()), (theirs, address("second", f"{SECRET}-second"))):
        post(report(attempt), to=to)
        assert CallEvent.objects.filter(attempt=attempt).count() == 1
    assert CallEvent.objects.count() == 2


def test_the_providers_event_id_tells_two_facts_apart(attempt: Attempt) -> None:
    once = report(attempt, event="note", leg=None, event_id="note-1")
    post(once)
    post({**once, "words": "the same fact in other words"})
    assert CallEvent.objects.count() == 1

    post({**once, "event_id": "note-2"})
    assert CallEvent.objects.count() == 2
