"""Finding calls by what people have at hand: a number in any spelling, a reference, a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from clicktocall.exceptions import InvalidNumber
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.numbers import ContactNumber, NumberKind, parse_number

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
    part = digits if international else _without_trunk_zero(digits)
    if len(part) < _FEWEST_DIGITS or (international and whole):
        return found
    return found | Q(**{f"{column}__contains": part})


def called(calls: QuerySet[Call], text: str, regions: Iterable[str]) -> QuerySet[Call]:
    """Those of `calls` whose contact is the number `text`, in any spelling.

    The national form is read in each of `regions` (ISO 3166). What is no telephone number there
    is taken for a part of one: at least three digits in a row. Looking for a part reads every
    row of `calls`; a whole number can be looked up in the index.

    Raises:
        InvalidNumber: `text` is not spelled like a number, or has fewer than three digits.
    """
    spelled = text.replace("/", " ").strip()
    readings = _readings(spelled, regions)
    wanted = Q(contact__in={reading.e164 for reading in readings})
    # Lengths alone prove little: 7946010, a part of a London number, has that of a British one.
    if all(reading.kind == NumberKind.UNKNOWN for reading in readings):
        wanted |= Q(contact__contains=_part(spelled))
    return calls.filter(wanted)


def regions_of(endpoints: QuerySet[Endpoint]) -> list[str]:
    """The countries that the endpoints may call, each once, in a steady order."""
    lists: Iterable[Any] = endpoints.values_list("allowed_countries", flat=True)
    return sorted({str(region) for allowed in lists for region in allowed})


def _whole_numbers(wanted: str, regions: Iterable[str]) -> set[str]:
    try:
        return {reading.e164 for reading in _readings(wanted, regions)}
    except InvalidNumber:
        return set()


def _readings(wanted: str, regions: Iterable[str]) -> list[ContactNumber]:
    """What `wanted` is in each of `regions` where it has the length of a number.

    Raises:
        InvalidNumber: it is not spelled like a number.
    """
    found = []
    for region in (None, *regions):
        try:
            found.append(parse_number(wanted, region))
        except InvalidNumber as error:
            if error.reason != "syntax":
                raise
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


def _part(spelled: str) -> str:
    """The digits of a part of a number, as they stand inside the international form.

    Raises:
        InvalidNumber: they are fewer than three.
    """
    digits = "".join(str(unicodedata.decimal(c)) for c in spelled if c.isdecimal())
    if len(digits) < _FEWEST_DIGITS:
        raise InvalidNumber("syntax", "Write at least three digits of the telephone number.")
    return _without_trunk_zero(digits)


def _without_trunk_zero(digits: str) -> str:
    """What the international form has of `digits`.

    Where hardly anything else is left, as of the ending 0001, the zeros are the number's own.
    """
    part = digits.lstrip("0")
    return part if len(part) >= _FEWEST_DIGITS else digits


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
