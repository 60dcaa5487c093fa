from __future__ import annotations

from clicktocall.exceptions import InvalidNumber
from clicktocall.rules.base import Refusal, VisitorCode


def refusal_of_number(error: InvalidNumber) -> Refusal:
    """What was typed is not a telephone number; only its spelling was judged."""
    return Refusal(f"number_{error.reason}", VisitorCode.INVALID_NUMBER, str(error))
