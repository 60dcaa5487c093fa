"""Thousands of spoiled reports: never a 5xx, and every 200 has its receipt."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent, ReceiptStatus
from clicktocall.models.fields import hex_id
from clicktocall.states import CallState, LegState, Outcome
from tests.callbacks.provider import post, report
from tests.factories import make_attempt, make_call

REPORTS_PER_SEED = 100
SEEDS = range(20)
EVENTS: tuple[dict[str, Any], ...] = (
    {"event": "ringing", "leg": "a"},
    {"event": "answered", "leg": "a"},
    {"event": "ringing", "leg": "b"},
    {"event": "joined", "leg": None},
    {"event": "leg_ended", "leg": "b", "outcome": "busy"},
    {"event": "ended", "leg": None, "outcome": "completed", "talk_seconds": 12},
    {"event": "recorded", "leg": None, "recording_url": "https://example.com/r.mp3"},
    {"event": "note", "leg": None},
)
# One of these takes the place of any member.
ABSURD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    "",
    " ",
    "a" * 501,
    "a" * 20_000,
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e\u200b",
    "😀" * 200,
    "2026-13-45T99:99:99Z",
    "2026-02-30T12:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
    "2026-11-23T12:00:00+99:99",
    "2026-11-23T12:00:00.123456789Z",
    "٢٠٢٦-١١-٢٣T12:00:00Z",
    "javascript:alert(1)",
    "http://[::1",
    "https://example.com/" + "x" * 490,
    "c",
    "A",
    [],
    {},
    [["a"]],
    {"a": {"b": None}},
)


def spoiled(attempt: Attempt, choose: random.Random) -> bytes:
    """A report with one to three things wrong with it."""
    told = report(attempt, **choose.choice(EVENTS))
    body: bytes | None = None
    for _ in range(choose.randint(1, 3)):
        if body is not None or choose.random() < 0.35:
            body = spoiled_bytes(json.dumps(told).encode() if body is None else body, choose)
        else:
            told[choose.choice([*told, "at", "talk_seconds", "recording_url", "new"])] = (
                choose.choice(ABSURD)
            )
    return json.dumps(told).encode() if body is None else body


def spoiled_bytes(body: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(body)) if body else 0
    match choose.randrange(8):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + bytes([choose.randrange(256)]) + body[at + 1 :]
        case 2:
            return body[:at] + choose.randbytes(choose.randint(1, 20)) + body[at:]
        case 3:
            return body + body
        case 4:
            return b"[" * choose.choice((10, 1000, 50_000)) + body
        case 5:
            return body.decode("utf-8", "replace").encode(choose.choice(("utf-16", "utf-8-sig")))
        case 6:
            return body[:-1] + b', "event": "ended", "outcome": "completed", "leg": null}'
        case _:
            return body.replace(b'"', choose.choice((b"'", b"", b'""')), choose.randint(1, 6))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_spoiled_reports_are_evidence_never_an_accident(seed: int) -> None:
    choose = random.Random(seed)
    attempt = make_attempt(provider_reference=hex_id())
    bystander = make_attempt(make_call(state="placed"), provider_reference=hex_id())

    kept = 0
    for _ in range(REPORTS_PER_SEED):
        body = spoiled(attempt, choose)
        answer = post(body)
        assert answer.status_code in (200, 400, 413), f"{answer.status_code} for {body!r}"
        kept += answer.status_code == 200
        assert CallbackReceipt.objects.count() == kept, f"no receipt of {body!r}"

    assert kept > REPORTS_PER_SEED * 0.8
    statuses = set(CallbackReceipt.objects.values_list("status", flat=True))
    assert statuses <= {
        ReceiptStatus.APPLIED,
        ReceiptStatus.NOT_UNDERSTOOD,
        ReceiptStatus.UNMATCHED,
    }, CallbackReceipt.objects.filter(status=ReceiptStatus.FAILED).values_list("error", "body")
    assert_in_order(Call.objects.get(pk=attempt.call_id), attempt)
    bystander.refresh_from_db()
    assert bystander.state == "placed", "a spoiled report moved another call"
    assert not CallEvent.objects.filter(attempt=bystander).exists()


def assert_in_order(call: Call, attempt: Attempt) -> None:
    """Whatever was said, the call is still one that makes sense."""
    attempt.refresh_from_db()
    assert call.state in CallState.values
    assert call.outcome in (None, *Outcome.values)
    assert call.leg_a in LegState.values
    assert call.leg_b in LegState.values
    assert (call.state == "ended") == (call.outcome is not None)
    assert call.talk_seconds is None or 0 <= call.talk_seconds <= 86_400
    for event in CallEvent.objects.filter(call=call):
        assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 3 * 86_400
        assert len(event.words) <= 500
        assert "\x00" not in event.words


def test_the_fuzz_is_large_enough() -> None:
    assert REPORTS_PER_SEED * len(SEEDS) >= 2000


@pytest.mark.django_db
def test_the_reports_they_are_made_of_are_all_applied() -> None:
    attempt = make_attempt(provider_reference=hex_id())
    for event in EVENTS:
        post(report(attempt, **event))

    assert set(CallbackReceipt.objects.values_list("status", flat=True)) == {"applied"}
    assert CallEvent.objects.count() == len(EVENTS)
