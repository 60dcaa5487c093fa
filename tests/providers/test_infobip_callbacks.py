"""Infobip's reports: whose they are, every word of its lists, and spoiled ones by the thousand."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import sys
from collections import Counter
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import pytest

from clicktocall.exceptions import ConfigurationError
from clicktocall.orders import CallOrder, ReportedEvent
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest
from clicktocall.providers.infobip import InfobipProvider
from clicktocall.states import EventKind, Leg, LegState, Outcome
from tests.dialects.infobip.pushed import ERROR, STATUS, V1, V2, as_json, as_xml
from tests.dialects.infobip.test_fuzz import spoiled
from tests.dialects.infobip.test_vocabulary import LISTED_STATUSES, OUTCOME_OF_REASON
from tests.providers.contract import (
    CANARY,
    CallbackContract,
    CallbackInbox,
    Door,
    Played,
    VocabularyContract,
    assert_storable,
    new_order,
    progress_of,
    simulating,
)
from tests.providers.orders import make_one_leg_order
from tests.providers.test_infobip import KEY, InfobipCase

BASE_URL = "https://abc.api.infobip.com"
LOGIN, PASSWORD = "infobip-reports", f"pass:word-{CANARY}"
MANY = 10_000


def basic(login: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    known = base64.b64encode(f"{login}:{password}".encode()).decode()
    return {"authorization": f"{scheme} {known}"}


def pushed(body: bytes, kind: str = "application/json") -> CallbackRequest:
    return CallbackRequest("POST", kind, {}, {}, body)


def provider(**options: Any) -> InfobipProvider:
    return InfobipProvider("bip", {"BASE_URL": BASE_URL, "API_KEY": KEY, **options})


def read(*reports: dict[str, Any]) -> list[ReportedEvent]:
    return provider().parse_callback(pushed(as_json(*reports)))


class TestCallbacks(InfobipCase, CallbackContract):
    doors = (
        Door(
            "login",
            {"CALLBACK_USERNAME": LOGIN, "CALLBACK_PASSWORD": PASSWORD},
            {"headers": basic(LOGIN, PASSWORD)},
            (
                {"headers": {}},
                {"headers": {"authorization": ""}},
                {"headers": {"authorization": "Basic"}},
                {"headers": {"authorization": "Basic %%%"}},
                {"headers": {"authorization": f"Basic {LOGIN}:{PASSWORD}"}},
                {"headers": basic(LOGIN, "")},
                {"headers": basic("", PASSWORD)},
                {"headers": basic("", "")},
                {"headers": basic(LOGIN, PASSWORD + "x")},
                {"headers": basic(LOGIN, PASSWORD[:-1])},
                {"headers": basic(LOGIN.upper(), PASSWORD)},
                {"headers": basic(LOGIN, PASSWORD, "Bearer")},
                {"headers": basic(LOGIN, PASSWORD, "App")},
            ),
        ),
        Door(
            "networks",
            {"CALLBACK_NETWORKS": ["193.105.74.0/24", "2001:db8::/32", "13.87.78.119"]},
            {"peer_address": "193.105.74.9"},
            (
                {"peer_address": None},
                {"peer_address": ""},
                {"peer_address": "193.105.75.9"},
                {"peer_address": "13.87.78.120"},
                {"peer_address": "2001:db9::1"},
                {"peer_address": "::ffff:193.105.75.9"},
                {"peer_address": "193.105.74.9, 1.1.1.1"},
                {"peer_address": "unknown", "headers": {"x-forwarded-for": "193.105.74.9"}},
            ),
        ),
        Door(
            "both",
            {
                "CALLBACK_NETWORKS": ["193.105.74.0/24"],
                "CALLBACK_USERNAME": LOGIN,
                "CALLBACK_PASSWORD": PASSWORD,
            },
            {"peer_address": "193.105.74.9", "headers": basic(LOGIN, PASSWORD, "basic")},
            ({"peer_address": "1.1.1.1"}, {"headers": {}}),
        ),
    )

    answers: ClassVar[dict[str, str]] = {"dtmf": "4, 7, 1, 1", "card": "4929000000006"}

    def report(self) -> CallbackRequest:
        return pushed(as_json(V2))

    def keyed(self) -> CallbackRequest:
        call = {
            **V2["voiceCall"],
            "dtmfCodes": self.answers["dtmf"],
            "ivr": {"collectedDtmfs": json.dumps({"card": self.answers["card"]})},
        }
        return pushed(as_json({**V2, "voiceCall": call}))

    @pytest.mark.parametrize("peer", ["2001:db8::7", "::ffff:193.105.74.1", "13.87.78.119"])
    def test_other_peers_of_the_networks(self, peer: str) -> None:
        networks = provider(**self.doors[1].options)
        report = dataclasses.replace(self.report(), peer_address=peer)
        assert networks.authenticate_callback(report)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"CALLBACK_USERNAME": LOGIN}, "CALLBACK_PASSWORD"),
        ({"CALLBACK_PASSWORD": PASSWORD}, "CALLBACK_USERNAME"),
        ({"CALLBACK_USERNAME": "a:b", "CALLBACK_PASSWORD": PASSWORD}, "CALLBACK_USERNAME"),
        ({"CALLBACK_USERNAME": LOGIN, "CALLBACK_PASSWORD": 5}, "CALLBACK_PASSWORD"),
        ({"CALLBACK_NETWORKS": "193.105.74.0/24"}, "CALLBACK_NETWORKS"),
        ({"CALLBACK_NETWORKS": None}, "CALLBACK_NETWORKS"),
        ({"CALLBACK_NETWORKS": ["193.105.74.1/24"]}, "CALLBACK_NETWORKS"),
        ({"CALLBACK_NETWORKS": ["everywhere"]}, "CALLBACK_NETWORKS"),
        ({"CALLBACK_NETWORKS": [0]}, "CALLBACK_NETWORKS"),
        ({"CALLBACK_NETWORK": ["193.105.74.0/24"]}, "CALLBACK_NETWORK"),
    ],
)
def test_a_door_that_would_not_close_is_refused_by_name(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**options)
    assert f'CLICKTOCALL["PROVIDERS"]["bip"]["OPTIONS"]["{key}"]' in str(caught.value)
    assert CANARY not in str(caught.value)


# Words


class TestVocabulary(InfobipCase, VocabularyContract):
    """A word is a status by name, or an error by its code where the status says nothing."""

    documented = frozenset(
        {f"status {group} {number}" for group, ids in LISTED_STATUSES.items() for number in ids}
        | {f"error {code}" for code in OUTCOME_OF_REASON}
    )
    meanings: ClassVar[dict[str, Outcome | None]] = {
        **{f"error {code}": outcome for code, outcome in OUTCOME_OF_REASON.items()},
        **dict.fromkeys(("status 1 3", "status 1 7", "status 1 26")),
        **dict.fromkeys(("status 2 4", "status 2 9", "status 2 31"), Outcome.FAILED),
        "status 2 96": Outcome.NO_ANSWER,
        "status 2 97": Outcome.BUSY,
        "status 2 98": Outcome.CANCELED,
        **dict.fromkeys(("status 3 2", "status 3 5"), Outcome.COMPLETED),
        **dict.fromkeys(("status 4 15", "status 4 87"), Outcome.EXPIRED),
        "status 4 29": Outcome.UNKNOWN,
        **{f"status 5 {number}": Outcome.REJECTED for number in LISTED_STATUSES[5]},
        "status 5 23": None,
        "status 5 99": Outcome.DECLINED,
    }
    # Of leg B Infobip tells nothing, whatever happens to it.
    stories: ClassVar[dict[str, Played]] = {
        "completed": Played(Outcome.COMPLETED, LegState.ENDED, LegState.UNREPORTED),
        "a_busy": Played(Outcome.BUSY, LegState.BUSY, LegState.WAITING),
        "a_no_answer": Played(Outcome.NO_ANSWER, LegState.NO_ANSWER, LegState.WAITING),
        "a_declined": Played(Outcome.DECLINED, LegState.DECLINED, LegState.WAITING),
        "b_busy": Played(Outcome.COMPLETED, LegState.ENDED, LegState.UNREPORTED),
        "b_no_answer": Played(Outcome.COMPLETED, LegState.ENDED, LegState.UNREPORTED),
        "a_hangup": Played(Outcome.COMPLETED, LegState.ENDED, LegState.UNREPORTED),
        "machine": Played(
            Outcome.MACHINE, LegState.MACHINE, LegState.WAITING, {"machine_detection": "hangup"}
        ),
        "disorder": Played(Outcome.COMPLETED, LegState.ENDED, LegState.UNREPORTED),
        "expired": Played(Outcome.NO_ANSWER, LegState.NO_ANSWER, LegState.WAITING),
        "canceled": Played(Outcome.CANCELED, LegState.CANCELED, LegState.WAITING),
        "network_error": Played(Outcome.FAILED, LegState.FAILED, LegState.WAITING),
        "no_such_number": Played(Outcome.FAILED, LegState.FAILED, LegState.WAITING),
        "no_audio": Played(Outcome.FAILED, LegState.WAITING, LegState.WAITING),
    }

    def saying(self, word: str) -> CallbackRequest:
        """Nothing else in the report tells of an end."""
        kind, *numbers = word.split(" ")
        silent = {"messageId": "M-1", "sentAt": V2["sentAt"]}
        if kind == "error":
            return pushed(as_json({**silent, "error": {"id": int(numbers[0])}}))
        if kind != "status":
            return pushed(as_json({**silent, "status": {"name": word}, "error": {"name": word}}))
        group, number = (int(part) for part in numbers)
        status = {"groupId": group, "id": number, "name": NAMES[group, number]}
        return pushed(as_json({**silent, "status": status}))


# Of Infobip's page on status codes, as the simulator's own list and the reference have them.
NAMES: dict[tuple[int, int], str] = {
    (1, 3): "PENDING_WAITING_DELIVERY",
    (1, 7): "PENDING_ENROUTE",
    (1, 26): "PENDING_ACCEPTED",
    (2, 4): "UNDELIVERABLE_REJECTED_OPERATOR",
    (2, 9): "UNDELIVERABLE_NOT_DELIVERED",
    (2, 31): "UNDELIVERABLE_NOT_SENT",
    (2, 96): "NO_ANSWER",
    (2, 97): "BUSY",
    (2, 98): "CANCELLED",
    (3, 2): "DELIVERED_TO_OPERATOR",
    (3, 5): "DELIVERED_TO_HANDSET",
    (4, 15): "EXPIRED_EXPIRED",
    (4, 29): "EXPIRED_DLR_UNKNOWN",
    (4, 87): "SIGNALS_BLOCKED",
    (5, 6): "REJECTED_NETWORK",
    (5, 8): "REJECTED_PREFIX_MISSING",
    (5, 10): "REJECTED_DND",
    (5, 11): "REJECTED_SOURCE",
    (5, 12): "REJECTED_NOT_ENOUGH_CREDITS",
    (5, 13): "REJECTED_SENDER",
    (5, 14): "REJECTED_DESTINATION_BLOCKLISTED",
    (5, 17): "REJECTED_PREPAID_PACKAGE_EXPIRED",
    (5, 18): "REJECTED_DESTINATION_NOT_REGISTERED",
    (5, 19): "REJECTED_ROUTE_NOT_AVAILABLE",
    (5, 20): "REJECTED_FLOODING_FILTER",
    (5, 21): "REJECTED_SYSTEM_ERROR",
    (5, 23): "REJECTED_DUPLICATE_MESSAGE_ID",
    (5, 24): "REJECTED_INVALID_UDH",
    (5, 25): "REJECTED_MESSAGE_TOO_LONG",
    (5, 51): "MISSING_TO",
    (5, 52): "REJECTED_DESTINATION",
    (5, 53): "REJECTED_INVALID_AUDIO_FILE_URL",
    (5, 54): "REJECTED_UNSUPPORTED_LANGUAGE",
    (5, 55): "REJECTED_MESSAGE_IS_EMPTY",
    (5, 56): "REJECTED_INVALID_NOTIFY_URL",
    (5, 57): "REJECTED_INVALID_NOTIFY_CONTENT_TYPE",
    (5, 58): "REJECTED_INVALID_DTMF_SIGN",
    (5, 59): "REJECTED_INVALID_DTMF_TIMEOUT",
    (5, 60): "REJECTED_INVALID_RING_TIMEOUT",
    (5, 61): "REJECTED_INVALID_CALL_TIMEOUT",
    (5, 62): "REJECTED_INVALID_MACHINE_DETECTION",
    (5, 63): "REJECTED_INVALID_ACTIONS",
    (5, 64): "REJECTED_INVALID_ACTION_GROUPS",
    (5, 83): "REJECTED_MACHINE_DETECTION_DISABLED",
    (5, 87): "REJECTED_INVALID_DELIVERY_TIME_WINDOW",
    (5, 91): "REJECTED_INVALID_SSML",
    (5, 99): "REJECTED",
    (5, 100): "UNDELIVERABLE_REJECTED_PLATFORM",
}


# What is in a report


@pytest.mark.parametrize("version", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("write", [as_json, as_xml, partial(as_xml, item="result")])
def test_every_form_says_the_same(version: dict[str, Any], write: Any) -> None:
    body = write(version)
    kind = "application/json" if body.startswith(b"{") else "application/xml"
    events = provider().parse_callback(pushed(body, kind))
    assert [event.kind for event in events][:2] == [EventKind.RINGING, EventKind.ANSWERED]
    end = events[-1]
    assert (end.kind, end.outcome, end.leg) == (EventKind.ENDED, Outcome.COMPLETED, None)
    assert end.reference == version["messageId"]
    seconds = 30 if version is V2 else 14  # charged, or as long as it took
    assert (end.price, end.currency) == (Decimal("0.01") * seconds, "EUR")
    assert "DELIVERED_TO_HANDSET" in end.words


def test_seconds_since_the_answer_are_talk_of_a_one_leg_call_only() -> None:
    events = read(V2)
    two_legs, one_leg = progress_of(events), progress_of(events, one_leg=True)
    assert (two_legs.leg_b, two_legs.talk_seconds) == (LegState.UNREPORTED, None)
    assert (one_leg.leg_b, one_leg.talk_seconds) == (None, 10)


def test_many_reports_in_one_push() -> None:
    busy = {**V2, "messageId": "M-2", "voiceCall": {}, "status": {"groupId": 2, "name": "BUSY"}}
    nameless = {**V2, "messageId": None}
    ends = [event for event in read(V2, busy, nameless) if event.kind == EventKind.ENDED]
    told = [(event.reference, event.outcome) for event in ends]
    assert told == [
        (V2["messageId"], Outcome.COMPLETED),
        ("M-2", Outcome.BUSY),
        ("", Outcome.COMPLETED),  # fits no call, and is seen not to
    ]


def test_a_recording_is_on_the_account_s_own_host() -> None:
    recorded = {**V2, "voiceCall": {**V2["voiceCall"], "callRecordingFileId": "a/b"}}
    (event,) = [event for event in read(recorded) if event.kind == EventKind.RECORDED]
    assert event.recording_url == f"{BASE_URL}/calls/1/recordings/files/a%2Fb"
    elsewhere = {**V1, "recordedAudioFileUrl": "https://evil.example.com/a.wav"}
    assert [event for event in read(elsewhere) if event.kind == EventKind.RECORDED] == []


def test_keys_and_answers_of_a_flow_are_told_by_variable() -> None:
    (collected,) = [event for event in read(V2) if event.kind == EventKind.COLLECTED]
    assert collected.answers == {"dtmf": "3, 9", "myFirstVar": "3", "mySecondVar": "9"}


def test_a_secret_that_comes_back_in_a_report_is_not_shown() -> None:
    status = {**STATUS, "description": f"Told {KEY}"}
    events = read({**V2, "status": status, "error": ERROR})
    assert all(CANARY not in event.words for event in events)
    assert any("***" in event.words for event in events)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY e "x">]><results><messageId>&e;</messageId></results>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><reportResponse/>',
        b"messageId=M-1&status=DELIVERED",
        b"messageId,status\nM-1,DELIVERED",
    ],
)
def test_hostile_and_foreign_forms_are_not_understood(body: bytes) -> None:
    with pytest.raises(CallbackNotUnderstood):
        provider().parse_callback(pushed(body, "application/xml"))


def test_nothing_to_tell_is_no_event() -> None:
    assert read() == []


# From the simulator, as it is asked to report


def reported(*arguments: str, make: Any = new_order, **options: Any) -> tuple[CallOrder, Any, Any]:
    """An order, its callbacks and its events, by a simulator with these arguments."""
    settings = {"TIMEOUT": (5, 10), **options}
    with simulating("infobip", "--api-key", KEY, *arguments) as address, CallbackInbox() as inbox:
        asking = InfobipProvider("bip", {"BASE_URL": address, "API_KEY": KEY, **settings})
        order = make(callback_url=inbox.url)
        asking.place_call(order)
        inbox.wait_for_end(asking, order)
        return order, inbox.callbacks, inbox.events_of(asking, order)


def test_xml_is_reported_in_xml_and_read() -> None:
    _, callbacks, events = reported(NOTIFY_CONTENT_TYPE="application/xml")
    assert {callback.content_type for callback in callbacks} == {"application/xml"}
    assert callbacks[0].body.startswith(b"<")
    assert progress_of(events).outcome == Outcome.COMPLETED


def test_old_codes_and_a_login() -> None:
    login = {"CALLBACK_USERNAME": "we", "CALLBACK_PASSWORD": "us-and-them"}
    networks = {"CALLBACK_NETWORKS": ["127.0.0.0/8"]}
    arguments = ("--error-codes", "5000", "--report-basic", "we:us-and-them")
    _, callbacks, events = reported(*arguments, **login, **networks)
    assert b'"id": 5000' in callbacks[0].body
    assert progress_of(events).outcome == Outcome.COMPLETED


def test_a_flow_reports_to_the_plain_address_and_its_seconds_count() -> None:
    order, callbacks, events = reported(make=partial(make_one_leg_order, flow="6298AA77"))
    assert order.leg_b is None
    assert callbacks[0].query == {}
    progress = progress_of(events, one_leg=True)
    assert (progress.outcome, progress.leg_b) == (Outcome.COMPLETED, None)
    assert (progress.talk_seconds or 0) > 0
    assert progress.price is not None
    assert progress.currency == "EUR"
    assert {event.leg for event in events} <= {None, Leg.A}


# By the ten thousand


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "write"),
    [("json", as_json), ("xml", as_xml), ("xml-result", partial(as_xml, item="result"))],
)
def test_ten_thousand_spoiled_reports(
    name: str, write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    choose, here = random.Random(f"provider {name}"), provider(CALLBACK_SECRETS=[CANARY])
    counted: Counter[str] = Counter()
    for _ in range(MANY):
        # Half of them are valid reports with a few things wrong, half is wrong to the byte.
        body = spoiled(choose, write)
        request = pushed(body, f"application/{name[:4]}")
        counted["tried"] += 1
        try:
            events = here.parse_callback(request)
        except CallbackNotUnderstood:
            continue
        counted["reached the parser"] += 1
        counted["were an event"] += any(event.reference for event in events)
        for event in events:
            assert_storable(event)
    with capsys.disabled():
        said = ", ".join(f"{count} {what}" for what, count in counted.items())
        sys.stdout.write(f"\n{name}: {said}\n")
    assert counted["tried"] == MANY
    assert MANY * 0.4 < counted["were an event"] <= counted["reached the parser"] < MANY
