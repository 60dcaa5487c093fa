"""Orders to Infobip: the contract, and what is Infobip's own."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from clicktocall.exceptions import (
    ConfigurationError,
    InvalidOption,
    NotAuthorized,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RecordingGone,
)
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent
from clicktocall.providers.base import CallbackRequest, Dedupe
from clicktocall.providers.infobip import InfobipProvider
from clicktocall.providers.infobip.simulation.request_log import phones_rung, read_log
from clicktocall.providers.infobip.simulation.stories import number_for
from clicktocall.states import EventKind, LegState, Outcome
from tests.providers.contract import (
    CALLBACK_URL,
    CANARY,
    ProviderCase,
    SendingContract,
    answering,
    body_of,
    fault_of,
    new_order,
    progress_of,
    simulating,
    wait_for_reports,
)
from tests.providers.loopback import MisbehavingServer, Peer
from tests.providers.orders import TEAM, make_one_leg_order
from tests.providers.sandbox_client import wait_until

KEY = f"infobip-key-{CANARY}-5521"
CLOCK = {"from": {"hour": 6, "minute": 0}, "to": {"hour": 15, "minute": 30}}
PENDING = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
DUPLICATE = {"groupId": 5, "id": 23, "name": "REJECTED_DUPLICATE_MESSAGE_ID"}
FLOW = "6298AA77"
FROM, OTHER = "+442079460191", "+442079460192"


def ids_in(request: bytes) -> list[str]:
    """The message ids in a request, one for each call it asks for."""
    found = []
    for message in json.loads(request)["messages"]:
        asked = message.get("destinations", [message])
        found += [each["messageId"] for each in asked]
    return found


def answer_of(*entries: tuple[str, dict[str, Any]]) -> bytes:
    messages = [{"to": "1", "messageId": mid, "status": status} for mid, status in entries]
    return json.dumps({"messages": messages}).encode()


class InfobipCase(ProviderCase):
    provider = InfobipProvider
    options: ClassVar[dict[str, Any]] = {"API_KEY": KEY}
    simulator = ("infobip", "--api-key", KEY)
    pulling: ClassVar[dict[str, Any]] = {"PULL_SECONDS": 30}

    def contact(self, story: str) -> str:
        return f"+{number_for(story)}"

    def accepted(self, request: bytes) -> bytes:
        return answer_of(*((message_id, PENDING) for message_id in ids_in(request)))


class TestSending(InfobipCase, SendingContract):
    pass


class TestSendingWithRecording(InfobipCase, SendingContract):
    """The same for an account that records, which presents itself by Basic."""

    options: ClassVar[dict[str, Any]] = {
        "USERNAME": "shop",
        "PASSWORD": f"word-{CANARY}",
        "RECORD": True,
        "NOTIFY_CONTENT_TYPE": "application/xml",
    }
    simulator = ("infobip", "--basic", f"shop:word-{CANARY}")


def build(base_url: str = "http://127.0.0.1:9", **options: Any) -> InfobipProvider:
    given = {"BASE_URL": base_url, "API_KEY": KEY, "TIMEOUT": (5, 10), **options}
    return InfobipProvider("bip", {name: each for name, each in given.items() if each is not None})


def order_for(story: str, **changes: Any) -> CallOrder:
    return InfobipCase().order(story, **changes)


def message_order(**changes: Any) -> CallOrder:
    options = {"message_text": "Your bicycle is ready.", **changes.pop("options", {})}
    return make_one_leg_order(callback_url=CALLBACK_URL, options=options, **changes)


def flow_order(**changes: Any) -> CallOrder:
    return make_one_leg_order(callback_url=CALLBACK_URL, flow=FLOW, **changes)


# The options


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        ({"API_KEY": None}, "API_KEY", "is missing"),
        ({"API_KEY": ""}, "API_KEY", "is missing"),
        ({"API_KEY": 5}, "API_KEY", "must be text"),
        ({"API_KEY": "a b"}, "API_KEY", "without spaces"),
        ({"API_KEY": "a\r\nX: y"}, "API_KEY", "without spaces"),
        ({"API_KEY": "schlüssel"}, "API_KEY", "ASCII"),
        ({"BEARER_TOKEN": "token"}, "BEARER_TOKEN", "contradicts API_KEY"),
        ({"SESSION_TOKEN": "token"}, "SESSION_TOKEN", "contradicts API_KEY"),
        ({"USERNAME": "u", "PASSWORD": "p"}, "USERNAME", "contradicts API_KEY"),
        ({"API_KEY": None, "USERNAME": "u"}, "PASSWORD", "is missing"),
        ({"API_KEY": None, "PASSWORD": "p"}, "USERNAME", "is missing"),
        ({"API_KEY": None, "USERNAME": "a:b", "PASSWORD": "p"}, "USERNAME", "colon"),
        ({"NOTIFY_CONTENT_TYPE": "text/csv"}, "NOTIFY_CONTENT_TYPE", "application/xml"),
        ({"RECORD": "yes"}, "RECORD", "True or False"),
        ({"CA_BUNDLE": "/no/such/file"}, "CA_BUNDLE", "file"),
        ({"TOKEN": "x"}, "TOKEN", "is unknown"),
        ({"DEDUPE": "window"}, "DEDUPE", "window:SECONDS"),
        *(
            ({"PULL_SECONDS": wrong}, "PULL_SECONDS", "from 10 to 3600")
            for wrong in (9, 3601, 0, -30, 30.0, "30", True, False, "")
        ),
    ],
)
def test_a_wrong_option_is_named_with_what_to_do(
    options: dict[str, Any], key: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build(**options)
    assert f'CLICKTOCALL["PROVIDERS"]["bip"]["OPTIONS"]["{key}"]' in str(caught.value)
    assert said in str(caught.value)
    assert "schlüssel" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "arguments", "header"),
    [
        ({}, ("--api-key", KEY), f"App {KEY}"),
        (
            {"API_KEY": None, "USERNAME": "u", "PASSWORD": "p:ä"},
            ("--basic", "u:p:ä"),
            "Basic dTpwOsOk",
        ),
        ({"API_KEY": None, "BEARER_TOKEN": "tok-1"}, ("--bearer", "tok-1"), "Bearer tok-1"),
        ({"API_KEY": None, "SESSION_TOKEN": "tok-2"}, ("--session", "tok-2"), "IBSSO tok-2"),
    ],
)
def test_the_four_ways_of_presenting_oneself(
    options: dict[str, Any], arguments: tuple[str, ...], header: str
) -> None:
    with simulating("infobip", *arguments) as address:
        assert build(address, **options).place_call(new_order()).provider_reference
    with MisbehavingServer(answering(401, b"")) as server:
        fault_of(build(server.url, **options))
        assert f"\r\nAuthorization: {header}\r\n".encode() in server.requests[0]


def test_it_records_only_where_the_account_does() -> None:
    assert not build().can(Capability.RECORD)
    assert build(RECORD=True).can(Capability.RECORD)
    fault = fault_of(build(), new_order(options={"record": True}))
    assert type(fault) is ProviderRefused
    assert fault.detail.startswith("record: ")


def test_it_cannot_what_infobip_cannot() -> None:
    never = {
        *(Capability.SIP, Capability.PBX, Capability.BRIDGE, Capability.CALLEE_ID),
        *(Capability.CANCEL, Capability.SIP_HEADERS, Capability.VARIABLES, Capability.RINGBACK),
        *(Capability.HOLD_MUSIC, Capability.EARLY_MEDIA, Capability.BYPASS_MEDIA),
        *(Capability.PRESENCE, Capability.RECORD, Capability.WITHHOLD_CALLER_ID),
    }
    assert {each for each in Capability if not build().can(each)} == never


# The wire


@pytest.fixture
def taken() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A server that takes every order; its address, and path and document of each request."""
    requests: list[tuple[str, Any]] = []

    def take(peer: Peer) -> None:
        while request := peer.read_request():
            path = request.split(b" ", 2)[1].decode()
            requests.append((path, json.loads(body_of(request))))
            peer.answer(InfobipCase().accepted(body_of(request)))

    with MisbehavingServer(take) as server:
        yield server.url, requests


