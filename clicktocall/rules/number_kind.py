from __future__ import annotations

from clicktocall.numbers import ORDINARY_KINDS
from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_special_numbers(asked: Asked) -> Refusal | None:
    """Only ordinary telephones: no premium, shared-cost, satellite, toll-free or unknown number."""
    if asked.contact.kind in ORDINARY_KINDS:
        return None
    return Refusal(
        "number_kind",
        VisitorCode.NOT_AVAILABLE,
        f"The number is of the kind “{asked.contact.kind}”, not an ordinary telephone.",
    )
