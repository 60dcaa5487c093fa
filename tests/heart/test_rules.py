"""The rules together: what may be called is exactly what the operator allowed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.calls import request_call
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.endpoints.load import load_endpoint
from clicktocall.exceptions import CallRefused, InvalidNumber
from clicktocall.models import Call, Endpoint
from clicktocall.numbers import ORDINARY_KINDS, ContactNumber, parse_number
from clicktocall.patterns import matches
from clicktocall.rules import RULES, Asked, VisitorCode, first_refusal
from tests.factories import VISITOR, make_account, make_endpoint

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ORIGIN = "https://shop.example"


def examples() -> list[ContactNumber]:
    """An example of every type of number of every region, and of the ranges without a country."""
    types = phonenumbers.PhoneNumberType.values()
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in types
    ]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    numbers = []
    for number in found:
        if number is not None:
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            try:
                numbers.append(parse_number(e164))
            except InvalidNumber:
                continue  # refused even earlier
    return numbers


EXAMPLES = examples()
PATTERNS = [r"\+44", r"\+447", r"\+1", r"\+1202555", r"\+", r"\+442079460101$", ".*"]


def endpoint(**fields: Any) -> Endpoint:
    """An endpoint that was never saved: the rules need no database."""
    patterns, stopped_by = fields.pop("patterns", []), fields.pop("stopped_by", "")
    made = Endpoint(
        name="Sales",
        extension="+442079460150",
        **{"allowed_origins": [ORIGIN], "allowed_countries": ["GB"], **fields},
    )
    made.whitelist_patterns = patterns
    made.stopped_by = stopped_by
    return made


def asked(button: Endpoint, contact: ContactNumber, **more: Any) -> Asked:
    return Asked(endpoint=button, contact=contact, placed_at=NOW, **more)


def test_of_all_example_numbers_a_british_button_calls_ordinary_british_ones() -> None:
    button = endpoint(allow_any_number=True)
    passed = [number for number in EXAMPLES if first_refusal(asked(button, number)) is None]
    assert len(EXAMPLES) > 1000
    assert passed
    assert {number.region for number in passed} == {"GB"}
    assert {number.kind for number in passed} <= ORDINARY_KINDS


@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from(["GB", "US", "DE", "JM", "001", "GG"]), max_size=4),
    st.lists(st.sampled_from(PATTERNS), max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "the whole site"]),
)
def test_a_number_passes_exactly_when_every_list_allows_it(
    contact: ContactNumber,
    countries: list[str],
    patterns: list[str],
    any_number: bool,
    active: bool,
    stopped_by: str,
) -> None:
    button = endpoint(
        allowed_countries=countries,
        patterns=patterns,
        allow_any_number=any_number,
        active=active,
        stopped_by=stopped_by,
    )
    allowed = (
        active
        and not stopped_by
        and contact.kind in ORDINARY_KINDS
        and contact.region in countries
        and (any_number or any(matches(pattern, contact.e164) for pattern in patterns))
    )
    assert (first_refusal(asked(button, contact)) is None) == allowed


@given(st.sampled_from(EXAMPLES), st.text(max_size=40), st.sampled_from(["", "0" * 32, None]))
def test_a_visitor_needs_a_listed_origin_and_a_token(
    contact: ContactNumber, origin: str, nonce: str | None
) -> None:
    button = endpoint(allow_any_number=True)
    refusal = first_refusal(asked(button, contact, origin=origin, token_nonce=nonce))
    if origin != ORIGIN:
        assert refusal is not None
        assert refusal.rule == "origin_not_allowed"
    elif nonce == "":
        assert refusal is not None
        assert refusal.code == VisitorCode.TOKEN_INVALID


@given(st.sampled_from(EXAMPLES), st.sets(st.sampled_from(range(len(RULES)))))
def test_leaving_a_rule_out_never_refuses_more(contact: ContactNumber, kept: set[int]) -> None:
    everything = asked(endpoint(patterns=[r"\+44"]), contact, origin=ORIGIN, token_nonce="a" * 32)
    if first_refusal(everything) is None:
        assert all(RULES[place](everything) is None for place in kept)


# --- What is stopped: the one rule that looks beyond the endpoint --------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        ([], ""),
        (["another account", "third"], ""),
        (["sandbox"], ""),
        (["second", "third"], ""),
        (["sandbox", "second", "third"], "every provider of it (sandbox, second)"),
        (["this account"], "this account"),
        (["this account", "sandbox", "second"], "this account"),
        (["the site", "this account"], "the whole site"),
    ],
)
def test_what_stops_an_endpoint_is_the_same_whichever_way_it_is_read(
    stopped: list[str], told: str
) -> None:
    made = make_endpoint(fallback_providers=["second"])
    scopes: dict[str, Any] = {
        "the site": {},
        "this account": {"account": made.account},
        "another account": {"account": make_account()},
    }
    for what in stopped:
        stop_calls(**scopes.get(what, {"provider": what}))
    loaded = load_endpoint(made.pk)
    assert loaded is not None
    assert loaded.stopped_by == Endpoint.objects.get(pk=made.pk).stopped_by == told


@pytest.mark.django_db
def test_python_code_is_told_that_calls_are_stopped() -> None:
    made = make_endpoint()
    stop_calls()
    with pytest.raises(CallRefused) as refused:
        request_call(Endpoint.objects.get(pk=made.pk), VISITOR)
    verdict: Any = refused.value.refusal
    assert (verdict.rule, verdict.code) == ("stopped", VisitorCode.UNAVAILABLE)
    assert not Call.objects.exists()
    resume_calls()
    assert request_call(Endpoint.objects.get(pk=made.pk), VISITOR).state == "queued"


@pytest.mark.django_db
def test_an_endpoint_that_was_loaded_asks_nothing_more(django_assert_num_queries: Any) -> None:
    made = make_endpoint()
    with django_assert_num_queries(1):
        loaded = load_endpoint(made.pk)
        assert loaded is not None
        assert loaded.stopped_by == ""