def test_a_click_to_call_on_the_wire(taken: tuple[str, list[tuple[str, Any]]]) -> None:
    address, requests = taken
    order = order_for(
        "a_busy",
        bulk_id="bulk-1",
        options={
            "anonymization": True,
            "message_text": "Hello.",
            "message_language": "en",
            "message_voice_name": "Joanna",
            "message_voice_gender": "female",
            "warning_time": 5,
            "machine_detection": "hangup",
            "record": True,
        },
    )
    placement = build(address, RECORD=True).place_call(order)
    assert placement == Placement(
        provider_reference=order.reference, words="PENDING_ACCEPTED", provider_state={}
    )
    message = {
        "messageId": order.reference,
        "from": "442079460191",
        "fromB": "442079460192",
        "destinationA": "442079460190",
        "destinationB": "442079460002",
        "anonymization": True,
        "maxDuration": 600,
        "warningTime": 5,
        "machineDetection": "hangup",
        "text": "Hello.",
        "language": "en",
        "voice": {"name": "Joanna", "gender": "female"},
        "record": True,
        "notifyUrl": CALLBACK_URL,
        "notifyContentType": "application/json",
        "notifyContentVersion": 2,
    }
    assert requests == [("/voice/ctc/1/send", {"bulkId": "bulk-1", "messages": [message]})]


