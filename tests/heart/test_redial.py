from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.calls.redial import LADDER, redial_wait
from clicktocall.orders import CallOptions
from clicktocall.states import Outcome


def waits(low: int, high: int, count: int) -> list[float]:
    options = CallOptions(retry_min_period=low, retry_max_period=high, retry_max_count=count)
    steps = (redial_wait(options, redials, Outcome.BUSY) for redials in range(10))
    return [step / timedelta(minutes=1) for step in steps if step is not None]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1, 5, [1, 2, 5, 5]), (3, 7, [3, 3, 5, 7]), (4, 4, [4, 4, 4, 4]), (1, 1440, [1, 2, 5, 10])],
)
def test_the_ladder_is_clipped_into_the_periods(low: int, high: int, expected: list[int]) -> None:
    assert waits(low, high, 4) == expected


def table() -> Iterator[tuple[int, int, list[int]]]:
    """Shortest and longest period, and the four waits, as somebody has written them down."""
    with (Path(__file__).parent / "redial_waits.csv").open() as file:
        for row in csv.DictReader(file):
            low, high, *expected = (int(cell) for cell in row.values())
            yield low, high, expected


@pytest.mark.parametrize("count", range(11))
def test_the_waits_are_those_of_the_table(count: int) -> None:
    for low, high, expected in table():
        assert waits(low, high, count) == expected[:count], (low, high)


@pytest.mark.parametrize(
    "outcome", sorted(set(Outcome) - {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED})
)
def test_only_whom_nobody_reached_is_redialled(outcome: Outcome) -> None:
    options = CallOptions(retry_min_period=1, retry_max_period=5, retry_max_count=4)
    assert redial_wait(options, 0, outcome) is None


def test_at_most_four_redials_whatever_is_asked() -> None:
    assert len(waits(1, 5, 9)) == 4
    assert waits(1, 5, 0) == []


def test_without_periods_nothing_is_redialled() -> None:
    assert redial_wait(CallOptions(retry_max_count=3), 0, Outcome.BUSY) is None


@given(st.integers(1, 1440), st.integers(1, 1440), st.integers(0, 4))
def test_every_wait_lies_within_the_periods(one: int, other: int, count: int) -> None:
    low, high = min(one, other), max(one, other)
    got = waits(low, high, count)
    assert len(got) == count
    assert all(low <= wait <= high for wait in got)
    assert got == [min(max(step, low), high) for step in LADDER[:count]]
