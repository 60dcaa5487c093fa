"""Numbers and moments as Infobip spells them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from clicktocall.dialects.infobip.documents import Tree, text

LONGEST_CALL = 24 * 60 * 60  # seconds
_ABSURD = 10**9
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(?:\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,12})?(?:[eE](?:-[0-9]{1,2}|\+?[0-9]))?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_EPOCH_MILLISECONDS = re.compile(r"[0-9]{12,14}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def whole(tree: Tree, name: str) -> int | None:
    """The whole number under a name, written as a number or as text; None for anything else."""
    spelled = text(tree, name)
    return int(spelled.partition(".")[0]) if _WHOLE.fullmatch(spelled) else None


def seconds(tree: Tree, name: str) -> int | None:
    """A length of time that a call can have, in seconds; broken ones are rounded."""
    found = amount(tree, name)
    if found is None or found > LONGEST_CALL:
        return None
    return round(found)


def amount(tree: Tree, name: str) -> Decimal | None:
    """The number under a name, exactly; None for anything negative, absurd or not a number."""
    spelled = text(tree, name)
    if not _DECIMAL.fullmatch(spelled):
        return None
    found = Decimal(spelled)
    return found if found < _ABSURD else None


def moment(tree: Tree, name: str) -> datetime | None:
    """The time under a name in UTC, None where there is none that can be read.

    Written `2018-06-25T13:38:14.730+0000`, with or without colon or fraction, or in milliseconds
    since 1970. Without an offset it is UTC.
    """
    spelled = text(tree, name)
    if _EPOCH_MILLISECONDS.fullmatch(spelled):
        return _EPOCH + timedelta(milliseconds=int(spelled))
    found = _MOMENT.fullmatch(spelled)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    try:
        return datetime.fromisoformat(
            f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{_with_colon(offset)}"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def second_moment(tree: Tree, name: str) -> datetime | None:
    """The time in the second of two elements that have the same name."""
    several = tree.get(name) if isinstance(tree, dict) else None
    if not isinstance(several, list) or len(several) < 2:
        return None
    return moment({name: several[1]}, name)


def _with_colon(offset: str | None) -> str:
    if offset is None or offset in "Zz":
        return "+00:00"
    return offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
