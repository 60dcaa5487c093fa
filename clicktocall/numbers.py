"""Telephone numbers: from what people type to E.164, and what kind of number it is.

Inside, a number is always a string matching `E164` (ITU-T E.164, with its plus). The numbering
plans are those of libphonenumber.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from babel import Locale, UnknownLocaleError
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from clicktocall.exceptions import InvalidNumber

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
LONGEST_SPELLING = 64

_SEPARATORS = frozenset(" \u00a0\u2007\u2009\u202f\u3000.\u2024\uff0e-()[]\uff08\uff09")
_PLUS_SIGNS = frozenset("+\uff0b")

# Ranges that reach satellites, networks without a country, or shared-revenue services, whatever
# the type libphonenumber gives them (it calls Iridium and Inmarsat "mobile").
_SPECIAL_RANGES = re.compile(
    r"\+(?:800|808|870|878|881|882|883|888|979)"
    r"|\+1(?:900|500|521|522|533|544|566|577|588|700)"
    r"|\+1[2-9][0-9]{2}976"
    r"|\+1[2-9][0-9]{2}5551212",  # directory enquiries
    re.ASCII,
)


_LONG_NUMBER = re.compile(r"\+?[0-9]{7,15}", re.ASCII)


class NumberKind(StrEnum):
    """What a number is for. Only the first three are ordinary telephones."""

    FIXED = "fixed"
    MOBILE = "mobile"
    FIXED_OR_MOBILE = "fixed_or_mobile"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    SPECIAL = "special"  # satellite, global and other ranges without a country
    UNKNOWN = "unknown"


ORDINARY_KINDS = frozenset({NumberKind.FIXED, NumberKind.MOBILE, NumberKind.FIXED_OR_MOBILE})

# What costs more than a call or reaches nobody's desk: never our own side either.
COSTLY_KINDS = frozenset(
    {
        NumberKind.PREMIUM,
        NumberKind.SHARED_COST,
        NumberKind.PERSONAL,
        NumberKind.PAGER,
        NumberKind.SPECIAL,
    }
)

_KINDS = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.VOIP: NumberKind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.UAN: NumberKind.UAN,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}


@dataclass(frozen=True, slots=True)
class ContactNumber:
    """A dialable number: `e164`, the ISO 3166 `region` it belongs to ("" if none), its `kind`."""

    e164: str
    region: str
    kind: NumberKind

    def __str__(self) -> str:
        return self.e164


def parse_number(text: str, region: str | None = None) -> ContactNumber:
    """Turn a number as people write it into E.164.

    Spaces, dots, dashes, brackets and other scripts' digits are accepted; the national form is
    read in `region` (ISO 3166). Extensions, letters, `tel:`, star codes and control characters
    are refused, never stripped: what is dialled is what was written.

    Raises:
        InvalidNumber: with the reason.
    """
    digits = _plain_digits(text)
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumber("syntax", _not_a_number(digits, region)) from error
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE or not E164.fullmatch(e164):
        raise InvalidNumber("syntax", "This telephone number is too short or too long.")
    return ContactNumber(
        e164, phonenumbers.region_code_for_number(parsed) or "", _kind(parsed, e164)
    )


def _not_a_number(digits: str, region: str | None) -> str:
    if region or digits.startswith("+"):
        return "This is not a telephone number."
    return "This is not a telephone number. Write it with a plus and its country's code."


def is_e164(text: str) -> bool:
    """Whether `text` is exactly a number as we store and dial it."""
    return E164.fullmatch(text) is not None


def mask(number: str) -> str:
    """The number as logs may show it: the first digits and the last two."""
    if len(number) < 8:
        return "…"
    return f"{number[:5]}…{number[-2:]}"


def mask_within(text: str) -> str:
    """Somebody else's words as logs may show them: numbers masked, on one line."""
    masked = _LONG_NUMBER.sub(lambda found: mask(found[0]), text)
    return " ".join(masked.split())


def group(number: str) -> str:
    """The number as people write it internationally; anything else comes back unchanged."""
    if not is_e164(number):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def national(number: str) -> str:
    """The number as people of its own country write it; anything else comes back unchanged."""
    if not is_e164(number):
        return number
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.NATIONAL)


@lru_cache(maxsize=512)
def example(region: str) -> str:
    """A number of `region` that nobody has where the country sets some aside, in national form."""
    reserved = {"GB": "+442079460101", "US": "+12025550123"}.get(region)
    number = (
        phonenumbers.parse(reserved)
        if reserved
        else phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        or phonenumbers.example_number(region)
    )
    if number is None:
        return ""
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def calling_code(region: str) -> str:
    """The country calling code of an ISO 3166 region, "" for an unknown one."""
    code = phonenumbers.country_code_for_region(region)
    return str(code) if code else ""


@lru_cache(maxsize=1024)
def region_name(region: str, language: str = "en") -> str:
    """The name of an ISO 3166 region in a language; the code itself where there is none."""
    try:
        territories = Locale.parse(language, sep="-").territories
    except (UnknownLocaleError, ValueError):
        territories = Locale.parse("en").territories
    return str(territories.get(region, region))


def regions() -> frozenset[str]:
    """Every ISO 3166 region that has a numbering plan."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def _plain_digits(text: str) -> str:
    if len(text) > LONGEST_SPELLING:
        raise InvalidNumber("too_long", "This is too long for a telephone number.")
    spelled = text.strip(" ")
    if not spelled:
        raise InvalidNumber("empty", "Enter a telephone number.")
    plain = []
    for position, character in enumerate(spelled):
        if character in _PLUS_SIGNS:
            if any(character not in _SEPARATORS for character in spelled[:position]):
                raise InvalidNumber("plus", "A plus sign can only stand first.")
            plain.append("+")
        elif character in _SEPARATORS or unicodedata.category(character) == "Pd":
            continue
        else:
            plain.append(_digit(character))
    return "".join(plain)


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    if value is None:
        raise InvalidNumber("characters", "Write only digits, spaces, dots, dashes and brackets.")
    return str(value)


def _kind(parsed: phonenumbers.PhoneNumber, e164: str) -> NumberKind:
    if _SPECIAL_RANGES.match(e164):
        return NumberKind.SPECIAL
    return _KINDS.get(phonenumbers.number_type(parsed), NumberKind.UNKNOWN)
