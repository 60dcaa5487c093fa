"""What the provider calls things: the statuses of a message and the errors of a call.

From "Response status and error codes" of the provider's documentation; descriptions are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PENDING, UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED = 1, 2, 3, 4, 5
_GROUPS = {
    PENDING: "PENDING",
    UNDELIVERABLE: "UNDELIVERABLE",
    DELIVERED: "DELIVERED",
    EXPIRED: "EXPIRED",
    REJECTED: "REJECTED",
}


@dataclass(frozen=True, slots=True)
class Status:
    """How far a message got; `group` decides what it means."""

    group: int
    id: int
    name: str
    description: str

    @property
    def group_name(self) -> str:
        return _GROUPS[self.group]

    def as_json(self) -> dict[str, Any]:
        return {
            "groupId": self.group,
            "groupName": self.group_name,
            "id": self.id,
            "name": self.name,
            "description": self.description,
        }


ACCEPTED = Status(PENDING, 26, "PENDING_ACCEPTED", "Message accepted, pending for delivery.")
ENROUTE = Status(PENDING, 7, "PENDING_ENROUTE", "Message on its way to the operator.")
TO_HANDSET = Status(DELIVERED, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset")
NOT_DELIVERED = Status(UNDELIVERABLE, 9, "UNDELIVERABLE_NOT_DELIVERED", "Not delivered.")
NO_ANSWER = Status(UNDELIVERABLE, 96, "NO_ANSWER", "The phone rang and nobody answered.")
BUSY = Status(UNDELIVERABLE, 97, "BUSY", "The phone was busy.")
CANCELLED = Status(UNDELIVERABLE, 98, "CANCELLED", "The call was canceled before it rang.")
VALIDITY_OVER = Status(EXPIRED, 15, "EXPIRED_EXPIRED", "The validity of the message is over.")
DECLINED = Status(REJECTED, 99, "REJECTED", "The call was declined by the person called.")

NETWORK = Status(REJECTED, 6, "REJECTED_NETWORK", "The network is not covered.")
NO_CREDITS = Status(REJECTED, 12, "REJECTED_NOT_ENOUGH_CREDITS", "No credits are left.")
DUPLICATE = Status(REJECTED, 23, "REJECTED_DUPLICATE_MESSAGE_ID", "The message id is taken.")
DESTINATION = Status(REJECTED, 52, "REJECTED_DESTINATION", "The destination is not valid.")
AUDIO_URL = Status(REJECTED, 53, "REJECTED_INVALID_AUDIO_FILE_URL", "Wrong audioFileUrl.")
EMPTY = Status(REJECTED, 55, "REJECTED_MESSAGE_IS_EMPTY", "Neither text nor audio is given.")
NOTIFY_URL = Status(REJECTED, 56, "REJECTED_INVALID_NOTIFY_URL", "Wrong notifyUrl.")
NOTIFY_TYPE = Status(
    REJECTED, 57, "REJECTED_INVALID_NOTIFY_CONTENT_TYPE", "Wrong notifyContentType."
)
DTMF_TIMEOUT = Status(REJECTED, 59, "REJECTED_INVALID_DTMF_TIMEOUT", "Wrong dtmfTimeout.")
RING_TIMEOUT = Status(REJECTED, 60, "REJECTED_INVALID_RING_TIMEOUT", "Wrong ringTimeout.")
CALL_TIMEOUT = Status(REJECTED, 61, "REJECTED_INVALID_CALL_TIMEOUT", "Wrong callTimeout.")
MACHINE_DETECTION = Status(
    REJECTED, 62, "REJECTED_INVALID_MACHINE_DETECTION", "Wrong machineDetection."
)
NO_MACHINE_DETECTION = Status(
    REJECTED, 83, "REJECTED_MACHINE_DETECTION_DISABLED", "The account has no machine detection."
)
TIME_WINDOW = Status(
    REJECTED, 87, "REJECTED_INVALID_DELIVERY_TIME_WINDOW", "The window is shorter than one hour."
)


class Codes(StrEnum):
    """Which error codes a report carries: the retired ones, or those since October 2024."""

    OLD = "5000"
    NEW = "10000"


@dataclass(frozen=True, slots=True)
class Code:
    """One error code; `group` is the one the documents list it in."""

    group: int
    group_name: str
    id: int
    name: str
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class CallError:
    """How a call ended, in both vocabularies."""

    description: str
    old: Code
    new: Code

    def as_json(self, codes: Codes) -> dict[str, Any]:
        code = self.old if codes == Codes.OLD else self.new
        return {
            "groupId": code.group,
            "groupName": code.group_name,
            "id": code.id,
            "name": code.name,
            "description": self.description,
            "permanent": code.permanent,
        }


_OK = (0, "OK")
_HANDSET = (1, "HANDSET_ERRORS")
_USER = (2, "USER_ERRORS")
_OPERATOR = (3, "OPERATOR_ERRORS")

_ANSWERED = Code(*_OK, 5000, "VOICE_ANSWERED")

NORMAL_HANGUP = CallError("Somebody hung up.", _ANSWERED, Code(*_OK, 10000, "NORMAL_HANGUP"))
HUMAN = CallError("A person answered.", _ANSWERED, Code(*_OK, 10003, "HUMAN_DETECTED"))
MACHINE = CallError(
    "A machine answered.",
    Code(*_OK, 5001, "VOICE_ANSWERED_MACHINE"),
    Code(*_OK, 10002, "MACHINE_DETECTED"),
)
MAX_DURATION = CallError(
    "The longest duration was reached.", _ANSWERED, Code(*_OK, 10004, "MAX_DURATION_REACHED")
)
CALL_BUSY = CallError(
    "The phone was busy.",
    Code(*_OPERATOR, 5002, "EC_VOICE_USER_BUSY"),
    Code(*_USER, 10201, "BUSY"),
)
CALL_NO_ANSWER = CallError(
    "Nobody answered.",
    Code(*_OPERATOR, 5003, "EC_VOICE_NO_ANSWER"),
    Code(*_USER, 10200, "NO_ANSWER"),
)
CALL_CANCELLED = CallError(
    "The call was canceled.",
    Code(*_OPERATOR, 5487, "EC_VOICE_ERROR_REQUEST_TERMINATED", permanent=False),
    Code(*_USER, 10202, "CANCELLED"),
)
CALL_DECLINED = CallError(
    "The call was declined.",
    Code(*_HANDSET, 5603, "EC_DECLINE", permanent=False),
    Code(*_USER, 10203, "REJECTED"),
)
CALL_UNAVAILABLE = CallError(
    "The phone cannot be reached now.",
    Code(*_HANDSET, 5480, "EC_VOICE_ERROR_TEMPORARILY_NOT_AVAILABLE", permanent=False),
    Code(*_USER, 10204, "TEMPORARILY_UNAVAILABLE"),
)
CALL_NETWORK = CallError(
    "The network failed.",
    Code(*_OPERATOR, 5408, "EC_VOICE_ERROR_REQUEST_TIMEOUT", permanent=False),
    Code(*_OPERATOR, 10308, "NETWORK_ERROR"),
)
CALL_NO_SUCH_NUMBER = CallError(
    "Nobody has this number.",
    Code(*_OPERATOR, 5404, "EC_VOICE_ERROR_DESTINATION_NOT_FOUND", permanent=False),
    Code(*_OPERATOR, 10303, "DESTINATION_NOT_FOUND"),
)
CALL_NO_AUDIO = CallError(
    "The audio file could not be fetched.",
    Code(*_OPERATOR, 5004, "EC_VOICE_ERROR_DOWNLOADING_FILE"),
    Code(*_OPERATOR, 10401, "URL_UNREACHABLE"),
)
