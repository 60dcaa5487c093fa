"""Infobip's words for what became of a call, beside ours.

A status is the verdict and an error the reason. Both are looked up by name first: id 87 has two
meanings, and the ids of error groups differ between Infobip's own documents. What stands in no
row is judged by its group, or by the SIP answer that an old error code is made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from clicktocall.states import Leg, LegState, Outcome


class Group(IntEnum):
    """The families of statuses (`groupId`, `groupName`)."""

    OK = 0
    PENDING = 1
    UNDELIVERABLE = 2
    DELIVERED = 3
    EXPIRED = 4
    REJECTED = 5


@dataclass(frozen=True, slots=True)
class Status:
    """A row of the status list. `outcome` is None while nothing is decided.

    `leg` is the leg it happened on. `vague` says that an error may know better.
    """

    id: int
    name: str
    group: Group
    outcome: Outcome | None
    leg: Leg | None = None
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A row of the error list. `outcome` is None when it tells nothing about the call."""

    id: int
    name: str
    outcome: Outcome | None
    leg: Leg | None = None


def _pending(code: int, name: str) -> Status:
    return Status(code, name, Group.PENDING, None)


def _undelivered(code: int, name: str) -> Status:
    return Status(code, name, Group.UNDELIVERABLE, Outcome.FAILED, vague=True)


def _on_leg_a(code: int, name: str, group: Group, outcome: Outcome) -> Status:
    return Status(code, name, group, outcome, Leg.A)


def _delivered(code: int, name: str) -> Status:
    return Status(code, name, Group.DELIVERED, Outcome.COMPLETED)


def _rejected(code: int, name: str) -> Status:
    return Status(code, name, Group.REJECTED, Outcome.REJECTED)


DUPLICATE_MESSAGE_ID = "REJECTED_DUPLICATE_MESSAGE_ID"

STATUSES: tuple[Status, ...] = (
    _pending(3, "PENDING_WAITING_DELIVERY"),
    _pending(7, "PENDING_ENROUTE"),
    _pending(26, "PENDING_ACCEPTED"),
    _undelivered(4, "UNDELIVERABLE_REJECTED_OPERATOR"),
    _undelivered(9, "UNDELIVERABLE_NOT_DELIVERED"),
    _undelivered(31, "UNDELIVERABLE_NOT_SENT"),
    _on_leg_a(96, "NO_ANSWER", Group.UNDELIVERABLE, Outcome.NO_ANSWER),
    _on_leg_a(97, "BUSY", Group.UNDELIVERABLE, Outcome.BUSY),
    _on_leg_a(98, "CANCELLED", Group.UNDELIVERABLE, Outcome.CANCELED),
    # Delivered means that leg A answered; no word of Infobip's tells whether leg B did.
    _delivered(2, "DELIVERED_TO_OPERATOR"),
    _delivered(5, "DELIVERED_TO_HANDSET"),
    Status(15, "EXPIRED_EXPIRED", Group.EXPIRED, Outcome.EXPIRED, vague=True),
    # Nobody told Infobip how it went, so a phone may have rung.
    Status(29, "EXPIRED_DLR_UNKNOWN", Group.EXPIRED, Outcome.UNKNOWN, vague=True),
    Status(87, "SIGNALS_BLOCKED", Group.EXPIRED, Outcome.EXPIRED, vague=True),
    _rejected(6, "REJECTED_NETWORK"),
    _rejected(8, "REJECTED_PREFIX_MISSING"),
    _rejected(10, "REJECTED_DND"),
    _rejected(11, "REJECTED_SOURCE"),
    _rejected(12, "REJECTED_NOT_ENOUGH_CREDITS"),
    _rejected(13, "REJECTED_SENDER"),
    _rejected(14, "REJECTED_DESTINATION_BLOCKLISTED"),
    _rejected(17, "REJECTED_PREPAID_PACKAGE_EXPIRED"),
    _rejected(18, "REJECTED_DESTINATION_NOT_REGISTERED"),
    _rejected(19, "REJECTED_ROUTE_NOT_AVAILABLE"),
    _rejected(20, "REJECTED_FLOODING_FILTER"),
    _rejected(21, "REJECTED_SYSTEM_ERROR"),
    # The same message was accepted before: it says nothing of how that one went.
    Status(23, DUPLICATE_MESSAGE_ID, Group.REJECTED, None),
    _rejected(24, "REJECTED_INVALID_UDH"),
    _rejected(25, "REJECTED_MESSAGE_TOO_LONG"),
    _rejected(51, "MISSING_TO"),
    _rejected(52, "REJECTED_DESTINATION"),
    _rejected(87, "SIGNALS_BLOCKED"),
    _on_leg_a(99, "REJECTED", Group.REJECTED, Outcome.DECLINED),
    _rejected(100, "UNDELIVERABLE_REJECTED_PLATFORM"),
    _rejected(53, "REJECTED_INVALID_AUDIO_FILE_URL"),
    _rejected(54, "REJECTED_UNSUPPORTED_LANGUAGE"),
    _rejected(55, "REJECTED_MESSAGE_IS_EMPTY"),
    _rejected(56, "REJECTED_INVALID_NOTIFY_URL"),
    _rejected(57, "REJECTED_INVALID_NOTIFY_CONTENT_TYPE"),
    _rejected(58, "REJECTED_INVALID_DTMF_SIGN"),
    _rejected(59, "REJECTED_INVALID_DTMF_TIMEOUT"),
    _rejected(60, "REJECTED_INVALID_RING_TIMEOUT"),
    _rejected(61, "REJECTED_INVALID_CALL_TIMEOUT"),
    _rejected(62, "REJECTED_INVALID_MACHINE_DETECTION"),
    _rejected(63, "REJECTED_INVALID_ACTIONS"),
    _rejected(64, "REJECTED_INVALID_ACTION_GROUPS"),
    _rejected(83, "REJECTED_MACHINE_DETECTION_DISABLED"),
    _rejected(87, "REJECTED_INVALID_DELIVERY_TIME_WINDOW"),
    _rejected(91, "REJECTED_INVALID_SSML"),
)

