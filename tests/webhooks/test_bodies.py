"""What is sent: the call as the API shows it, and the report that readers of Infobip's know."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.accounts.keys import issue_key
from clicktocall.calls.reports.bodies import LARGEST, report_body, webhook_body
from clicktocall.calls.reports.recording_link import LIFETIME, recorded_call
from clicktocall.dialects.infobip.events import events_of
from clicktocall.dialects.infobip.reports import Report, read_reports
from clicktocall.dialects.infobip.told import ToldCall, ToldLeg, told_as_json, told_as_xml
from clicktocall.exceptions import NoRecording
from clicktocall.models import Attempt, Call, Delivery
from clicktocall.orders import ExtensionKind, ReportedEvent, ReportFormat
from clicktocall.states import CallState, EventKind, Leg, Outcome
from tests.factories import (
    TEAM,
    VISITOR,
    make_attempt,
    make_call,
    make_endpoint,
    make_owned_number,
)
from tests.webhooks.making import ended, make_placed, make_webhook, said, told, whole_call

HOOK = "https://www.example.com/calls"
BOTH = pytest.mark.parametrize("content_type", [ReportFormat.JSON, ReportFormat.XML])


def attempts_of(call: Call) -> list[Attempt]:
    return list(call.attempts.order_by("number"))


# --- to a webhook ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", Outcome)
def test_the_data_is_what_the_api_answers(outcome: Outcome) -> None:
    webhook = make_webhook(url=HOOK)
    attempt = make_placed(webhook.account, record=True)
    known = {"price": Decimal("0.02"), "currency": "EUR", "words": "as they say"}
    told(
        attempt,
        *(whole_call()[:-1] if outcome == Outcome.COMPLETED else []),
        said(EventKind.RECORDED, recording_url="https://provider.example/r/1"),
        said(EventKind.COLLECTED, answers={"pin": "1234"}),
        ended(outcome, **known),
    )
    make_attempt(attempt.call, provider_reference="theirs")
    call = Call.objects.get(pk=attempt.call_id)
    _key, secret = issue_key(webhook.account, "test", ["read"])
    answered = Client().get(
        f"/clicktocall/api/v1/calls/{call.pk}/", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answered.status_code == 200
    shown = answered.json()
    del shown["poll_after"]

    at = timezone.now()
    sent = json.loads(webhook_body("ended", call, attempts_of(call), at))

    assert sent["data"] == shown
    assert sent["type"] == "call.ended"
    assert datetime.fromisoformat(sent["timestamp"]) == at
    assert set(sent) == {"type", "timestamp", "data"}


@pytest.mark.django_db
def test_the_data_of_a_call_that_has_just_begun_is_what_the_api_answers() -> None:
    webhook = make_webhook(url=HOOK)
    call = make_call(make_endpoint(webhook.account))
    _key, secret = issue_key(webhook.account, "test", ["read"])
    shown = Client().get(
        f"/clicktocall/api/v1/calls/{call.pk}/", headers={"Authorization": f"Bearer {secret}"}
    )
    sent = json.loads(webhook_body("placed", Call.objects.get(), [], timezone.now()))
    assert sent["data"] == {k: v for k, v in shown.json().items() if k != "poll_after"}


@pytest.mark.django_db
def test_a_message_stays_below_20_kb_and_says_what_it_does_without() -> None:
    call = make_placed(
        custom_sip_headers={f"X-{n}": "x" * 1000 for n in range(15)},
    ).call
    call.context = {"cart": "☎" * 5000}
    call.answers = {str(n): "9" * 500 for n in range(50)}
    body = webhook_body("ended", call, attempts_of(call), timezone.now())
    assert len(body) < LARGEST
    sent = json.loads(body)
    assert sent["left_out"] == ["options", "context", "answers"]
    assert not set(sent["left_out"]) & set(sent["data"])
    assert sent["data"]["status_url"]


@pytest.mark.django_db
def test_without_a_public_address_it_names_none(settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": ""}
    call = make_placed(record=True).call
    call.recording_url = "https://provider.example/r/1"
    sent = json.loads(webhook_body("placed", call, attempts_of(call), timezone.now()))
    assert (sent["data"]["status_url"], sent["data"]["recording"]) == (None, None)
    report = json.loads(report_body(call, attempts_of(call), ReportFormat.JSON))
    assert report["results"][0]["recordedAudioFileUrl"] is None


# --- to a notify_url ---------------------------------------------------------------------------


def reported(call: Call, content_type: str) -> tuple[Report, list[ReportedEvent]]:
    """What our own reader of Infobip's reports makes of it."""
    call = Call.objects.get(pk=call.pk)
    body = report_body(call, attempts_of(call), content_type)
    (report,) = read_reports(body, content_type)
    return report, events_of(report, base_url="http://testserver/")


