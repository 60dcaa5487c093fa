"""The requests as the documents describe them; every field cites the document it comes from.

Two documents stand behind each product: the OpenAPI description that the provider publishes
(version 3.210.0), and its older page about the same request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

OPENAPI = "Infobip OpenAPI 3.210.0"
SEND_PAGE = "Infobip, Launch click to call (POST /voice/ctc/1/send)"
IVR_PAGE = "Infobip, Launch outbound IVR (POST /voice/ivr/1/messages)"
OVERVIEW = "Infobip, Voice and Video: Click-to-call"


class Kind(StrEnum):
    """The type of a field, as people call it in an error."""

    TEXT = "a string"
    INTEGER = "an integer"
    NUMBER = "a number"
    FLAG = "true or false"
    LOOSE_FLAG = "true or false, also as a string"
    OBJECT = "an object"
    TEXTS = "an object of strings"
    LIST = "a list"
    MOMENT = "a date and time with its offset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request.

    `least` and `most` bound a number's value, a text's or a list's length. `fields` are those of
    an object, `items` is what a list holds. `source` names the document, and the place in it.
    """

    kind: Kind
    source: str
    required: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    wanted: str = ""  # the pattern in words
    fields: Mapping[str, Field] | None = None
    items: Field | None = None
    unique: bool = False


_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DIGITS = re.compile(r"[1-9][0-9]{4,14}", re.ASCII)
_SENDER = re.compile(r"[0-9]{3,15}", re.ASCII)
MOST_DESTINATIONS = 20_000


def _number(source: str, *, required: bool = False) -> Field:
    return Field(
        kind=Kind.TEXT,
        source=source,
        required=required,
        pattern=_DIGITS,
        wanted="a number in international format, digits only",
    )


def _sender(source: str, *, required: bool = False) -> Field:
    return Field(
        kind=Kind.TEXT, source=source, required=required, pattern=_SENDER, wanted="numeric"
    )


def _text(source: str, *, most: int | None = None, required: bool = False) -> Field:
    return Field(kind=Kind.TEXT, source=source, most=most, required=required)


def _integer(source: str, *, least: int | None = None, most: int | None = None) -> Field:
    return Field(kind=Kind.INTEGER, source=source, least=least, most=most)


def _required_integer(source: str, least: int) -> Field:
    return Field(kind=Kind.INTEGER, source=source, least=least, required=True)


def _time(where: str) -> Field:
    return Field(
        kind=Kind.OBJECT,
        source=f"{OPENAPI}, DeliveryTimeWindow.{where}; {OVERVIEW}, second example",
        fields={
            "hour": _integer(f"{OPENAPI}, DeliveryTime.hour", least=0, most=23),
            "minute": _integer(f"{OPENAPI}, DeliveryTime.minute", least=0, most=59),
        },
    )


_VOICE = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, Voice; {OVERVIEW}, both examples",
    fields={
        "name": _text(f"{OPENAPI}, Voice.name"),
        "gender": Field(
            kind=Kind.TEXT, source=f"{OPENAPI}, Voice.gender", choices=("male", "female")
        ),
    },
)
_RETRY = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, Retry; {SEND_PAGE}, retry",
    fields={
        "minPeriod": _required_integer(f"{OPENAPI}, Retry.minPeriod; {SEND_PAGE}", least=1),
        "maxPeriod": _required_integer(f"{OPENAPI}, Retry.maxPeriod; {SEND_PAGE}", least=1),
        "maxCount": _required_integer(f"{OPENAPI}, Retry.maxCount; {SEND_PAGE}", least=0),
    },
)
_WINDOW = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, DeliveryTimeWindow; {OVERVIEW}, second example",
    fields={
        "days": Field(
            kind=Kind.LIST,
            source=f"{OPENAPI}, DeliveryTimeWindow.days (mandatory, by its description)",
            required=True,
            least=1,
            unique=True,
            items=Field(kind=Kind.TEXT, source=f"{OPENAPI}, DeliveryDay", choices=_DAYS),
        ),
        "from": _time("from"),
        "to": _time("to"),
    },
)
_SPEED = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, SendingSpeed; {IVR_PAGE}, sendingSpeed",
    fields={
        "speed": _integer(f"{OPENAPI}, SendingSpeed.speed", least=1),
        "timeUnit": Field(
            kind=Kind.TEXT,
            source=f"{OPENAPI}, SendingSpeed.timeUnit",
            choices=("second", "minute", "hour", "day"),
        ),
    },
)
_DESTINATIONS = Field(
    kind=Kind.LIST,
    source=f"{OPENAPI}, AdvancedTtsApiMessage.destinations, IvrMessage.destinations",
    required=True,
    least=1,
    most=MOST_DESTINATIONS,
    items=Field(
        kind=Kind.OBJECT,
        source=f"{OPENAPI}, Destination",
        fields={
            "to": _number(f"{OPENAPI}, Destination.to", required=True),
            "messageId": _text(f"{OPENAPI}, Destination.messageId"),
        },
    ),
)
_SEND_AT = Field(
    kind=Kind.MOMENT,
    source=f"{OPENAPI}, AdvancedTtsApiMessage.sendAt, IvrMessage.sendAt; {IVR_PAGE}, sendAt",
)

