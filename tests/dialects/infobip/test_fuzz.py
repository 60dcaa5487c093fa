"""Spoiled reports by the ten thousand: read, or not understood, and never anything else."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from clicktocall.dialects.infobip.answers import read_answer, read_error
from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.events import events_of
from clicktocall.dialects.infobip.reports import read_reports
from tests.dialects.infobip import printed
from tests.dialects.infobip.pushed import LOG_ROW, RECEIVED, V1, V1_RECORDED, V2, as_json, as_xml

MANY, FEW = 20_000, 500
REPORTS = (V2, V1, V1_RECORDED, LOG_ROW, RECEIVED)
Writer = Callable[..., bytes]
# One of these takes the place of anything in a report.
ABSURD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    10**400,
    1e308,
    -0.0,
    "",
    " ",
    "null",
    "NaN",
    "Infinity",
    "1e999999999",
    "9" * 5000,
    "a" * 501,
    "a" * 20_000,
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e\u200b",
    "😀" * 200,
    "٣",
    "0001-01-01T00:00:00+1400",
    "9999-12-31T23:59:59.999-1400",
    "2018-06-25T13:38:14.730+9999",
    99_999_999_999_999,
    '{"a":' * 40,
    '{"a":{"b":[1,2,{"c":null}]}}',
    "<a>&b;</a>",
    "]]>",
    "DELIVERED_TO_HANDSET",
    "SIGNALS_BLOCKED",
    [],
    {},
    [[]],
    [None, 1, "a"],
    {"results": []},
    {"a": {"b": None}},
)


def any_place_in(tree: Any, choose: random.Random) -> tuple[Any, Any]:
    """A container in a tree and a key of it."""
    place, key = tree, choose.choice(list(tree))
    while isinstance(place[key], dict) and place[key] and choose.random() < 0.7:
        place, key = place[key], choose.choice(list(place[key]))
    return place, key


def spoiled(choose: random.Random, write: Writer) -> bytes:
    """One to three reports with up to three things wrong with them, half of them in the bytes."""
    reports = [copy.deepcopy(choose.choice(REPORTS)) for _ in range(choose.randint(1, 3))]
    for _ in range(choose.randint(0, 3)):
        place, key = any_place_in(choose.choice(reports), choose)
        if choose.random() < 0.2:
            del place[key]
            place.setdefault("left", "alone")
        else:
            place[key] = copy.deepcopy(choose.choice(ABSURD))
    body = write(*reports)
    if choose.random() < 0.5:
        for _ in range(choose.randint(1, 3)):
            body = spoiled_bytes(body, choose)
    return body


def spoiled_bytes(body: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(body)) if body else 0
    return choose.choice(SPOIL)(body, at, choose)


def _nested(body: bytes, _at: int, choose: random.Random) -> bytes:
    return choose.choice((b"[", b"<a>", b'{"results":')) * choose.choice((3, 20, 5000)) + body


def _in_another_encoding(body: bytes, _at: int, choose: random.Random) -> bytes:
    encoding = choose.choice(("utf-16", "utf-8-sig", "utf-32", "utf-16-le"))
    return body.decode("utf-8", "replace").encode(encoding, "replace")


def _of_another_encoding(body: bytes, _at: int, choose: random.Random) -> bytes:
    encoding = choose.choice((b"no-such", b"utf-7", b"utf-16", b"iso-8859-1", b"big5", b"rot13"))
    return b'<?xml version="1.0" encoding="' + encoding + b'"?>' + body


def _with_a_part_twice(body: bytes, at: int, choose: random.Random) -> bytes:
    end = choose.randrange(at, len(body) + 1)
    return body[:end] + body[at:end] + body[end:]


SPOIL: tuple[Callable[[bytes, int, random.Random], bytes], ...] = (
    lambda body, at, choose: body[:at],
    lambda body, at, choose: body[:at] + bytes([choose.randrange(256)]) + body[at + 1 :],
    lambda body, at, choose: body[:at] + choose.randbytes(choose.randint(1, 20)) + body[at:],
    lambda body, at, choose: body + body,
    lambda body, at, choose: b'<!DOCTYPE r [<!ENTITY e "x">]>' + body,
    lambda body, at, choose: body.replace(b'"', choose.choice((b"'", b"", b'""')), 3),
    _nested,
    _in_another_encoding,
    _of_another_encoding,
    _with_a_part_twice,
)
WRITERS: dict[str, Writer] = {
    "json": as_json,
    "xml": as_xml,
    "xml-result": partial(as_xml, item="result"),
}


def run(seed: str, how_many: int, write: Writer) -> Counter[str]:
    """Read that many; anything but `NotUnderstood` fails the test with the body."""
    choose = random.Random(seed)
    counted: Counter[str] = Counter()
    for _ in range(how_many):
        body = spoiled(choose, write)
        counted["tried"] += 1
        try:
            reports = read_reports(body, "application/json")
        except NotUnderstood:
            continue
        except Exception as error:  # noqa: BLE001
            pytest.fail(f"{error!r} for {body[:2000]!r}")
        counted["read"] += 1
        counted["reports"] += len(reports)
        events = [event for report in reports for event in events_of(report)]
        counted["with an event"] += any(event.reference for event in events)
        for event in events:
            assert_storable(event)
    return counted


def assert_storable(event: Any) -> None:
    """The heart and any database can take it as it is."""
    for text in (event.words, event.reference, event.recording_url, event.currency):
        text.encode("utf-8")
        assert "\x00" not in text
    assert len(event.words) <= 500
    assert len(event.reference) <= 128
    assert event.occurred_at is None or event.occurred_at.tzinfo is not None
    assert event.talk_seconds is None or 0 <= event.talk_seconds <= 86_400
    assert event.price is None or (event.price.is_finite() and event.price >= Decimal(0))


@pytest.mark.parametrize("name", WRITERS)
def test_spoiled_reports_are_read_or_not_understood(name: str) -> None:
    counted = run(f"{name} few", FEW, WRITERS[name])
    assert counted["with an event"] > FEW * 0.4, counted


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_very_many_spoiled_reports(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    counted = run(f"{name} many", MANY, WRITERS[name])
    with capsys.disabled():
        said = ", ".join(f"{count} {what}" for what, count in counted.items())
        sys.stdout.write(f"\n{name}: {said}\n")
    assert counted["tried"] == MANY
    assert counted["with an event"] > MANY * 0.4
    assert counted["read"] < MANY, "nothing was spoiled"


@pytest.mark.parametrize("example", [printed.CLICK_TO_CALL_ANSWER, printed.IVR_ANSWER])
def test_spoiled_answers_are_read_or_not_understood(example: str) -> None:
    choose = random.Random(example)
    read = 0
    for _ in range(2000):
        answer = json.loads(example)
        place, key = any_place_in(choose.choice([answer, answer["messages"][0]]), choose)
        place[key] = copy.deepcopy(choose.choice(ABSURD))
        body = json.dumps(answer).encode()
        if choose.random() < 0.3:
            body = spoiled_bytes(body, choose)
        with suppress(NotUnderstood):
            read += bool(read_answer(body, "").messages)
        read_error(body, "")
    assert read > 800