@pytest.mark.parametrize(
    ("make", "path"),
    [(message_order, "/tts/3/advanced"), (flow_order, "/voice/ivr/1/messages")],
)
def test_one_leg_on_the_wire(
    make: Callable[..., CallOrder], path: str, taken: tuple[str, list[tuple[str, Any]]]
) -> None:
    address, requests = taken
    order = make(options={"callback_data": "order 17"})
    placement = build(address, NOTIFY_CONTENT_TYPE="application/xml").place_call(order)
    assert placement == Placement(
        provider_reference=order.reference, words="PENDING_ACCEPTED", provider_state={}
    )
    ((sent_to, document),) = requests
    (message,) = document["messages"]
    assert sent_to == path
    assert message["destinations"] == [{"to": "442079460001", "messageId": order.reference}]
    assert message["notifyUrl"] == CALLBACK_URL
    assert message["notifyContentType"] == "application/xml"
    assert message["callbackData"] == "order 17"
    assert message.get("scenarioId", "") == order.flow


def test_orders_whose_reports_are_pulled_name_nowhere_to_push_them(
    taken: tuple[str, list[tuple[str, Any]]],
) -> None:
    address, requests = taken
    assert build(PULL_SECONDS=10).pull_every == 10
    assert build(PULL_SECONDS=3600).pull_every == 3600
    build(address, PULL_SECONDS=30).place_calls([new_order(), message_order(), flow_order()])
    assert len(requests) == 3
    for _, document in requests:
        (message,) = document["messages"]
        assert [field for field in message if field.startswith("notify")] == []


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (new_order, {"machine_detection": "continue"}, "machine_detection"),
        (new_order, {"transfers": [{"transferTo": "+442079460154"}]}, "transfers"),
        (new_order, {"parameters": {"a": "b"}}, "parameters"),
        (message_order, {"message_text": "x" * 1401}, "message_text"),
        (flow_order, {"callback_data": "x" * 201}, "callback_data"),
        (flow_order, {"message_text": "Hello."}, "message_text"),
        (message_order, {"callback_data": "x" * 701}, "callback_data"),
        (message_order, {"transfers": [{"transferTo": "+442079460154", "if": "1"}]}, "transfers"),
        (message_order, {"record": True}, "record"),
        (flow_order, {"transfers": [{"transferTo": "+442079460154"}]}, "transfers"),
        (new_order, {"withhold_caller_id": True}, "withhold_caller_id"),
        (new_order, {"delivery_time_window": {"days": ["SOMEDAY"]}}, "delivery_time_window"),
    ],
)
def test_what_infobip_cannot_do_is_refused_before_it_is_sent(
    make: Callable[..., CallOrder], options: dict[str, Any], named: str
) -> None:
    order = make(options=options)
    with MisbehavingServer(answering(200, b"{}")) as server:
        asking = build(server.url)
        fault = fault_of(asking, order)
        with pytest.raises(InvalidOption) as refused:
            asking.check_order(order)
        assert server.connections == 0
    assert type(fault) is ProviderRefused
    assert refused.value.field == named
    assert fault.detail == f"{named}: {refused.value.message}"


