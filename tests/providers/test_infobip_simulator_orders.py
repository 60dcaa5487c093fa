"""What the simulated Infobip takes, refuses and rejects."""

from __future__ import annotations

import ast
import http.client
import json
import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from clicktocall.providers.infobip.simulation import schema
from clicktocall.providers.infobip.simulation.account import Account
from clicktocall.providers.infobip.simulation.credentials import Credentials
from clicktocall.providers.infobip.simulation.request_log import phones_rung, read_log
from clicktocall.providers.infobip.simulation.schema import Field
from tests.providers.infobip_customer import (
    CLICK_TO_CALL,
    IVR,
    KEY,
    SENDER,
    VOICE,
    Customer,
    click_to_call,
    ivr_message,
    running,
    voice_message,
)

# The simulator is a tool of the tests; what they need of it fails them first.
pytestmark = pytest.mark.slow

WINDOW = {
    "days": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"],
    "from": {"hour": 6, "minute": 0},
    "to": {"hour": 15, "minute": 30},
}
# The request examples of the documents, completed to valid JSON.
SEND_EXAMPLE = {
    "bulkId": "BULK-ID-123-xyz",
    "messages": [
        {
            "messageId": "MESSAGE-ID-123-xyz",
            "from": "41793026700",
            "fromB": "41793026701",
            "destinationA": "41793026727",
            "destinationB": "41793026731",
            "text": "Test Voice message.",
            "language": "en",
            "anonymization": False,
            "notifyUrl": "https://www.example.com/voice/clicktocall",
            "notifyContentType": "application/json",
            "maxDuration": 60,
            "warningTime": 5,
            "retry": {"minPeriod": 1, "maxPeriod": 5, "maxCount": 5},
        }
    ],
}
OVERVIEW_EXAMPLE = {
    "bulkId": "BULK-ID-123-xyz",
    "messages": [
        {
            **SEND_EXAMPLE["messages"][0],  # type: ignore[dict-item]
            "voice": {"name": "Joanna", "gender": "female"},
            "machineDetection": "hangup",
            "deliveryTimeWindow": WINDOW,
        }
    ],
}
VOICE_EXAMPLE = {
    "messages": [
        {
            "from": "41793026700",
            "destinations": [
                {"to": "41793026727", "messageId": "MESSAGE-ID-123-xyz"},
                {"to": "41793026731"},
            ],
            "audioFileUrl": "https://www.example.com/media.mp3",
            "text": " Hello world.",
            "language": "en",
            "voice": {"name": "Joanna", "gender": "female"},
        }
    ]
}
IVR_EXAMPLE = {
    "bulkId": "BULK-ID-123-xyz",
    "messages": [
        {
            "scenarioId": "6298AA7707903A4ED680B436929681AD",
            "from": "41793026700",
            "destinations": [{"to": "41793026727"}, {"to": "41793026731"}],
            "parameters": {"foo": "bar"},
            "notifyUrl": "https://www.example.com/voice/advanced",
            "notifyContentType": "application/json",
            "callbackData": "DLR callback data",
            "validityPeriod": 720,
            "sendAt": "2016-07-07T17:00:00.000+01:00",
            "record": False,
            "retry": {"minPeriod": 1, "maxPeriod": 5, "maxCount": 5},
        }
    ],
}
ACCEPTED = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 26,
    "name": "PENDING_ACCEPTED",
    "description": "Message accepted, pending for delivery.",
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
def customer(log: Path) -> Iterator[Customer]:
    with running(log=log) as customer:
        yield customer


@pytest.mark.parametrize(
    ("path", "example", "phones"),
    [
        (CLICK_TO_CALL, SEND_EXAMPLE, ["41793026727"]),
        (CLICK_TO_CALL, OVERVIEW_EXAMPLE, ["41793026727"]),
        (VOICE, VOICE_EXAMPLE, ["41793026727", "41793026731"]),
        (IVR, IVR_EXAMPLE, ["41793026727", "41793026731"]),
    ],
)
def test_examples_of_the_documents_are_taken(
    path: str, example: dict[str, Any], phones: list[str], customer: Customer, log: Path
) -> None:
    answer = customer.ask("POST", path, json=example)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [message["to"] for message in told["messages"]] == phones
    assert [message["status"] for message in told["messages"]] == [ACCEPTED] * len(phones)
    assert told["bulkId"] == example.get("bulkId", told["bulkId"])
    assert phones_rung(log) == phones
    assert "unknown" not in read_log(log)[0]


