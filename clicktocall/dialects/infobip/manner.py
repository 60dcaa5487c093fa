"""How messages are sent, where no order says so: what an account is set up for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

JSON = "application/json"
XML = "application/xml"

SPEECH_RATES = (0.5, 2.0)
LONGEST_PAUSE = 10  # seconds


@dataclass(frozen=True, slots=True)
class SendingSpeed:
    """At most `speed` messages in each second, minute, hour or day."""

    speed: int
    time_unit: Literal["second", "minute", "hour", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to send: all of it is Infobip's own default unless it is set.

    `redial_there` leaves the redials to Infobip; otherwise this system does them. `record` says
    that the account still records, which the current API does not document. Voice messages take
    `speech_rate` (0.5 to 2), `repeat_dtmf`, `max_dtmf` and `dtmf_timeout` (seconds), and like IVR
    flows `pause` (seconds before the first word, up to 10), `send_at` and `sending_speed`.
    """

    notify_content_type: str = JSON
    redial_there: bool = False
    record: bool = False
    send_at: datetime | None = None
    sending_speed: SendingSpeed | None = None
    pause: int | None = None
    speech_rate: float | None = None
    repeat_dtmf: str = ""
    max_dtmf: int | None = None
    dtmf_timeout: int | None = None

    def __post_init__(self) -> None:
        slowest, fastest = SPEECH_RATES
        if self.speech_rate is not None and not slowest <= self.speech_rate <= fastest:
            raise ValueError(f"speech_rate: give {slowest} to {fastest}")
        if self.pause is not None and not 0 <= self.pause <= LONGEST_PAUSE:
            raise ValueError(f"pause: give 0 to {LONGEST_PAUSE} seconds")
        if self.send_at is not None and self.send_at.tzinfo is None:
            raise ValueError("send_at: give a time with its zone")


PLAIN = Manner()
