"""Our own report of a call, in the shape of Infobip's voice report (version 2, JSON and XML).

A client that reads Infobip's reports reads ours. What that shape cannot hold stands beside it:
`legA` and `legB`, `recordedAudioFileUrl` (a name of version 1) and `price.total`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET  # writes only; what is read goes through defusedxml

from clicktocall.dialects.infobip.vocabulary import (
    SAID_OF_OUTCOME,
    Group,
    Reason,
    Status,
    reason_named,
    status_named,
)
from clicktocall.states import Outcome

# Groups of errors; receivers are told not to go by them, and Infobip's own lists differ.
_ERROR_OK = (0, "OK")
_ERROR_OF_USER = (2, "USER_ERRORS")
_ERROR_OF_HANDSET = (1, "HANDSET_ERRORS")
_FINE = frozenset({Outcome.COMPLETED, Outcome.MACHINE})
_OF_USER = frozenset({Outcome.REJECTED, Outcome.EXPIRED})
# Digits of a price for one second: times the seconds of a day it is right to a millionth.
_PRICE_DIGITS = Decimal("0.000000000001")
_DESCRIPTIONS = {
    Outcome.COMPLETED: "The call was answered and has ended.",
    Outcome.MACHINE: "An answering machine picked up.",
    Outcome.NO_ANSWER: "The phone rang and nobody answered.",
    Outcome.BUSY: "The phone was busy.",
    Outcome.DECLINED: "The call was declined.",
    Outcome.CANCELED: "The call was canceled.",
    Outcome.FAILED: "The call could not be connected.",
    Outcome.REJECTED: "The call was refused and not placed.",
    Outcome.EXPIRED: "The call could not be placed in time.",
    Outcome.UNKNOWN: "Nobody knows whether the call was placed.",
}

_Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLeg:
    """One leg. `party` is `contact` or `extension`, `state` one of our own leg states."""

    party: str
    to: str
    state: str
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCall:
    """What a report tells of one call that is over. Numbers are E.164, durations seconds.

    `duration` counts from leg A's answer; `leg_b` is None for a message or a flow; `price` is of
    the whole call.
    """

    message_id: str
    bulk_id: str
    sender: str
    sent_at: datetime
    outcome: Outcome
    words: str
    leg_a: ToldLeg
    leg_b: ToldLeg | None
    ended_at: datetime | None
    duration: int | None = None
    price: Decimal | None = None
    currency: str = ""
    callback_data: str = ""
    feature: str = ""
    scenario_id: str = ""
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    recording_url: str = ""


def told_as_json(calls: list[ToldCall]) -> bytes:
    """The report of these calls as `application/json`."""
    results = [_record(call) for call in calls]
    told = json.dumps({"results": results}, ensure_ascii=False, separators=(",", ":"))
    return told.encode("utf-8", "replace")  # halves of characters are no JSON


def told_as_xml(calls: list[ToldCall]) -> bytes:
    """The report of these calls as `application/xml`; what has no value has no element.

    The list's elements have the name of the list itself, as Infobip writes them.
    """
    root = ET.Element("reportResponse")
    results = ET.SubElement(root, "results")
    for call in calls:
        _write(ET.SubElement(results, "results"), _record(call))
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def moment(at: datetime | None) -> str | None:
    """A time as Infobip writes it: UTC, milliseconds, an offset without colon."""
    if at is None:
        return None
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}+0000"


def _record(call: ToldCall) -> dict[str, Any]:
    return {
        "bulkId": call.bulk_id or None,
        "messageId": call.message_id,
        "from": _digits(call.sender) or None,
        "to": _digits(call.leg_a.to),
        "sentAt": moment(call.sent_at),
        "mccMnc": None,
        "callbackData": call.callback_data or None,
        "voiceCall": _voice_call(call),
        "price": _price(call),
        "status": _status(call),
        "error": _error(call),
        "legA": _leg(call.leg_a),
        "legB": _leg(call.leg_b) if call.leg_b else None,
        "recordedAudioFileUrl": call.recording_url or None,
    }


def _voice_call(call: ToldCall) -> dict[str, Any]:
    keys = call.answers.get("dtmf", "")
    variables = {name: said for name, said in call.answers.items() if name != "dtmf"}
    return {
        "feature": call.feature or None,
        "startTime": moment(call.leg_a.ringing_at),
        "answerTime": moment(call.leg_a.answered_at),
        "endTime": moment(call.ended_at),
        "duration": call.duration or 0,
        "chargedDuration": call.duration or 0,
        "fileDuration": None,
        "dtmfCodes": keys or None,
        "answeredBy": "MACHINE" if call.outcome == Outcome.MACHINE else None,
        "direction": "OUTBOUND",
        "ivr": _ivr(call.scenario_id, variables) if call.scenario_id or variables else None,
    }


def _ivr(scenario_id: str, variables: Mapping[str, str]) -> dict[str, Any]:
    # The variables are JSON inside a string, as Infobip has it.
    collected = json.dumps(variables, ensure_ascii=False) if variables else None
    return {"scenarioId": scenario_id or None, "collectedDtmfs": collected}


def _price(call: ToldCall) -> dict[str, Any] | None:
    if call.price is None:
        return None
    each = (call.price / call.duration).quantize(_PRICE_DIGITS) if call.duration else None
    return {
        "pricePerSecond": None if each is None else float(each),
        "currency": call.currency or None,
        "total": f"{call.price.normalize():f}",
    }


def _status(call: ToldCall) -> dict[str, Any]:
    status: Status = status_named(SAID_OF_OUTCOME[call.outcome][0])
    return {
        "groupId": int(status.group),
        "groupName": Group(status.group).name,
        "id": status.id,
        "name": status.name,
        "description": _DESCRIPTIONS[call.outcome],
    }


def _error(call: ToldCall) -> dict[str, Any]:
    name = SAID_OF_OUTCOME[call.outcome][1]
    reason: Reason = reason_named(name)
    group, group_name = _error_group(call.outcome)
    return {
        "groupId": group,
        "groupName": group_name,
        "id": reason.id,
        "name": reason.name,
        "description": call.words or None,
        "permanent": True,  # a report comes when nothing more is tried
    }


def _error_group(outcome: Outcome) -> tuple[int, str]:
    if outcome in _FINE:
        return _ERROR_OK
    return _ERROR_OF_USER if outcome in _OF_USER else _ERROR_OF_HANDSET


def _leg(leg: ToldLeg) -> dict[str, Any]:
    return {
        "party": leg.party,
        "to": _digits(leg.to),
        "state": leg.state,
        "ringingTime": moment(leg.ringing_at),
        "answerTime": moment(leg.answered_at),
        "endTime": moment(leg.ended_at),
    }


def _digits(destination: str) -> str:
    """Infobip writes a number without its plus."""
    return destination.removeprefix("+")


def _write(parent: ET.Element, content: _Content) -> None:
    for name, value in content.items():
        if value is None:
            continue
        element = ET.SubElement(parent, name)
        if isinstance(value, Mapping):
            _write(element, value)
        else:
            element.text = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return "".join(_legal(str(value)))


def _legal(text: str) -> Iterator[str]:
    """The characters that a document of XML 1.0 may hold; the others become spaces."""
    for char in text:
        code = ord(char)
        illegal = (
            (code < 0x20 and char not in "\t\n\r")
            or 0xD800 <= code <= 0xDFFF
            or code in (0xFFFE, 0xFFFF)
        )
        yield " " if illegal else char