# What each group says of a status that stands in no row.
_UNLISTED: dict[int | None, Status] = {
    Group.PENDING: _pending(0, ""),
    Group.UNDELIVERABLE: _undelivered(0, ""),
    Group.DELIVERED: _delivered(0, ""),
    Group.EXPIRED: Status(0, "", Group.EXPIRED, Outcome.EXPIRED, vague=True),
    Group.REJECTED: _rejected(0, ""),
}

# Reported until October 2024, and by some systems still.
OLD_REASONS: tuple[Reason, ...] = (
    Reason(5000, "VOICE_ANSWERED", Outcome.COMPLETED),
    Reason(5001, "VOICE_ANSWERED_MACHINE", Outcome.MACHINE, Leg.A),
    Reason(5002, "EC_VOICE_USER_BUSY", Outcome.BUSY, Leg.A),
    Reason(5003, "EC_VOICE_NO_ANSWER", Outcome.NO_ANSWER, Leg.A),
    Reason(5004, "EC_VOICE_ERROR_DOWNLOADING_FILE", Outcome.FAILED),
    Reason(5005, "EC_VOICE_ERROR_UNSUPPORTED_AUDIO_FORMAT", Outcome.FAILED),
    Reason(5400, "EC_VOICE_ERROR_BAD_REQUEST", Outcome.FAILED),
    Reason(5403, "EC_VOICE_ERROR_FORBIDDEN", Outcome.REJECTED),
    Reason(5404, "EC_VOICE_ERROR_DESTINATION_NOT_FOUND", Outcome.FAILED, Leg.A),
    Reason(5407, "EC_VOICE_ERROR_PROXY_AUTHENTICATION_REQUIRED", Outcome.REJECTED),
    Reason(5408, "EC_VOICE_ERROR_REQUEST_TIMEOUT", Outcome.FAILED, Leg.A),
    Reason(5410, "EC_VOICE_ERROR_GONE", Outcome.FAILED, Leg.A),
    Reason(5413, "EC_VOICE_ERROR_REQUEST_ENTITY_TOO_LARGE", Outcome.FAILED),
    Reason(5414, "EC_VOICE_ERROR_REQUEST_URI_TOO_LONG", Outcome.FAILED),
    Reason(5415, "EC_VOICE_UNSUPPORTED_MEDIA_TYPE", Outcome.FAILED),
    Reason(5480, "EC_VOICE_ERROR_TEMPORARILY_NOT_AVAILABLE", Outcome.FAILED, Leg.A),
    Reason(5481, "EC_VOICE_ERROR_CALL_DOES_NOT_EXIST", Outcome.FAILED),
    Reason(5484, "EC_VOICE_ERROR_ADDRESS_INCOMPLETE", Outcome.FAILED, Leg.A),
    Reason(5487, "EC_VOICE_ERROR_REQUEST_TERMINATED", Outcome.CANCELED, Leg.A),
    Reason(5488, "EC_VOICE_ERROR_NOT_ACCEPTABLE_HERE", Outcome.FAILED, Leg.A),
    Reason(5491, "EC_VOICE_ERROR_REQUEST_PENDING", Outcome.FAILED),
    # Of the general list, not a SIP answer: this message was sent before.
    Reason(5492, "EC_DUPLICATE_MESSAGE", None),
    Reason(5501, "EC_NOT_IMPLEMENTED", Outcome.FAILED),
    Reason(5503, "EC_SERVICE_UNAVAILABLE", Outcome.FAILED, Leg.A),
    Reason(5603, "EC_DECLINE", Outcome.DECLINED, Leg.A),
)

