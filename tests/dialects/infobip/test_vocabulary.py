"""Every word of Infobip's lists, and the words that stand in none."""

from __future__ import annotations

import pytest

from clicktocall.dialects.infobip.reports import Report, Word
from clicktocall.dialects.infobip.verdict import Verdict, verdict_of
from clicktocall.dialects.infobip.vocabulary import (
    NO_ERROR,
    OLD_REASONS,
    REASONS,
    SAID_OF_OUTCOME,
    STATUSES,
    Group,
    Reason,
    Status,
    leg_state_of,
    reason_named,
    reason_of,
    status_named,
    status_of,
)
from clicktocall.states import Leg, LegState, Outcome

# Group, ids of Infobip's page on status codes. 87 stands in three rows.
LISTED_STATUSES = {
    1: {3, 7, 26},
    2: {4, 9, 31, 96, 97, 98},
    3: {2, 5},
    4: {15, 29, 87},
    5: {6, 8, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 23, 24, 25, 51, 52, 87, 99, 100}
    | {53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 83, 91},
}
# What each row of the reference comes to, by id.
OUTCOME_OF_REASON = {
    **dict.fromkeys((5000, 10000, 10001, 10003, 10004), Outcome.COMPLETED),
    **dict.fromkeys((5001, 10002), Outcome.MACHINE),
    **dict.fromkeys((5002, 10201), Outcome.BUSY),
    **dict.fromkeys((5003, 10200), Outcome.NO_ANSWER),
    **dict.fromkeys((5487, 10202), Outcome.CANCELED),
    **dict.fromkeys((5603, 10203), Outcome.DECLINED),
    **dict.fromkeys((5403, 5407, 10300, 10301, 10302, 10313), Outcome.REJECTED),
    **dict.fromkeys((5480, 5503, 10204, 10304, 10309), Outcome.FAILED),  # unavailable
    **dict.fromkeys((5404, 5410, 5484, 10303, 10305), Outcome.FAILED),  # a bad number
    **dict.fromkeys((5408, 10307, 10308, 10312), Outcome.FAILED),  # network
    **dict.fromkeys((5004, 5005, 10400, 10401, 10402), Outcome.FAILED),  # audio, address
    **dict.fromkeys((5400, 5413, 5414, 5415, 5481, 5488, 5491, 5501), Outcome.FAILED),
    **dict.fromkeys((10100, 10101, 10102, 10103, 10306, 10311), Outcome.FAILED),
    **dict.fromkeys((0, 5492, 10310), None),  # tell nothing of the call
}


def word(row: Status | Reason) -> Word:
    group = row.group if isinstance(row, Status) else None
    return Word(group=group, id=row.id, name=row.name)


def judged(status: Word | None = None, error: Word | None = None, **known: object) -> Verdict:
    report = Report(version=2, status=status or Word(), error=error or Word(), **known)  # type: ignore[arg-type]
    return verdict_of(report)


def test_every_listed_status_is_known() -> None:
    known: dict[int, set[int]] = {}
    for row in STATUSES:
        known.setdefault(row.group, set()).add(row.id)
    assert known == LISTED_STATUSES
    assert len(STATUSES) == 49


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row.group}-{row.name}")
def test_every_status_is_found_again_and_judged(row: Status) -> None:
    assert status_of(row.name, row.group) is row
    verdict = judged(word(row))
    assert verdict.outcome == row.outcome
    assert verdict.pending == (row.group == Group.PENDING)
    assert verdict.leg == row.leg


@pytest.mark.parametrize(
    ("name", "outcome", "leg"),
    [
        ("NO_ANSWER", Outcome.NO_ANSWER, Leg.A),
        ("BUSY", Outcome.BUSY, Leg.A),
        ("CANCELLED", Outcome.CANCELED, Leg.A),
        ("REJECTED", Outcome.DECLINED, Leg.A),  # by the person called
        ("DELIVERED_TO_HANDSET", Outcome.COMPLETED, None),
        ("UNDELIVERABLE_REJECTED_PLATFORM", Outcome.REJECTED, None),  # whatever its name says
        ("EXPIRED_EXPIRED", Outcome.EXPIRED, None),
        ("EXPIRED_DLR_UNKNOWN", Outcome.UNKNOWN, None),
        ("REJECTED_DUPLICATE_MESSAGE_ID", None, None),
        ("REJECTED_NOT_ENOUGH_CREDITS", Outcome.REJECTED, None),
        ("UNDELIVERABLE_NOT_SENT", Outcome.FAILED, None),
        ("PENDING_ENROUTE", None, None),
    ],
)
def test_what_a_status_comes_to(name: str, outcome: Outcome | None, leg: Leg | None) -> None:
    verdict = judged(Word(name=name))
    assert (verdict.outcome, verdict.leg) == (outcome, leg)


@pytest.mark.parametrize(
    ("group", "name", "outcome"),
    [
        (5, "REJECTED_INVALID_DELIVERY_TIME_WINDOW", Outcome.REJECTED),
        (5, "SIGNALS_BLOCKED", Outcome.REJECTED),
        (4, "SIGNALS_BLOCKED", Outcome.EXPIRED),
    ],
)
def test_id_87_is_told_apart_by_name_and_group(group: int, name: str, outcome: Outcome) -> None:
    assert judged(Word(group=group, id=87, name=name)).outcome == outcome