@pytest.mark.parametrize(
    ("order", "named"),
    [
        (new_order(caller_id_a=""), "caller_id_a"),
        (flow_order(caller_id_a="+442079460150123"), "caller_id_a"),
        (new_order(options={"record": True}), "record"),
        (flow_order(options={"record": True}), "record"),
    ],
)
def test_the_check_knows_the_numbers_and_the_account(order: CallOrder, named: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        build().check_order(order)
    assert refused.value.field == named
    if named == "record":
        build(RECORD=True).check_order(order)


def test_what_is_only_echoed_for_us_is_kept_with_the_call(
    taken: tuple[str, list[tuple[str, Any]]],
) -> None:
    address, requests = taken
    order = new_order(options={"callback_data": "x" * 701})
    build().check_order(order)
    build(address).place_call(order)
    ((_, document),) = requests
    assert "callbackData" not in document["messages"][0]


@pytest.mark.parametrize(
    ("anonymization", "caller_id_b", "shown"),
    [
        (True, FROM, {"anonymization": True}),  # Infobip shows `from` to both
        (False, TEAM, {"anonymization": False}),  # Infobip shows A's number to B
        (True, OTHER, {"anonymization": True, "fromB": OTHER.removeprefix("+")}),
        (False, OTHER, {"anonymization": False, "fromB": OTHER.removeprefix("+")}),
    ],
)
def test_whose_number_leg_b_sees(
    anonymization: bool,
    caller_id_b: str,
    shown: dict[str, Any],
    taken: tuple[str, list[tuple[str, Any]]],
) -> None:
    address, requests = taken
    options = {"anonymization": anonymization}
    order = new_order(caller_id_a=FROM, caller_id_b=caller_id_b, options=options)
    build(address).place_call(order)
    ((_, document),) = requests
    (message,) = document["messages"]
    assert message["from"] == FROM.removeprefix("+")
    assert {name: message[name] for name in ("anonymization", "fromB") if name in message} == shown


def test_the_simulator_knows_every_field_that_is_sent(tmp_path: Path) -> None:
    """Its list of fields is copied from the documents, not from the dialect."""
    log = tmp_path / "requests.jsonl"
    full = {
        "anonymization": True,
        "message_text": "Hello.",
        "message_language": "en",
        "message_voice_name": "Joanna",
        "machine_detection": "hangup",
        "delivery_time_window": {"days": ["MONDAY"], **CLOCK},
    }
    timed = {"validity_period": 30, "callback_data": "order 17"}
    transfer = {"transferTo": "+442079460154", "if": "dtmf", "equals": "1"}
    orders = [
        new_order(options={**full, "warning_time": 5}),
        new_order(options={"message_audio_url": "https://example.com/a.wav"}),
        message_order(options={**full, **timed, "anonymization": False, "transfers": [transfer]}),
        flow_order(options={**timed, "parameters": {"name": "Ann"}}),
    ]
    with simulating("infobip", "--api-key", KEY, "--log", str(log)) as address:
        results = build(address).place_calls(orders)
    assert [type(result) for result in results] == [Placement] * 4, results
    lines = read_log(log)
    assert [line["path"] for line in lines] == [
        "/voice/ctc/1/send",
        "/tts/3/advanced",
        "/voice/ivr/1/messages",
    ]
    assert [(line.get("unknown"), line.get("wrong")) for line in lines] == [(None, None)] * 3
    logged = [message["messageId"] for line in lines for message in line["messages"]]
    assert logged == [order.reference for order in orders]
    assert len(phones_rung(log)) == 4


# What an answer means


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (PENDING, Placement, "PENDING_ACCEPTED"),
        ({"groupId": 0, "name": "OK"}, Placement, "OK"),
        ({"groupId": 3, "name": "DELIVERED_TO_HANDSET"}, Placement, "DELIVERED_TO_HANDSET"),
        (DUPLICATE, Placement, "REJECTED_DUPLICATE_MESSAGE_ID"),
        ({"groupId": 2, "name": "UNDELIVERABLE_NOT_SENT"}, ProviderRefused, "NOT_SENT"),
        ({"groupId": 4, "name": "EXPIRED_EXPIRED"}, ProviderRefused, "EXPIRED"),
        ({"groupId": 5, "name": "REJECTED_NOT_ENOUGH_CREDITS"}, ProviderRefused, "CREDITS"),
        ({"groupId": 5, "name": "SOMETHING_NEW"}, ProviderRefused, "SOMETHING_NEW"),
        ({"groupId": 9, "name": "SOMETHING_NEW"}, OutcomeUnknown, "SOMETHING_NEW"),
        ({}, OutcomeUnknown, ""),
    ],
)
def test_the_status_decides_and_not_http(status: dict[str, Any], kind: type, words: str) -> None:
    order = new_order()
    with MisbehavingServer(answering(200, answer_of((order.reference, status)))) as server:
        (result,) = build(server.url).place_calls([order])
    assert type(result) is kind
    said = result.detail if isinstance(result, ProviderError) else result.words
    assert words in said


