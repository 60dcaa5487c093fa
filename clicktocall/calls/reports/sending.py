"""One delivery on its way: what is sent, once, and what came of it."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from clicktocall.calls.reports.sign import signed_headers
from clicktocall.outbound import OutboundClient, OutboundError

logger = logging.getLogger(__name__)

GONE = 410

_LONGEST_WORDS = 300
_RETRY_AFTER = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery as it is sent; `good_until` (`steady_now`) ends our claim to it."""

    id: str
    receiver: str
    url: str
    content_type: str
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    tries: int
    webhook_id: str | None
    good_until: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try. `status` is None without an answer; `seconds` is what it took.

    `retry_after` is what the receiver asked for, in seconds.
    """

    letter: Letter
    at: datetime
    seconds: float
    status: int | None = None
    words: str = ""
    retry_after: float = 0.0

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send(letter: Letter, client: OutboundClient) -> Tried:
    """Send once. Only the head of the answer is read: its status is all that counts."""
    at, began = timezone.now(), time.monotonic()
    headers = {
        "Content-Type": letter.content_type,
        **signed_headers(letter.id, int(at.timestamp()), letter.body, letter.secrets),
    }
    try:
        with client.stream("POST", letter.url, body=letter.body, headers=headers) as answer:
            return Tried(
                letter,
                at,
                time.monotonic() - began,
                answer.status,
                retry_after=_retry_after(answer.headers.get("retry-after", "")),
            )
    except OutboundError as error:
        return Tried(letter, at, time.monotonic() - began, words=str(error)[:_LONGEST_WORDS])
    except Exception as error:
        logger.exception("delivery could not be sent id=%s", letter.id)
        words = f"It could not be sent: {type(error).__name__}."
        return Tried(letter, at, time.monotonic() - began, words=words)


def _retry_after(text: str) -> float:
    return float(text) if _RETRY_AFTER.fullmatch(text.strip()) else 0.0
