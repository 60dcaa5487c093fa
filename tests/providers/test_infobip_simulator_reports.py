"""How calls of the simulated Infobip end, and what it reports of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from clicktocall.providers.infobip.simulation.account import Account
from clicktocall.providers.infobip.simulation.pushing import Manners
from clicktocall.providers.infobip.simulation.vocabulary import Codes
from tests.providers.infobip_customer import (
    CLICK_TO_CALL,
    IVR,
    SENDER,
    VOICE,
    Customer,
    Inbox,
    click_to_call,
    ivr_message,
    running,
    voice_message,
)

# The simulator is a tool of the tests; what they need of it fails them first.
pytestmark = pytest.mark.slow

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")

# Story: status group, id, name; error since 2024; error before; seconds of the call.
ENDS: dict[str, tuple[int, int, str, int, int, int]] = {
    "completed": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 10),
    "a_busy": (2, 97, "BUSY", 10201, 5002, 0),
    "a_no_answer": (2, 96, "NO_ANSWER", 10200, 5003, 0),
    "a_declined": (5, 99, "REJECTED", 10203, 5603, 0),
    "b_busy": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 1),
    "b_no_answer": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 6),
    "machine": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 10),
    "a_hangup": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 1),
    "b_hangup": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 5),
    "disorder": (3, 5, "DELIVERED_TO_HANDSET", 10000, 5000, 10),
    "network_error": (2, 9, "UNDELIVERABLE_NOT_DELIVERED", 10308, 5408, 0),
    "expired": (4, 15, "EXPIRED_EXPIRED", 10200, 5003, 0),
    "canceled": (2, 98, "CANCELLED", 10202, 5487, 0),
    "unavailable": (2, 9, "UNDELIVERABLE_NOT_DELIVERED", 10204, 5480, 0),
    "no_such_number": (2, 9, "UNDELIVERABLE_NOT_DELIVERED", 10303, 5404, 0),
    "no_audio": (2, 9, "UNDELIVERABLE_NOT_DELIVERED", 10401, 5004, 0),
}
NEVER_RANG = {"a_busy", "network_error", "canceled", "unavailable", "no_such_number", "no_audio"}
SHAPES = [(kind, version) for kind in ("application/json", "application/xml") for version in (2, 1)]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


@pytest.fixture
def customer() -> Iterator[Customer]:
    with running() as customer:
        yield customer


@pytest.mark.parametrize(("kind", "version"), SHAPES)
def test_every_story_is_reported_as_the_documents_say(
    kind: str, version: int, customer: Customer, inbox: Inbox
) -> None:
    shape = {"notifyUrl": inbox.url, "notifyContentType": kind, "notifyContentVersion": version}
    customer.send(
        CLICK_TO_CALL, *(click_to_call(story, messageId=story, **shape) for story in ENDS)
    )
    reports = {report["messageId"]: report for report in inbox.wait_for(len(ENDS) + 1)}
    assert set(reports) == set(ENDS)
    assert {post.headers["content-type"] for post in inbox.posts} == {f"{kind};charset=UTF-8"}
    for story, (group, status, name, error, _, seconds) in ENDS.items():
        report = reports[story]
        call = report["voiceCall"] if version == 2 else report
        assert ("voiceCall" in report) == (version == 2)
        assert (int(report["status"]["groupId"]), int(report["status"]["id"])) == (group, status)
        assert report["status"]["name"] == name
        assert int(report["error"]["id"]) == error
        assert int(call["duration"]) == seconds
        assert bool(call["startTime"]) == (
            story not in NEVER_RANG | {"expired"} or (story == "expired" and version == 1)
        )
        assert bool(call["answerTime"]) == (group == 3)
        assert call["endTime"]
        assert MOMENT.fullmatch(report["sentAt"])
        assert not any(
            "destinationB" in key or "442079460190" in str(value) for key, value in report.items()
        )


def test_current_report_field_by_field(customer: Customer, inbox: Inbox) -> None:
    customer.send(
        CLICK_TO_CALL,
        click_to_call(messageId="M-1", notifyUrl=inbox.url, text="Hello."),
        document={"bulkId": "B-1"},
    )
    (report,) = inbox.wait_for(1)
    times = {name: report["voiceCall"].pop(name) for name in ("startTime", "answerTime", "endTime")}
    times["sentAt"] = report.pop("sentAt")
    assert all(MOMENT.fullmatch(told) for told in times.values())
    assert times["sentAt"] <= times["startTime"] < times["answerTime"] < times["endTime"]
    assert report == {
        "bulkId": "B-1",
        "messageId": "M-1",
        "from": SENDER,
        "to": "442079460001",
        "mccMnc": "23410",
        "voiceCall": {
            "feature": "Click-to-call",
            "duration": 12,
            "chargedDuration": 30,
            "fileDuration": 2.0,
            "direction": "OUTBOUND",
            "dtmfCodes": "",
        },
        "price": {"pricePerSecond": 0.01, "currency": "EUR"},
        "status": {
            "groupId": 3,
            "groupName": "DELIVERED",
            "id": 5,
            "name": "DELIVERED_TO_HANDSET",
            "description": "Message delivered to handset",
        },
        "error": {
            "groupId": 0,
            "groupName": "OK",
            "id": 10000,
            "name": "NORMAL_HANGUP",
            "description": "Somebody hung up.",
            "permanent": True,
        },
    }


def test_old_report_field_by_field(customer: Customer, inbox: Inbox) -> None:
    customer.call(messageId="M-1", notifyUrl=inbox.url, notifyContentVersion=1)
    (report,) = inbox.wait_for(1)
    assert MOMENT.fullmatch(report["sentAt"])
    assert MOMENT.fullmatch(report["doneAt"])
    moments = [report[name] for name in ("startTime", "answerTime", "endTime")]
    assert [type(moment) for moment in moments] == [int] * 3
    assert moments == sorted(moments)
    assert abs(moments[0] / 1000 - time.time()) < 60
    assert set(report) == {
        *("bulkId", "messageId", "to", "sentAt", "doneAt", "startTime", "answerTime", "endTime"),
        *("duration", "fileDuration", "mccMnc", "dtmfCodes", "price", "status", "error"),
    }


def test_old_report_in_xml_repeats_sent_at(customer: Customer, inbox: Inbox) -> None:
    customer.call(notifyUrl=inbox.url, notifyContentVersion=1, notifyContentType="application/xml")
    inbox.wait_for(1)
    report = ET.fromstring(inbox.posts[0].body).find("results/results")
    assert report is not None
    assert len(report.findall("sentAt")) == 2
    assert report.find("doneAt") is None
    assert MOMENT.fullmatch(report.findtext("startTime") or "")


def test_report_with_the_habits_of_2018(customer: Customer, inbox: Inbox) -> None:
    customer.call("expired", notifyUrl=inbox.url)
    (report,) = inbox.wait_for(1)
    assert report["price"]["pricePerSecond"] == "0.01"
    assert report["callbackData"] == "null"
    assert report["voiceCall"]["startTime"] is None
    assert report["voiceCall"]["answerTime"] is None
    assert report["voiceCall"]["duration"] == 0


@pytest.mark.parametrize("codes", list(Codes))
def test_both_vocabularies_of_errors(codes: Codes, inbox: Inbox) -> None:
    with running(account=Account(codes=codes)) as customer:
        customer.send(
            CLICK_TO_CALL,
            *(click_to_call(story, messageId=story, notifyUrl=inbox.url) for story in ENDS),
        )
        reports = {report["messageId"]: report for report in inbox.wait_for(len(ENDS))}
        column = 4 if codes == Codes.OLD else 3
        for story, report in reports.items():
            assert report["error"]["id"] == ENDS[story][column]


def test_account_chooses_price_and_version(inbox: Inbox) -> None:
    account = Account(price=0.25, currency="USD", report_version=1)
    with running(account=account) as customer:
        customer.call(notifyUrl=inbox.url)
        (report,) = inbox.wait_for(1)
    assert report["price"] == {"pricePerSecond": 0.25, "currency": "USD"}
    assert "voiceCall" not in report


# What an order can ask for.


@pytest.mark.parametrize(
    ("story", "changes", "error", "seconds"),
    [
        ("completed", {"maxDuration": 3}, 10004, 5),
        ("completed", {"maxDuration": 60}, 10000, 10),
        ("completed", {"machineDetection": "hangup"}, 10003, 10),
        ("machine", {"machineDetection": "hangup"}, 10002, 4),
    ],
)
def test_duration_and_machine_detection_of_a_call(
    story: str,
    changes: dict[str, Any],
    error: int,
    seconds: int,
    customer: Customer,
    inbox: Inbox,
) -> None:
    customer.call(story, notifyUrl=inbox.url, **changes)
    (report,) = inbox.wait_for(1)
    assert report["status"]["groupId"] == 3
    assert (report["error"]["id"], report["voiceCall"]["duration"]) == (error, seconds)
    if "machineDetection" in changes:
        answered_by = "MACHINE" if story == "machine" else "HUMAN"
        assert report["voiceCall"]["answeredBy"] == answered_by


@pytest.mark.parametrize("kind", ["application/json", "application/xml"])
def test_voice_message_with_keys_and_callback_data(
    kind: str, customer: Customer, inbox: Inbox
) -> None:
    customer.send(
        VOICE,
        voice_message(
            maxDtmf=2,
            callbackData="ours & <theirs> \x01é",
            notifyUrl=inbox.url,
            notifyContentType=kind,
        ),
    )
    (report,) = inbox.wait_for(1)
    assert report["voiceCall"]["feature"] == "Voice-message"
    assert re.fullmatch(r"[1-9], [1-9]", report["voiceCall"]["dtmfCodes"])
    told = "ours & <theirs> é" if kind == "application/xml" else "ours & <theirs> \x01é"
    assert report["callbackData"] == told
    assert int(report["voiceCall"]["duration"]) == 4


@pytest.mark.parametrize(
    ("changes", "error", "seconds"),
    [
        ({}, 10000, 4),
        ({"pause": 5}, 10000, 9),
        ({"callTimeout": 3}, 10004, 3),
        ({"callTransfers": [{"transferTo": SENDER, "if": "anyDtmf"}]}, 10000, 14),
        (
            {
                "callTransfers": [
                    {
                        "transferTo": SENDER,
                        "if": "dtmf",
                        "equals": "2",
                        "callTransferMaxDuration": 1,
                    }
                ]
            },
            10000,
            7,
        ),
    ],
)
def test_duration_of_a_voice_message(
    changes: dict[str, Any], error: int, seconds: int, customer: Customer, inbox: Inbox
) -> None:
    customer.send(VOICE, voice_message(notifyUrl=inbox.url, **changes))
    (report,) = inbox.wait_for(1)
    assert (report["error"]["id"], report["voiceCall"]["duration"]) == (error, seconds)


def test_machine_hears_a_message_that_continues(customer: Customer, inbox: Inbox) -> None:
    customer.send(VOICE, voice_message("machine", machineDetection="continue", notifyUrl=inbox.url))
    (report,) = inbox.wait_for(1)
    assert report["error"]["name"] == "MACHINE_DETECTED"
    assert report["voiceCall"]["answeredBy"] == "MACHINE"


@pytest.mark.parametrize(("kind", "version"), SHAPES)
def test_ivr_report_has_the_answers_twice_encoded(
    kind: str, version: int, customer: Customer, inbox: Inbox
) -> None:
    customer.send(
        IVR,
        ivr_message(
            notifyUrl=inbox.url,
            notifyContentType=kind,
            notifyContentVersion=version,
            callbackData="order 17",
        ),
    )
    (report,) = inbox.wait_for(1)
    assert report["callbackData"] == "order 17"
    keys = (report["voiceCall"] if version == 2 else report)["dtmfCodes"]
    assert re.fullmatch(r"[1-9], [1-9]", keys)
    if version == 2:
        told, collected = report["voiceCall"]["ivr"], report["voiceCall"]["ivr"]["collectedDtmfs"]
        assert report["voiceCall"]["answeredBy"] == "HUMAN"
        assert not told["collectedMappedDtmfs"]
    else:
        told, collected = report, report["dtmfCodesAsJson"]
    assert told["scenarioId"] == "6298AA77"
    assert told["scenarioName"]
    assert ", ".join(json.loads(collected).values()) == keys


def test_nobody_who_did_not_answer_pressed_keys(customer: Customer, inbox: Inbox) -> None:
    customer.send(IVR, ivr_message("a_busy", notifyUrl=inbox.url))
    (report,) = inbox.wait_for(1)
    assert report["voiceCall"]["dtmfCodes"] is None
    assert report["voiceCall"]["ivr"]["collectedDtmfs"] is None


# Recordings.


def test_recording_of_an_ivr(customer: Customer, inbox: Inbox) -> None:
    customer.send(IVR, ivr_message(message_id="M-1", record=True, notifyUrl=inbox.url))
    (report,) = inbox.wait_for(1)
    file_id = report["voiceCall"]["callRecordingFileId"]
    (listed,) = customer.ask("GET", "/voice/ivr/1/files", params={"messageId": "M-1"}).json()[
        "files"
    ]
    assert listed["url"] == f"/voice/ivr/1/files/{file_id}"
    assert listed["to"] == "442079460001"
    sound = customer.ask("GET", listed["url"])
    assert (sound.status_code, sound.headers["Content-Type"]) == (200, "audio/vnd.wave")
    assert sound.content.startswith(b"RIFF")
    other = customer.ask("GET", f"/calls/1/recordings/files/{file_id}")
    assert other.headers["Content-Type"] == "application/octet-stream"
    assert other.content == sound.content


def test_recording_of_a_call_in_the_old_report(customer: Customer, inbox: Inbox) -> None:
    customer.call(record="true", notifyUrl=inbox.url, notifyContentVersion=1)
    (report,) = inbox.wait_for(1)
    assert customer.ask("GET", report["recordedAudioFileUrl"]).content.startswith(b"RIFF")


@pytest.mark.parametrize(
    ("story", "record", "honoured"),
    [("completed", False, True), ("completed", True, False), ("a_busy", True, True)],
)
def test_no_recording(story: str, record: bool, honoured: bool, inbox: Inbox) -> None:
    with running(account=Account(recording=honoured)) as customer:
        customer.call(story, record=record, notifyUrl=inbox.url)
        (report,) = inbox.wait_for(1)
        assert "callRecordingFileId" not in report["voiceCall"]
        assert customer.ask("GET", f"/voice/ivr/1/files/{'0' * 32}").status_code == 404
        assert customer.ask("GET", "/voice/ivr/1/files/").status_code == 404


# How reports are pushed.


def many(inbox: Inbox, count: int = 12) -> list[dict[str, Any]]:
    return [click_to_call(messageId=f"M-{n:02}", notifyUrl=inbox.url) for n in range(count)]


def test_copies(inbox: Inbox) -> None:
    with running(manners=Manners(copies=3)) as customer:
        customer.call(notifyUrl=inbox.url)
        reports = inbox.wait_for(3)
    assert len(inbox.posts) == 3
    assert reports[0] == reports[1] == reports[2]


def test_story_disorder_is_late_and_twice(inbox: Inbox) -> None:
    with running(speed=10.0) as customer:
        customer.send(
            CLICK_TO_CALL,
            click_to_call("disorder", messageId="late", notifyUrl=inbox.url),
            click_to_call("completed", messageId="punctual", notifyUrl=inbox.url),
        )
        told = [report["messageId"] for report in inbox.wait_for(3)]
    assert told == ["punctual", "late", "late"]


def test_never(inbox: Inbox) -> None:
    with running(manners=Manners(never=True)) as customer:
        customer.call(messageId="M-1", notifyUrl=inbox.url)
        customer.wait_until_over("M-1")
        time.sleep(0.1)
    assert inbox.posts == []


def test_story_silent_reports_nothing_in_any_way(customer: Customer, inbox: Inbox) -> None:
    customer.send(
        CLICK_TO_CALL,
        click_to_call("silent", messageId="pushed", notifyUrl=inbox.url),
        click_to_call("silent", messageId="pulled"),
    )
    for message_id in ("pushed", "pulled"):
        assert customer.wait_until_over(message_id)["status"]["id"] == 5
    time.sleep(0.1)
    assert inbox.posts == []
    assert customer.pulled() == []


def test_delay(inbox: Inbox) -> None:
    with running(manners=Manners(delay=40.0)) as customer:  # a second, at this speed
        customer.call(messageId="M-1", notifyUrl=inbox.url)
        customer.wait_until_over("M-1")
        over = time.monotonic()
        assert inbox.posts == []
        inbox.wait_for(1)
    assert time.monotonic() - over > 0.5


@pytest.mark.parametrize("disorder", [False, True])
def test_disorder_mixes_messages_and_loses_none(disorder: bool, inbox: Inbox) -> None:
    """The calls end one after the other, a tenth of a second apart."""
    ordered = [f"M-{number}" for number in range(10)]
    message = voice_message(notifyUrl=inbox.url, sendingSpeed={"speed": 1, "timeUnit": "second"})
    message["destinations"] = [{"to": "442079460001", "messageId": name} for name in ordered]
    with running(manners=Manners(disorder=disorder), speed=10.0) as customer:
        customer.send(VOICE, message)
        told = [report["messageId"] for report in inbox.wait_for(len(ordered))]
    assert (told != ordered) == disorder
    assert sorted(told) == ordered


@pytest.mark.parametrize("kind", ["application/json", "application/xml"])
def test_several_reports_in_one_post(kind: str, inbox: Inbox) -> None:
    with running(manners=Manners(batch=5)) as customer:
        customer.send(
            CLICK_TO_CALL, *({**message, "notifyContentType": kind} for message in many(inbox))
        )
        reports = inbox.wait_for(12)
    assert sorted(len(post.reports) for post in inbox.posts) == [2, 5, 5]
    assert len({report["messageId"] for report in reports}) == 12


@pytest.mark.parametrize("refusal", ["500 Oh", "404 Gone", "302 Elsewhere", "429 Slow"])
def test_refused_report_is_pushed_again(refusal: str) -> None:
    manners = Manners(pause=0.4)
    with Inbox([refusal] * 3) as inbox, running(manners=manners) as customer:
        customer.call(notifyUrl=inbox.url)
        inbox.wait_for(4)
        assert len({post.body for post in inbox.posts}) == 1
        time.sleep(0.3)
        assert len(inbox.posts) == 4


def test_redirected_report_is_not_sent_elsewhere() -> None:
    with Inbox() as elsewhere, running(manners=Manners(pause=0.4)) as customer:
        moved = f"307 Temporary Redirect\r\nLocation: {elsewhere.url}"
        with Inbox([moved] * 2) as inbox:
            customer.call(notifyUrl=inbox.url)
            inbox.wait_for(3)
        assert elsewhere.posts == []


def test_refused_report_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with Inbox(["500 Oh"] * 20) as inbox, running(manners=Manners(pause=0.01)) as customer:
        customer.call(notifyUrl=inbox.url)
        inbox.wait_for(8)
        time.sleep(0.2)
        assert len(inbox.posts) == 8
    assert "gave up a report after 8 tries (500)" in caplog.text
    assert "secret" not in caplog.text


def test_basic_authentication_at_the_receiver(inbox: Inbox) -> None:
    with running(manners=Manners(basic="infobip:sécret")) as customer:
        customer.call(notifyUrl=inbox.url)
        inbox.wait_for(1)
    assert inbox.posts[0].headers["authorization"] == "Basic aW5mb2JpcDpzw6ljcmV0"


def test_no_authentication_unless_asked_for(customer: Customer, inbox: Inbox) -> None:
    customer.call(notifyUrl=inbox.url)
    inbox.wait_for(1)
    assert "authorization" not in inbox.posts[0].headers


def test_strangers_are_told_nothing(customer: Customer, caplog: pytest.LogCaptureFixture) -> None:
    customer.call(messageId="M-1", notifyUrl="https://www.example.com/voice/clicktocall")
    customer.wait_until_over("M-1")
    time.sleep(0.1)
    assert "message M-1: not reported to a stranger" in caplog.text


# Reports that are pulled.


def test_pulled_report_is_handed_out_once(customer: Customer, inbox: Inbox) -> None:
    customer.send(
        CLICK_TO_CALL,
        click_to_call(messageId="pulled"),
        click_to_call(messageId="pushed", notifyUrl=inbox.url),
    )
    customer.wait_until_over("pulled")
    customer.wait_until_over("pushed")
    (report,) = customer.pulled()
    assert report["messageId"] == "pulled"
    assert report["status"]["name"] == "DELIVERED_TO_HANDSET"
    assert "voiceCall" in report
    assert customer.pulled() == []


def test_pulled_reports_by_id_and_number(customer: Customer) -> None:
    customer.send(
        VOICE,
        *(voice_message(message_id=f"M-{n}") for n in range(5)),
        document={"bulkId": "B-1"},
    )
    customer.call(messageId="other")
    for message_id in (*(f"M-{n}" for n in range(5)), "other"):
        customer.wait_until_over(message_id)
    assert customer.pulled(messageId="unknown") == []
    assert [report["messageId"] for report in customer.pulled(messageId="M-3")] == ["M-3"]
    assert len(customer.pulled(bulkId="B-1", limit=2)) == 2
    assert len(customer.pulled(bulkId="B-1")) == 2
    assert [report["messageId"] for report in customer.pulled()] == ["other"]
    assert customer.ask("GET", "/voice/1/reports", params={"limit": "many"}).status_code == 400


def test_pulled_reports_in_xml(customer: Customer) -> None:
    customer.send(IVR, ivr_message(message_id="M-1"))
    customer.wait_until_over("M-1")
    answer = customer.ask("GET", "/voice/1/reports", accept="application/xml")
    root = ET.fromstring(answer.content)
    assert root.tag == "reportResponse"
    assert root.findtext("results/results/messageId") == "M-1"
    assert root.find("results/results/voiceCall/ivr/spokenInput") is not None


def test_no_more_than_fifty_unless_asked_for(customer: Customer) -> None:
    customer.send(CLICK_TO_CALL, *(click_to_call(messageId=f"M-{n}") for n in range(60)))
    for n in range(60):
        customer.wait_until_over(f"M-{n}")
    assert len(customer.logs()) == 50
    assert len(customer.logs(limit=55)) == 55
    assert len(customer.pulled()) == 50
    assert len(customer.pulled()) == 10


# Logs.


def test_row_of_the_logs(customer: Customer) -> None:
    customer.send(
        CLICK_TO_CALL,
        click_to_call("a_no_answer", messageId="M-1", text="Hello."),
        document={"bulkId": "B-1"},
    )
    row = customer.wait_until_over("M-1")
    assert MOMENT.fullmatch(row.pop("sentAt"))
    assert MOMENT.fullmatch(row.pop("doneAt"))
    assert (row.pop("status")["id"], row.pop("error")["id"]) == (96, 10200)
    assert row == {
        "bulkId": "B-1",
        "messageId": "M-1",
        "to": "442079460003",
        "from": SENDER,
        "text": "Hello.",
        "duration": 0,
        "mccMnc": "23410",
        "price": {"pricePerSecond": 0.01, "currency": "EUR"},
    }


def test_logs_are_filtered(customer: Customer) -> None:
    customer.send(CLICK_TO_CALL, click_to_call(messageId="M-1"), document={"bulkId": "B-1"})
    customer.send(CLICK_TO_CALL, click_to_call("a_busy", messageId="M-2"))
    for message_id in ("M-1", "M-2"):
        customer.wait_until_over(message_id)

    def found(**query: Any) -> list[str]:
        return sorted(row["messageId"] for row in customer.logs(**query))

    assert found() == ["M-1", "M-2"]
    assert found(messageId=["M-1", "M-2"]) == found(messageId="M-1,M-2") == ["M-1", "M-2"]
    assert found(bulkId="B-1") == ["M-1"]
    assert found(to="442079460002") == ["M-2"]
    assert found(**{"from": "123"}) == []
    assert found(generalStatus="UNDELIVERABLE") == ["M-2"]
    assert found(mcc="234", mnc="10") == ["M-1", "M-2"]
    assert found(mcc="310") == []
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert found(sentSince=(now - hour).isoformat()) == ["M-1", "M-2"]
    assert found(sentSince=(now + hour).isoformat()) == []
    assert found(sentUntil=(now - hour).isoformat()) == []
    assert customer.ask("GET", "/tts/3/logs", params={"sentSince": "now"}).status_code == 400


def test_logs_in_xml(customer: Customer) -> None:
    customer.call(messageId="M-1")
    customer.wait_until_over("M-1")
    root = ET.fromstring(customer.ask("GET", "/tts/3/logs", accept="application/xml").content)
    assert root.tag == "voiceLogsResponse"
    assert root.findtext("results/results/messageId") == "M-1"


# The same again.


def test_same_seed_plays_the_same() -> None:
    def played(seed: int) -> list[dict[str, Any]]:
        with Inbox() as inbox, running(seed=seed) as customer:
            messages = [ivr_message(), ivr_message("a_busy"), voice_message(maxDtmf=3)]
            customer.send(IVR, *({**message, "notifyUrl": inbox.url} for message in messages[:2]))
            customer.send(VOICE, {**messages[2], "notifyUrl": inbox.url})
            reports = sorted(inbox.wait_for(3), key=lambda report: report["messageId"])
        for report in reports:
            report.pop("sentAt")
            for name in ("startTime", "answerTime", "endTime"):
                report["voiceCall"].pop(name)
        return reports

    once = played(1)
    assert played(1) == once
    assert played(2) != once
