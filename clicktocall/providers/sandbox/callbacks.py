"""What the sandbox reports: one JSON object for one fact."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from clicktocall.orders import ReportedEvent
from clicktocall.providers.base import CallbackNotUnderstood
from clicktocall.states import EventKind, Leg, LegState, Outcome

Word = TypeVar("Word")

LONGEST_ID = 128
LONGEST_WORDS = 500
LONGEST_URL = 500
LONGEST_VARIABLE = 64
MOST_ANSWERS = 50
LONGEST_TALK = 24 * 60 * 60  # seconds
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
FURTHEST_AHEAD = timedelta(days=1)

_KINDS = {
    "ringing": EventKind.RINGING,
    "answered": EventKind.ANSWERED,
    "joined": EventKind.JOINED,
    "leg_ended": EventKind.LEG_ENDED,
    "ended": EventKind.ENDED,
    "recorded": EventKind.RECORDED,
    "collected": EventKind.COLLECTED,
    "note": EventKind.NOTE,
}
_OF_ONE_LEG = frozenset({EventKind.RINGING, EventKind.ANSWERED, EventKind.LEG_ENDED})
_LEG_STATES = {
    "completed": LegState.ENDED,
    "busy": LegState.BUSY,
    "no_answer": LegState.NO_ANSWER,
    "declined": LegState.DECLINED,
    "machine": LegState.MACHINE,
    "canceled": LegState.CANCELED,
    "failed": LegState.FAILED,
}
_OUTCOMES = {
    "completed": Outcome.COMPLETED,
    "busy": Outcome.BUSY,
    "no_answer": Outcome.NO_ANSWER,
    "declined": Outcome.DECLINED,
    "machine": Outcome.MACHINE,
    "canceled": Outcome.CANCELED,
    "failed": Outcome.FAILED,
}
_ID = re.compile(f"[!-~]{{1,{LONGEST_ID}}}", re.ASCII)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def parse(body: bytes) -> list[ReportedEvent]:
    """The fact in a report.

    Raises:
        CallbackNotUnderstood: naming the part that cannot be read.
    """
    report = _json_object(body)
    kind = _one_of("event", report, _KINDS)
    leg = _leg(report, needed=kind in _OF_ONE_LEG)
    return [
        ReportedEvent(
            kind=kind,
            reference=_id("reference", report),
            provider_reference=_id("call", report),
            event_id=_id("event_id", report),
            leg=leg,
            leg_state=(
                _one_of("outcome", report, _LEG_STATES) if kind == EventKind.LEG_ENDED else None
            ),
            outcome=_one_of("outcome", report, _OUTCOMES) if kind == EventKind.ENDED else None,
            occurred_at=_moment(report.get("at")),
            talk_seconds=_seconds(report.get("talk_seconds")),
            answered_seconds=_seconds(report.get("answered_seconds")),
            recording_url=_recording_url(report) if kind == EventKind.RECORDED else "",
            words=_words(report.get("words")),
            answers=_answers(report) if kind == EventKind.COLLECTED else {},
        )
    ]


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        report = json.loads(body.decode("utf-8"), parse_constant=_no_such_number)
    except UnicodeDecodeError:
        raise CallbackNotUnderstood("The report is not UTF-8.") from None
    except RecursionError:
        raise CallbackNotUnderstood("The report is nested too deeply.") from None
    except ValueError as error:
        raise CallbackNotUnderstood(f"The report is not JSON: {str(error)[:200]}") from None
    if not isinstance(report, dict):
        raise CallbackNotUnderstood("The report is not a JSON object.")
    return report


def _no_such_number(spelling: str) -> NoReturn:
    raise ValueError(f"{spelling} is no JSON number")


def _one_of(name: str, report: dict[str, Any], words: dict[str, Word]) -> Word:
    told = report.get(name)
    if not isinstance(told, str) or told not in words:
        raise CallbackNotUnderstood(f'"{name}" is {_shown(told)}, not one of {", ".join(words)}.')
    return words[told]


def _id(name: str, report: dict[str, Any]) -> str:
    told = report.get(name)
    if not isinstance(told, str) or not _ID.fullmatch(told):
        raise CallbackNotUnderstood(
            f'"{name}" is {_shown(told)}, not 1 to {LONGEST_ID} printable ASCII characters.'
        )
    return told


def _leg(report: dict[str, Any], *, needed: bool) -> Leg | None:
    told = report.get("leg")
    if told is None and not needed:
        return None
    if told == "a":
        return Leg.A
    if told == "b":
        return Leg.B
    raise CallbackNotUnderstood(f'"leg" is {_shown(told)}, not a or b.')


def _recording_url(report: dict[str, Any]) -> str:
    told = report.get("recording_url")
    if isinstance(told, str) and len(told) <= LONGEST_URL and told.isascii() and told.isprintable():
        try:
            parts = urlsplit(told)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and parts.hostname:
            return told
    raise CallbackNotUnderstood(f'"recording_url" is {_shown(told)}, not an http(s) address.')


def _answers(report: dict[str, Any]) -> dict[str, str]:
    told = report.get("answers")
    if (
        not isinstance(told, dict)
        or not 0 < len(told) <= MOST_ANSWERS
        or not all(isinstance(said, str) for said in told.values())
    ):
        raise CallbackNotUnderstood(
            # Not quoted: it may be what somebody has keyed.
            f'"answers" is {type(told).__name__}, not 1 to {MOST_ANSWERS} texts by variable.'
        )
    return {_words(variable)[:LONGEST_VARIABLE]: _words(said) for variable, said in told.items()}


def _moment(told: object) -> datetime | None:
    """The time if it is one and can be true, else None: the fact itself still counts."""
    if not isinstance(told, str) or not _RFC_3339.fullmatch(told):
        return None
    try:
        moment = datetime.fromisoformat(told).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment <= datetime.now(UTC) + FURTHEST_AHEAD else None


def _seconds(told: object) -> int | None:
    if isinstance(told, bool) or not isinstance(told, int):
        return None
    return told if 0 <= told <= LONGEST_TALK else None


def _words(told: object) -> str:
    """The provider's words as any database can keep them: no NUL, no lone surrogate."""
    if not isinstance(told, str):
        return ""
    return "".join(char if char.isprintable() else " " for char in told[:LONGEST_WORDS]).strip()


def _shown(told: object) -> str:
    text = repr(told) if isinstance(told, str | int | float | None) else type(told).__name__
    return text if len(text) <= 60 else f"{text[:59]}…"
