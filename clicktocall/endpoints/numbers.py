"""An account's own numbers, as requests name them: by the number itself."""

from __future__ import annotations

from typing import Any

from clicktocall.exceptions import InvalidNumber, InvalidOption
from clicktocall.models import OwnedNumber
from clicktocall.numbers import parse_number

NUMBER_OPTIONS = frozenset({"caller_id_a", "caller_id_b", "bridge"})


def owned_number(account_id: str, option: str, number: Any) -> OwnedNumber | None:
    """The account's number or sender id; None when none is named.

    Raises:
        InvalidOption: the account has no such number.
    """
    if not number:
        return None
    written = {str(number), _e164(str(number))}
    owned = OwnedNumber.objects.filter(account_id=account_id, number__in=written).first()
    if owned is None:
        raise InvalidOption(option, "This number does not belong to the account.")
    return owned


def _e164(text: str) -> str:
    try:
        return parse_number(text).e164
    except InvalidNumber:
        return text
