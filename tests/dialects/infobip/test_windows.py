"""Delivery time windows in fixed UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.dialects.infobip.windows import window_in_utc
from clicktocall.hours import DAYS, delivery_window

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> dict[str, int]:
    return {"hour": hour, "minute": minute}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({}, None),
        (
            {"days": ["friday"], "from": at(6), "to": at(15, 30)},
            {"days": ["FRIDAY"], "from": at(6), "to": at(15, 30)},
        ),
        (  # five and a half hours ahead, all year
            {"days": ["monday"], "from": at(9), "to": at(17), "time_zone": "Asia/Kolkata"},
            {"days": ["MONDAY"], "from": at(3, 30), "to": at(11, 30)},
        ),
        (  # thirteen hours ahead: Monday morning there is Sunday in UTC
            {"days": ["monday"], "from": at(8), "to": at(12), "time_zone": "Pacific/Tongatapu"},
            {"days": ["SUNDAY"], "from": at(19), "to": at(23)},
        ),
        (  # ten hours behind: Sunday evening there is Monday in UTC
            {"days": ["sunday"], "from": at(15), "to": at(20), "time_zone": "Pacific/Honolulu"},
            {"days": ["MONDAY"], "from": at(1), "to": at(6)},
        ),
        # its clocks change
        ({"from": at(9), "to": at(17), "time_zone": "Europe/London"}, None),
        # runs over midnight, there or in UTC
        ({"from": at(22), "to": at(6)}, None),
        ({"from": at(22), "to": at(0)}, None),
        ({"from": at(4), "to": at(9), "time_zone": "Asia/Kolkata"}, None),
        # Infobip wants times
        ({"days": ["monday", "tuesday"]}, None),
    ],
)
def test_windows(stored: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert window_in_utc(stored, now=NOW) == expected


def test_a_broken_window_names_its_key() -> None:
    with pytest.raises(ValueError, match="to:"):
        window_in_utc({"from": at(9), "to": at(9, 30)}, now=NOW)


STORED = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
        "from": st.builds(at, st.integers(0, 23), st.integers(0, 59)),
        "to": st.builds(at, st.integers(0, 23), st.integers(0, 59)),
        "time_zone": st.sampled_from(
            ["UTC", "Asia/Kolkata", "Pacific/Honolulu", "Pacific/Tongatapu", "Europe/London"]
        ),
    }
)


@given(STORED, st.integers(0, 7 * 24 * 60))
def test_what_is_expressed_is_open_when_the_window_is(stored: dict[str, Any], later: int) -> None:
    try:
        window = delivery_window(stored)
    except ValueError:
        return
    expressed = window_in_utc(stored, now=NOW)
    if expressed is None:
        return
    assert window is not None
    moment = NOW + timedelta(minutes=later)
    spoken = delivery_window(expressed)
    assert spoken is not None
    assert spoken.is_open(moment) == window.is_open(moment)
