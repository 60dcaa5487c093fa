from __future__ import annotations

import time

import pytest

from clicktocall.exceptions import InvalidPattern
from clicktocall.patterns import compile_pattern, matches

LONDON = "+442079460101"


@pytest.mark.parametrize(
    ("pattern", "number", "expected"),
    [
        (r"\+4420", LONDON, True),
        (r"^\+4420", LONDON, True),
        (r"\+4420$", LONDON, False),
        (r"\+442079460101$", LONDON, True),
        (r"\+1212|\+44", LONDON, True),
        (r"\+1212", "+8816121234", False),
        (r".*", LONDON, True),
        (r"[+]44", LONDON, True),
    ],
)
def test_matched_from_the_start(pattern: str, number: str, expected: bool) -> None:
    compile_pattern(pattern)
    assert matches(pattern, number) is expected


@pytest.mark.parametrize("pattern", ["44", "^44.*", r"(\d+)+$", "1212|44", r"\d{5,}"])
def test_a_pattern_that_can_never_match_a_plus_is_refused_with_the_reason(pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="plus sign"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "x" * 257, "(?=x)", r"(a)\1", "(a{1000}){1000}", "+44", r"\+44)|(?:.*", "[", "\ud800"],
)
def test_unusable_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)
    assert matches(pattern, LONDON) is False


@pytest.mark.parametrize("pattern", [r"\+4420|\+4416|", "a*", r"\+?", r"(\+44|)"])
def test_a_pattern_that_asks_for_nothing_by_mistake_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="lets every number through"):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\+", ".*", r"^.*$", r"\+\d+", r"\+.*"])
def test_a_pattern_for_every_number_is_allowed_when_it_is_meant(pattern: str) -> None:
    compile_pattern(pattern)
    assert matches(pattern, LONDON)


def test_a_forgotten_backslash_is_explained() -> None:
    with pytest.raises(InvalidPattern, match=r"literal plus as \\\+"):
        compile_pattern("+44")


def test_a_hostile_pattern_is_not_slow() -> None:
    compile_pattern(r"^\+?(\d+)+$")
    started = time.perf_counter()
    matches(r"^\+?(\d+)+$", "+" + "1" * 60 + "x")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("pattern", [r"\+1[0-9]{0,1000}", r"\+4{31}", r"\+44[0-9]{31,}"])
def test_nothing_is_repeated_longer_than_a_number(pattern: str) -> None:
    with pytest.raises(InvalidPattern, match="at most 15 digits"):
        compile_pattern(pattern)
