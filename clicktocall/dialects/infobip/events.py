"""From a report to the facts of our history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from clicktocall.dialects.infobip.paths import recording_file
from clicktocall.dialects.infobip.reports import Report, Word
from clicktocall.dialects.infobip.verdict import Verdict, verdict_of
from clicktocall.dialects.infobip.vocabulary import leg_state_of
from clicktocall.orders import ReportedEvent
from clicktocall.states import EventKind, Leg, LegState, Outcome

LONGEST_WORDS = 500
LONGEST_URL = 500

# Where the phone rang before it came to this.
_AFTER_RINGING = frozenset(
    {Outcome.COMPLETED, Outcome.MACHINE, Outcome.NO_ANSWER, Outcome.DECLINED, Outcome.CANCELED}
)
_ANSWERED = frozenset({Outcome.COMPLETED, Outcome.MACHINE})


def events_of(report: Report, *, base_url: str = "") -> list[ReportedEvent]:
    """The facts in a report, oldest first, each under our own reference (`messageId`).

    Of leg B there is none: a delivered click-to-call is `completed`, because Infobip calls it so
    and charged for it, with leg B left to be shown as unreported. Its duration counts from leg
    A's answer, message and leg B's ringing included, so it is told as `answered_seconds`.

    Args:
        base_url: of the account, to make the address of a recording.
    """
    verdict = verdict_of(report)
    if verdict.pending:
        return [_event(report, EventKind.PLACED, report.sent_at)]
    if verdict.outcome is None:
        return [_event(report, EventKind.NOTE, report.ended_at or report.sent_at)]
    return [
        *_progress(report, verdict.outcome),
        *_end_of_leg_a(report, verdict),
        *_answers(report),
        *_recording(report, base_url),
        _end(report, verdict),
    ]


def words_of(report: Report) -> str:
    """Infobip's own words: status, error, seconds."""
    said = [*_said(report.status), *_said(report.error)]
    if report.duration is not None:
        said.append(f"{report.duration} s from the first answer")
    if report.charged_duration is not None:
        said.append(f"{report.charged_duration} s charged")
    return "; ".join(said)[:LONGEST_WORDS]


def answers_of(report: Report) -> dict[str, str]:
    """What the person called keyed or said, by variable; `dtmf` holds keys without a variable."""
    return {**({"dtmf": report.dtmf} if report.dtmf else {}), **report.answers}


def _progress(report: Report, outcome: Outcome) -> Iterator[ReportedEvent]:
    if report.started_at and outcome in _AFTER_RINGING:
        yield _event(report, EventKind.RINGING, report.started_at, leg=Leg.A)
    if report.answered_at:
        yield _event(report, EventKind.ANSWERED, report.answered_at, leg=Leg.A)


def _end_of_leg_a(report: Report, verdict: Verdict) -> Iterator[ReportedEvent]:
    """How leg A ended, where the report tells: it was answered, or it is what failed."""
    state: LegState | None = None
    if verdict.leg == Leg.A and verdict.outcome:
        state = leg_state_of(verdict.outcome)
    elif report.was_answered or verdict.outcome in _ANSWERED:
        state = LegState.ENDED
    if state is not None:
        yield _event(report, EventKind.LEG_ENDED, report.ended_at, leg=Leg.A, leg_state=state)


def _answers(report: Report) -> Iterator[ReportedEvent]:
    answers = answers_of(report)
    if answers:
        yield ReportedEvent(
            kind=EventKind.COLLECTED,
            reference=report.message_id,
            occurred_at=report.ended_at,
            answers=answers,
        )


def _recording(report: Report, base_url: str) -> Iterator[ReportedEvent]:
    address = recording_url(report, base_url)
    if address:
        yield _event(report, EventKind.RECORDED, report.ended_at, recording_url=address)


def recording_url(report: Report, base_url: str) -> str:
    """Where the recording is, on the account's own host; "" when there is none."""
    path = recording_file(report.recording_id) if report.recording_id else report.recording_path
    if not path or not base_url:
        return ""
    try:
        address = urljoin(base_url, path)
        parts, own = urlsplit(address), urlsplit(base_url)
    except ValueError:
        return ""
    ours = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    return address if ours and address.isascii() and len(address) <= LONGEST_URL else ""


def _end(report: Report, verdict: Verdict) -> ReportedEvent:
    return ReportedEvent(
        kind=EventKind.ENDED,
        reference=report.message_id,
        leg=verdict.leg,
        outcome=verdict.outcome,
        occurred_at=report.ended_at,
        answered_seconds=report.duration,
        price=report.price,
        currency=report.currency if report.price is not None else "",
        words=words_of(report),
    )


def _event(
    report: Report,
    kind: EventKind,
    at: datetime | None,
    *,
    leg: Leg | None = None,
    leg_state: LegState | None = None,
    recording_url: str = "",
) -> ReportedEvent:
    return ReportedEvent(
        kind=kind,
        reference=report.message_id,
        leg=leg,
        leg_state=leg_state,
        occurred_at=at,
        recording_url=recording_url,
        words=words_of(report),
    )


def _said(word: Word) -> Iterator[str]:
    """A status or error as it may be read: its name, and its description where that says more."""
    name = word.name or word.group_name or ("" if word.id is None else str(word.id))
    if name:
        yield f"{name} ({word.description})" if word.description else name