REASONS: tuple[Reason, ...] = (
    Reason(10000, "NORMAL_HANGUP", Outcome.COMPLETED),
    Reason(10001, "ANSWERED_ELSEWHERE", Outcome.COMPLETED),
    Reason(10002, "MACHINE_DETECTED", Outcome.MACHINE, Leg.A),
    Reason(10003, "HUMAN_DETECTED", Outcome.COMPLETED),
    Reason(10004, "MAX_DURATION_REACHED", Outcome.COMPLETED),
    Reason(10100, "DEVICE_FORBIDDEN", Outcome.FAILED, Leg.A),
    Reason(10101, "DEVICE_NOT_FOUND", Outcome.FAILED, Leg.A),
    Reason(10102, "DEVICE_UNAVAILABLE", Outcome.FAILED, Leg.A),
    Reason(10103, "MEDIA_ERROR", Outcome.FAILED, Leg.A),
    Reason(10200, "NO_ANSWER", Outcome.NO_ANSWER, Leg.A),
    Reason(10201, "BUSY", Outcome.BUSY, Leg.A),
    Reason(10202, "CANCELLED", Outcome.CANCELED, Leg.A),
    Reason(10203, "REJECTED", Outcome.DECLINED, Leg.A),
    Reason(10204, "TEMPORARILY_UNAVAILABLE", Outcome.FAILED, Leg.A),
    Reason(10300, "FORBIDDEN", Outcome.REJECTED),
    Reason(10301, "INSUFFICIENT_FUNDS", Outcome.REJECTED),
    Reason(10302, "UNAUTHENTICATED", Outcome.REJECTED),
    Reason(10303, "DESTINATION_NOT_FOUND", Outcome.FAILED, Leg.A),
    Reason(10304, "DESTINATION_UNAVAILABLE", Outcome.FAILED, Leg.A),
    Reason(10305, "INVALID_DESTINATION", Outcome.FAILED, Leg.A),
    Reason(10306, "INVALID_REQUEST", Outcome.FAILED),
    Reason(10307, "REQUEST_TIMEOUT", Outcome.FAILED, Leg.A),
    Reason(10308, "NETWORK_ERROR", Outcome.FAILED, Leg.A),
    Reason(10309, "SERVICE_UNAVAILABLE", Outcome.FAILED, Leg.A),
    Reason(10310, "UNKNOWN", None),
    Reason(10311, "FEATURE_UNAVAILABLE", Outcome.FAILED),
    Reason(10312, "CONGESTION", Outcome.FAILED, Leg.A),
    Reason(10313, "UNAUTHORIZED", Outcome.REJECTED),
    Reason(10400, "URL_NOT_FOUND", Outcome.FAILED),
    Reason(10401, "URL_UNREACHABLE", Outcome.FAILED),
    Reason(10402, "INVALID_RESPONSE", Outcome.FAILED),
)