def test_ids_of_the_customer_are_kept_and_others_made(customer: Customer) -> None:
    messages = customer.ask("POST", VOICE, json=VOICE_EXAMPLE).json()["messages"]
    assert messages[0]["messageId"] == "MESSAGE-ID-123-xyz"
    assert uuid.UUID(messages[1]["messageId"]).version == 4


def test_bulk_id_is_told_when_it_was_given_or_there_are_several(customer: Customer) -> None:
    assert "bulkId" not in customer.call().json()
    several = customer.send(CLICK_TO_CALL, click_to_call(), click_to_call("a_busy"))
    assert several.json()["bulkId"]


def test_answer_in_xml(customer: Customer) -> None:
    answer = customer.ask("POST", CLICK_TO_CALL, json=SEND_EXAMPLE, accept="application/xml")
    assert answer.headers["Content-Type"].startswith("application/xml")
    root = ET.fromstring(answer.content)
    assert root.tag == "voiceResponse"
    assert root.findtext("bulkId") == "BULK-ID-123-xyz"
    message = root.findall("messages/message")[0]
    assert message.findtext("to") == "41793026727"
    assert message.findtext("messageId") == "MESSAGE-ID-123-xyz"
    assert {child.tag: child.text for child in message.find("status") or ()} == {
        name: str(value) for name, value in ACCEPTED.items()
    }


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json, application/xml;q=0.5", "application/json"),
        ("application/xml", "application/xml"),
        ("text/xml, */*", "application/xml"),
    ],
)
def test_content_type_follows_accept(accept: str, kind: str, customer: Customer) -> None:
    answer = customer.ask("GET", "/voice/1/reports", accept=accept)
    assert answer.headers["Content-Type"] == f"{kind};charset=UTF-8"


# Who may ask.

ALL_WAYS = Credentials(app="the-key", basic="user:pässword", bearer="a-token", session="a-session")


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("App the-key", 200),
        (basic("user:pässword"), 200),
        ("Bearer a-token", 200),
        ("IBSSO a-session", 200),
        ("", 401),
        ("App", 401),
        ("App a-token", 401),
        ("Bearer the-key", 401),
        ("IBSSO a-token", 401),
        (basic("user:wrong"), 401),
        ("Basic user:pässword".encode().decode("latin-1"), 401),
        ("Digest the-key", 401),
    ],
)
def test_four_ways_to_say_who_one_is(authorization: str, status: int, log: Path) -> None:
    with running(credentials=ALL_WAYS, log=log) as customer:
        customer.authorization = authorization
        answer = customer.call()
    assert answer.status_code == status
    assert phones_rung(log) == (["442079460001"] if status == 200 else [])
    if status == 401:
        told = answer.json()["requestError"]["serviceException"]
        assert told["messageId"] == "UNAUTHORIZED"
        assert read_log(log)[0]["decision"] == "unauthorized"


def test_a_way_that_is_not_configured_opens_nothing() -> None:
    with running(credentials=Credentials(app="the-key")) as customer:
        for authorization in ("Bearer ", "IBSSO ", "Basic ", basic("")):
            customer.authorization = authorization
            assert customer.call().status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/voice/1/reports"),
        ("GET", "/tts/3/logs"),
        ("GET", "/tts/3/bulks/status"),
        ("PUT", "/tts/3/bulks"),
        ("GET", "/voice/ivr/1/files"),
        ("GET", "/voice/ivr/1/files/1234"),
        ("GET", "/nowhere"),
    ],
)
def test_every_address_wants_to_know_who_asks(method: str, path: str, customer: Customer) -> None:
    customer.authorization = "App wrong"
    assert customer.ask(method, path).status_code == 401


# Requests that are wrong.

