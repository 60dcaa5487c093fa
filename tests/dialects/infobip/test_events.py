"""From reports to facts, and what a call comes to by them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.events import answers_of, events_of, recording_url
from clicktocall.dialects.infobip.logs import row_of
from clicktocall.dialects.infobip.paths import logs_of, reports_of
from clicktocall.dialects.infobip.reports import Report, Word, read_reports
from clicktocall.dialects.infobip.vocabulary import STATUSES, Group, Status
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Fact, Leg, LegState, Outcome, Progress
from tests.dialects.infobip.pushed import LOG_ROW, RECEIVED, V1, V1_RECORDED, V2, as_json

BASE_URL = "https://abc123.api.infobip.com"
RANG = datetime(2018, 6, 25, 13, 38, 15, tzinfo=UTC)
ANSWERED = datetime(2018, 6, 25, 13, 38, 25, tzinfo=UTC)
ENDED = datetime(2018, 6, 25, 13, 38, 28, 316_000, UTC)
WORDS = (
    "DELIVERED_TO_HANDSET (Message delivered to handset); VOICE_ANSWERED (Call answered by human); "
    "10 s from the first answer; 30 s charged"
)


def report_of(record: dict[str, Any]) -> Report:
    (report,) = read_reports(as_json(record), "application/json")
    return report


def with_status(name: str, error: str = "", **changes: Any) -> Report:
    """A report of a call that nobody answered."""
    call = {"startTime": V2["voiceCall"]["startTime"], "endTime": V2["voiceCall"]["endTime"]}
    told = {"status": {"name": name}, "error": {"name": error}, **changes}
    return report_of({**V2, "voiceCall": call, **told})


def progress_of(report: Report, *, one_leg: bool = False) -> Progress:
    """What an attempt comes to by a report, whatever order its facts are applied in."""
    events = events_of(report, base_url=BASE_URL)
    facts = [
        Fact(kind=EventKind.PLACED, occurred_at=RANG),
        *(fact_of(event, one_leg) for event in events),
    ]
    random.shuffle(facts)
    return Progress.from_facts(facts, one_leg=one_leg)


def fact_of(event: ReportedEvent, one_leg: bool) -> Fact:
    return Fact(
        kind=event.kind,
        occurred_at=event.occurred_at or ENDED,
        leg=event.leg,
        leg_state=event.leg_state,
        outcome=event.outcome,
        talk_seconds=event.answered_seconds if one_leg else event.talk_seconds,
        recording_url=event.recording_url,
        price=event.price,
        currency=event.currency,
        words=event.words,
        answers=event.answers,
    )


def test_the_references_report_as_facts() -> None:
    common: dict[str, Any] = {"reference": V2["messageId"], "words": WORDS}
    assert events_of(report_of(V2)) == [
        ReportedEvent(kind=EventKind.RINGING, leg=Leg.A, occurred_at=RANG, **common),
        ReportedEvent(kind=EventKind.ANSWERED, leg=Leg.A, occurred_at=ANSWERED, **common),
        ReportedEvent(
            kind=EventKind.LEG_ENDED,
            leg=Leg.A,
            leg_state=LegState.ENDED,
            occurred_at=ENDED,
            **common,
        ),
        ReportedEvent(
            kind=EventKind.COLLECTED,
            reference=V2["messageId"],
            occurred_at=ENDED,
            answers={"dtmf": "3, 9", "myFirstVar": "3", "mySecondVar": "9"},
        ),
        ReportedEvent(
            kind=EventKind.ENDED,
            outcome=Outcome.COMPLETED,
            occurred_at=ENDED,
            answered_seconds=10,
            price=Decimal("0.3"),
            currency="EUR",
            **common,
        ),
    ]


def test_a_delivered_call_of_two_legs_leaves_leg_b_unreported() -> None:
    progress = progress_of(report_of(V2))
    assert (progress.state, progress.outcome) == (CallState.ENDED, Outcome.COMPLETED)
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, LegState.UNREPORTED)
    assert progress.joined_at is None
    assert progress.talk_seconds is None, "nobody says how long the two talked"
    assert "10 s from the first answer" in progress.outcome_words
    assert (progress.price, progress.currency) == (Decimal("0.3"), "EUR")
    assert (progress.a_ringing_at, progress.a_answered_at) == (RANG, ANSWERED)
    assert (progress.a_ended_at, progress.ended_at) == (ENDED, ENDED)


def test_a_delivered_call_of_one_leg_was_listened_to() -> None:
    progress = progress_of(report_of(V2), one_leg=True)
    assert (progress.outcome, progress.talk_seconds) == (Outcome.COMPLETED, 10)
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, None)
    assert progress.answers == {"dtmf": "3, 9", "myFirstVar": "3", "mySecondVar": "9"}


def test_seconds_since_the_answer_are_told_of_every_call_and_never_as_talk() -> None:
    ends = [events_of(report_of(record))[-1] for record in (V2, V1, LOG_ROW)]
    assert [end.talk_seconds for end in ends] == [None, None, None]
    assert [end.answered_seconds for end in ends] == [10, 14, LOG_ROW["duration"]]


def test_what_was_keyed_stands_in_no_words() -> None:
    collected = {"cardNumber": "4929000000006"}
    call = {**V2["voiceCall"], "dtmfCodes": "", "ivr": {"collectedDtmfs": json.dumps(collected)}}
    events = events_of(report_of({**V2, "voiceCall": call}))
    (told,) = [event for event in events if event.kind == EventKind.COLLECTED]
    assert (told.answers, told.words) == (collected, "")
    assert all(collected["cardNumber"] not in event.words for event in events)


@pytest.mark.parametrize("record", [V1, V1_RECORDED, LOG_ROW])
def test_the_other_shapes_come_to_the_same(record: dict[str, Any]) -> None:
    progress = progress_of(report_of(record))
    assert progress.outcome == Outcome.COMPLETED
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, LegState.UNREPORTED)


def test_a_report_as_it_was_received() -> None:
    progress = progress_of(report_of(RECEIVED))
    assert (progress.outcome, progress.outcome_leg) == (Outcome.NO_ANSWER, Leg.A)
    assert (progress.leg_a, progress.leg_b) == (LegState.NO_ANSWER, LegState.WAITING)
    assert progress.outcome_words.startswith("EXPIRED_EXPIRED; EC_VOICE_NO_ANSWER")
    assert (progress.price, progress.currency) == (Decimal(0), "IDR")


@pytest.mark.parametrize(
    ("name", "error", "outcome", "leg_a"),
    [
        ("NO_ANSWER", "", Outcome.NO_ANSWER, LegState.NO_ANSWER),
        ("BUSY", "", Outcome.BUSY, LegState.BUSY),
        ("REJECTED", "", Outcome.DECLINED, LegState.DECLINED),
        ("CANCELLED", "", Outcome.CANCELED, LegState.CANCELED),
        ("UNDELIVERABLE_NOT_DELIVERED", "EC_VOICE_USER_BUSY", Outcome.BUSY, LegState.BUSY),
        ("UNDELIVERABLE_NOT_DELIVERED", "DESTINATION_NOT_FOUND", Outcome.FAILED, LegState.FAILED),
        ("UNDELIVERABLE_NOT_SENT", "", Outcome.FAILED, LegState.WAITING),
        ("REJECTED_NOT_ENOUGH_CREDITS", "", Outcome.REJECTED, LegState.WAITING),
        ("EXPIRED_EXPIRED", "", Outcome.EXPIRED, LegState.WAITING),
        ("EXPIRED_DLR_UNKNOWN", "", Outcome.UNKNOWN, LegState.UNREPORTED),
        ("DELIVERED_TO_HANDSET", "MACHINE_DETECTED", Outcome.MACHINE, LegState.MACHINE),
    ],
)
def test_a_call_that_leg_b_was_never_part_of(
    name: str, error: str, outcome: Outcome, leg_a: LegState
) -> None:
    progress = progress_of(with_status(name, error))
    assert (progress.outcome, progress.leg_a) == (outcome, leg_a)
    not_told = outcome == Outcome.UNKNOWN
    assert progress.leg_b == (LegState.UNREPORTED if not_told else LegState.WAITING)


def test_nobody_rings_where_a_number_was_busy() -> None:
    kinds = [event.kind for event in events_of(with_status("BUSY"))]
    assert kinds == [EventKind.LEG_ENDED, EventKind.ENDED]
    kinds = [event.kind for event in events_of(with_status("NO_ANSWER"))]
    assert kinds == [EventKind.RINGING, EventKind.LEG_ENDED, EventKind.ENDED]


def test_a_leg_that_answered_is_not_blamed_for_the_end() -> None:
    progress = progress_of(report_of({**V2, "status": {"name": "BUSY"}, "error": {}}))
    assert (progress.outcome, progress.outcome_leg) == (Outcome.BUSY, None)
    assert progress.leg_a == LegState.ENDED


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row.group}-{row.name}")
def test_every_status_makes_facts_of_our_reference(row: Status) -> None:
    report = with_status(row.name, status={"name": row.name, "groupId": row.group})
    events = events_of(report)
    assert {event.reference for event in events} == {V2["messageId"]}
    assert all(event.leg != Leg.B for event in events)
    if row.group == Group.PENDING:
        assert [event.kind for event in events] == [EventKind.PLACED]
    elif row.outcome is None:
        assert [event.kind for event in events] == [EventKind.NOTE]
    else:
        assert events[-1].kind == EventKind.ENDED
        assert events[-1].outcome == row.outcome


def test_a_second_send_of_the_same_message_does_not_end_the_first() -> None:
    (event,) = events_of(with_status("REJECTED_DUPLICATE_MESSAGE_ID"))
    assert (event.kind, event.words) == (EventKind.NOTE, "REJECTED_DUPLICATE_MESSAGE_ID")


def test_a_pending_report_says_that_infobip_holds_the_call() -> None:
    (event,) = events_of(with_status("PENDING_ENROUTE"))
    assert event.kind == EventKind.PLACED
    assert event.occurred_at == datetime(2018, 6, 25, 13, 38, 14, 730_000, UTC)


def test_what_nobody_understands_is_a_note_with_its_words() -> None:
    report = Report(version=2, message_id="M", status=Word(group=8, group_name="NEW"))
    (event,) = events_of(report)
    assert (event.kind, event.words) == (EventKind.NOTE, "NEW")


def test_the_same_report_makes_the_same_facts() -> None:
    assert events_of(report_of(V2)) == events_of(report_of(V2))


def test_answers_are_told_by_variable() -> None:
    assert answers_of(report_of(V2)) == {"dtmf": "3, 9", "myFirstVar": "3", "mySecondVar": "9"}
    assert answers_of(report_of(LOG_ROW)) == {}


@pytest.mark.parametrize(
    ("known", "base_url", "address"),
    [
        ({"recording_id": "f/1"}, BASE_URL, f"{BASE_URL}/calls/1/recordings/files/f%2F1"),
        ({"recording_path": "/tts/3/files/m/1"}, BASE_URL, f"{BASE_URL}/tts/3/files/m/1"),
        ({"recording_path": f"{BASE_URL}/tts/3/files/1"}, BASE_URL, f"{BASE_URL}/tts/3/files/1"),
        ({"recording_path": "/tts/3/files/m/1"}, "", ""),
        ({"recording_path": "https://example.com/a.wav"}, BASE_URL, ""),
        ({"recording_path": "//example.com/a.wav"}, BASE_URL, ""),
        ({"recording_path": "http://abc123.api.infobip.com/a.wav"}, BASE_URL, ""),
        ({"recording_path": "http://[::1"}, BASE_URL, ""),
        ({"recording_path": "/ä"}, BASE_URL, ""),
        ({"recording_path": "/" + "x" * 500}, BASE_URL, ""),
        ({}, BASE_URL, ""),
    ],
)
def test_a_recording_is_only_on_the_accounts_own_host(
    known: dict[str, str], base_url: str, address: str
) -> None:
    assert recording_url(Report(version=2, **known), base_url) == address  # type: ignore[arg-type]


def test_a_recording_is_a_fact_of_its_own() -> None:
    report = replace(report_of(V2), recording_id="file-1")
    address = f"{BASE_URL}/calls/1/recordings/files/file-1"
    assert progress_of(report).recording_url == address
    assert EventKind.RECORDED not in {event.kind for event in events_of(report)}


def test_the_row_of_the_log_that_tells_of_an_end_counts() -> None:
    pending = {**LOG_ROW, "doneAt": "2023-08-10T09:00:00.000+0000", "status": {"groupId": 1}}
    earlier = {**LOG_ROW, "doneAt": "2023-08-10T07:00:00.000+0000", "status": {"groupId": 2}}
    other = {**LOG_ROW, "messageId": "another", "doneAt": "2023-08-10T10:00:00.000+0000"}
    body = as_json(pending, LOG_ROW, earlier, other)
    assert row_of(LOG_ROW["messageId"], body, "") == report_of(LOG_ROW)
    for unclear in (as_json(other), b'{"results": null}'):
        with pytest.raises(NotUnderstood):
            row_of(LOG_ROW["messageId"], unclear, "")
    assert row_of(LOG_ROW["messageId"], b'{"results": []}', "") is None
    assert row_of(LOG_ROW["messageId"], as_json(pending), "") == report_of(pending)


def test_where_it_is_asked() -> None:
    assert logs_of("a b&c") == "/tts/3/logs?messageId=a+b%26c"
    assert reports_of() == "/voice/1/reports"
    assert reports_of("B", limit=50) == "/voice/1/reports?bulkId=B&limit=50"
