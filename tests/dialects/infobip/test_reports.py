"""Reading reports in every shape they come in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.reports import Report, Word, read_reports
from tests.dialects.infobip.pushed import (
    JSON,
    LOG_ROW,
    RECEIVED,
    V1,
    V1_RECORDED,
    V1_XML,
    V2,
    XML,
    as_json,
    as_xml,
)


def one(body: bytes, content_type: str = JSON) -> Report:
    (report,) = read_reports(body, content_type)
    return report


def changed(**changes: Any) -> Report:
    return one(as_json({**V2, **changes}))


def of_call(**changes: Any) -> Report:
    return changed(voiceCall={**V2["voiceCall"], **changes})


THE_V2 = Report(
    version=2,
    message_id="ff4804ef-6ab6-4abd-984d-ab3b1387e852",
    bulk_id="8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb",
    sender="385333444",
    to="385981178",
    sent_at=datetime(2018, 6, 25, 13, 38, 14, 730_000, UTC),
    started_at=datetime(2018, 6, 25, 13, 38, 15, tzinfo=UTC),
    answered_at=datetime(2018, 6, 25, 13, 38, 25, tzinfo=UTC),
    ended_at=datetime(2018, 6, 25, 13, 38, 28, 316_000, UTC),
    duration=10,
    charged_duration=30,
    price_per_second=Decimal("0.01"),
    currency="EUR",
    status=Word(
        group=3,
        group_name="DELIVERED",
        id=5,
        name="DELIVERED_TO_HANDSET",
        description="Message delivered to handset",
    ),
    error=Word(
        group=0,
        group_name="OK",
        id=5000,
        name="VOICE_ANSWERED",
        description="Call answered by human",
    ),
    dtmf="3, 9",
    answers={"myFirstVar": "3", "mySecondVar": "9"},
    scenario_id="333",
    scenario_name="Scenario name",
    feature="Voice-message",
    callback_data="DLR callback data",
    mcc_mnc="21901",
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (as_json(V2), JSON),
        (as_json(V2), "application/json; charset=utf-8"),
        (json.dumps([V2]).encode(), JSON),
        (json.dumps(V2).encode(), JSON),
        (json.dumps({"results": {"results": [V2]}}).encode(), JSON),
        (as_json(V2).decode().encode("utf-16"), JSON),
        (b"\xef\xbb\xbf" + as_json(V2), JSON),
        (as_xml(V2), XML),
        (as_xml(V2, item="result"), "text/xml"),
        (as_xml(V2), "text/plain"),
        (as_xml(V2), JSON),  # what it is counts, not what it is said to be
        (b'<?xml version="1.0" encoding="UTF-8"?>\n' + as_xml(V2), XML),
        (as_xml(V2).replace(b"<reportResponse>", b'<reportResponse xmlns="urn:voice">'), XML),
    ],
)
def test_the_references_report_in_every_shape(body: bytes, content_type: str) -> None:
    assert one(body, content_type) == THE_V2


def test_several_reports_in_one_push_keep_their_order() -> None:
    reports = [{**V2, "messageId": str(number)} for number in range(4)]
    for body in (as_json(*reports), as_xml(*reports), as_xml(*reports, item="result")):
        assert [report.message_id for report in read_reports(body, "")] == ["0", "1", "2", "3"]


def test_the_references_version_1() -> None:
    report = one(as_json(V1))
    assert report == replace(
        THE_V2,
        version=1,
        sender="",
        sent_at=datetime(2020, 4, 22, 2, 18, 30, 205_000, UTC),
        started_at=datetime(2020, 4, 22, 2, 18, 30, tzinfo=UTC),
        answered_at=datetime(2020, 4, 22, 2, 18, 37, tzinfo=UTC),
        ended_at=datetime(2020, 4, 22, 2, 18, 52, 224_000, UTC),
        duration=14,
        charged_duration=None,
        dtmf="1",
        answers={"myFirstVar": "3", "mySecondVar": "8"},
        feature="",
    )
    assert one(as_xml(V1)) == report


def test_the_references_version_1_in_xml_with_a_repeated_element() -> None:
    report = one(V1_XML.encode(), XML)
    assert report.sent_at == datetime(2018, 6, 25, 13, 38, 14, 730_000, UTC)
    assert report.ended_at == datetime(2018, 6, 25, 13, 38, 14, 830_000, UTC)
    assert report.answers == {"myFirstVar": "3", "mySecondVar": "8"}
    assert (report.duration, report.price) == (10, Decimal("0.1"))


def test_a_recording_of_version_1() -> None:
    report = one(as_json(V1_RECORDED))
    assert report.recording_path == "/tts/3/files/ff4804ef-6ab6-4abd-984d-ab3b1387e852/385981178"
    assert report.ended_at == datetime(2020, 4, 22, 2, 19, 2, 355_000, UTC)


def test_a_row_of_the_log() -> None:
    report = one(as_json(LOG_ROW))
    assert report.message_id == "1f21d8d7-f306-4f53-9f6e-eddfce9849ea"
    assert report.ended_at == datetime(2023, 8, 10, 7, 36, 43, 194_000, UTC)
    assert (report.status.name, report.error.id) == ("DELIVERED_TO_HANDSET", 5003)
    logs = as_xml(LOG_ROW).replace(b"reportResponse", b"voiceLogsResponse")
    assert one(logs, XML) == report


def test_a_report_as_it_was_received() -> None:
    report = one(as_json(RECEIVED))
    assert report.callback_data == ""
    assert report.price_per_second == 15
    assert (report.started_at, report.answered_at, report.duration) == (None, None, 0)
    assert (report.status.id, report.error.id) == (15, 5003)
    assert report.price == 0


@pytest.mark.parametrize(
    ("spelled", "moment"),
    [
        ("2018-06-25T13:38:14.730+0000", (13, 38, 14, 730_000)),
        ("2018-06-25T13:38:14.730+00:00", (13, 38, 14, 730_000)),
        ("2018-06-25T15:38:14.730+0200", (13, 38, 14, 730_000)),
        ("2018-06-25T08:08:14.73-0530", (13, 38, 14, 730_000)),
        ("2018-06-25T13:38:14Z", (13, 38, 14, 0)),
        ("2018-06-25T13:38:14", (13, 38, 14, 0)),
        ("2018-06-25 13:38:14.123456789Z", (13, 38, 14, 123_456)),
        (1529933894730, (13, 38, 14, 730_000)),
        ("1529933894730", (13, 38, 14, 730_000)),
        ("null", None),
        ("", None),
        (None, None),
        ("2018-13-25T13:38:14Z", None),
        ("2018-06-25T13:38:14+99:99", None),
        ("0001-01-01T00:00:00+1400", None),
        (1529933894, None),  # seconds: no document has them
        ("yesterday", None),
        ([], None),
        ({}, None),
    ],
)
def test_moments(spelled: Any, moment: tuple[int, ...] | None) -> None:
    expected = moment and datetime(2018, 6, 25, *moment, tzinfo=UTC)  # type: ignore[misc,arg-type]
    assert of_call(answerTime=spelled).answered_at == expected


@pytest.mark.parametrize(
    ("spelled", "seconds"),
    [
        (10, 10),
        ("10", 10),
        ("10.0", 10),
        (10.4, 10),
        (0, 0),
        ("null", None),
        (None, None),
        (-1, None),
        (10**9, None),
        ("1e400", None),
        (True, None),
        ("ten", None),
    ],
)
def test_durations(spelled: Any, seconds: int | None) -> None:
    assert of_call(duration=spelled).duration == seconds


@pytest.mark.parametrize(
    ("price", "charged", "duration", "total"),
    [
        (0.01, 30, 10, "0.3"),
        ("15.0", 30, 10, "450"),
        (0.01, None, 10, "0.1"),  # version 1 tells only how long they talked
        ("0.0000004", 3, 3, "0.000001"),
        ("0.0166667", 60, 60, "1.000002"),
        (0.1, 3, 3, "0.3"),
        (1e-05, 60, 60, "0.0006"),
        (0, 30, 10, "0"),
        (0.01, None, None, None),
        (None, 30, 10, None),
        (-0.01, 30, 10, None),
        ("1e999999999", 30, 10, None),
        ("999999999e9", 30, 10, None),
        ("NaN", 30, 10, None),
    ],
)
def test_the_price_is_exact(price: Any, charged: Any, duration: Any, total: str | None) -> None:
    report = changed(
        price={"pricePerSecond": price, "currency": "eur"},
        voiceCall={**V2["voiceCall"], "chargedDuration": charged, "duration": duration},
    )
    assert report.price == (None if total is None else Decimal(total))
    assert report.currency == "EUR"


@pytest.mark.parametrize("currency", ["EURO", "€", "E1R", "null", None, 978])
def test_what_is_no_currency_is_none(currency: Any) -> None:
    assert changed(price={"pricePerSecond": 1, "currency": currency}).currency == ""


@pytest.mark.parametrize(
    ("collected", "answers"),
    [
        ({"collectedDtmfs": '{"a":"3"}', "collectedMappedDtmfs": '{"a":"yes"}'}, {"a": "yes"}),
        (
            {"spokenInput": '{"a":"I said yes"}', "matchedSpokenInput": '{"b":"yes"}'},
            {"a": "I said yes", "b": "yes"},
        ),
        ({"collectedDtmfs": {"a": "3"}}, {"a": "3"}),  # decoded once already
        ({"collectedDtmfs": '{"a":3}'}, {"a": "3"}),
        ({"collectedDtmfs": '{"a":null,"b":"null"}'}, {}),
        ({"collectedDtmfs": "null"}, {}),
        ({"collectedDtmfs": '{"a":'}, {}),
        ({"collectedDtmfs": '["a"]'}, {}),
        ({"collectedDtmfs": "[" * 100_000}, {}),
        ({}, {}),
    ],
)
def test_what_was_keyed_and_said(collected: dict[str, Any], answers: dict[str, str]) -> None:
    assert of_call(ivr=collected).answers == answers


def test_the_answers_have_a_limit() -> None:
    many = json.dumps({f"v{number}": "1" for number in range(1000)})
    assert len(of_call(ivr={"collectedDtmfs": many}).answers) == 50


def test_text_that_no_database_keeps_is_cleaned() -> None:
    report = of_call(ivr={"collectedDtmfs": '{"a\\u0000":"\\ud800x"}'})
    assert report.answers == {"a": "x"}
    assert changed(callbackData="a\x00b\ud800").callback_data == "a b"


def test_an_id_that_is_too_long_is_no_id() -> None:
    with pytest.raises(NotUnderstood, match="messageId"):
        changed(messageId="x" * 129)


def test_a_record_without_an_id_does_not_take_the_others_with_it() -> None:
    without = {name: said for name, said in V2.items() if name != "messageId"}
    ids = [r.message_id for r in read_reports(as_json(without, V2), JSON)]
    assert ids == ["", V2["messageId"]]
    body = json.dumps({"results": ["odd", None, 5, V2]}).encode()
    assert [r.message_id for r in read_reports(body, JSON)] == ["", "", "", V2["messageId"]]


@pytest.mark.parametrize(
    "body", [b'{"results": []}', b"[]", b"<reportResponse><results/></reportResponse>"]
)
def test_nothing_to_tell(body: bytes) -> None:
    assert read_reports(body, "") == []


DTD = b'<!DOCTYPE r [<!ENTITY e "x">]>'
LAUGHS = (
    b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>'
)
FILE = b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><messageId>&e;</messageId></r>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "neither JSON nor XML"),
        (b"   ", "neither JSON nor XML"),
        (b"messageId=1&status=5", "neither JSON nor XML"),
        (b"messageId,status\n1,5", "neither JSON nor XML"),
        (b"5", "neither JSON nor XML"),
        (b'"text"', "neither JSON nor XML"),
        (b"{", "broken"),
        (b'{"results": NaN}', "NaN"),
        (b'{"results": [{"messageId": "\xff"}]}', "UTF-8"),
        (b"[" * 200_000, "deep"),
        (b'{"results":' * 50 + b"1" + b"}" * 50, "deep"),
        (b"<a>" * 50 + b"</a>" * 50, "deep"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "deep"),
        (b"<a", "XML is broken"),
        (b"<a></b>", "XML is broken"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "XML is"),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>', "XML is"),
        (DTD + as_xml(V2), "not accepted"),
        (b"<!DOCTYPE reportResponse>" + as_xml(V2), "not accepted"),
        (LAUGHS, "not accepted"),
        (FILE, "not accepted"),
        (b"{}", "messageId"),
        (b'{"results": [{}]}', "messageId"),
        (b'{"results": "text"}', "messageId"),
        (b"<reportResponse>text</reportResponse>", "messageId"),
        (b'{"requestError": {}}', "messageId"),
    ],
)
def test_what_is_no_report(body: bytes, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        read_reports(body, JSON)