@pytest.mark.parametrize(
    ("group", "outcome"),
    [
        (1, None),
        (2, Outcome.FAILED),
        (3, Outcome.COMPLETED),
        (4, Outcome.EXPIRED),
        (5, Outcome.REJECTED),
        (0, None),
        (6, None),
        (None, None),
    ],
)
def test_an_unlisted_status_is_judged_by_its_group(
    group: int | None, outcome: Outcome | None
) -> None:
    verdict = judged(Word(group=group, id=4711, name="SOMETHING_NEW"))
    assert verdict == Verdict(outcome, None, pending=group == 1)


def test_every_listed_error_is_known() -> None:
    assert {row.id: row.outcome for row in (*OLD_REASONS, *REASONS, NO_ERROR)} == OUTCOME_OF_REASON
    names = [row.name for row in (*OLD_REASONS, *REASONS, NO_ERROR)]
    assert len(names) == len(set(names)) == 57


@pytest.mark.parametrize("row", [*OLD_REASONS, *REASONS, NO_ERROR], ids=lambda row: row.name)
def test_every_error_is_found_by_name_and_by_code(row: Reason) -> None:
    assert reason_of(row.name, None) is row
    assert reason_of("", row.id) is row
    assert reason_of(row.name, 99_999) is row
    verdict = judged(None, word(row))
    assert (verdict.outcome, verdict.leg) == (row.outcome, row.leg)


@pytest.mark.parametrize(
    ("code", "outcome", "leg"),
    [
        (5486, Outcome.BUSY, Leg.A),
        (5600, Outcome.BUSY, Leg.A),
        (5402, Outcome.REJECTED, None),
        (5607, Outcome.DECLINED, Leg.A),
        (5504, Outcome.FAILED, Leg.A),
        (5699, Outcome.FAILED, Leg.A),
    ],
)
def test_an_unlisted_old_error_is_a_sip_answer(
    code: int, outcome: Outcome, leg: Leg | None
) -> None:
    verdict = judged(None, Word(id=code, name="EC_NEVER_HEARD_OF"))
    assert (verdict.outcome, verdict.leg) == (outcome, leg)


@pytest.mark.parametrize("code", [1, 5006, 5399, 5700, 10_999, -5000, None])
def test_an_unlisted_error_tells_nothing(code: int | None) -> None:
    assert reason_of("EC_NEVER_HEARD_OF", code) is None


NOT_DELIVERED = Word(group=2, name="UNDELIVERABLE_NOT_DELIVERED")
EXPIRED = Word(group=4, name="EXPIRED_EXPIRED")
DELIVERED = Word(group=3, name="DELIVERED_TO_HANDSET")
REJECTED = Word(group=5, name="REJECTED_NETWORK")


@pytest.mark.parametrize(
    ("status", "error", "outcome", "leg"),
    [
        (EXPIRED, "EC_VOICE_NO_ANSWER", Outcome.NO_ANSWER, Leg.A),
        (EXPIRED, "UNKNOWN", Outcome.EXPIRED, None),
        (NOT_DELIVERED, "BUSY", Outcome.BUSY, Leg.A),
        (NOT_DELIVERED, "REJECTED", Outcome.DECLINED, Leg.A),
        (NOT_DELIVERED, "INSUFFICIENT_FUNDS", Outcome.REJECTED, None),
        (NOT_DELIVERED, "DESTINATION_NOT_FOUND", Outcome.FAILED, Leg.A),
        (NOT_DELIVERED, "NO_ERROR", Outcome.FAILED, None),
        (DELIVERED, "NORMAL_HANGUP", Outcome.COMPLETED, None),
        (DELIVERED, "MACHINE_DETECTED", Outcome.MACHINE, Leg.A),
        (DELIVERED, "VOICE_ANSWERED_MACHINE", Outcome.MACHINE, Leg.A),
        # Contradictions: more happened.
        (DELIVERED, "EC_VOICE_NO_ANSWER", Outcome.COMPLETED, None),
        (NOT_DELIVERED, "VOICE_ANSWERED", Outcome.COMPLETED, None),
        # A rejection is certain, whatever stands beside it.
        (REJECTED, "BUSY", Outcome.REJECTED, None),
    ],
)
def test_status_and_error_together(
    status: Word, error: str, outcome: Outcome, leg: Leg | None
) -> None:
    assert judged(status, Word(name=error)) == Verdict(outcome, leg)


def test_a_machine_may_be_told_by_answered_by_alone() -> None:
    assert judged(DELIVERED, answered_by="MACHINE") == Verdict(Outcome.MACHINE, Leg.A)
    assert judged(DELIVERED, answered_by="HUMAN") == Verdict(Outcome.COMPLETED)


def test_a_leg_that_had_answered_is_not_blamed() -> None:
    assert judged(Word(name="BUSY"), duration=0) == Verdict(Outcome.BUSY, Leg.A)
    assert judged(Word(name="BUSY"), duration=8) == Verdict(Outcome.BUSY)
    machine = judged(DELIVERED, Word(name="MACHINE_DETECTED"), duration=8)
    assert machine == Verdict(Outcome.MACHINE, Leg.A), "leg A was the machine, and answered"


@pytest.mark.parametrize("outcome", Outcome)
def test_what_we_say_of_a_call_is_read_back_as_the_same(outcome: Outcome) -> None:
    said = SAID_OF_OUTCOME[outcome]
    status, error = status_named(said[0]), reason_named(said[1])
    assert judged(word(status), word(error)).outcome == outcome
    assert error.id == 0 or error.id >= 10_000, "the old error codes are retired"


def test_how_a_leg_ended() -> None:
    assert leg_state_of(Outcome.BUSY) == LegState.BUSY
    assert leg_state_of(Outcome.COMPLETED) == LegState.ENDED
    assert leg_state_of(Outcome.REJECTED) is None, "it was never dialled"
