"""Reading the sandbox's reports: plain ones, odd ones, hostile ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicktocall.orders import ReportedEvent
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.callbacks import parse
from clicktocall.states import EventKind, Leg, LegState, Outcome

REPORT: dict[str, Any] = {
    "event_id": "event-1",
    "reference": "our-attempt",
    "call": "their-call",
    "event": "ended",
    "leg": "b",
    "outcome": "completed",
    "at": "2026-11-20T09:30:00.125000Z",
    "words": "leg b hung up",
    "talk_seconds": 8,
    "answered_seconds": 11,
}


def read(**changes: Any) -> ReportedEvent:
    (event,) = parse(json.dumps({**REPORT, **changes}).encode())
    return event


def test_every_field_is_read() -> None:
    assert read() == ReportedEvent(
        kind=EventKind.ENDED,
        reference="our-attempt",
        provider_reference="their-call",
        event_id="event-1",
        leg=Leg.B,
        outcome=Outcome.COMPLETED,
        occurred_at=datetime(2026, 11, 20, 9, 30, 0, 125000, UTC),
        talk_seconds=8,
        answered_seconds=11,
        words="leg b hung up",
    )


def test_provider_reads_the_body() -> None:
    provider = SandboxProvider("box", {"BASE_URL": "http://127.0.0.1:9", "API_KEY": "key"})
    request = CallbackRequest("POST", "application/json", {}, {}, json.dumps(REPORT).encode())
    assert provider.authenticate_callback(request)
    assert provider.parse_callback(request) == [read()]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ringing", EventKind.RINGING),
        ("answered", EventKind.ANSWERED),
        ("joined", EventKind.JOINED),
        ("note", EventKind.NOTE),
    ],
)
def test_kinds_without_an_outcome(word: str, kind: EventKind) -> None:
    event = read(event=word, outcome=None)
    assert (event.kind, event.outcome, event.leg_state) == (kind, None, None)


@pytest.mark.parametrize(
    ("word", "leg_state"),
    [
        ("completed", LegState.ENDED),
        ("busy", LegState.BUSY),
        ("no_answer", LegState.NO_ANSWER),
        ("declined", LegState.DECLINED),
        ("machine", LegState.MACHINE),
        ("canceled", LegState.CANCELED),
        ("failed", LegState.FAILED),
    ],
)
def test_outcome_of_a_leg(word: str, leg_state: LegState) -> None:
    event = read(event="leg_ended", leg="a", outcome=word)
    assert (event.leg, event.leg_state, event.outcome) == (Leg.A, leg_state, None)


def test_what_was_keyed() -> None:
    told = read(
        event="collected", outcome=None, leg=None, answers={"choice": "1", "name": "Ann\x00"}
    )
    assert (told.kind, told.answers) == (EventKind.COLLECTED, {"choice": "1", "name": "Ann"})
    assert read(answers={"choice": "1"}).answers == {}, "only a collected event tells answers"
    assert read(event="collected", answers={"v" * 70: "x" * 600}).answers == {"v" * 64: "x" * 500}


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        "4111111111111111",
        [],
        {},
        {"choice": 1},
        {"choice": None},
        dict.fromkeys(map(str, range(51)), ""),
    ],
)
def test_odd_answers_are_not_understood(told: Any) -> None:
    with pytest.raises(CallbackNotUnderstood, match="answers") as error:
        read(event="collected", outcome=None, answers=told)
    assert "4111" not in str(error.value), "it may be what somebody has keyed"


def test_recording() -> None:
    url = "http://127.0.0.1:8001/recordings/abc.wav"
    assert read(event="recorded", recording_url=url).recording_url == url
    assert read(recording_url=url).recording_url == ""


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        5,
        5.5,
        True,
        [],
        {},
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T09:30:00",
        "2026-11-20",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1970-01-01T00:00:00Z",
        "2026-11-20T09:30:00+99:00",
        "٢٠٢٦-11-20T09:30:00Z",
        "1795167000",
        "x" * 10_000,
    ],
)
def test_unusable_time_is_left_out(told: Any) -> None:
    assert read(at=told).occurred_at is None


def test_time_far_ahead_is_left_out() -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    assert read(at=ahead.isoformat()).occurred_at is None
    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert read(at=soon.isoformat()).occurred_at == soon


def test_other_zones_become_utc() -> None:
    moment = read(at="2026-11-20T10:30:00+01:00").occurred_at
    assert moment == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("told", [None, "8", 8.5, True, -1, 10**9, 10**400, [], {}])
def test_unusable_duration_is_left_out(told: Any) -> None:
    assert read(talk_seconds=told).talk_seconds is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, ""),
        (486, ""),
        (["486"], ""),
        ("486 Busy Here", "486 Busy Here"),
        ("a\x00b\ud800c\nd\u202ee", "a b c d e"),
        ("x" * 10_000, "x" * 500),
    ],
)
def test_words_are_made_storable(told: Any, kept: str) -> None:
    assert read(words=told).words == kept


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"event": None}, '"event"'),
        ({"event": "exploded"}, '"event"'),
        ({"event": 5}, '"event"'),
        ({"event": ["ended"]}, '"event"'),
        ({"event": {"ended": 1}}, '"event"'),
        ({"event": "ENDED"}, '"event"'),
        ({"event": "x" * 10_000}, '"event"'),
        ({"reference": None}, '"reference"'),
        ({"reference": 5}, '"reference"'),
        ({"reference": ""}, '"reference"'),
        ({"reference": "x" * 129}, '"reference"'),
        ({"reference": "a\x00b"}, '"reference"'),
        ({"reference": "a\n"}, '"reference"'),
        ({"reference": "\ud800"}, '"reference"'),
        ({"call": None}, '"call"'),
        ({"call": {}}, '"call"'),
        ({"event_id": None}, '"event_id"'),
        ({"event_id": 10**400}, '"event_id"'),
        ({"leg": "c"}, '"leg"'),
        ({"leg": 1}, '"leg"'),
        ({"leg": []}, '"leg"'),
        ({"event": "ringing", "leg": None}, '"leg"'),
        ({"event": "leg_ended", "leg": None}, '"leg"'),
        ({"outcome": None}, '"outcome"'),
        ({"outcome": "unknown"}, '"outcome"'),
        ({"outcome": []}, '"outcome"'),
        ({"event": "leg_ended", "outcome": None}, '"outcome"'),
        ({"event": "recorded"}, '"recording_url"'),
        ({"event": "recorded", "recording_url": "javascript:alert(1)"}, '"recording_url"'),
        ({"event": "recorded", "recording_url": "http://"}, '"recording_url"'),
        ({"event": "recorded", "recording_url": "http://[::1"}, '"recording_url"'),
        ({"event": "recorded", "recording_url": "http://a/" + "x" * 500}, '"recording_url"'),
        ({"event": "recorded", "recording_url": "http://a/\x00"}, '"recording_url"'),
        ({"event": "recorded", "recording_url": 5}, '"recording_url"'),
    ],
)
def test_what_cannot_be_understood_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(CallbackNotUnderstood) as caught:
        read(**changes)
    assert named in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"plain words", "not JSON"),
        (b"event=ended", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"ended"', "not a JSON object"),
        (b"NaN", "not JSON"),
        (b'{"talk_seconds": NaN}', "NaN"),
        (b'{"talk_seconds": -Infinity}', "Infinity"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"talk_seconds": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"{}", '"event"'),
    ],
)
def test_bodies_that_are_no_report(body: bytes, named: str) -> None:
    with pytest.raises(CallbackNotUnderstood, match=named):
        parse(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*REPORT, "recording_url"]), anything))
def test_odd_values_never_break_the_parser(changes: dict[str, Any]) -> None:
    try:
        event = read(**changes)
    except CallbackNotUnderstood:
        return
    assert event.words.isprintable()
    assert event.occurred_at is None or event.occurred_at.tzinfo is UTC


@settings(max_examples=300, deadline=None)
@given(st.binary())
def test_odd_bytes_never_break_the_parser(body: bytes) -> None:
    with pytest.raises(CallbackNotUnderstood):
        parse(body)