@pytest.mark.django_db
@BOTH
def test_a_reader_of_infobips_reports_learns_the_same(content_type: str) -> None:
    attempt = make_placed(callback_data="order 12 <&>", record=True)
    known: Any = {"price": Decimal("0.0345"), "currency": "EUR", "words": "Normal call clearing"}
    call = told(
        attempt,
        *whole_call(30)[:-1],
        said(EventKind.COLLECTED, answers={"dtmf": "3, 9", "pin": "12"}),
        ended(**known),
    )
    attempt.refresh_from_db()

    report, events = reported(call, content_type)

    assert report.version == 2
    assert (report.message_id, report.bulk_id) == (call.pk, "")
    assert (report.to, report.sender) == (TEAM[1:], "")
    assert report.callback_data == "order 12 <&>"
    assert report.error.description == "Normal call clearing"
    facts = {event.kind: event for event in events}
    end = facts[EventKind.ENDED]
    assert (end.outcome, end.price, end.currency) == (Outcome.COMPLETED, Decimal("0.0345"), "EUR")
    assert attempt.a_answered_at
    assert call.ended_at
    assert end.answered_seconds == round((call.ended_at - attempt.a_answered_at).total_seconds())
    assert facts[EventKind.COLLECTED].answers == {"dtmf": "3, 9", "pin": "12"}
    milliseconds = timedelta(milliseconds=1)
    for kind, at in (
        (EventKind.RINGING, attempt.a_ringing_at),
        (EventKind.ANSWERED, attempt.a_answered_at),
        (EventKind.ENDED, call.ended_at),
    ):
        told_at = facts[kind].occurred_at
        assert told_at
        assert at
        assert timedelta() <= at - told_at < milliseconds
    address = facts[EventKind.RECORDED].recording_url
    assert recorded_call(urlsplit(address).path.rstrip("/").rpartition("/")[2]) == call


@pytest.mark.django_db
@BOTH
@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_read_as_what_it_was(content_type: str, outcome: Outcome) -> None:
    call = told(make_placed(), ended(outcome, leg=Leg.A, words="said so"))
    assert call.outcome == outcome
    _report, events = reported(call, content_type)
    assert events[-1].kind == EventKind.ENDED
    assert events[-1].outcome == outcome


@pytest.mark.django_db
@BOTH
def test_what_happened_on_leg_b_is_read_as_what_it_was(content_type: str) -> None:
    call = told(make_placed(), *whole_call()[:3], ended(Outcome.BUSY, leg=Leg.B))
    _report, events = reported(call, content_type)
    assert (events[-1].outcome, events[-1].leg) == (Outcome.BUSY, None)  # not leg A's doing


@pytest.mark.django_db
def test_the_shape_is_that_of_the_documents() -> None:
    endpoint = make_endpoint()
    caller_id = make_owned_number(endpoint.account)
    options = {**endpoint.call_options().to_json(), "caller_id_a": caller_id.number}
    attempt = make_attempt(make_call(endpoint, state=CallState.PLACED, options=options))
    call = told(attempt, *whole_call(30)[:-1], ended(price=Decimal("0.34"), currency="EUR"))
    attempt.refresh_from_db()
    body = json.loads(report_body(call, attempts_of(call), ReportFormat.JSON))
    assert list(body) == ["results"]
    (result,) = body["results"]
    assert list(result) == [
        *("bulkId", "messageId", "from", "to", "sentAt", "mccMnc", "callbackData"),
        *("voiceCall", "price", "status", "error"),
        *("legA", "legB", "recordedAudioFileUrl"),  # ours
    ]
    assert result["from"] == caller_id.number[1:]
    assert result["status"] == {
        "groupId": 3,
        "groupName": "DELIVERED",
        "id": 5,
        "name": "DELIVERED_TO_HANDSET",
        "description": "The call was answered and has ended.",
    }
    assert result["error"]["id"] == 10000
    assert result["error"]["name"] == "NORMAL_HANGUP"
    assert result["voiceCall"]["feature"] == "Click-to-call"
    assert result["voiceCall"]["duration"] == 36
    assert result["sentAt"].endswith("+0000")
    assert result["price"] == {"pricePerSecond": 0.009444444444, "currency": "EUR", "total": "0.34"}
    assert result["legA"]["to"] == TEAM[1:]
    assert (result["legA"]["party"], result["legA"]["state"]) == ("extension", "ended")
    assert result["legB"]["to"] == VISITOR[1:]
    assert (result["legB"]["party"], result["legB"]["state"]) == ("contact", "ended")
    assert result["legB"]["answerTime"]
    assert result["recordedAudioFileUrl"] is None


