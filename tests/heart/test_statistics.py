"""Figures over calls: the database's sums are those of plain Python, on every calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicktocall.history.statistics import Statistics, statistics_of
from clicktocall.models import Account, Call, Endpoint, RefusalCount
from clicktocall.models.fields import hex_id
from clicktocall.orders import ExtensionKind
from clicktocall.states import CallState, Outcome
from tests.factories import TEAM, VISITOR, make_account, make_call, make_endpoint

pytestmark = pytest.mark.django_db

LONDON = ZoneInfo("Europe/London")
APIA = ZoneInfo("Pacific/Apia")
UTC_ZONE = ZoneInfo("UTC")
ZONES = [
    LONDON,
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Kolkata"),
    APIA,
    UTC_ZONE,
    ZoneInfo("Asia/Kathmandu"),  # 5:45 ahead
    ZoneInfo("Australia/Lord_Howe"),  # its summer time is half an hour
    ZoneInfo("America/St_Johns"),  # went back at 00:01, so one day came twice
]
INSTANT = timedelta(microseconds=1)
# Around changes of the clock: London and New York, Samoa's lost day, Newfoundland's double one.
SPANS = [
    (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)),
    (datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)),
    (datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC)),
    (datetime(2010, 11, 6, tzinfo=UTC), datetime(2010, 11, 9, tzinfo=UTC)),
]


@dataclass(frozen=True)
class Row:
    """What the figures depend on."""

    created_at: datetime
    endpoint: int
    state: CallState
    outcome: Outcome | None
    joined: bool
    one_leg: bool
    talk_seconds: int | None
    price: Decimal | None
    currency: str

    @property
    def is_connected(self) -> bool:
        return (
            self.state == CallState.ENDED
            and self.joined
            and not self.one_leg
            and self.talk_seconds is not None
            and self.talk_seconds >= 10
        )


@st.composite
def rows(draw: st.DrawFn, since: datetime, until: datetime, zone: ZoneInfo) -> Row:
    """A call in, at or just outside the range; many at the very edges of days."""
    at = draw(
        st.datetimes(
            (since - timedelta(hours=2)).replace(tzinfo=None),
            (until + timedelta(hours=2)).replace(tzinfo=None),
        )
    ).replace(tzinfo=UTC)
    midnight = datetime.combine(at.astimezone(zone).date(), datetime.min.time(), zone)
    edges = (at, since, since - INSTANT, until, until - INSTANT)
    near = (midnight.astimezone(UTC), midnight.astimezone(UTC) - INSTANT)
    state = draw(st.sampled_from([CallState.ENDED, CallState.ENDED, *CallState]))
    over = state == CallState.ENDED
    price = st.decimals(0, Decimal("999999.999999"), places=6)
    return Row(
        created_at=draw(st.sampled_from([*edges, *near])),
        endpoint=draw(st.integers(0, 2)),
        state=state,
        outcome=draw(st.sampled_from(Outcome)) if over else None,
        joined=draw(st.booleans()),
        one_leg=draw(st.booleans()),
        talk_seconds=draw(st.none() | st.sampled_from([0, 9, 10]) | st.integers(0, 86_400)),
        price=draw(st.none() | st.sampled_from([Decimal("0.1"), Decimal("0.000249")]) | price),
        currency=draw(st.sampled_from(["GBP", "EUR", ""])),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[datetime, datetime, ZoneInfo, list[Row]]:
    since, until = draw(st.sampled_from(SPANS))
    since += timedelta(minutes=draw(st.sampled_from([0, 1, 600, 1439])))
    zone = draw(st.sampled_from(ZONES))
    return since, until, zone, draw(st.lists(rows(since, until, zone), max_size=30))


def stored(found: Iterable[Row], endpoints: list[Endpoint]) -> None:
    made = [
        Call(
            account_id=endpoints[row.endpoint].account_id,
            endpoint=endpoints[row.endpoint],
            contact=VISITOR,
            extension_kind=ExtensionKind.FLOW if row.one_leg else ExtensionKind.NUMBER,
            extension=TEAM,
            provider="sandbox",
            expires_at=row.created_at,
            state=row.state,
            outcome=row.outcome,
            joined_at=row.created_at if row.joined else None,
            talk_seconds=row.talk_seconds,
            price=row.price,
            currency=row.currency,
            **({"leg_b": None} if row.one_leg else {}),
        )
        for row in found
    ]
    Call.objects.bulk_create(made)
    for call, row in zip(made, found, strict=True):
        call.created_at = row.created_at  # creating a call sets it to now
    Call.objects.bulk_update(made, ["created_at"], batch_size=100)


# --- The same in plain Python --------------------------------------------------------------


def counted(found: list[Row]) -> dict[str, Any]:
    over = [row for row in found if row.state == CallState.ENDED]
    return {
        "total": len(found),
        "in_progress": len(found) - len(over),
        "connected": sum(row.is_connected for row in found),
        "talk_seconds": sum(row.talk_seconds or 0 for row in over),
        "by_outcome": {kind: sum(row.outcome == kind for row in over) for kind in Outcome},
    }


def prices(found: list[Row]) -> dict[str, Decimal]:
    priced = [(row.currency, row.price) for row in found if row.price is not None]
    return {
        currency: sum((price for other, price in priced if other == currency), Decimal(0))
        for currency, _ in priced
    }


def calendar(since: datetime, until: datetime, zone: ZoneInfo) -> list[date]:
    """Every day that a clock on the wall shows, looked at each half minute."""
    moments = (until - since) // timedelta(seconds=30)
    looks = [since + timedelta(seconds=30) * n for n in range(moments)]
    return sorted({at.astimezone(zone).date() for at in [*looks, until - INSTANT]})


CALENDARS: dict[tuple[datetime, datetime, ZoneInfo], list[date]] = {}


def shown(figures: Any) -> dict[str, Any]:
    """The figures that every part of the answer has."""
    names = ("total", "in_progress", "connected", "talk_seconds", "by_outcome")
    return {name: getattr(figures, name) for name in names}


@given(situations())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_every_figure_is_that_of_plain_python(
    situation: tuple[datetime, datetime, ZoneInfo, list[Row]],
) -> None:
    since, until, zone, made = situation
    Call.objects.all().delete()
    endpoints = sorted(Endpoint.objects.all(), key=lambda endpoint: endpoint.name)
    if not endpoints:
        account = make_account()
        endpoints = [make_endpoint(account, name=name) for name in ("A", "B", "C")]
    stored(made, endpoints)

    found = ask(since, until, zone)

    within = [row for row in made if since <= row.created_at < until]
    assert shown(found) == counted(within)
    assert found.prices == prices(within)
    assert found.refused == 0
    own = {n: [row for row in within if row.endpoint == n] for n in range(3)}
    busiest = sorted((n for n in own if own[n]), key=lambda n: (-len(own[n]), n))
    assert [(one.id, one.name) for one in found.by_endpoint] == [
        (endpoints[n].pk, "ABC"[n]) for n in busiest
    ]
    assert [shown(one) for one in found.by_endpoint] == [counted(own[n]) for n in busiest]
    days = CALENDARS.setdefault((since, until, zone), calendar(since, until, zone))
    assert [one.day for one in found.by_day] == days
    for one in found.by_day:
        expected = [row for row in within if row.created_at.astimezone(zone).date() == one.day]
        assert shown(one) == counted(expected), one.day


def ask(
    since: datetime = SPANS[0][0],
    until: datetime = SPANS[0][1],
    zone: ZoneInfo = UTC_ZONE,
    calls: Any = None,
) -> Statistics:
    calls = Call.objects.all() if calls is None else calls
    refusals = RefusalCount.objects.all()
    return statistics_of(calls, refusals, since=since, until=until, zone=zone)


def a_call(at: datetime, endpoint: Endpoint | None = None, **fields: Any) -> Call:
    call = make_call(endpoint, **fields)
    Call.objects.filter(pk=call.pk).update(created_at=at)
    return call


# --- Days ----------------------------------------------------------------------------------


def busy_days(found: Statistics) -> list[date]:
    return [day.day for day in found.by_day if day.total]


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        (datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 7, 2)),
        (datetime(2026, 12, 1, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 12, 1)),
        (datetime(2026, 7, 1, 3, 59, 59, 999999, UTC), "America/New_York", date(2026, 6, 30)),
        (datetime(2026, 7, 1, 18, 29, 59, 999999, UTC), "Asia/Kolkata", date(2026, 7, 1)),
        (datetime(2026, 7, 1, 18, 30, tzinfo=UTC), "Asia/Kolkata", date(2026, 7, 2)),
        (datetime(2011, 12, 30, 9, 59, 59, 999999, UTC), "Pacific/Apia", date(2011, 12, 29)),
        (datetime(2011, 12, 30, 10, tzinfo=UTC), "Pacific/Apia", date(2011, 12, 31)),
        (datetime(2026, 7, 1, 23, 59, 59, 999999, UTC), "UTC", date(2026, 7, 1)),
        # Known to Python, not to every PostgreSQL.
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), "US/Pacific", date(2026, 6, 30)),
    ],
)
def test_a_call_belongs_to_the_day_on_the_wall(at: datetime, zone: str, day: date) -> None:
    a_call(at)
    found = ask(at - timedelta(days=40), at + timedelta(days=40), ZoneInfo(zone))
    assert busy_days(found) == [day]


def test_days_around_a_change_of_the_clock_have_their_own_length() -> None:
    """Each hour of three days, once: the day that springs forward has 23, the other 25."""
    spring, autumn = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 23, 23, tzinfo=UTC)
    endpoint = make_endpoint()
    for start in (spring, autumn):
        for hour in range(72):
            a_call(start + timedelta(hours=hour), endpoint)
    forward = ask(spring, spring + timedelta(hours=71), LONDON)
    back = ask(autumn, autumn + timedelta(hours=73), LONDON)
    assert [day.total for day in forward.by_day] == [24, 23, 24]
    assert [day.total for day in back.by_day] == [24, 25, 23]


def test_a_day_that_a_zone_skipped_is_not_there() -> None:
    start = datetime(2011, 12, 29, 11, tzinfo=UTC)
    days = [day.day for day in ask(start, start + timedelta(days=2), APIA).by_day]
    assert days == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


def test_days_without_calls_are_there_in_order() -> None:
    a_call(datetime(2026, 3, 8, 12, tzinfo=UTC))
    found = ask(datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    assert [(day.day.day, day.total) for day in found.by_day] == [(7, 0), (8, 1), (9, 0)]
    assert set(found.by_day[0].by_outcome) == set(Outcome)


# --- Counting ------------------------------------------------------------------------------


def test_connected_is_ten_seconds_of_two_people() -> None:
    at = SPANS[0][0]
    talked: dict[str, Any] = {"joined_at": at, "talk_seconds": 10, "outcome": Outcome.COMPLETED}
    over = {"state": CallState.ENDED, **talked}
    a_call(at, **over)
    for short_of_it in (
        {**over, "talk_seconds": 9},
        {**over, "talk_seconds": None},
        {**over, "joined_at": None},
        {**over, "leg_b": None},
        {**over, "state": CallState.CONNECTED, "outcome": None},
    ):
        a_call(at, **short_of_it)
    found = ask()
    assert (found.total, found.in_progress, found.connected) == (6, 1, 1)
    assert found.talk_seconds == 10 + 9 + 10 + 10
    assert found.by_outcome[Outcome.COMPLETED] == 5


def test_prices_are_exact() -> None:
    """As floats, ten times 0.1 is not 1, and a million times 0.000249 is less than 249."""
    endpoint = make_endpoint()
    for price in ["0.1"] * 10 + ["0.000249"] * 3 + ["999999.999999"] * 9 + ["0.000001"]:
        a_call(SPANS[0][0], endpoint, price=Decimal(price), currency="EUR")
    a_call(SPANS[0][0], endpoint, price=Decimal("8.2"), currency="GBP")
    found = ask().prices
    assert found == {"EUR": Decimal("9000001.000739"), "GBP": Decimal("8.2")}
    assert all(isinstance(price, Decimal) for price in found.values())


def test_large_sums_of_prices_are_exact_to_the_last_place() -> None:
    """A sum of sixteen digits is more than a float holds."""
    most, least = Decimal("999999.999999"), Decimal("0.000001")
    priced = [
        Row(SPANS[0][0], 0, CallState.ENDED, Outcome.COMPLETED, True, False, 60, price, "USD")
        for price in [most] * 2000 + [least]
    ]
    stored(priced, [make_endpoint()])
    assert ask().prices == {"USD": Decimal("1999999999.998001")}


def test_refusals_are_counted_by_the_hour_they_began_in() -> None:
    endpoint = make_endpoint()
    since = datetime(2026, 3, 7, 10, 30, tzinfo=UTC)
    until = datetime(2026, 3, 7, 12, 30, tzinfo=UTC)
    for rule, hour, count in (
        ("token", 10, 1),  # began before
        ("token", 11, 20),
        ("origin", 11, 300),
        ("token", 12, 4000),  # begins within, and counts to its end
        ("token", 13, 50_000),
    ):
        begins = datetime(2026, 3, 7, hour, tzinfo=UTC)
        RefusalCount.objects.create(endpoint=endpoint, rule=rule, hour=begins, count=count)
    assert ask(since, until).refused == 4320
    none = RefusalCount.objects.none()
    alone = statistics_of(Call.objects.all(), none, since=since, until=until, zone=LONDON)
    assert alone.refused == 0


def test_only_the_calls_given_are_counted() -> None:
    at = SPANS[0][0]
    ours, theirs = make_endpoint(), make_endpoint(make_account(name="Others"))
    a_call(at, ours)
    a_call(at, theirs)
    found = ask(calls=Call.objects.filter(account=ours.account_id).select_related("endpoint"))
    assert found.total == sum(day.total for day in found.by_day) == 1
    assert [endpoint.id for endpoint in found.by_endpoint] == [ours.pk]


def test_endpoints_with_as_many_calls_are_in_the_order_of_their_names() -> None:
    account = make_account()
    for name, calls in (("Zoo", 1), ("Bar", 1), ("Quiet", 0), ("Sales", 2)):
        endpoint = make_endpoint(account, name=name)
        for _ in range(calls):
            a_call(SPANS[0][0], endpoint)
    assert [one.name for one in ask().by_endpoint] == ["Sales", "Bar", "Zoo"]


def many_endpoints(account: Account, number: int) -> None:
    made = Endpoint.objects.bulk_create(
        Endpoint(id=hex_id(), account=account, name=f"No. {n}", extension=TEAM, provider="sandbox")
        for n in range(number)
    )
    stored(
        [
            Row(SPANS[0][0], n, CallState.ENDED, Outcome.BUSY, False, False, None, None, "")
            for n in range(number)
        ],
        made,
    )


def test_four_statements_however_many_endpoints() -> None:
    many_endpoints(make_account(), 40)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = ask(zone=LONDON)
    assert len(found.by_endpoint) == 40
    assert len(asked) == 4


# --- What cannot be asked ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC), r"since: .* offset"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2), r"until: .* offset"),
        (datetime.min.replace(tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "since: .* 1970"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "until: .* 9000"),
        (datetime.min.replace(tzinfo=APIA), datetime.max.replace(tzinfo=APIA), "since: .* 1970"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "until: .* later"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "until: .* later"),
    ],
)
def test_an_impossible_range_is_named(since: datetime, until: datetime, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask(since, until)


@pytest.mark.parametrize("year", [1970, 9000])
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_first_and_last_years_are_fine(year: int, zone: ZoneInfo) -> None:
    since = datetime(year, 1, 1, tzinfo=UTC)
    at = datetime(year, 1, 20, 12, tzinfo=UTC)
    a_call(at)
    found = ask(since, since + timedelta(days=364), zone)
    assert busy_days(found) == [at.astimezone(zone).date()]


def test_the_shortest_range_is_one_day() -> None:
    at = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    a_call(at)
    found = ask(at, at + INSTANT, LONDON)
    assert [(day.day, day.total) for day in found.by_day] == [(date(2026, 7, 2), 1)]
