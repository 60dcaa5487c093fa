"""The answer to a send: accepted, rejected, unclear; errors in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clicktocall.dialects.infobip.answers import (
    Accepted,
    Rejected,
    SendAnswer,
    ServiceError,
    Unclear,
    read_answer,
    read_error,
)
from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.vocabulary import STATUSES, Group, Status
from tests.dialects.infobip import printed

JSON, XML = "application/json", "application/xml"
WAITING = "PENDING_ACCEPTED: Message accepted, pending for delivery."


def answer(status: Any, **entry: Any) -> Accepted | Rejected | Unclear:
    body = {"messages": [{"to": "41793026727", "messageId": "M", "status": status, **entry}]}
    (told,) = read_answer(json.dumps(body).encode(), JSON).messages
    return told


def test_the_documents_answers() -> None:
    assert read_answer(printed.CLICK_TO_CALL_ANSWER.encode(), JSON) == SendAnswer(
        "BULK-ID-123-xyz", (Accepted("MESSAGE-ID-123-xyz", "41793026727", WAITING),)
    )
    assert read_answer(printed.IVR_ANSWER.encode(), JSON) == SendAnswer(
        "BULK-ID-123-xyz",
        (Accepted("fda25a85-22fe-43e4-ad70-acb01bbd919b", "385993061678", WAITING),),
    )


XML_ENTRY = (
    "<message><to>{0}</to><status><groupId>{1}</groupId><name>{2}</name></status>"
    "<messageId>{0}</messageId></message>"
)


@pytest.mark.parametrize(
    "entries",
    [[("1", 1, "PENDING_ACCEPTED")], [("1", 1, "PENDING_ACCEPTED"), ("2", 5, "REJECTED_DND")]],
)
def test_an_answer_in_xml(entries: list[tuple[str, int, str]]) -> None:
    inner = "".join(XML_ENTRY.format(*entry) for entry in entries)
    body = f"<voiceResponse><bulkId>B</bulkId><messages>{inner}</messages></voiceResponse>"
    expected: list[Accepted | Rejected] = [Accepted("1", "1", "PENDING_ACCEPTED")]
    if len(entries) == 2:
        expected.append(Rejected("2", "2", "REJECTED_DND", "REJECTED_DND"))
    assert read_answer(body.encode(), XML) == SendAnswer("B", tuple(expected))


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row.group}-{row.name}")
def test_every_status_is_a_yes_or_a_no(row: Status) -> None:
    told = answer({"groupId": row.group, "id": row.id, "name": row.name})
    is_yes = row.group in (Group.PENDING, Group.DELIVERED) or row.id == 23
    assert isinstance(told, Accepted if is_yes else Rejected)


def test_a_message_sent_twice_was_accepted_before() -> None:
    told = answer({"groupId": 5, "id": 23, "name": "REJECTED_DUPLICATE_MESSAGE_ID"})
    assert told == Accepted("M", "41793026727", "REJECTED_DUPLICATE_MESSAGE_ID", before=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({"groupId": "1"}, Accepted),
        ({"groupId": 1, "name": "PENDING_NEW"}, Accepted),
        ({"groupId": 5, "name": "REJECTED_NEW"}, Rejected),
        ({"name": "PENDING_ACCEPTED"}, Accepted),
        ({"name": "REJECTED_SOURCE"}, Rejected),
        ({"groupId": 9, "name": "PENDING_ACCEPTED"}, Unclear),
        ({"groupId": 9}, Unclear),
        ({"name": "NEW"}, Unclear),
        ({"groupId": True}, Unclear),
        ({}, Unclear),
        (None, Unclear),
        ("PENDING", Unclear),
        ([], Unclear),
    ],
)
def test_the_group_decides_and_what_is_odd_is_unclear(status: Any, kind: type) -> None:
    assert type(answer(status)) is kind


def test_the_words_are_infobips() -> None:
    told = answer({"groupId": 5, "name": "REJECTED_DND", "description": "On a\x00 list."})
    assert told == Rejected("M", "41793026727", "REJECTED_DND", "REJECTED_DND: On a  list.")


def test_a_message_is_found_by_its_id() -> None:
    yes, no = Accepted("1", "", ""), Rejected("2", "", "", "")
    both = SendAnswer("", (yes, no))
    assert (both.of("1"), both.of("2"), both.of("3")) == (yes, no, None)
    nameless = Accepted("", "41793026727", "")
    assert SendAnswer("", (nameless,)).of("1") is nameless
    assert SendAnswer("", (nameless, nameless)).of("1") is None
    assert SendAnswer("", (no,)).of("1") is None, "the answer is of another message"


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"{}", b"[]", b'{"messages": []}', b'{"messages": ["a"]}', b"<a/>", b"{", b"<"],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_answer(body, JSON)


@pytest.mark.parametrize(
    ("exception", "words"),
    [
        ({"messageId": "UNAUTHORIZED", "text": "Invalid login"}, "UNAUTHORIZED: Invalid login"),
        ({"messageId": "FORBIDDEN"}, "FORBIDDEN"),
        ({"text": "Something went wrong"}, "Something went wrong"),
        (
            {
                "messageId": "BAD_REQUEST",
                "text": "Bad Request",
                "validationErrors": {
                    "destinationA": ["must not be null", "is required"],
                    "from": ["is not a number"],
                },
            },
            (
                "BAD_REQUEST: Bad Request; destinationA: must not be null, is required; "
                "from: is not a number"
            ),
        ),
        (
            {"messageId": "BAD_REQUEST", "validationErrors": {"messages[0].to": "is required"}},
            "BAD_REQUEST; messages[0].to: is required",
        ),
        ({"messageId": "BAD_REQUEST", "validationErrors": "all of it"}, "BAD_REQUEST"),
        ({}, ""),
    ],
)
def test_errors_in_words(exception: dict[str, Any], words: str) -> None:
    error = read_error(json.dumps({"requestError": {"serviceException": exception}}).encode(), JSON)
    assert error is not None
    assert error.words == words


def test_an_error_in_xml() -> None:
    body = (
        b"<ApiException><requestError><serviceException><messageId>BAD_REQUEST</messageId>"
        b"<text>Bad request</text><validationErrors><from>one</from><from>two</from>"
        b"</validationErrors></serviceException></requestError></ApiException>"
    )
    expected = ServiceError("BAD_REQUEST", "Bad request", {"from": ("one", "two")})
    assert read_error(body, XML) == expected


def test_an_endless_error_is_cut() -> None:
    fields = {f"field{number}": ["x" * 1000] * 10 for number in range(100)}
    exception = {"messageId": "BAD_REQUEST", "validationErrors": fields}
    body = json.dumps({"requestError": {"serviceException": exception}}).encode()
    error = read_error(body, JSON)
    assert error is not None
    assert len(error.fields) == 20
    assert len(error.words) == 500


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b"{}", b'{"requestError": "no"}', b"[1]", b"<", b"[" * 99_999],
)
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert read_error(body, JSON) is None


@pytest.mark.parametrize("first", [Accepted("M", "1", "taken"), Unclear("M", "1", "odd")])
def test_an_answer_that_contradicts_itself_says_nothing(first: Accepted | Unclear) -> None:
    """Whether that phone rings is not known: neither a yes nor a certain no."""
    no = Rejected("M", "1", "REJECTED_DND", "no")
    for messages in ((first, no), (no, first)):
        assert SendAnswer("", messages).of("M") is None
    assert SendAnswer("", (first, first)).of("M") == first
