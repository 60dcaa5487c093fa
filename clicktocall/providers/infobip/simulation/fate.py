"""How one try of a message goes: computed before it is played, the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.message import Message
from clicktocall.providers.infobip.simulation.stories import Phone
from clicktocall.providers.infobip.simulation.vocabulary import CallError, Status

# Seconds at speed 1.
UNTIL_IT_RINGS = 0.4
UNTIL_BUSY = 0.6
UNTIL_ANSWER = 2.0
UNTIL_DECLINE = 1.5
UNTIL_A_GIVES_UP = 1.0
UNTIL_MACHINE_IS_KNOWN = 4.0  # the documents promise no less
LONGEST_RINGING = 6.0
SPOKEN_MESSAGE = 2.0
ONE_LEG_CONTENT = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """A try from dialling to its end. Times are seconds at speed 1, from the dialling on."""

    ends_at: float
    status: Status
    error: CallError
    rings_at: float | None = None
    answered_at: float | None = None
    file_duration: float = 0.0
    pressed: str = ""
    answered_by: str = ""

    @property
    def duration(self) -> int:
        return 0 if self.answered_at is None else round(self.ends_at - self.answered_at)


def fate_of(message: Message, chance: Random) -> Fate:
    """What becomes of a message that is dialled now; `chance` presses the keys."""
    story = message.story
    if story.leg_a not in (Phone.ANSWERS, Phone.MACHINE):
        return _unanswered(message)
    answered_at = UNTIL_IT_RINGS + UNTIL_ANSWER
    is_machine = story.leg_a == Phone.MACHINE
    detection = message.fields.get("machineDetection")
    if is_machine and detection == "hangup":
        lasts, error = UNTIL_MACHINE_IS_KNOWN, words.MACHINE
    else:
        lasts, error = _conversation(message)
        if detection:
            error = words.MACHINE if is_machine else words.HUMAN
    known_by = message.is_ivr or detection
    return Fate(
        rings_at=UNTIL_IT_RINGS,
        answered_at=answered_at,
        ends_at=answered_at + lasts,
        status=words.TO_HANDSET,
        error=error,
        file_duration=_file_duration(message),
        pressed="" if is_machine else _keys_pressed(message, chance),
        answered_by=("MACHINE" if is_machine else "HUMAN") if known_by else "",
    )


def _unanswered(message: Message) -> Fate:
    story = message.story
    ringing = {
        Phone.IS_OFF: UNTIL_BUSY,
        Phone.REFUSES: UNTIL_DECLINE,
        Phone.RINGS_OUT: min(message.fields.get("ringTimeout") or 45, LONGEST_RINGING),
    }[story.leg_a]
    rings = story.leg_a != Phone.IS_OFF
    return Fate(
        rings_at=UNTIL_IT_RINGS if rings else None,
        ends_at=(UNTIL_IT_RINGS if rings else 0) + ringing,
        status=story.status,
        error=story.error,
    )


def _conversation(message: Message) -> tuple[float, CallError]:
    """How long the first side is on the line, and what ends it."""
    if message.is_click_to_call:
        return _join(message)
    lasts = _pause(message) + ONE_LEG_CONTENT + _transfer(message)
    if message.story.a_gives_up:
        lasts = UNTIL_A_GIVES_UP
    return _cut(lasts, message.fields.get("callTimeout"))


def _join(message: Message) -> tuple[float, CallError]:
    story = message.story
    lasts = _file_duration(message) + UNTIL_IT_RINGS
    if story.a_gives_up:
        return lasts + UNTIL_A_GIVES_UP, words.NORMAL_HANGUP
    if story.leg_b == Phone.IS_OFF:
        return lasts + UNTIL_BUSY, words.NORMAL_HANGUP
    if story.leg_b == Phone.RINGS_OUT:
        return lasts + LONGEST_RINGING, words.NORMAL_HANGUP
    talk, error = _cut(story.talk, message.fields.get("maxDuration"))
    return lasts + UNTIL_ANSWER + talk, error


def _cut(lasts: float, limit: int | None) -> tuple[float, CallError]:
    if limit is not None and lasts > limit:
        return float(limit), words.MAX_DURATION
    return lasts, words.NORMAL_HANGUP


def _pause(message: Message) -> float:
    return float(message.fields.get("pause") or 0)


def _transfer(message: Message) -> float:
    """Whoever is asked to press a key for a transfer presses it."""
    transfers = message.fields.get("callTransfers")
    if not transfers:
        return 0.0
    limit = transfers[0].get("callTransferMaxDuration")
    return UNTIL_ANSWER + _cut(message.story.talk, limit)[0]


def _file_duration(message: Message) -> float:
    plays = message.fields.get("audioFileUrl") or message.fields.get("text")
    return SPOKEN_MESSAGE if plays else 0.0


def _keys_pressed(message: Message, chance: Random) -> str:
    """As reports list them: "3, 9"."""
    fields: dict[str, Any] = message.fields
    if message.is_ivr:
        return ", ".join(str(chance.randint(1, 9)) for _ in range(2))
    if transfers := fields.get("callTransfers"):
        return transfers[0].get("equals") or "1"
    count = min(fields.get("maxDtmf") or 0, 4)
    return ", ".join(str(chance.randint(1, 9)) for _ in range(count))
