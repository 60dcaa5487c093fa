"""What a report amounts to: Infobip's status and error, judged together."""

from __future__ import annotations

from dataclasses import dataclass

from clicktocall.dialects.infobip.reports import Report
from clicktocall.dialects.infobip.vocabulary import Group, Status, reason_of, status_of
from clicktocall.states import Leg, Outcome

_MORE_HAPPENED = {outcome: rank for rank, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the call ended, None while it has not, and the leg that decided it.

    `pending` says that Infobip holds the message and nothing has happened yet. A verdict that is
    neither pending nor an end tells nothing about the call.
    """

    outcome: Outcome | None = None
    leg: Leg | None = None
    pending: bool = False


def verdict_of(report: Report) -> Verdict:
    """The verdict of a report.

    The status decides, and the error says more where the status is vague. When they contradict
    each other, more happened, as everywhere in this system. A call that ended without an answer
    is leg A's doing, unless the report itself says that leg A had answered.
    """
    status = status_of(report.status.name, report.status.group)
    verdict = _of_error(report) if status is None else _of_status(status, report)
    if verdict.leg == Leg.A and verdict.outcome != Outcome.MACHINE and report.was_answered:
        return Verdict(verdict.outcome)
    return verdict


def _of_status(status: Status, report: Report) -> Verdict:
    if status.group == Group.PENDING:
        return Verdict(pending=True)
    told = Verdict(status.outcome, status.leg)
    reason = _of_error(report)
    if status.group == Group.DELIVERED:
        return reason if reason.outcome == Outcome.MACHINE else told
    if status.vague and _says_more(reason.outcome, status.outcome):
        return reason
    return told


def _of_error(report: Report) -> Verdict:
    if report.answered_by == "MACHINE":
        return Verdict(Outcome.MACHINE, Leg.A)
    reason = reason_of(report.error.name, report.error.id)
    return Verdict(reason.outcome, reason.leg) if reason else Verdict()


def _says_more(reason: Outcome | None, status: Outcome | None) -> bool:
    if reason is None:
        return False
    return status is None or _MORE_HAPPENED[reason] >= _MORE_HAPPENED[status]