def test_an_answer_about_another_call_proves_nothing() -> None:
    with MisbehavingServer(answering(200, answer_of(("somebody else's", PENDING)))) as server:
        assert type(fault_of(build(server.url))) is OutcomeUnknown


def test_one_nameless_entry_is_not_the_answer_to_two_orders() -> None:
    with MisbehavingServer(answering(200, answer_of(("", PENDING)))) as server:
        asking = build(server.url)
        assert isinstance(asking.place_call(new_order()), Placement)
        results = asking.place_calls([new_order(), new_order()])
    assert [type(result) for result in results] == [OutcomeUnknown, OutcomeUnknown]


def test_each_order_gets_the_entry_with_its_id() -> None:
    """In whatever order, and with one left out."""
    orders = [new_order() for _ in range(3)]
    rejected = {"groupId": 5, "name": "REJECTED_DESTINATION"}
    answer = answer_of((orders[2].reference, rejected), (orders[0].reference, PENDING))
    with MisbehavingServer(answering(200, answer)) as server:
        results = build(server.url).place_calls(orders)
    assert [type(result) for result in results] == [Placement, OutcomeUnknown, ProviderRefused]


def test_an_answer_in_xml_is_read_too() -> None:
    order = new_order()
    answer = (
        f"<voiceResponse><messages><messageId>{order.reference}</messageId>"
        "<status><groupId>1</groupId><name>PENDING_ACCEPTED</name></status></messages>"
        "</voiceResponse>"
    ).encode()
    kind = "Content-Type: application/xml\r\n"
    with MisbehavingServer(answering(200, answer, kind)) as server:
        assert build(server.url).place_call(order).words == "PENDING_ACCEPTED"


def test_the_words_of_an_error_name_the_field() -> None:
    exception = {
        "messageId": "BAD_REQUEST",
        "text": "Bad Request",
        "validationErrors": {"destinationA": ["is no number"]},
    }
    body = json.dumps({"requestError": {"serviceException": exception}}).encode()
    with MisbehavingServer(answering(400, body)) as server:
        fault = fault_of(build(server.url))
    assert fault.detail == "400 BAD_REQUEST: Bad Request; destinationA: is no number"