GOOD = {CLICK_TO_CALL: click_to_call, VOICE: voice_message, IVR: ivr_message}
WRONG: list[tuple[str, str, Any, str]] = [
    (CLICK_TO_CALL, "from", None, "from"),
    (CLICK_TO_CALL, "from", "bicycles", "from"),
    (CLICK_TO_CALL, "destinationA", None, "destinationA"),
    (CLICK_TO_CALL, "destinationA", "", "destinationA"),
    (CLICK_TO_CALL, "destinationA", "+41793026727", "destinationA"),
    (CLICK_TO_CALL, "destinationA", 41793026727, "destinationA"),
    (CLICK_TO_CALL, "destinationB", None, "destinationB"),
    (CLICK_TO_CALL, "fromB", "+41793026727", "fromB"),
    (CLICK_TO_CALL, "text", ["hello"], "text"),
    (CLICK_TO_CALL, "voice", "Joanna", "voice"),
    (CLICK_TO_CALL, "voice", {"gender": "other"}, "gender"),
    (CLICK_TO_CALL, "record", "yes", "record"),
    (CLICK_TO_CALL, "anonymization", "true", "anonymization"),
    (CLICK_TO_CALL, "notifyContentVersion", 3, "notifyContentVersion"),
    (CLICK_TO_CALL, "maxDuration", "60", "maxDuration"),
    (CLICK_TO_CALL, "maxDuration", True, "maxDuration"),
    (CLICK_TO_CALL, "maxDuration", 0, "maxDuration"),
    (CLICK_TO_CALL, "warningTime", 1.5, "warningTime"),
    (CLICK_TO_CALL, "retry", {"minPeriod": 1, "maxPeriod": 5}, "maxCount"),
    (CLICK_TO_CALL, "retry", {"minPeriod": 0, "maxPeriod": 5, "maxCount": 1}, "minPeriod"),
    (CLICK_TO_CALL, "deliveryTimeWindow", {**WINDOW, "days": None}, "days"),
    (CLICK_TO_CALL, "deliveryTimeWindow", {**WINDOW, "days": []}, "days"),
    (CLICK_TO_CALL, "deliveryTimeWindow", {"days": ["Monday"]}, "days"),
    (CLICK_TO_CALL, "deliveryTimeWindow", {"days": ["MONDAY", "MONDAY"]}, "days"),
    (CLICK_TO_CALL, "deliveryTimeWindow", {**WINDOW, "to": {"hour": 24}}, "hour"),
    (VOICE, "destinations", None, "destinations"),
    (VOICE, "destinations", [], "destinations"),
    (VOICE, "destinations", [{"messageId": "M"}], "to"),
    (VOICE, "destinations", ["41793026727"], "destinations"),
    (VOICE, "text", "x" * 1401, "text"),
    (VOICE, "callbackData", "x" * 701, "callbackData"),
    (VOICE, "speechRate", "fast", "speechRate"),
    (VOICE, "validityPeriod", 0, "validityPeriod"),
    (VOICE, "sendAt", "tomorrow", "sendAt"),
    (VOICE, "sendAt", "2026-13-01T00:00:00Z", "sendAt"),
    (VOICE, "sendAt", "2026-12-01T00:00:00", "sendAt"),
    (VOICE, "repeatDtmf", "#", "repeatDtmf"),
    (VOICE, "pause", 11, "pause"),
    (VOICE, "callTransfers", [{"if": "dtmf", "equals": "2"}], "transferTo"),
    (VOICE, "callTransfers", [{"transferTo": SENDER, "if": "rain"}], "if"),
    (VOICE, "sendingSpeed", {"speed": 5, "timeUnit": "week"}, "timeUnit"),
    (IVR, "scenarioId", None, "scenarioId"),
    (IVR, "scenarioId", "", "scenarioId"),
    (IVR, "from", "12", "from"),
    (IVR, "from", "1" * 15, "from"),
    (IVR, "parameters", {"foo": 1}, "parameters"),
    (IVR, "callbackData", "x" * 201, "callbackData"),
]


@pytest.mark.parametrize(("path", "field", "value", "named"), WRONG)
def test_wrong_field_is_a_bad_request_that_names_it(
    path: str, field: str, value: Any, named: str, customer: Customer, log: Path
) -> None:
    good = GOOD[path]()
    answer = customer.send(path, good, {**good, field: value})
    assert answer.status_code == 400, answer.text
    told = answer.json()["requestError"]["serviceException"]
    assert told["messageId"] == "BAD_REQUEST"
    assert list(told["validationErrors"]) == [named]
    assert "messages[1]" in told["validationErrors"][named][0]
    assert phones_rung(log) == []
    assert read_log(log)[0]["decision"] == "refused"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", None),
        (b"hello", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (b"null", None),
        (b"[]", "body"),
        (b"{}", "messages"),
        (b'{"messages": {}}', "messages"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": [7]}', "messages"),
        (b'{"bulkId": 7, "messages": [7]}', "bulkId"),
    ],
)
def test_wrong_body_is_a_bad_request(body: bytes, named: str | None, customer: Customer) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = customer.ask("POST", CLICK_TO_CALL, data=body, headers=json_type)
    assert answer.status_code == 400
    wrong = answer.json()["requestError"]["serviceException"].get("validationErrors", {})
    assert (named in wrong) if named else (wrong == {})


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 400),
        ("application/x-www-form-urlencoded", 400),
    ],
)
def test_body_must_say_that_it_is_json(kind: str, status: int, customer: Customer) -> None:
    body = json.dumps(SEND_EXAMPLE)
    answer = customer.ask("POST", CLICK_TO_CALL, data=body, headers={"Content-Type": kind})
    assert answer.status_code == status


