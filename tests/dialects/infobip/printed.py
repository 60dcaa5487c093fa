"""Requests and answers as Infobip's documents print them, broken where they are broken."""

from __future__ import annotations

import json
import re
from typing import Any

# The page on click-to-call. Its first example is a voice message, and neither is valid JSON.
VOICE_MESSAGE = """
    {
       "messages": [
          {
             "from": "41793026700",
             "destinations": [
                {
                   "to": "41793026727",
                   "messageId": "MESSAGE-ID-123-xyz"
                },
                {
                   "to": "41793026731"
                }
             ],
             "audioFileUrl": https://www.example.com/media.mp3,
             "text": " Hello world.",
             "language": "en",
             "voice": {
                "name": "Joanna",
                "gender": "female"
             }
    ]
    }
"""
CLICK_TO_CALL_WITH_WINDOW = """
    {
    "bulkId": "BULK-ID-123-xyz",
    "messages": [
    {
    "from": "41793026700",
    "fromB": "41793026701",
    "destinationA": "41793026727",
    "destinationB": "41793026731",
    "messageId": "MESSAGE-ID-123-xyz",
    "text": "Test Voice message.",
    "language": "en",
    "voice": {
    "name": "Joanna",
    "gender": "female"
    },
    "anonymization": false,
    "notifyUrl": "https://www.example.com/voice/clicktocall",
    "notifyContentType": "application/json",
    "maxDuration": 60,
    "warningTime": 5,
    "retry": {
    "minPeriod": 1,
    "maxPeriod": 5,
    "maxCount": 5
    },
    "machineDetection": "hangup",
    "deliveryTimeWindow": {
    "from": {
    "hour": 6,
    "minute": 0
    },
    "to": {
    "hour": 15,
    "minute": 30
    }
      ]
    }
"""

# The page on `POST /voice/ctc/1/send`, and its answer.
CLICK_TO_CALL = """
{
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
         "anonymization": false,
         "notifyUrl": "https://www.example.com/voice/clicktocall",
         "notifyContentType": "application/json",
         "maxDuration": 60,
         "warningTime": 5,
         "retry": {
            "minPeriod": 1,
            "maxPeriod": 5,
            "maxCount": 5
         }
      }
   ]
}
"""
CLICK_TO_CALL_ANSWER = """
{
  "bulkId": "BULK-ID-123-xyz",
  "messages": [
    {
      "to": "41793026727",
      "status": {
        "groupId": 1,
        "groupName": "PENDING",
        "id": 26,
        "name": "PENDING_ACCEPTED",
        "description": "Message accepted, pending for delivery."
      },
      "messageId": "MESSAGE-ID-123-xyz"
    }
  ]
}
"""

# The page on `POST /voice/ivr/1/messages`, and its answer.
IVR = """
{
"bulkId": "BULK-ID-123-xyz",
"messages": [
{
"scenarioId": "6298AA7707903A4ED680B436929681AD",
"from": "41793026700",
"destinations": [
{
"to": "41793026727"
},
{
"to": "41793026731"
}
],
"parameters": {
"foo": "bar"
},
"notifyUrl": "https://www.example.com/voice/advanced",
"notifyContentType": "application/json",
"callbackData":"DLR callback data",
"validityPeriod": 720,
"sendAt": "2016-07-07T17:00:00.000+01:00",
"record": false,
"retry": {
"minPeriod":1,
"maxPeriod": 5,
"maxCount":5
}
}
]
}
"""
IVR_ANSWER = """
{
"bulkId": "BULK-ID-123-xyz",
"messages": [
{
"to": "385993061678",
"status": {
"groupId": 1,
"groupName": "PENDING",
"id": 26,
"name": "PENDING_ACCEPTED",
"description": "Message accepted, pending for delivery."
},
"messageId": "fda25a85-22fe-43e4-ad70-acb01bbd919b"
}
]
}
"""

_BARE_URL = re.compile(r"(?<!\")https://[^\s,\"]+")
_STRING_OR_BRACKET = re.compile(r'"[^"]*"|[\[\]{}]')
_CLOSES = {"{": "}", "[": "]"}


def repaired(example: str) -> Any:
    """The document that a printed example means: addresses quoted, brackets closed."""
    quoted = _BARE_URL.sub(lambda url: f'"{url[0]}"', example)
    still_open: list[str] = []

    def closing_what_is_open(found: re.Match[str]) -> str:
        token = found[0]
        if token in _CLOSES:
            still_open.append(token)
        if token not in _CLOSES.values():
            return token
        missing = ""
        while _CLOSES[still_open[-1]] != token:
            missing += _CLOSES[still_open.pop()]
        still_open.pop()
        return missing + token

    return json.loads(_STRING_OR_BRACKET.sub(closing_what_is_open, quoted))
