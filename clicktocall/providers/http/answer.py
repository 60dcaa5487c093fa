"""Reading what came back: an answer, and the error an answer without success stands for."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from clicktocall.exceptions import (
    NotAuthorized,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.providers.http.redaction import Redact

LARGEST_ANSWER = 1024 * 1024  # bytes
LONGEST_WORDS = 300
LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Header names are lower case; `words` is what may be shown of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    words: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> dict[str, Any]:
        """The JSON object in the body.

        Raises:
            OutcomeUnknown: the provider answered, but not with an object we can read.
        """
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise OutcomeUnknown(f"The answer cannot be read: {self.words}")
        return document

    def retry_after(self, default: float = 1.0) -> float:
        """Seconds to wait by the Retry-After header (RFC 9110, 10.2.3), at most an hour."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return min(float(told), LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return default
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
        return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def failure(
    answer: Answer, *, words: str = "", surely_not_placed: Collection[int] = ()
) -> ProviderError:
    """The error an answer without success stands for, by the general meaning of its status.

    Args:
        words: the provider's reason, where the adapter can read it out of the body.
        surely_not_placed: statuses by which this provider promises that nothing was dialled.
    """
    detail = f"{answer.status} {words}" if words else answer.words
    if answer.status == 401:
        return NotAuthorized(detail)
    if answer.status == 429:
        return ProviderThrottled(detail, answer.retry_after())
    if answer.status in surely_not_placed:
        return ProviderUnavailable(detail)
    # 408 is also sent by gateways that waited for their own backend; 307 and 308 are the
    # redirects that promise nothing was done.
    if answer.status in (307, 308) or (400 <= answer.status < 500 and answer.status != 408):
        return ProviderRefused(detail)
    return OutcomeUnknown(detail)


def certain(fault: ProviderError) -> ProviderError:
    """The same fault of fetching a file, which rings no phone: nothing is in doubt then."""
    return ProviderUnavailable(fault.detail) if isinstance(fault, OutcomeUnknown) else fault


def read_answer(response: requests.Response, redact: Redact) -> Answer | OutcomeUnknown:
    """The whole answer, or the error of one that is too large."""
    body = bytearray()
    for chunk in response.iter_content(16 * 1024):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return OutcomeUnknown(
                f"{response.status_code} with an answer of more than {LARGEST_ANSWER} bytes"
            )
    headers = {name.lower(): value for name, value in response.headers.items()}
    # Redacted before it is shortened, so that no secret survives as a beginning.
    text = _readable(redact(body.decode("utf-8", "replace")))
    words = f"{response.status_code} {text}".strip()
    return Answer(response.status_code, headers, bytes(body), words)


def _readable(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * LONGEST_WORDS])
    words = " ".join(printable.split())
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"
