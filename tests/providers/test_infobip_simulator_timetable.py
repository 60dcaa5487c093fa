"""When the simulated Infobip dials: later, at a speed, in a window, and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from clicktocall.providers.infobip.simulation.account import Account, Dedupe
from clicktocall.providers.infobip.simulation.timetable import (
    DAYS,
    first_moment,
    minutes_before_retry,
    retries_of,
)
from tests.providers.infobip_customer import (
    CLICK_TO_CALL,
    VOICE,
    Customer,
    Inbox,
    click_to_call,
    running,
    voice_message,
)

# The simulator is a tool of the tests; what they need of it fails them first.
pytestmark = pytest.mark.slow

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
OFFICE_HOURS = {
    "days": ["MONDAY", "WEDNESDAY"],
    "from": {"hour": 9, "minute": 30},
    "to": {"hour": 17, "minute": 0},
}


@pytest.fixture
def customer() -> Iterator[Customer]:
    with running(account=Account(dedupe=Dedupe.LOOKUP)) as customer:
        yield customer


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (MONDAY.replace(hour=8), MONDAY.replace(hour=9, minute=30)),
        (MONDAY.replace(hour=12), MONDAY.replace(hour=12)),
        (MONDAY.replace(hour=17), MONDAY.replace(day=25, hour=9, minute=30)),
        (MONDAY.replace(day=24), MONDAY.replace(day=25, hour=9, minute=30)),
        (MONDAY.replace(day=25, hour=18), MONDAY.replace(day=30, hour=9, minute=30)),
    ],
)
def test_window_opens(now: datetime, opens: datetime) -> None:
    assert first_moment({"deliveryTimeWindow": OFFICE_HOURS}, now) == opens


def test_window_of_whole_days_and_a_later_order() -> None:
    fields = {"deliveryTimeWindow": {"days": ["SUNDAY"]}, "sendAt": "2026-11-24T12:00:00.000+0100"}
    assert first_moment(fields, MONDAY) == MONDAY.replace(day=29)
    del fields["deliveryTimeWindow"]
    assert first_moment(fields, MONDAY) == MONDAY.replace(day=24, hour=11)
    assert first_moment(fields, MONDAY.replace(day=28)) == MONDAY.replace(day=28)


@pytest.mark.parametrize(
    ("shortest", "longest", "pauses"),
    [
        (1, 5, [1, 2, 5, 5]),
        (1, 1, [1, 1, 1, 1]),
        (3, 10_000, [5, 10, 20, 30]),
        (30, 10, [30, 30, 30, 30]),
        (5000, 5000, [1440] * 4),
    ],
)
def test_ladder_of_retries(shortest: int, longest: int, pauses: list[int]) -> None:
    fields = {"retry": {"minPeriod": shortest, "maxPeriod": longest, "maxCount": 9}}
    assert retries_of(fields) == 4
    assert [minutes_before_retry(fields, number) for number in (1, 2, 3, 4)] == pauses


def test_closed_window_makes_the_message_wait(customer: Customer) -> None:
    tomorrow = DAYS[(datetime.now(UTC) + timedelta(days=2)).weekday()]
    customer.call(messageId="M-1", deliveryTimeWindow={"days": [tomorrow]})
    time.sleep(0.6)  # a whole call would be over
    (row,) = customer.logs(messageId="M-1")
    assert (row["status"]["name"], row["doneAt"]) == ("PENDING_ACCEPTED", None)


@pytest.mark.parametrize("retries", [0, 1, 4, 9])
def test_failed_call_is_tried_again_and_reported_once(
    retries: int, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    retry = {"minPeriod": 1, "maxPeriod": 1, "maxCount": retries}
    with running(speed=600.0) as customer:
        customer.call("a_busy", messageId="M-1", retry=retry, notifyUrl=inbox.url)
        inbox.wait_for(1)
        time.sleep(0.15)
    assert len(inbox.reports) == 1
    assert caplog.text.count("message M-1: rings") == 1 + min(retries, 4)


def test_answered_call_is_not_tried_again(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    retry = {"minPeriod": 1, "maxPeriod": 1, "maxCount": 4}
    with running(speed=600.0) as customer:
        customer.call("b_busy", messageId="M-1", retry=retry, notifyUrl=inbox.url)
        inbox.wait_for(1)
        time.sleep(0.15)
    assert caplog.text.count("message M-1: rings") == 1


def test_retries_end_with_the_validity(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    retry = {"minPeriod": 2, "maxPeriod": 2, "maxCount": 4}
    with running(speed=600.0) as customer:
        customer.send(
            VOICE,
            voice_message("a_no_answer", "M-1", retry=retry, validityPeriod=3, notifyUrl=inbox.url),
        )
        (report,) = inbox.wait_for(1)
    assert (report["status"]["id"], report["error"]["id"]) == (15, 10200)
    assert caplog.text.count("message M-1: rings") == 2


def test_speed_spreads_the_messages(inbox: Inbox) -> None:
    spread: dict[str, Any] = {
        "sendingSpeed": {"speed": 6, "timeUnit": "minute"},
        "notifyUrl": inbox.url,
    }
    message = voice_message(**spread)
    message["destinations"] = [{"to": f"44207946010{n}", "messageId": f"M-{n}"} for n in range(4)]
    with running(speed=50.0) as customer:  # one in ten seconds, here in 0.2
        started = time.monotonic()
        customer.send(VOICE, message)
        assert [report["messageId"] for report in inbox.wait_for(4)][-1] == "M-3"
    assert time.monotonic() - started > 0.6


# Bulks.


def later(customer: Customer, inbox: Inbox, seconds: float = 60.0, **fields: Any) -> None:
    customer.send(
        VOICE,
        voice_message(
            "completed", "M-1", sendAt=in_seconds(seconds), notifyUrl=inbox.url, **fields
        ),
        document={"bulkId": "B-1"},
    )


def status(customer: Customer, **request: Any) -> str:
    answer = customer.ask("GET", "/tts/3/bulks/status", params={"bulkId": "B-1"}, **request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["bulkId"] == "B-1"
    found: str = answer.json()["status"]
    return found


def put(customer: Customer, what: str, **content: str) -> int:
    return customer.ask("PUT", what, params={"bulkId": "B-1"}, json=content).status_code


def test_later_message_waits_for_its_time(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox, 1.5)
    assert status(customer) == "PENDING"
    time.sleep(0.5)
    assert customer.logs()[0]["status"]["name"] == "PENDING_ACCEPTED"
    inbox.wait_for(1)
    assert status(customer) == "FINISHED"


def test_paused_bulk_is_moved_and_resumed(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox)
    assert put(customer, "/tts/3/bulks", sendAt=in_seconds(-1)) == 400  # not paused
    assert put(customer, "/tts/3/bulks/status", status="PAUSED") == 200
    assert status(customer) == "PAUSED"
    assert put(customer, "/tts/3/bulks", sendAt="2026-11-24T12:00:00.000+0100") == 200
    moved = customer.ask("GET", "/tts/3/bulks", params={"bulkId": "B-1"}).json()
    assert moved == {"bulkId": "B-1", "sendAt": "2026-11-24T11:00:00.000+0000"}
    assert put(customer, "/tts/3/bulks", sendAt=in_seconds(-1)) == 200
    time.sleep(0.3)
    assert inbox.posts == []  # due, but still paused
    assert put(customer, "/tts/3/bulks/status", status="PENDING") == 200
    inbox.wait_for(1)
    assert status(customer) == "FINISHED"
    time.sleep(0.2)
    assert len(inbox.reports) == 1


def test_paused_bulk_lets_its_time_pass(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox, 1.0)
    assert put(customer, "/tts/3/bulks/status", status="PAUSED") == 200
    time.sleep(1.4)
    assert inbox.posts == []
    assert put(customer, "/tts/3/bulks/status", status="PROCESSING") == 200
    inbox.wait_for(1)


def test_canceled_bulk_rings_nobody(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox, 1.0)
    assert put(customer, "/tts/3/bulks/status", status="CANCELED") == 200
    (report,) = inbox.wait_for(1)
    assert (report["status"]["name"], report["error"]["id"]) == ("CANCELLED", 10202)
    assert status(customer) == "CANCELED"
    time.sleep(1.3)
    assert len(inbox.reports) == 1
    assert put(customer, "/tts/3/bulks/status", status="PENDING") == 400


def test_wrong_requests_about_bulks(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox)
    assert put(customer, "/tts/3/bulks/status", status="LOST") == 400
    assert put(customer, "/tts/3/bulks/status") == 400
    assert put(customer, "/tts/3/bulks/status", status="FINISHED") == 400
    assert put(customer, "/tts/3/bulks", sendAt="tomorrow") == 400
    for path in ("/tts/3/bulks", "/tts/3/bulks/status"):
        answer = customer.ask("PUT", path, params={"bulkId": "B-1"}, data=b"?")
        assert answer.status_code == 400
        answer = customer.ask("GET", path, params={"bulkId": "unknown"})
        assert answer.status_code == 400
        assert "bulkId" in answer.text


def test_click_to_call_makes_no_bulk_that_can_be_asked_for(customer: Customer) -> None:
    customer.send(CLICK_TO_CALL, click_to_call(), document={"bulkId": "B-1"})
    answer = customer.ask("GET", "/tts/3/bulks/status", params={"bulkId": "B-1"})
    assert answer.status_code == 400


def test_bulk_in_xml(customer: Customer, inbox: Inbox) -> None:
    later(customer, inbox)
    for path, root in (
        ("/tts/3/bulks/status", "BulkStatusResponse"),
        ("/tts/3/bulks", "BulkResponse"),
    ):
        answer = customer.ask("GET", path, params={"bulkId": "B-1"}, accept="application/xml")
        assert ET.fromstring(answer.content).tag == root