def test_bad_request_in_xml(customer: Customer) -> None:
    answer = customer.ask("POST", CLICK_TO_CALL, json={"messages": [{}]}, accept="application/xml")
    root = ET.fromstring(answer.content)
    assert root.tag == "ApiException"
    told = root.find("requestError/serviceException")
    assert told is not None
    assert told.findtext("messageId") == "BAD_REQUEST"
    assert [child.tag for child in told.find("validationErrors") or ()] == [
        "from",
        "destinationA",
        "destinationB",
    ]


def test_null_counts_as_not_given(customer: Customer) -> None:
    assert customer.send(CLICK_TO_CALL, {**click_to_call(), "text": None}).status_code == 200
    assert customer.send(CLICK_TO_CALL, {**click_to_call(), "from": None}).status_code == 400


def test_unknown_field_is_taken_with_a_warning(
    customer: Customer, log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer = customer.send(
        CLICK_TO_CALL, click_to_call(sendAt="2030-01-01T00:00:00Z"), document={"urgent": True}
    )
    assert answer.status_code == 200
    assert sorted(read_log(log)[0]["unknown"]) == ["messages[0].sendAt", "urgent"]
    assert "/voice/ctc/1/send: unknown" in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", CLICK_TO_CALL), ("POST", "/voice/1/reports"), ("GET", "/"), ("PUT", "/nowhere")],
)
def test_nothing_is_elsewhere(method: str, path: str, customer: Customer) -> None:
    answer = customer.ask(method, path)
    assert answer.status_code == 404
    assert answer.json()["requestError"]["serviceException"]["messageId"] == "NOT_FOUND"


# Messages that are rejected in an answer with HTTP 200.

REJECTED: list[tuple[str, dict[str, Any], int, str]] = [
    (CLICK_TO_CALL, {"notifyUrl": "ftp://example.com"}, 56, "REJECTED_INVALID_NOTIFY_URL"),
    (CLICK_TO_CALL, {"notifyUrl": "http://["}, 56, "REJECTED_INVALID_NOTIFY_URL"),
    (
        CLICK_TO_CALL,
        {"notifyContentType": "text/csv"},
        57,
        "REJECTED_INVALID_NOTIFY_CONTENT_TYPE",
    ),
    (CLICK_TO_CALL, {"audioFileUrl": "media.mp3"}, 53, "REJECTED_INVALID_AUDIO_FILE_URL"),
    (CLICK_TO_CALL, {"machineDetection": "continue"}, 62, "REJECTED_INVALID_MACHINE_DETECTION"),
    (VOICE, {"machineDetection": "perhaps"}, 62, "REJECTED_INVALID_MACHINE_DETECTION"),
    (VOICE, {"text": ""}, 55, "REJECTED_MESSAGE_IS_EMPTY"),
    (VOICE, {"ringTimeout": 0}, 60, "REJECTED_INVALID_RING_TIMEOUT"),
    (VOICE, {"dtmfTimeout": -1}, 59, "REJECTED_INVALID_DTMF_TIMEOUT"),
    (IVR, {"callTimeout": 0}, 61, "REJECTED_INVALID_CALL_TIMEOUT"),
    (
        CLICK_TO_CALL,
        {"deliveryTimeWindow": {**WINDOW, "to": {"hour": 6, "minute": 59}}},
        87,
        "REJECTED_INVALID_DELIVERY_TIME_WINDOW",
    ),
    (
        CLICK_TO_CALL,
        {"deliveryTimeWindow": {"days": ["MONDAY"], "from": {"hour": 6}}},
        87,
        "REJECTED_INVALID_DELIVERY_TIME_WINDOW",
    ),
]


@pytest.mark.parametrize(("path", "changes", "status", "name"), REJECTED)
def test_wrong_value_rejects_the_message_only(
    path: str,
    changes: dict[str, Any],
    status: int,
    name: str,
    customer: Customer,
    log: Path,
) -> None:
    answer = customer.send(path, GOOD[path](), GOOD[path](**changes))
    assert answer.status_code == 200
    taken, rejected = (message["status"] for message in answer.json()["messages"])
    assert taken == ACCEPTED
    assert (rejected["groupId"], rejected["groupName"]) == (5, "REJECTED")
    assert (rejected["id"], rejected["name"]) == (status, name)
    assert len(phones_rung(log)) == 1
    assert [message["decision"] for message in read_log(log)[0]["messages"]] == [
        "accepted",
        "rejected",
    ]