NO_ERROR = Reason(0, "NO_ERROR", None)

# An old code is 5 and a SIP answer (RFC 3261, 21); those that say more than "failed".
_SIP_OUTCOMES = {
    401: Outcome.REJECTED,
    402: Outcome.REJECTED,
    403: Outcome.REJECTED,
    407: Outcome.REJECTED,
    486: Outcome.BUSY,
    487: Outcome.CANCELED,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    607: Outcome.DECLINED,
}

# What we say of a call, the other way round: status and error of the current lists.
SAID_OF_OUTCOME: dict[Outcome, tuple[str, str]] = {
    Outcome.COMPLETED: ("DELIVERED_TO_HANDSET", "NORMAL_HANGUP"),
    Outcome.MACHINE: ("DELIVERED_TO_HANDSET", "MACHINE_DETECTED"),
    Outcome.NO_ANSWER: ("NO_ANSWER", "NO_ANSWER"),
    Outcome.BUSY: ("BUSY", "BUSY"),
    Outcome.DECLINED: ("REJECTED", "REJECTED"),
    Outcome.CANCELED: ("CANCELLED", "CANCELLED"),
    Outcome.FAILED: ("UNDELIVERABLE_NOT_DELIVERED", "UNKNOWN"),
    Outcome.REJECTED: ("UNDELIVERABLE_REJECTED_PLATFORM", "FORBIDDEN"),
    Outcome.EXPIRED: ("EXPIRED_EXPIRED", "NO_ERROR"),
    Outcome.UNKNOWN: ("EXPIRED_DLR_UNKNOWN", "UNKNOWN"),
}

_LEG_STATES = {
    Outcome.COMPLETED: LegState.ENDED,
    Outcome.MACHINE: LegState.MACHINE,
    Outcome.NO_ANSWER: LegState.NO_ANSWER,
    Outcome.BUSY: LegState.BUSY,
    Outcome.DECLINED: LegState.DECLINED,
    Outcome.CANCELED: LegState.CANCELED,
    Outcome.FAILED: LegState.FAILED,
}

Row = TypeVar("Row", Status, Reason)


def _by_name(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows by name; of two with the same name the first."""
    named: dict[str, Row] = {}
    for row in rows:
        named.setdefault(row.name, row)
    return named


_STATUS_BY_NAME = _by_name(STATUSES)
_STATUS_BY_NAME_AND_GROUP: dict[tuple[str, int | None], Status] = {
    (row.name, row.group): row for row in STATUSES
}
_REASON_BY_NAME = _by_name((*REASONS, *OLD_REASONS, NO_ERROR))
_REASON_BY_ID = {row.id: row for row in (*OLD_REASONS, *REASONS, NO_ERROR)}


def status_of(name: str, group: int | None) -> Status | None:
    """What a status means: by its name, else by its group; None when neither is known."""
    known = _STATUS_BY_NAME_AND_GROUP.get((name, group))
    return known or _STATUS_BY_NAME.get(name) or _UNLISTED.get(group)


def reason_of(name: str, code: int | None) -> Reason | None:
    """What an error means: by its name, else its code; None when neither is known."""
    if name in _REASON_BY_NAME:
        return _REASON_BY_NAME[name]
    if code is None:
        return None
    return _REASON_BY_ID.get(code) or _sip_answer(code)


def _sip_answer(code: int) -> Reason | None:
    sip = code - 5000
    if not 400 <= sip <= 699:
        return None
    outcome = _SIP_OUTCOMES.get(sip, Outcome.FAILED)
    return Reason(code, "", outcome, None if outcome == Outcome.REJECTED else Leg.A)


def leg_state_of(outcome: Outcome) -> LegState | None:
    """How a leg ended on which a call had this outcome; None when it was never dialled."""
    return _LEG_STATES.get(outcome)


def status_named(name: str) -> Status:
    """A row of the status list, to be said by us.

    Raises:
        KeyError: there is no such status.
    """
    return _STATUS_BY_NAME[name]


def reason_named(name: str) -> Reason:
    """A row of the current error list, to be said by us.

    Raises:
        KeyError: there is no such error.
    """
    return _REASON_BY_NAME[name]