def test_a_secret_cut_in_half_is_not_shown_either() -> None:
    """The words are shortened; a secret across the cut must be gone before."""
    text = "x" * (300 - len(KEY) // 2) + KEY
    body = json.dumps({"requestError": {"serviceException": {"text": text}}}).encode()
    with MisbehavingServer(answering(403, body)) as server:
        fault = fault_of(build(server.url))
    assert KEY[:6] not in fault.detail


def test_wrong_credentials_are_logged_for_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    with simulating("infobip", "--api-key", "another-key") as address:
        fault = fault_of(build(address))
    assert type(fault) is NotAuthorized
    assert fault.detail == "401 UNAUTHORIZED: Invalid login details"
    (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert line.getMessage() == "infobip does not accept the credentials of alias=bip"
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("story", "kind", "rung"),
    [
        ("completed", Placement, 1),
        ("refused", ProviderRefused, 0),
        ("no_credits", ProviderRefused, 0),
        ("duplicate", Placement, 0),
        ("throttled", ProviderThrottled, 0),
        ("bad_request", ProviderRefused, 0),
        ("unauthorized", NotAuthorized, 0),
        ("forbidden", ProviderRefused, 0),
        ("server_error", OutcomeUnknown, 0),
        ("server_error_rang", OutcomeUnknown, 1),
        ("out_of_service", OutcomeUnknown, 0),
        ("slow", OutcomeUnknown, 1),
        ("reset", OutcomeUnknown, 1),
        ("hung_up_on", OutcomeUnknown, 0),
        ("garbled", OutcomeUnknown, 1),
    ],
)
def test_every_fault_of_the_simulator(story: str, kind: type, rung: int, tmp_path: Path) -> None:
    """What we say of it, and how often a phone rang: never "not placed" when one did."""
    log = tmp_path / "requests.jsonl"
    arguments = ("--api-key", KEY, "--log", str(log), "--slow", "2", "--retry-after", "7")
    with simulating("infobip", *arguments) as address:
        (result,) = build(address, TIMEOUT=(1, 1)).place_calls([order_for(story)])
    assert type(result) is kind
    assert len(phones_rung(log)) == rung
    assert len(read_log(log)) == 1, "it was asked twice"
    if isinstance(result, ProviderThrottled):
        assert result.retry_after == 7


def test_the_same_order_again_rings_once_where_ids_are_known_again(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    arguments = ("--api-key", KEY, "--log", str(log), "--dedupe", "window:600")
    order = new_order()
    with simulating("infobip", *arguments) as address:
        asking = build(address, DEDUPE="window:600")
        first, again = asking.place_call(order), asking.place_call(order)
    assert asking.dedupe == Dedupe.window(600)
    assert first.provider_reference == again.provider_reference
    assert "DUPLICATE" in again.words
    assert len(phones_rung(log)) == 1


# Many


def test_many_of_all_kinds(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    bulk = uuid.uuid4().hex
    kinds = (new_order, message_order, flow_order)
    orders = [kinds[number % 3](bulk_id=bulk) for number in range(99)]
    with simulating("infobip", "--api-key", KEY, "--log", str(log)) as address:
        results = build(address).place_calls(orders)
    found = [each.provider_reference for each in results if isinstance(each, Placement)]
    assert found == [order.reference for order in orders]
    lines = read_log(log)
    assert len(lines) == 3, "one request for each product"
    assert {line["bulkId"] for line in lines} == {bulk}
    assert len(phones_rung(log)) == 99


def test_one_of_a_hundred_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """One cannot be written, one is rejected, and 98 phones ring."""
    log = tmp_path / "requests.jsonl"
    kinds = (new_order, message_order, flow_order)
    orders = [kinds[number % 3]() for number in range(InfobipProvider.places_many)]
    orders[41] = flow_order(options={"message_text": "A flow speaks for itself."})
    orders[66] = order_for("refused")
    with simulating("infobip", "--api-key", KEY, "--log", str(log)) as address:
        results = build(address).place_calls(orders)
    assert len(results) == len(orders) == 100
    unplaced = {place: each for place, each in enumerate(results) if type(each) is not Placement}
    assert {place: type(each) for place, each in unplaced.items()} == {
        41: ProviderRefused,
        66: ProviderRefused,
    }
    assert str(unplaced[41]).startswith("message_text: ")
    assert "REJECTED" in str(unplaced[66])
    for order, result in zip(orders, results, strict=True):
        if isinstance(result, Placement):
            assert result.provider_reference == order.reference
    assert len(read_log(log)) == 3
    assert len(phones_rung(log)) == 98


@pytest.mark.parametrize("bad", [0, 5, 15])
def test_a_request_that_is_bad_for_one_of_many_is_divided(bad: int) -> None:
    """400 promises that nothing was dialled, so the others are sent again, without it."""

    def behave(peer: Peer) -> None:
        while request := peer.read_request():
            if orders[bad].reference.encode() in request:
                peer.answer(b"{}", status="400 Bad Request")
            else:
                peer.answer(InfobipCase().accepted(body_of(request)))

    orders = [new_order() for _ in range(16)]
    with MisbehavingServer(behave) as server:
        results = build(server.url).place_calls(orders)
        asked = len(server.requests)
    kinds = [type(result) for result in results]
    assert kinds.pop(bad) is ProviderRefused
    assert set(kinds) == {Placement}
    assert asked == 9, "as many as halving takes, not one for each order"


def test_a_refusal_of_the_account_is_not_divided() -> None:
    with MisbehavingServer(answering(401, b"{}")) as server:
        results = build(server.url).place_calls([new_order() for _ in range(16)])
        assert len(server.requests) == 1
    assert {type(result) for result in results} == {NotAuthorized}


def test_a_bad_request_is_not_divided_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clicktocall.providers.infobip.adapter.DIVIDED_FOR", -1.0)
    with MisbehavingServer(answering(400, b"{}")) as server:
        results = build(server.url).place_calls([new_order() for _ in range(16)])
        assert len(server.requests) == 1
    assert {type(result) for result in results} == {ProviderUnavailable}, "for another time"


def test_a_product_that_fails_leaves_the_others_alone() -> None:
    """Each has a request of its own: what is certain of one is not doubted for another."""

    def behave(peer: Peer) -> None:
        while request := peer.read_request():
            if b"/voice/ivr/" in request.split(b"\r\n", 1)[0]:
                peer.answer(b"", status="500 Broken")
            else:
                peer.answer(InfobipCase().accepted(body_of(request)))

    orders = [new_order(), flow_order(), message_order(), flow_order()]
    with MisbehavingServer(behave) as server:
        results = build(server.url).place_calls(orders)
    kinds = [type(result) for result in results]
    assert kinds == [Placement, OutcomeUnknown, Placement, OutcomeUnknown]


# What became of it


def test_the_log_tells_what_no_report_did() -> None:
    arguments = ("--api-key", KEY, "--report-never", "--dedupe", "lookup")
    with simulating("infobip", *arguments) as address:
        asking = build(address, DEDUPE="lookup")
        assert asking.fetch_outcome("0" * 32, Placement()) == []
        declined, flow = order_for("a_declined"), flow_order()
        placed = {each.reference: asking.place_call(each) for each in (declined, flow)}

        def outcome(order: CallOrder) -> Any:
            events = asking.fetch_outcome(order.reference, placed[order.reference])
            assert {event.reference for event in events} <= {order.reference}
            return progress_of(events, one_leg=order.leg_b is None)

        wait_until(lambda: outcome(declined).outcome is not None)
        wait_until(lambda: outcome(flow).outcome is not None)
        assert outcome(declined).outcome == Outcome.DECLINED
        assert outcome(flow).outcome == Outcome.COMPLETED
        assert outcome(flow).talk_seconds > 0


ROW = {
    "messageId": "M-1",
    "to": "442079460190",
    "sentAt": "2026-11-20T09:00:00.000+0000",
    "doneAt": "2026-11-20T09:00:20.000+0000",
    "duration": "12",
    "price": {"pricePerSecond": "0.01", "currency": "EUR"},
    "status": {"groupId": 3, "name": "DELIVERED_TO_HANDSET"},
    "error": {"groupId": 0, "id": 10000, "name": "NORMAL_HANGUP"},
}
XML_ROW = (
    "<result><messageId>{}</messageId><doneAt>2026-11-20T09:00:20.000+0000</doneAt>"
    "<duration>12</duration><status><groupId>3</groupId><name>DELIVERED_TO_HANDSET</name></status>"
    "</result>"
)


def xml_log(*message_ids: str) -> bytes:
    rows = "".join(map(XML_ROW.format, message_ids))
    return f"<voiceLogsResponse><results>{rows}</results></voiceLogsResponse>".encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"results": null}',
        json.dumps({"results": [{**ROW, "messageId": "M-2"}]}).encode(),
        json.dumps({"results": [{**ROW, "messageId": "M-2"}, {**ROW, "messageId": None}]}).encode(),
        xml_log("M-2", "M-3"),
    ],
)
def test_a_log_of_other_calls_does_not_prove_that_ours_was_never_placed(body: bytes) -> None:
    with (
        MisbehavingServer(answering(200, body)) as server,
        pytest.raises(ProviderUnavailable, match="cannot be read"),
    ):
        build(server.url).fetch_outcome("M-1", Placement())