# A wrong value of these is no wrong request: the message is rejected by its status (`judgement`).
_NOTIFY = {
    "notifyUrl": _text(f"{OPENAPI}, notifyUrl of all three messages; {SEND_PAGE}"),
    "notifyContentType": _text(f"{OPENAPI}, notifyContentType of all three; {SEND_PAGE}"),
    "notifyContentVersion": _integer(
        f"{OPENAPI}, notifyContentVersion of all three messages", least=1, most=2
    ),
}

CLICK_TO_CALL_MESSAGE: Mapping[str, Field] = {
    "messageId": _text(f"{OPENAPI}, ClickToCallApiMessage.messageId; {SEND_PAGE}"),
    "from": _sender(
        f"{OPENAPI}, ClickToCallApiMessage.from (required); {SEND_PAGE}", required=True
    ),
    "fromB": _sender(f"{OPENAPI}, ClickToCallApiMessage.fromB; {SEND_PAGE}"),
    "destinationA": _number(
        f"{OPENAPI}, ClickToCallApiMessage.destinationA (required); {SEND_PAGE}", required=True
    ),
    "destinationB": _number(
        f"{OPENAPI}, ClickToCallApiMessage.destinationB (required); {SEND_PAGE}", required=True
    ),
    "text": _text(f"{OPENAPI}, ClickToCallApiMessage.text; {SEND_PAGE}"),
    "language": _text(f"{OPENAPI}, ClickToCallApiMessage.language; {SEND_PAGE}"),
    "voice": _VOICE,
    "audioFileUrl": _text(f"{OPENAPI}, ClickToCallApiMessage.audioFileUrl; {SEND_PAGE}"),
    "record": Field(kind=Kind.LOOSE_FLAG, source=f"{SEND_PAGE}, record (no longer in {OPENAPI})"),
    "anonymization": Field(
        kind=Kind.FLAG, source=f"{OPENAPI}, ClickToCallApiMessage.anonymization; {SEND_PAGE}"
    ),
    **_NOTIFY,
    "maxDuration": _integer(f"{OPENAPI}, ClickToCallApiMessage.maxDuration; {SEND_PAGE}", least=1),
    "warningTime": _integer(f"{OPENAPI}, ClickToCallApiMessage.warningTime; {SEND_PAGE}", least=0),
    "retry": _RETRY,
    "machineDetection": _text(
        f"{OPENAPI}, ClickToCallApiMessage.machineDetection; {OVERVIEW}, second example"
    ),
    "deliveryTimeWindow": _WINDOW,
}

