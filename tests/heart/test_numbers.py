from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall import numbers
from clicktocall.exceptions import InvalidNumber
from clicktocall.numbers import NumberKind, is_e164, parse_number

LONDON = "+442079460101"


@pytest.mark.parametrize(
    "spelling",
    [
        "020 7946 0101",
        "02079460101",
        "(020) 7946-0101",
        "020.7946.0101",
        "020–7946–0101",
        "+44 20 7946 0101",
        "+44 (0)20 7946 0101",
        "0044 20 7946 0101",
        "＋44 20 7946 0101",
        "٠٢٠ ٧٩٤٦ ٠١٠١",
        "०२० ७९४६ ०१०१",
        "０２０ ７９４６ ０１０１",
        "020\u00a07946\u202f0101",
        "[020] 7946 0101",
        "  020 7946 0101  ",
    ],
)
def test_ordinary_spellings_are_accepted(spelling: str) -> None:
    assert parse_number(spelling, "GB").e164 == LONDON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("020 7946 0101 ext 5", "characters"),
        ("020 7946 0101x5", "characters"),
        ("020 7946 0101;ext=5", "characters"),
        ("020 7946 0101,5", "characters"),
        ("020 7946 0101#5", "characters"),
        ("tel:+442079460101", "characters"),
        ("sip:bob@example.com", "characters"),
        ("*67 020 7946 0101", "characters"),
        ("0800 FLOWERS", "characters"),
        ("020 7946 0101\n", "characters"),
        ("020\t7946 0101", "characters"),
        ("020 7946 0101\x00", "characters"),
        ("\u202d020 7946 0101\u202c", "characters"),
        ("020\u200b7946 0101", "characters"),
        ("²079460101", "characters"),
        ("++442079460101", "plus"),
        ("020+79460101", "plus"),
        ("0" * 65, "too_long"),
        ("112", "syntax"),
        ("911", "syntax"),
        ("+44112", "syntax"),
        ("+1234567890123456789", "syntax"),
        ("7946 0101", "syntax"),
        ("+", "syntax"),
        ("-", "syntax"),
        ("+0442079460101", "syntax"),
    ],
)
def test_everything_else_is_refused_and_never_stripped(text: str, reason: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text, "GB")
    assert caught.value.reason == reason


def test_the_national_form_needs_a_region() -> None:
    with pytest.raises(InvalidNumber):
        parse_number("020 7946 0101")
    assert parse_number("+44 20 7946 0101").e164 == LONDON


@pytest.mark.parametrize(
    ("number", "kind", "region"),
    [
        (LONDON, NumberKind.FIXED, "GB"),
        ("+12025550101", NumberKind.FIXED_OR_MOBILE, "US"),
        ("+447400123456", NumberKind.MOBILE, "GB"),
        ("+18765551234", NumberKind.MOBILE, "JM"),
        ("+441481256789", NumberKind.FIXED, "GG"),
        ("+18005551234", NumberKind.TOLL_FREE, "US"),
        ("+448451234567", NumberKind.PREMIUM, "GB"),
        ("+19005551234", NumberKind.SPECIAL, "US"),
        ("+12129761234", NumberKind.SPECIAL, "US"),
        ("+881612345678", NumberKind.SPECIAL, "001"),
        ("+870773111632", NumberKind.SPECIAL, "001"),
        ("+882161234567", NumberKind.SPECIAL, "001"),
        ("+80012345678", NumberKind.SPECIAL, "001"),
        ("+979123456789", NumberKind.SPECIAL, "001"),
    ],
)
def test_kind_and_region(number: str, kind: NumberKind, region: str) -> None:
    parsed = parse_number(number)
    assert (parsed.kind, parsed.region) == (kind, region)


@given(st.text(max_size=70), st.sampled_from([None, "GB", "US", "IN", "DE"]))
def test_whatever_is_accepted_is_e164(text: str, region: str | None) -> None:
    try:
        number = parse_number(text, region)
    except InvalidNumber:
        return
    assert is_e164(number.e164)
    assert number.e164.isascii()


@given(
    st.sampled_from(sorted(numbers.regions())),
    st.lists(st.sampled_from([" ", ".", "-", "(", ")", "\u00a0", "–"]), max_size=12),
    st.randoms(use_true_random=False),
)
def test_separators_never_change_the_number(region, separators, random) -> None:
    example = phonenumbers.example_number(region)
    if example is None:
        return
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    spelled = list(written)
    for separator in separators:
        spelled.insert(random.randint(1, len(spelled)), separator)
    assert parse_number("".join(spelled)).e164 == written


def test_masking_leaves_nothing_to_call() -> None:
    assert numbers.mask(LONDON) == "+4420…01"
    assert numbers.mask("+1234") == "…"


def test_every_region_has_an_example_and_a_name() -> None:
    for region in numbers.regions() - {"001"}:
        assert numbers.calling_code(region)
        assert numbers.region_name(region) != ""
    assert numbers.region_name("DE", "de") == "Deutschland"
    assert numbers.region_name("DE", "xx-unknown") == "Germany"


def test_somebody_elses_words_are_masked_and_on_one_line() -> None:
    words = "400 The number +447911123456 is barred\nsee 02079460101"
    assert numbers.mask_within(words) == "400 The number +4479…56 is barred see 02079…01"