@pytest.mark.parametrize(
    ("story", "status", "name"),
    [
        ("refused", 52, "REJECTED_DESTINATION"),
        ("no_credits", 12, "REJECTED_NOT_ENOUGH_CREDITS"),
        ("no_network", 6, "REJECTED_NETWORK"),
        ("duplicate", 23, "REJECTED_DUPLICATE_MESSAGE_ID"),
    ],
)
def test_number_rejects_the_message(
    story: str, status: int, name: str, customer: Customer, log: Path
) -> None:
    answer = customer.call(story)
    assert answer.status_code == 200
    told = answer.json()["messages"][0]["status"]
    assert (told["groupId"], told["id"], told["name"]) == (5, status, name)
    assert phones_rung(log) == []


def test_machine_detection_is_an_add_on(log: Path) -> None:
    with running(account=Account(machine_detection=False), log=log) as customer:
        told = customer.call(machineDetection="hangup").json()["messages"][0]["status"]
        assert (told["groupId"], told["id"]) == (5, 83)
        assert customer.call().json()["messages"][0]["status"] == ACCEPTED


# The schema and the log.


def fields_of(field: Field) -> Iterator[Field]:
    yield field
    for inner in (field.fields or {}).values():
        yield from fields_of(inner)
    if field.items is not None:
        yield from fields_of(field.items)


@pytest.mark.parametrize(
    "request_schema",
    [schema.CLICK_TO_CALL, schema.VOICE, schema.IVR, schema.BULK_STATUS, schema.BULK_TIME],
)
def test_every_field_cites_its_document(request_schema: Field) -> None:
    documents = (schema.OPENAPI, schema.SEND_PAGE, schema.IVR_PAGE, schema.OVERVIEW)
    found = list(fields_of(request_schema))
    assert len(found) > 1
    assert [field for field in found if not field.source.startswith(documents)] == []
    assert [field for field in found if "," not in field.source] == []  # and the place in it


def test_log_keeps_no_secret(customer: Customer, log: Path) -> None:
    customer.call(notifyUrl="http://127.0.0.1:9/callbacks/infobip/THE-SECRET/")
    customer.ask("GET", "/voice/1/reports", params={"messageId": "M"})
    text = log.read_text()
    assert "THE-SECRET" not in text
    assert KEY not in text
    assert [json.loads(line)["path"] for line in text.splitlines()] == [
        CLICK_TO_CALL,
        "/voice/1/reports",
    ]


def test_line_of_the_log_tells_what_was_asked_and_decided(customer: Customer, log: Path) -> None:
    customer.call(messageId="M-1")
    line = read_log(log)[0]
    assert line.pop("time")
    assert line.pop("bulkId")
    assert line == {
        "method": "POST",
        "path": CLICK_TO_CALL,
        "status": 200,
        "decision": "taken",
        "messages": [
            {
                "messageId": "M-1",
                "numbers": ["442079460001", "442079460190"],
                "decision": "accepted",
                "status": "PENDING_ACCEPTED",
            }
        ],
    }


def test_keeps_the_connection(customer: Customer) -> None:
    """HTTP/1.1: several requests through one socket, also after an error."""
    connection = http.client.HTTPConnection(customer.address.removeprefix("http://"), timeout=5)
    statuses = []
    for body in (b"{}", json.dumps(SEND_EXAMPLE).encode(), b"hello"):
        headers = {"Authorization": f"App {KEY}", "Content-Type": "application/json"}
        connection.request("POST", CLICK_TO_CALL, body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append((answer.status, answer.version, connection.sock is not None))
    connection.close()
    assert statuses == [(400, 11, True), (200, 11, True), (400, 11, True)]


def test_simulator_knows_nothing_of_the_adapter() -> None:
    """Otherwise a misunderstanding would be shared, and no test could find it."""
    known = (
        "clicktocall.providers.infobip.simulation",
        "clicktocall.providers.simulation",
        "clicktocall.numbers",
    )
    folder = Path(schema.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "simulator.py"]
    imported = {
        node.module or ""
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    ours = {module for module in imported if module.startswith("clicktocall")}
    assert len(files) > 10
    assert {module for module in ours if not module.startswith(known)} == set()