@pytest.mark.parametrize("body", [b'{"results": []}', xml_log(), b"<voiceLogsResponse/>"])
def test_a_log_without_the_call_tells_nothing_of_it(body: bytes) -> None:
    with MisbehavingServer(answering(200, body)) as server:
        assert build(server.url).fetch_outcome("M-1", Placement()) == []
        (request,) = server.requests
    assert request.startswith(b"GET /tts/3/logs?messageId=M-1 ")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"results": [ROW]}).encode(),
        json.dumps({"results": [{**ROW, "messageId": "M-2"}, ROW, ROW]}).encode(),
        json.dumps({"results": [{**ROW, "duration": 12.4, "price": None, "extra": [1]}]}).encode(),
        json.dumps({"results": [{**ROW, "status": {"groupId": 1}, "doneAt": None}, ROW]}).encode(),
        json.dumps({"results": [ROW, {**ROW, "status": DUPLICATE, "error": None}]}).encode(),
        xml_log("M-1"),
        xml_log("M-2", "M-1"),
    ],
)
def test_a_log_tells_of_the_asked_call_alone(body: bytes) -> None:
    with MisbehavingServer(answering(200, body)) as server:
        events = build(server.url).fetch_outcome("M-1", Placement())
    assert {event.reference for event in events} == {"M-1"}
    progress = progress_of(events)
    assert (progress.outcome, progress.leg_b) == (Outcome.COMPLETED, LegState.UNREPORTED)
    assert progress.talk_seconds is None
    assert progress_of(events, one_leg=True).talk_seconds == 12


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"no log", ProviderUnavailable),
        (200, b"", ProviderUnavailable),
        (200, b"[5]", ProviderUnavailable),
        (500, b"", ProviderUnavailable),
        (503, b"", ProviderUnavailable),
        (429, b"", ProviderThrottled),
        (401, b"", ProviderRefused),
        (404, b"", ProviderRefused),
    ],
)
def test_asking_leaves_nothing_in_doubt(status: int, body: bytes, kind: type) -> None:
    with MisbehavingServer(answering(status, body)) as server:
        with pytest.raises(kind):
            build(server.url).fetch_outcome("M-1", Placement())
        if status != 200:
            with pytest.raises(kind):
                build(server.url).pull_reports()


