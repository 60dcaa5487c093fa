from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.hours import delivery_window, opening_hours

LONDON = ZoneInfo("Europe/London")
OFFICE = {
    "time_zone": "Europe/London",
    **{
        day: [["09:00", "17:30"]]
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    },
}


def london(*when: int) -> datetime:
    return datetime(*when, tzinfo=LONDON)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (london(2026, 11, 23, 8, 59, 59), False),
        (london(2026, 11, 23, 9, 0), True),
        (london(2026, 11, 23, 17, 29, 59), True),
        (london(2026, 11, 23, 17, 30), False),
        (london(2026, 11, 22, 12, 0), False),
        (london(2026, 3, 30, 9, 0), True),  # the Monday after the clocks went forward
        (datetime(2026, 7, 6, 8, 30, tzinfo=UTC), True),  # 9:30 in summer London
        (datetime(2026, 11, 23, 8, 30, tzinfo=UTC), False),
    ],
)
def test_opening_hours_are_wall_clock_times(at: datetime, is_open: bool) -> None:
    hours = opening_hours(OFFICE)
    assert hours is not None
    assert hours.is_open(at) is is_open


def test_the_next_opening_skips_the_weekend() -> None:
    hours = opening_hours(OFFICE)
    assert hours is not None
    assert hours.next_open(london(2026, 11, 20, 18, 0)) == london(2026, 11, 23, 9, 0)


def test_overnight_spans_run_into_the_next_day() -> None:
    hours = opening_hours({"time_zone": "UTC", "friday": [["22:00", "02:00"]]})
    assert hours is not None
    assert hours.is_open(datetime(2026, 11, 20, 23, 0, tzinfo=UTC))
    assert hours.is_open(datetime(2026, 11, 21, 1, 59, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))


def test_a_whole_day_ends_at_midnight() -> None:
    hours = opening_hours({"monday": [["00:00", "24:00"]]})
    assert hours is not None
    assert hours.is_open(datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))


CHRISTMAS = {
    **OFFICE,
    "exceptions": {
        "2026-12-24": [["09:00", "12:00"]],
        "2026-12-25": [],
        "2026-12-26": [["22:00", "01:00"]],  # a Saturday
        "2026-12-28": [],
    },
}


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (london(2026, 12, 24, 11, 59), True),
        (london(2026, 12, 24, 12, 0), False),
        (london(2026, 12, 25, 10, 0), False),
        (london(2026, 12, 26, 10, 0), False),
        (london(2026, 12, 26, 22, 0), True),
        (london(2026, 12, 27, 0, 59), True),
        (london(2026, 12, 27, 1, 0), False),
        (london(2026, 12, 28, 10, 0), False),
        (london(2026, 12, 29, 9, 0), True),
        (london(2027, 12, 24, 15, 0), True),  # the date of another year
    ],
)
def test_single_dates_have_hours_of_their_own(at: datetime, is_open: bool) -> None:
    hours = opening_hours(CHRISTMAS)
    assert hours is not None
    assert hours.is_open(at) is is_open


def test_the_next_opening_knows_the_exceptions() -> None:
    hours = opening_hours(CHRISTMAS)
    assert hours is not None
    assert hours.next_open(london(2026, 12, 24, 12, 0)) == london(2026, 12, 26, 22, 0)
    assert hours.next_open(london(2026, 12, 27, 1, 0)) == london(2026, 12, 29, 9, 0)


def test_a_month_of_holidays_ends() -> None:
    closed: dict[str, list[Any]] = {
        str(date(2026, 12, 1) + timedelta(days=day)): [] for day in range(31)
    }
    hours = opening_hours({**OFFICE, "exceptions": closed})
    assert hours is not None
    assert hours.next_open(london(2026, 12, 1, 9, 0)) == london(2027, 1, 1, 9, 0)


@pytest.mark.parametrize(
    "exceptions",
    [
        [],
        {"25.12.2026": []},
        {"2026-02-30": []},
        {"2026-12-25": None},
        {"2026-12-25": [["9"]]},
        {"٢٠٢٦-12-25": []},
        {str(date(2026, 1, 1) + timedelta(days=day)): [] for day in range(401)},
    ],
)
def test_wrong_exceptions_are_named(exceptions: Any) -> None:
    with pytest.raises(ValueError, match=r"exceptions|2026-12-25"):
        opening_hours({**OFFICE, "exceptions": exceptions})


@pytest.mark.parametrize(
    "stored",
    [
        {"someday": []},
        {"time_zone": "Mars/Olympus", "monday": [["09:00", "10:00"]]},
        {"time_zone": 5, "monday": [["09:00", "10:00"]]},
        {"monday": [["9", "10"]]},
        {"monday": [["09:00"]]},
        {"monday": "09:00-10:00"},
        {"monday": [["25:00", "26:00"]]},
        {"monday": [[9, 10]]},
        {"time_zone": "UTC"},
    ],
)
def test_wrong_hours_name_what_is_wrong(stored: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=r"."):
        opening_hours(stored)


def test_a_window_without_days_means_all_seven() -> None:
    window = delivery_window({"from": {"hour": 6}, "to": {"hour": 15, "minute": 30}})
    assert window is not None
    for day in range(7):
        at = datetime(2026, 11, 23, 6, 0, tzinfo=UTC) + timedelta(days=day)
        assert window.is_open(at)
        assert not window.is_open(at - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ({"from": {"hour": 9}, "to": {"hour": 9, "minute": 59}}, "to"),
        ({"from": {"hour": 9}}, "from and to"),
        ({"days": ["SOMEDAY"], "from": {"hour": 9}, "to": {"hour": 17}}, "days"),
        ({"days": []}, "days"),
        ({"from": {"hour": 24}, "to": {"hour": 3}}, "from"),
        ({"from": {"hour": True}, "to": {"hour": 3}}, "from"),
        ({"from": 9, "to": 17}, "from"),
        ({"hours": 1}, "hours"),
    ],
)
def test_contradictory_windows_are_refused(stored: dict, named: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=named):
        delivery_window(stored)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"]),
)
def test_the_next_opening_is_open_and_not_before_now(at, start, end, zone) -> None:
    if start == end:
        return
    window = delivery_window({"from": {"hour": start}, "to": {"hour": end}, "time_zone": zone})
    assert window is not None
    opening = window.next_open(at)
    assert opening is not None
    assert opening >= at
    assert opening - at <= timedelta(days=2)
    assert window.is_open(opening)
