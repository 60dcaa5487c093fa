"""What the provider says about a message: reports of both versions, and rows of its logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from clicktocall.providers.infobip.simulation.account import Account
from clicktocall.providers.infobip.simulation.message import Message

Json = dict[str, Any]

CHARGED_BLOCK = 30  # seconds; the documents' example charges 30 for 10
_NETWORKS = {"44": "23410", "1": "310260", "41": "22801"}
_ANY_NETWORK = "21901"


def report_v2(message: Message, account: Account) -> Json:
    """The current report of one message that is over."""
    told: Json = {
        **_ids(message),
        "from": message.sender,
        "to": message.numbers[0],
        "sentAt": moment(message.begun_at or message.accepted_at),
        "mccMnc": network_of(message.numbers[0]),
        **_callback_data(message),
        "voiceCall": _voice_call(message),
        **_result(message, account),
    }
    return told


def report_v1(message: Message, account: Account, *, as_xml: bool) -> Json:
    """The report as it was before July 2020: flat, and in JSON with times in milliseconds."""
    when = moment if as_xml else _milliseconds
    told: Json = {
        **_ids(message),
        "to": message.numbers[0],
        "sentAt": moment(message.begun_at or message.accepted_at),
        "doneAt": moment(message.ended_at),
        "startTime": when(message.rang_at),
        "answerTime": when(message.answered_at),
        "endTime": when(message.ended_at),
        "duration": message.duration,
        "fileDuration": message.file_duration,
        "mccMnc": network_of(message.numbers[0]),
        **_callback_data(message),
        "dtmfCodes": _keys(message),
        **_result(message, account),
    }
    if message.is_ivr:
        told["dtmfCodesAsJson"] = _collected(message)
        told["scenarioId"] = message.fields["scenarioId"]
        told["scenarioName"] = _scenario_name(message)
    if message.recording_id:
        told["recordedAudioFileUrl"] = f"/voice/ivr/1/files/{message.recording_id}"
    return told


def log_row(message: Message, account: Account) -> Json:
    """The message in the logs, whether it is over or not."""
    return {
        **_ids(message),
        "to": message.numbers[0],
        "from": message.sender,
        "text": message.fields.get("text") or "",
        "sentAt": moment(message.begun_at or message.accepted_at),
        "doneAt": moment(message.ended_at),
        "duration": message.duration,
        "mccMnc": network_of(message.numbers[0]),
        **_result(message, account),
    }


def moment(when: datetime | None) -> str | None:
    """As the documents write times: UTC, milliseconds, an offset without colon."""
    if when is None:
        return None
    return (
        when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}+0000"
    )


def network_of(number: str) -> str:
    """The mobile country and network code that stands for a country here."""
    return next(
        (code for start, code in _NETWORKS.items() if number.startswith(start)), _ANY_NETWORK
    )


def _ids(message: Message) -> Json:
    return {"bulkId": message.bulk_id, "messageId": message.id}


def _callback_data(message: Message) -> Json:
    given = message.fields.get("callbackData")
    if given is None and message.story.old_habits:
        return {"callbackData": "null"}
    return {} if given is None else {"callbackData": given}


def _result(message: Message, account: Account) -> Json:
    price = account.price
    told: Json = {
        "price": {
            "pricePerSecond": f"{price}" if message.story.old_habits else price,
            "currency": account.currency,
        },
        "status": message.status.as_json(),
    }
    if message.error is not None:
        told["error"] = message.error.as_json(account.codes)
    return told


def _voice_call(message: Message) -> Json:
    silent_start = message.story.old_habits  # those reports left out that it rang
    told: Json = {
        "feature": message.product.feature,
        "startTime": None if silent_start else moment(message.rang_at),
        "answerTime": moment(message.answered_at),
        "endTime": moment(message.ended_at),
        "duration": message.duration,
        "chargedDuration": -(-message.duration // CHARGED_BLOCK) * CHARGED_BLOCK,
        "fileDuration": message.file_duration,
        "direction": "OUTBOUND",
        "dtmfCodes": _keys(message),
    }
    if message.answered_by:
        told["answeredBy"] = message.answered_by
    if message.recording_id:
        told["callRecordingFileId"] = message.recording_id
    if message.is_ivr:
        told["ivr"] = {
            "scenarioId": message.fields["scenarioId"],
            "scenarioName": _scenario_name(message),
            "collectedDtmfs": _collected(message),
            "collectedMappedDtmfs": None,
            "spokenInput": None,
            "matchedSpokenInput": None,
        }
    return told


def _keys(message: Message) -> str | None:
    return message.pressed or (None if message.is_ivr else "")


def _collected(message: Message) -> str | None:
    """JSON inside a string: the documents want it decoded a second time."""
    if not message.pressed:
        return None
    first, _, second = message.pressed.partition(", ")
    return json.dumps({"myFirstVar": first, "mySecondVar": second}, separators=(",", ":"))


def _scenario_name(message: Message) -> str:
    return f"Scenario {message.fields['scenarioId']}"


def _milliseconds(when: datetime | None) -> int | None:
    return None if when is None else round(when.timestamp() * 1000)