def test_pulled_reports_of_every_product_are_read_alike() -> None:
    with simulating("infobip", "--api-key", KEY) as address:
        asking = build(address, PULL_SECONDS=10)
        assert asking.pull_reports() is None
        orders = [new_order(), message_order(), flow_order()]
        asking.place_calls(orders)
        pulled: list[CallbackRequest] = []
        told: list[ReportedEvent] = []
        while sum(event.kind == EventKind.ENDED for event in told) < len(orders):
            pulled += wait_for_reports(asking)
            told = [event for each in pulled for event in asking.parse_callback(each)]
        assert asking.pull_reports() is None
    for order in orders:
        ours = [event for event in told if event.reference == order.reference]
        progress = progress_of(ours, one_leg=order.leg_b is None)
        assert progress.outcome == Outcome.COMPLETED
        assert (progress.talk_seconds is None) == (order.leg_b is not None)
    assert {each.method for each in pulled} == {"GET"}


@pytest.mark.parametrize("body", [b"", b" \r\n", b'{"results": []}', b"<reportResponse/>"])
def test_no_report_is_nothing_to_keep(body: bytes) -> None:
    with MisbehavingServer(answering(200, body)) as server:
        assert build(server.url, PULL_SECONDS=10).pull_reports() is None
        (request,) = server.requests
    assert request.startswith(b"GET /voice/1/reports?limit=50 ")


# Recordings


def test_a_recording_is_fetched_as_sound() -> None:
    with simulating("infobip", "--api-key", KEY, "--dedupe", "lookup") as address:
        asking = build(address, RECORD=True)
        order = new_order(callback_url="", options={"record": True})
        placement = asking.place_call(order)
        (pulled,) = wait_for_reports(asking)
        told = asking.parse_callback(pulled)
        (url,) = {event.recording_url for event in told} - {""}
        with asking.download_recording(placement, url) as recording:
            assert recording.content_type == "audio/wav"
            assert b"".join(recording).startswith(b"RIFF")
        with pytest.raises(RecordingGone):
            asking.download_recording(placement, f"{url}-gone")
        with pytest.raises(ProviderRefused):
            asking.download_recording(placement, "https://evil.example.com/a.wav")


def test_some_file_elsewhere_is_no_sound() -> None:
    kind = "Content-Type: application/octet-stream\r\n"
    with MisbehavingServer(answering(200, b"MZ", kind)) as server:
        asking = build(server.url)
        with pytest.raises(ProviderRefused):
            asking.download_recording(Placement(), f"{server.url}/somewhere/else")
        with asking.download_recording(
            Placement(), f"{server.url}/calls/1/recordings/files/1"
        ) as recording:
            assert recording.content_type == "audio/wav"
