"""Reasons to refuse a call, one file each. Deny by default: the first no is the answer."""

from __future__ import annotations

from clicktocall.rules.active import refuse_inactive
from clicktocall.rules.base import Asked, Refusal, VisitorCode
from clicktocall.rules.consent import refuse_without_consent
from clicktocall.rules.country import refuse_foreign_numbers
from clicktocall.rules.number import refusal_of_number
from clicktocall.rules.number_kind import refuse_special_numbers
from clicktocall.rules.opening_hours import refuse_when_closed
from clicktocall.rules.origin import origin_allowed, refusal_of_origin, refuse_foreign_origin
from clicktocall.rules.own_number import refuse_own_numbers
from clicktocall.rules.stopped import refuse_stopped
from clicktocall.rules.token import refusal_of_used_token, refuse_bad_token
from clicktocall.rules.whitelist import refuse_unlisted_numbers

__all__ = [
    "RULES",
    "Asked",
    "Refusal",
    "VisitorCode",
    "first_refusal",
    "origin_allowed",
    "refusal_of_number",
    "refusal_of_origin",
    "refusal_of_used_token",
]

# Cheap and impersonal first; what reveals a list of the operator's comes last.
RULES = (
    refuse_foreign_origin,
    refuse_inactive,
    refuse_stopped,
    refuse_bad_token,
    refuse_without_consent,
    refuse_when_closed,
    refuse_special_numbers,
    refuse_own_numbers,
    refuse_foreign_numbers,
    refuse_unlisted_numbers,
)


def first_refusal(asked: Asked) -> Refusal | None:
    """The first rule's no, or None when the call may be placed."""
    for rule in RULES:
        refusal = rule(asked)
        if refusal is not None:
            return refusal
    return None
