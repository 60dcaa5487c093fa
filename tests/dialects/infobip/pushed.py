"""Reports as Infobip's reference prints them, and one as it was really received."""

from __future__ import annotations

import json
from typing import Any

JSON, XML = "application/json", "application/xml"

STATUS = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
ERROR = {
    "groupId": 0,
    "groupName": "OK",
    "id": 5000,
    "name": "VOICE_ANSWERED",
    "description": "Call answered by human",
    "permanent": True,
}
V2: dict[str, Any] = {
    "bulkId": "8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb",
    "messageId": "ff4804ef-6ab6-4abd-984d-ab3b1387e852",
    "from": "385333444",
    "to": "385981178",
    "sentAt": "2018-06-25T13:38:14.730+0000",
    "mccMnc": "21901",
    "callbackData": "DLR callback data",
    "voiceCall": {
        "feature": "Voice-message",
        "startTime": "2018-06-25T13:38:15.000+0000",
        "answerTime": "2018-06-25T13:38:25.000+0000",
        "endTime": "2018-06-25T13:38:28.316+0000",
        "duration": 10,
        "chargedDuration": 30,
        "fileDuration": 19.3,
        "dtmfCodes": "3, 9",
        "ivr": {
            "scenarioId": "333",
            "scenarioName": "Scenario name",
            "collectedDtmfs": '{"myFirstVar":"3","mySecondVar":"9"}',
            "collectedMappedDtmfs": None,
            "spokenInput": None,
            "matchedSpokenInput": None,
        },
    },
    "price": {"pricePerSecond": 0.01, "currency": "EUR"},
    "status": STATUS,
    "error": ERROR,
}
# Deprecated since July 2020. The pushed one prints three times in milliseconds.
V1: dict[str, Any] = {
    "bulkId": "8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb",
    "messageId": "ff4804ef-6ab6-4abd-984d-ab3b1387e852",
    "to": "385981178",
    "sentAt": "2020-04-22T02:18:30.205+0000",
    "doneAt": "2020-04-22T02:19:02.355+0000",
    "startTime": 1587521910000,
    "endTime": 1587521932224,
    "answerTime": 1587521917000,
    "duration": 14,
    "fileDuration": 19.3,
    "mccMnc": "21901",
    "callbackData": "DLR callback data",
    "dtmfCodes": "1",
    "dtmfCodesAsJson": '{"myFirstVar":"3","mySecondVar":"8"}',
    "transcribedAudioFileUrl": "/tts/3/transcriptions/message-id/38761333444",
    "scenarioId": "333",
    "scenarioName": "Scenario name",
    "price": {"pricePerSecond": 0.01, "currency": "EUR"},
    "status": STATUS,
    "error": ERROR,
}
# Pulled in version 1: the only one with an address of a recording.
V1_RECORDED: dict[str, Any] = {
    **{name: V1[name] for name in ("messageId", "to", "sentAt", "doneAt", "price", "status")},
    "recordedAudioFileUrl": "/tts/3/files/ff4804ef-6ab6-4abd-984d-ab3b1387e852/385981178",
}
# Of the log, where the reference contradicts itself: delivered, and not answered.
LOG_ROW: dict[str, Any] = {
    "bulkId": "06479ba3-5977-47f6-9346-fee0369bc76b",
    "messageId": "1f21d8d7-f306-4f53-9f6e-eddfce9849ea",
    "to": "41793026727",
    "from": "41793026700",
    "text": "Test voice message.",
    "sentAt": "2023-08-10T07:36:42.187+0000",
    "doneAt": "2023-08-10T07:36:43.194+0000",
    "duration": 10,
    "mccMnc": "22801",
    "price": {"pricePerSecond": 0.01, "currency": "EUR"},
    "status": STATUS,
    "error": {
        "groupId": 0,
        "groupName": "OK",
        "id": 5003,
        "name": "EC_VOICE_NO_ANSWER",
        "description": "User was notified, but did not answer call",
        "permanent": True,
    },
}
# How a report of 2018 looked when it came: numbers as text, "null" as text, no times.
RECEIVED: dict[str, Any] = {
    "bulkId": "2034",
    "messageId": "5b2d9b18",
    "to": "6281234567",
    "sentAt": "2018-06-25T13:38:14.730+0000",
    "mccMnc": "51010",
    "callbackData": "null",
    "voiceCall": {
        "startTime": None,
        "answerTime": None,
        "endTime": "2018-06-25T13:39:00.000+0000",
        "duration": 0,
        "dtmfCodes": None,
    },
    "price": {"pricePerSecond": "15.0", "currency": "IDR"},
    "status": {"groupId": 4, "groupName": "EXPIRED", "id": 15, "name": "EXPIRED_EXPIRED"},
    "error": {
        "groupId": 1,
        "groupName": "HANDSET_ERRORS",
        "id": 5003,
        "name": "EC_VOICE_NO_ANSWER",
    },
}

# The deprecated push in XML, with a second `sentAt` in the place of `doneAt`.
V1_XML = """<?xml version="1.0" encoding="UTF-8"?><reportResponse>
  <results>
    <results>
      <bulkId>8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb</bulkId>
      <messageId>ff4804ef-6ab6-4abd-984d-ab3b1387e852</messageId>
      <to>385981178</to>
      <sentAt>2018-06-25T13:38:14.730+0000</sentAt>
      <sentAt>2018-06-25T13:38:14.830+0000</sentAt>
      <duration>10</duration>
      <callbackData>DLRcallbackdata</callbackData>
      <dtmfCodes>1</dtmfCodes>
      <dtmfCodesAsJson>{"myFirstVar":"3","mySecondVar":"8"}</dtmfCodesAsJson>
      <scenarioId>333</scenarioId>
      <price>
        <pricePerSecond>0.01</pricePerSecond>
        <currency>EUR</currency>
      </price>
      <status>
        <groupId>3</groupId>
        <groupName>DELIVERED</groupName>
        <id>5</id>
        <name>DELIVERED_TO_HANDSET</name>
      </status>
      <error>
        <groupId>0</groupId>
        <id>5000</id>
        <name>VOICE_ANSWERED</name>
        <permanent>true</permanent>
      </error>
    </results>
  </results>
</reportResponse>
"""


def as_json(*reports: dict[str, Any]) -> bytes:
    return json.dumps({"results": list(reports)}).encode()


def as_xml(*reports: dict[str, Any], item: str = "results") -> bytes:
    """The XML twin: a list named `results` of elements named `results`, or `result`."""
    inner = "".join(f"<{item}>{_elements(report)}</{item}>" for report in reports)
    document = f"<reportResponse><results>{inner}</results></reportResponse>"
    return document.encode("utf-8", "surrogatepass")


def _elements(tree: dict[str, Any]) -> str:
    return "".join(f"<{name}>{_element(said)}</{name}>" for name, said in tree.items())


def _element(said: Any) -> str:
    if isinstance(said, dict):
        return _elements(said)
    if said is None:
        return ""
    text = str(said).lower() if isinstance(said, bool) else str(said)
    return text.replace("&", "&amp;").replace("<", "&lt;")
