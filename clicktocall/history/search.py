"""Finding calls by what people have at hand: a number in any spelling, a reference, a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from clicktocall.exceptions import InvalidNumber
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.numbers import parse_number

_FEWEST_DIGITS = 3
_BETWEEN_DIGITS = frozenset("+-.()/ \u00a0\u2009\u202f")


def search_calls(calls: QuerySet[Call], text: str, regions: Iterable[str] = ()) -> QuerySet[Call]:
    """Those of `calls` that `text` finds; all of them when it is blank.

    A number is found in any spelling, its national form in each of `regions` (ISO 3166), or by
    at least three of its digits in a row. Else the text is an id or reference (ours, the
    client's, a provider's, a bulk's), a requester, or part of a visitor's name or e-mail.
    """
    wanted = text.replace("\x00", "").strip()
    if not wanted:
        return calls
    by_number = numbers_like(wanted, regions) | Q(
        extension__in={wanted, *_whole_numbers(wanted, regions)}
    )
    return calls.filter(_names(wanted) | _references(wanted) | by_number)


def numbers_like(text: str, regions: Iterable[str], column: str = "contact") -> Q:
    """The rows whose `column` holds the number `text`, in any spelling, or contains its digits."""
    digits = _digits(text)
    if digits is None:
        return Q(pk__in=())
    whole = _whole_numbers(text, regions)
    found = Q(**{f"{column}__in": whole})
    international = text.lstrip().startswith("+")
    # A part of a number, as it stands inside the international form: no trunk zero. Where hardly
    # anything else is left, as of the ending 0001, the zeros are the number's own.
    part = digits if international else digits.lstrip("0")
    if len(part) < _FEWEST_DIGITS:
        part = digits
    if len(part) < _FEWEST_DIGITS or (international and whole):
        return found
    return found | Q(**{f"{column}__contains": part})


def regions_of(endpoints: QuerySet[Endpoint]) -> list[str]:
    """The countries that the endpoints may call, each once, in a steady order."""
    lists: Iterable[Any] = endpoints.values_list("allowed_countries", flat=True)
    return sorted({str(region) for allowed in lists for region in allowed})


def _whole_numbers(wanted: str, regions: Iterable[str]) -> set[str]:
    found = set()
    for region in (None, *regions):
        try:
            found.add(parse_number(wanted, region).e164)
        except InvalidNumber:
            continue
    return found


def _digits(wanted: str) -> str | None:
    """The digits of something that is spelled like a number; None for anything else."""
    digits = []
    for character in wanted:
        value = unicodedata.decimal(character, None)
        if value is not None:
            digits.append(str(value))
        elif character not in _BETWEEN_DIGITS and unicodedata.category(character) != "Pd":
            return None
    return "".join(digits) or None


def _references(wanted: str) -> Q:
    attempts = Attempt.objects.filter(call=OuterRef("pk")).filter(
        Q(reference=wanted) | Q(provider_reference=wanted)
    )
    return (
        Q(pk=wanted.lower())
        | Q(client_reference=wanted)
        | Q(requester=wanted)
        | Q(bulk__client_id=wanted)
        | Q(Exists(attempts))
    )


def _names(wanted: str) -> Q:
    return Q(visitor_name__icontains=wanted) | Q(visitor_email__icontains=wanted)