@pytest.mark.django_db
def test_the_xml_twin_repeats_the_name_of_the_list() -> None:
    call = told(make_placed(), *whole_call())
    body = report_body(call, attempts_of(call), ReportFormat.XML).decode()
    assert body.startswith(
        "<?xml version='1.0' encoding='UTF-8'?>\n<reportResponse><results><results>"
    )
    assert body.endswith("</results></results></reportResponse>")
    assert f"<messageId>{call.pk}</messageId>" in body
    assert "<mccMnc" not in body


@pytest.mark.django_db
@BOTH
def test_a_flow_has_one_leg_and_a_scenario(content_type: str) -> None:
    endpoint = make_endpoint(extension_kind=ExtensionKind.FLOW, extension="333")
    attempt = make_attempt(make_call(endpoint, state=CallState.PLACED, leg_b=None))
    end = ended(answered_seconds=19)
    call = told(attempt, said(EventKind.ANSWERED, Leg.A), end)
    report, _events = reported(call, content_type)
    assert (report.scenario_id, report.feature) == ("333", "Outbound-IVR")
    assert report.to == VISITOR[1:]
    assert report.duration == call.talk_seconds == 19
    body = json.loads(report_body(call, attempts_of(call), ReportFormat.JSON))
    assert body["results"][0]["legB"] is None
    assert body["results"][0]["legA"]["party"] == "contact"


@pytest.mark.django_db
def test_answers_that_would_be_too_much_are_left_out() -> None:
    call = told(make_placed(), *whole_call())
    call.answers = {str(n): "9" * 500 for n in range(50)}
    for content_type in ReportFormat.values:
        body = report_body(call, attempts_of(call), content_type)
        assert len(body) < LARGEST
        assert b"collectedDtmfs" not in body or b'"collectedDtmfs":null' in body


_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates and control characters as well


@given(
    callback_data=_TEXT,
    words=_TEXT,
    answers=st.dictionaries(_TEXT, _TEXT, max_size=3),
    price=st.none() | st.decimals(0, 900_000, places=6),
    duration=st.none() | st.integers(0, 86_400),
    outcome=st.sampled_from(Outcome),
)
def test_whatever_it_tells_can_be_read(
    callback_data: str,
    words: str,
    answers: dict[str, str],
    price: Decimal | None,
    duration: int | None,
    outcome: Outcome,
) -> None:
    leg = ToldLeg(party="contact", to="+41793026727", state="ended")
    call = ToldCall(
        message_id="m1",
        bulk_id="",
        sender="",
        sent_at=timezone.now(),
        outcome=outcome,
        words=words,
        leg_a=leg,
        leg_b=None,
        ended_at=None,
        duration=duration,
        price=price,
        currency="EUR",
        callback_data=callback_data,
        answers=answers,
    )
    for written, content_type in (
        (told_as_json([call, call]), "application/json"),
        (told_as_xml([call, call]), "application/xml"),
    ):
        first, second = read_reports(written, content_type)
        assert first == second
        assert first.message_id == "m1"
        if duration and price is not None:
            assert first.price == price
        ending = events_of(first)[-1]
        assert ending.outcome == outcome


# --- the address of a recording ----------------------------------------------------------------


@pytest.mark.django_db
def test_the_address_of_a_recording_is_ours_and_expires() -> None:
    call = told(make_placed(record=True, notify_url=HOOK), *whole_call())
    assert not call.recording_url  # it comes later; the address is good from then on
    address = json.loads(bytes(Delivery.objects.get().body))["results"][0]["recordedAudioFileUrl"]
    assert address.startswith("http://testserver/clicktocall/recordings/")
    token = address.rstrip("/").rpartition("/")[2]
    assert recorded_call(token) == call

    later = timezone.now() + LIFETIME + timedelta(minutes=1)
    with time_machine.travel(later), pytest.raises(NoRecording):
        recorded_call(token)
    for forged in (token[:-1], f"x{token}", call.pk, "", f"{'0' * 32}{token[32:]}"):
        with pytest.raises(NoRecording):
            recorded_call(forged)


@pytest.mark.django_db
def test_no_address_where_nothing_was_recorded() -> None:
    for attempt, events in (
        (make_placed(record=False), whole_call()),
        (make_placed(record=True), [ended(Outcome.BUSY, leg=Leg.A)]),
    ):
        call = told(attempt, *events)
        body = json.loads(report_body(call, attempts_of(call), ReportFormat.JSON))
        assert body["results"][0]["recordedAudioFileUrl"] is None
