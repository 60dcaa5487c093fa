"""What rules are asked and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clicktocall.models import Endpoint
from clicktocall.numbers import ContactNumber


class VisitorCode(StrEnum):
    """What a visitor is told. Every list, type and policy looks the same from outside."""

    INVALID_NUMBER = "invalid_number"
    CONSENT_REQUIRED = "consent_required"
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    NOT_AVAILABLE = "not_available"
    TRY_LATER = "try_later"
    CLOSED = "closed"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule's no: `rule` and `detail` are for the operator, `code` is for the visitor.

    `retry_after` is in seconds, for somebody who may try later.
    """

    rule: str
    code: VisitorCode
    detail: str
    next_opening: datetime | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the rules see it; `placed_at` is when it is to be placed, now or later.

    `origin` is the page's origin, "" when a browser named none, None for a door without pages.
    `token_nonce` is that of a valid visitor's token, "" for a bad one, None where none is needed.
    """

    endpoint: Endpoint
    contact: ContactNumber
    placed_at: datetime
    origin: str | None = None
    token_nonce: str | None = None
    consent_version: str | None = None
