"""Delivery reports, pushed or pulled, and log rows: read into one shape.

Version 2 keeps the call in `voiceCall`; version 1 and the logs are flat. A report is of one
message and tells of leg A alone: no version has a field for leg B.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from clicktocall.dialects.infobip.documents import (
    NotUnderstood,
    Tree,
    part,
    printable,
    read_document,
    read_json,
    repeated,
    text,
)
from clicktocall.dialects.infobip.values import amount, moment, second_moment, seconds, whole

LONGEST_ID = 128
MOST_ANSWERS = 50
_SMALLEST_PRICE = Decimal("0.000001")
# XML wraps the list in an element of the list's own name, or holds `result` elements.
_WRAPPERS = ("results", "result")
_MOST_WRAPPERS = 3
# Each holds an object of variable and value, written as JSON within a string.
_ANSWERS_V2 = ("collectedDtmfs", "collectedMappedDtmfs", "spokenInput", "matchedSpokenInput")
_ANSWERS_V1 = ("dtmfCodesAsJson",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A `status` or an `error`: Infobip's verdict, or its reason for it."""

    group: int | None = None
    group_name: str = ""
    id: int | None = None
    name: str = ""
    description: str = ""

    def __bool__(self) -> bool:
        return self.group is not None or self.id is not None or bool(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What Infobip tells of one message. Times are UTC, durations seconds of leg A.

    `duration` counts from leg A's answer. `answers` holds what was keyed or said in an IVR flow
    by variable, and `dtmf` the keys pressed otherwise. `recording_id` names a file of the
    account, `recording_path` is where an old report says it is.
    """

    version: int
    message_id: str = ""
    bulk_id: str = ""
    sender: str = ""
    to: str = ""
    sent_at: datetime | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    charged_duration: int | None = None
    price_per_second: Decimal | None = None
    currency: str = ""
    status: Word = field(default_factory=Word)
    error: Word = field(default_factory=Word)
    answered_by: str = ""
    dtmf: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    scenario_id: str = ""
    scenario_name: str = ""
    feature: str = ""
    callback_data: str = ""
    mcc_mnc: str = ""
    recording_id: str = ""
    recording_path: str = ""

    @property
    def price(self) -> Decimal | None:
        """What the call costs, in `currency`; None where that cannot be told.

        Infobip states a price for a second; the seconds charged for may be more than were
        talked, and only version 2 tells them.
        """
        charged = self.duration if self.charged_duration is None else self.charged_duration
        if self.price_per_second is None or charged is None:
            return None
        return (self.price_per_second * charged).quantize(_SMALLEST_PRICE, ROUND_HALF_UP)

    @property
    def was_answered(self) -> bool:
        """Whether leg A was picked up, by the report's own figures."""
        return self.answered_at is not None or bool(self.duration)


def read_reports(body: bytes, content_type: str) -> list[Report]:
    """The reports in a push, in an answer of the reports or in one of the logs, as they stand.

    A record that names no message stays in the list with an empty `message_id`, so that it is
    noticed; the list is empty when Infobip has nothing to tell.

    Raises:
        NotUnderstood: it is no document, or holds no report.
    """
    records = _records(read_document(body, content_type))
    reports = [_report(record) for record in records]
    if reports and not any(report.message_id for report in reports):
        raise NotUnderstood('No record names a message: "messageId" is missing.')
    return reports


def _records(tree: Tree) -> list[Tree]:
    for _ in range(_MOST_WRAPPERS):
        wrapper = next((name for name in _WRAPPERS if isinstance(tree, dict) and name in tree), "")
        if not wrapper:
            break
        inner = repeated(tree, wrapper)
        tree = inner[0] if len(inner) == 1 else inner
        if not inner:
            return []
    if tree is None:
        return []
    return tree if isinstance(tree, list) else [tree]


def _report(record: Tree) -> Report:
    call = part(record, "voiceCall")
    version = 2 if isinstance(call, dict) else 1
    call = call if version == 2 else record
    scenario = part(call, "ivr") if version == 2 else record
    price = part(record, "price")
    return Report(
        version=version,
        message_id=_id(record, "messageId"),
        bulk_id=_id(record, "bulkId"),
        sender=text(record, "from", 64),
        to=text(record, "to", 64),
        sent_at=moment(record, "sentAt"),
        started_at=moment(call, "startTime"),
        answered_at=moment(call, "answerTime"),
        ended_at=_end(record, call),
        duration=seconds(call, "duration"),
        charged_duration=seconds(call, "chargedDuration"),
        price_per_second=amount(price, "pricePerSecond"),
        currency=_currency(price),
        status=_word(part(record, "status")),
        error=_word(part(record, "error")),
        answered_by=text(call, "answeredBy", 16).upper(),
        dtmf=text(call, "dtmfCodes", 200),
        answers=_answers(scenario, _ANSWERS_V2 if version == 2 else _ANSWERS_V1),
        scenario_id=text(scenario, "scenarioId", LONGEST_ID),
        scenario_name=text(scenario, "scenarioName", 128),
        feature=text(call, "feature", 64),
        callback_data=text(record, "callbackData", 700),
        mcc_mnc=text(record, "mccMnc", 16),
        recording_id=_id(call, "callRecordingFileId"),
        recording_path=text(record, "recordedAudioFileUrl"),
    )


def _end(record: Tree, call: Tree) -> datetime | None:
    """When the call ended. An old XML report writes a second `sentAt` for `doneAt`."""
    return moment(call, "endTime") or moment(record, "doneAt") or second_moment(record, "sentAt")


def _id(tree: Tree, name: str) -> str:
    """An id, or nothing where it is longer than any id: half of one fits no call."""
    found = text(tree, name, LONGEST_ID + 1)
    return found if len(found) <= LONGEST_ID else ""


def _currency(price: Tree) -> str:
    found = text(price, "currency", 16).upper()
    return found if len(found) == 3 and found.isascii() and found.isalpha() else ""


def _word(tree: Tree) -> Word:
    return Word(
        group=whole(tree, "groupId"),
        group_name=text(tree, "groupName", 64),
        id=whole(tree, "id"),
        name=text(tree, "name", 128),
        description=text(tree, "description", 300),
    )


def _answers(tree: Tree, names: tuple[str, ...]) -> dict[str, str]:
    """What was keyed and said, by variable; of two values the later, mapped or matched, wins."""
    answers: dict[str, str] = {}
    for name in names:
        for variable, said in _object_in(part(tree, name)).items():
            if len(answers) < MOST_ANSWERS and isinstance(said, str) and said != "null":
                answers[printable(variable, 64)] = printable(said, 200)
    return answers


def _object_in(tree: Tree) -> dict[str, Any]:
    """An object, or the object that a string holds as JSON; what cannot be read is nothing."""
    if isinstance(tree, str):
        try:
            tree = read_json(tree)
        except NotUnderstood:
            return {}
    return tree if isinstance(tree, dict) else {}