VOICE_MESSAGE: Mapping[str, Field] = {
    "from": _sender(f"{OPENAPI}, AdvancedTtsApiMessage.from; {OVERVIEW}, first example"),
    "destinations": _DESTINATIONS,
    "text": _text(f"{OPENAPI}, AdvancedTtsApiMessage.text", most=1400),
    "audioFileUrl": _text(f"{OPENAPI}, AdvancedTtsApiMessage.audioFileUrl; {OVERVIEW}"),
    "language": _text(f"{OPENAPI}, AdvancedTtsApiMessage.language; {OVERVIEW}"),
    "voice": _VOICE,
    "speechRate": Field(kind=Kind.NUMBER, source=f"{OPENAPI}, AdvancedTtsApiMessage.speechRate"),
    **_NOTIFY,
    "callbackData": _text(f"{OPENAPI}, AdvancedTtsApiMessage.callbackData", most=700),
    "validityPeriod": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.validityPeriod", least=1),
    "sendAt": _SEND_AT,
    "repeatDtmf": Field(
        kind=Kind.TEXT,
        source=f"{OPENAPI}, AdvancedTtsApiMessage.repeatDtmf",
        pattern=re.compile(r"[0-9*]*", re.ASCII),
        wanted="digits or *; # ends an input",
    ),
    "maxDtmf": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.maxDtmf", least=0),
    "ringTimeout": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.ringTimeout"),
    "dtmfTimeout": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.dtmfTimeout"),
    "callTimeout": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.callTimeout"),
    "callTransfers": Field(
        kind=Kind.LIST,
        source=f"{OPENAPI}, AdvancedTtsApiMessage.callTransfers",
        items=Field(
            kind=Kind.OBJECT,
            source=f"{OPENAPI}, CallTransfer",
            fields={
                "transferTo": _number(f"{OPENAPI}, CallTransfer.transferTo", required=True),
                "if": Field(
                    kind=Kind.TEXT,
                    source=f"{OPENAPI}, CallTransfer.if (its example writes DTMF)",
                    required=True,
                    pattern=re.compile("dtmf|anydtmf", re.IGNORECASE),
                    wanted="dtmf or anyDtmf",
                ),
                "equals": _text(f"{OPENAPI}, CallTransfer.equals"),
                "callTransferMaxDuration": _integer(
                    f"{OPENAPI}, CallTransfer.callTransferMaxDuration", least=1
                ),
            },
        ),
    ),
    "pause": _integer(f"{OPENAPI}, AdvancedTtsApiMessage.pause", least=0, most=10),
    "retry": _RETRY,
    "sendingSpeed": _SPEED,
    "machineDetection": _text(f"{OPENAPI}, AdvancedTtsApiMessage.machineDetection"),
    "deliveryTimeWindow": _WINDOW,
}

IVR_MESSAGE: Mapping[str, Field] = {
    "scenarioId": _text(f"{OPENAPI}, IvrMessage.scenarioId (required); {IVR_PAGE}", required=True),
    "from": Field(
        kind=Kind.TEXT,
        source=f"{OPENAPI}, IvrMessage.from; {IVR_PAGE}, from (3 to 14 characters)",
        pattern=re.compile(r"[0-9]{3,14}", re.ASCII),
        wanted="numeric, of 3 to 14 characters",
    ),
    "destinations": _DESTINATIONS,
    "parameters": Field(kind=Kind.TEXTS, source=f"{OPENAPI}, IvrMessage.parameters; {IVR_PAGE}"),
    **_NOTIFY,
    "callbackData": _text(f"{OPENAPI}, IvrMessage.callbackData; {IVR_PAGE}", most=200),
    "validityPeriod": _integer(f"{OPENAPI}, IvrMessage.validityPeriod; {IVR_PAGE}", least=1),
    "sendAt": _SEND_AT,
    "record": Field(
        kind=Kind.LOOSE_FLAG, source=f"{IVR_PAGE}, request example (in no table, nor in {OPENAPI})"
    ),
    "retry": _RETRY,
    "ringTimeout": _integer(f"{OPENAPI}, IvrMessage.ringTimeout"),
    "sendingSpeed": _SPEED,
    "pause": _integer(f"{OPENAPI}, IvrMessage.pause", least=0, most=10),
    "deliveryTimeWindow": _WINDOW,
    "callTimeout": _integer(f"{OPENAPI}, IvrMessage.callTimeout"),
}


def _request(name: str, message: Mapping[str, Field]) -> Field:
    return Field(
        kind=Kind.OBJECT,
        source=f"{OPENAPI}, {name}",
        fields={
            "bulkId": _text(f"{OPENAPI}, {name}.bulkId"),
            "messages": Field(
                kind=Kind.LIST,
                source=f"{OPENAPI}, {name}.messages (required)",
                required=True,
                least=1,
                items=Field(kind=Kind.OBJECT, source=f"{OPENAPI}, {name}.messages", fields=message),
            ),
        },
    )


CLICK_TO_CALL = _request("ClickToCallApiRequest", CLICK_TO_CALL_MESSAGE)
VOICE = _request("AdvancedTtsApiRequest", VOICE_MESSAGE)
IVR = _request("LaunchScenarioRequest", IVR_MESSAGE)

BULK_STATUSES = ("PENDING", "PAUSED", "PROCESSING", "CANCELED", "FINISHED", "FAILED")
BULK_STATUS = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, BulkStatusRequest",
    fields={
        "status": Field(
            kind=Kind.TEXT,
            source=f"{OPENAPI}, BulkStatusRequest.status",
            required=True,
            choices=BULK_STATUSES,
        )
    },
)
BULK_TIME = Field(
    kind=Kind.OBJECT,
    source=f"{OPENAPI}, BulkRequest",
    fields={
        "sendAt": Field(kind=Kind.MOMENT, source=f"{OPENAPI}, BulkRequest.sendAt", required=True)
    },
)
