"""Finding the calls of one number: exactly when it is whole, by its digits when it is not."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicktocall.exceptions import InvalidNumber
from clicktocall.history.search import called
from clicktocall.models import Call
from tests.factories import make_call, make_endpoint

pytestmark = pytest.mark.django_db

BRITISH = "+442079460101"
NEIGHBOUR = "+442079460102"
AMERICAN = "+12025550123"
INDIAN = "+912230010101"
EVERYBODY = {BRITISH, NEIGHBOUR, AMERICAN, INDIAN}
REGIONS = ("GB", "US", "IN")


@pytest.fixture(autouse=True)
def calls_of_everybody(db: None) -> None:
    endpoint = make_endpoint()
    for contact in sorted(EVERYBODY):
        make_call(endpoint, contact=contact)


def found(text: str, regions: tuple[str, ...] = REGIONS) -> set[str]:
    numbers = called(Call.objects.all(), text, regions).values_list("contact", flat=True)
    assert len(numbers) == len(set(numbers))
    return {str(number.as_e164) for number in numbers}


@pytest.mark.parametrize(
    "text",
    [
        "+442079460101",
        " +44 (20) 7946-0101 ",
        "+44 (0)20 7946 0101",
        "＋４４（２０）７９４６０１０１",
        "+٤٤٢٠٧٩٤٦٠١٠١",
        "020 7946 0101",
        "020.7946.0101",
        "020/79460101",
        "020 7946–0101",
        "(020)\u00a07946\u202f0101",
        "०२०७९४६०१०१",
        "0044 20 7946 0101",
        "2079460101",
    ],
)
def test_a_whole_number_is_found_in_any_spelling(text: str) -> None:
    assert found(text) == {BRITISH}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("7946 01", {BRITISH, NEIGHBOUR}),
        ("7946 010", {BRITISH, NEIGHBOUR}),  # has the length of a short British number
        ("020 7946", {BRITISH, NEIGHBOUR}),
        ("+44 20", {BRITISH, NEIGHBOUR}),
        ("+44 207 946 010", {BRITISH, NEIGHBOUR}),
        ("（०२０）７９４６", {BRITISH, NEIGHBOUR}),
        ("0101", {BRITISH, INDIAN}),
        ("555-0123", {AMERICAN}),
        ("001", {INDIAN}),
        ("999", set()),
    ],
)
def test_a_part_is_found_by_its_digits(text: str, wanted: set[str]) -> None:
    assert found(text) == wanted


def test_the_national_form_is_read_in_the_regions_given() -> None:
    assert found("(202) 555-0123", ("GB", "US")) == {AMERICAN}
    assert found("020 7946 0101", ("GB",)) == {BRITISH}
    assert found("0101", ()) == {BRITISH, INDIAN}
    assert found("+1 202 555 0123", ()) == {AMERICAN}
    assert found("020 7946 0101", ("XX",)) == {BRITISH}  # by its digits


def test_only_the_contact_counts() -> None:
    call = make_call(extension="+442079460999", caller_id_name="2079460999", contact=AMERICAN)
    assert found("+442079460999") == set()
    assert call in called(Call.objects.all(), "555 0123", REGIONS)


def test_only_the_calls_given_are_searched() -> None:
    other = make_call(contact=BRITISH)
    calls = Call.objects.filter(account=other.account_id)
    assert list(called(calls, "020 7946 0101", REGIONS)) == [other]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("Ada Bell", "characters"),
        ("020 7946 0101 ext 5", "characters"),
        ("tel:+442079460101", "characters"),
        ("%", "characters"),
        ("01%", "characters"),
        ("0101\x00", "characters"),
        ("²³¹", "characters"),
        ("12", "syntax"),
        ("+44", "syntax"),
        ("--", "syntax"),
        ("44+20", "plus"),
        ("0" * 65, "too_long"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidNumber) as refused:
        called(Call.objects.all(), text, REGIONS)
    assert refused.value.reason == reason


def test_a_whole_number_uses_the_index() -> None:
    plan = called(Call.objects.order_by(), "020 7946 0101", REGIONS)
    if connection.vendor == "sqlite":
        assert "ctc_call_contact" in plan.explain()
    assert "LIKE" not in str(plan.query)
    assert "LIKE" not in str(called(Call.objects.all(), BRITISH, ()).query)


@given(
    st.sampled_from(sorted(EVERYBODY)),
    st.integers(3, 12),
    st.integers(0, 9),
    st.sampled_from(["", " ", "-", ".", "/", "\u2009"]),
    st.sampled_from([0x30, 0x660, 0x966, 0xFF10]),
)
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80
)
def test_any_three_digits_of_a_number_or_more_find_it(
    number: str, length: int, start: int, between: str, zero: int
) -> None:
    """Without regions nothing is a whole number, so this is about parts alone."""
    digits = number[1:][start : start + length]
    if len(digits) < 3:
        digits = number[-3:]
    spelled = between.join(chr(zero + int(digit)) for digit in digits)
    answer = found(spelled, ())
    assert number in answer
    assert answer <= {other for other in EVERYBODY if digits.lstrip("0") in other}


@given(st.text(max_size=20) | st.text("0123456789+ ()-./x٤\x00", max_size=70))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        answer = found(text)
    except InvalidNumber as refused:
        answer = set()
        reason = refused.reason
    else:
        reason = ""
    assert answer <= EVERYBODY
    assert reason in {"", "empty", "too_long", "characters", "plus", "syntax"}
