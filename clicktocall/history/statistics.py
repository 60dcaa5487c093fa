"""Figures over calls: how many, how they ended, how long people talked, what it cost.

The database adds up, in four statements however many endpoints and days there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Case, Count, F, Func, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, Round

from clicktocall.models import Call, Endpoint, RefusalCount
from clicktocall.states import CallState, Outcome

CONNECTED_AFTER = 10  # seconds of talk; less is a wrong number or a hang-up

# Within these, no zone's wall clock leaves what a date can hold.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_MILLIONTHS = 6  # decimal places of a price
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)  # what a time is kept to

_ENDED = Q(state=CallState.ENDED)
_CONNECTED = _ENDED & Q(
    joined_at__isnull=False, leg_b__isnull=False, talk_seconds__gte=CONNECTED_AFTER
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of calls: `total` is those `in_progress` and, in `by_outcome`, those that ended.

    `connected` counts the calls whose two sides talked for at least `CONNECTED_AFTER` seconds
    and have hung up; a call with one leg is never among them. `talk_seconds` is the sum over all
    calls that ended. `by_outcome` has every outcome, those that did not occur with 0.
    """

    total: int
    in_progress: int
    connected: int
    talk_seconds: int
    by_outcome: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFigures(Figures):
    """The calls of one endpoint."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures(Figures):
    """The calls requested on one calendar day, as far as it lies within the range."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Figures):
    """Everything `statistics_of` found.

    `prices` are exact sums of what providers reported, by currency ("" where they named none);
    a call that was redialled has the price of its last attempt. `refused` counts refused
    requests. `by_endpoint` names the endpoints that had calls, the busiest first. `by_day` has
    every calendar day that the range touches, in order.
    """

    refused: int
    prices: Mapping[str, Decimal]
    by_endpoint: tuple[EndpointFigures, ...]
    by_day: tuple[DayFigures, ...]


def statistics_of(
    calls: QuerySet[Call],
    refusals: QuerySet[RefusalCount],
    *,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> Statistics:
    """Figures over those of `calls` that were requested from `since` to before `until`.

    Both are aware. Days are those of the wall clock in `zone`. Refusals are only counted by
    whole UTC hours: an hour belongs to the range, all of it, when it begins there. A call that
    comes in meanwhile may be counted in one figure and not yet in another.

    Raises:
        ValueError: a time is naive or outside the years 1970 to 9000, or the range is empty.
    """
    since, until = _moment("since", since), _moment("until", until)
    if since >= until:
        raise ValueError("until: give a time later than since.")
    clocks = _clocks(since, until, zone)
    calls = calls.order_by().filter(created_at__gte=since, created_at__lt=until)
    by_endpoint = _counted(calls, "endpoint_id", "outcome", "currency", price=_sum_of_prices())
    by_day = _counted(calls.annotate(day=_day(clocks)), "day", "outcome")
    return Statistics(
        **_added(by_endpoint),
        refused=_refused(refusals, since, until),
        prices=_prices(by_endpoint),
        by_endpoint=_endpoints(by_endpoint, _names(calls, by_endpoint)),
        by_day=_days(by_day, clocks, until),
    )


# --- Asking the database -------------------------------------------------------------------


def _counted(calls: QuerySet[Call], *columns: str, **more: Any) -> list[Row]:
    """Counts of the calls that have the same values in `columns`."""
    return list(
        calls.values(*columns).annotate(
            **more,
            total=Count("pk"),
            ended=Count("pk", filter=_ENDED),
            connected=Count("pk", filter=_CONNECTED),
            talked=Sum("talk_seconds", filter=_ENDED, default=0),
        )
    )


def _sum_of_prices() -> Sum:
    """The sum of prices in whole millionths, or None: SQLite would add up floats."""
    millionths = Round(F("price") * 10**_MILLIONTHS)
    return Sum(Cast(millionths, models.BigIntegerField()))


def _names(calls: QuerySet[Call], rows: Iterable[Row]) -> dict[str, str]:
    wanted = {row["endpoint_id"] for row in rows}
    endpoints = Endpoint.objects.using(calls.db).filter(pk__in=wanted)
    return dict(endpoints.values_list("pk", "name"))


def _refused(refusals: QuerySet[RefusalCount], since: datetime, until: datetime) -> int:
    within = refusals.filter(hour__gte=since, hour__lt=until)
    return int(within.aggregate(refused=Sum("count", default=0))["refused"])


class _DayAt(Func):
    """The date at a UTC time and a number of seconds, computed by the database itself.

    Not `TruncDate`: on SQLite that asks Python about every single row, and PostgreSQL may not
    know every zone that Python knows.
    """

    output_field = models.DateField()
    template = "CAST(%(expressions)s AS date)"
    arg_joiner = " AT TIME ZONE 'UTC' + INTERVAL '1 second' * "

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        # Without the fraction of the second, which SQLite rounds up, into the next day too.
        template = "date(substr(%(expressions)s || ' seconds')"
        return super().as_sql(
            compiler, connection, template=template, arg_joiner=", 1, 19), ", **context
        )


def _day(clocks: list[Clock]) -> _DayAt:
    """The calendar day on which a call was requested."""
    seconds = [int(clock.ahead.total_seconds()) for clock in clocks]
    earlier = [
        When(created_at__lt=changed.since, then=Value(ahead))
        for ahead, changed in zip(seconds, clocks[1:], strict=False)
    ]
    ahead = Case(*earlier, default=Value(seconds[-1]), output_field=models.IntegerField())
    return _DayAt(F("created_at"), ahead)


# --- Putting the answers together ----------------------------------------------------------


def _added(rows: Iterable[Row]) -> dict[str, Any]:
    """The fields of `Figures`, over all `rows`."""
    total = ended = connected = talked = 0
    by_outcome = dict.fromkeys(Outcome, 0)
    for row in rows:
        total += row["total"]
        ended += row["ended"]
        connected += row["connected"]
        talked += row["talked"]
        if row["outcome"]:
            by_outcome[Outcome(row["outcome"])] += row["ended"]
    return {
        "total": total,
        "in_progress": total - ended,
        "connected": connected,
        "talk_seconds": talked,
        "by_outcome": by_outcome,
    }


def _prices(rows: Iterable[Row]) -> dict[str, Decimal]:
    millionths: dict[str, int] = {}
    for row in rows:
        if row["price"] is not None:
            currency = row["currency"]
            millionths[currency] = millionths.get(currency, 0) + int(row["price"])
    return {
        currency: Decimal(millionths[currency]).scaleb(-_MILLIONTHS)
        for currency in sorted(millionths)
    }


def _endpoints(rows: Iterable[Row], names: Mapping[str, str]) -> tuple[EndpointFigures, ...]:
    figures = [
        EndpointFigures(id=pk, name=names.get(pk, ""), **_added(own))
        for pk, own in _grouped(rows, "endpoint_id").items()
    ]
    return tuple(
        sorted(figures, key=lambda endpoint: (-endpoint.total, endpoint.name, endpoint.id))
    )


def _days(rows: Iterable[Row], clocks: list[Clock], until: datetime) -> tuple[DayFigures, ...]:
    grouped = _grouped(rows, "day")
    return tuple(
        DayFigures(day=day, **_added(grouped.get(day, ()))) for day in _calendar(clocks, until)
    )


def _grouped(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    grouped: dict[Any, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[column], []).append(row)
    return grouped


# --- Time ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clock:
    """From `since` on, until the next one begins, wall clocks are `ahead` of UTC."""

    since: datetime
    ahead: timedelta


def _moment(name: str, value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"{name}: give a time with its offset from UTC.")
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"{name}: give a time in the years {_FIRST_YEAR} to {_LAST_YEAR}.")
    return value.astimezone(UTC)


def _clocks(since: datetime, until: datetime, zone: ZoneInfo) -> list[Clock]:
    """How the clocks of `zone` stand from `since` to before `until`, in order."""

    def ahead(at: datetime) -> timedelta:
        return at.astimezone(zone).utcoffset() or timedelta()

    last = until - _INSTANT
    at = since
    clocks = [Clock(at, ahead(at))]
    while at < last:
        later = min(at + _DAY, last)
        if ahead(later) == clocks[-1].ahead:
            at = later
            continue
        while later - at > _INSTANT:  # halve until the moment of the change is found
            middle = at + (later - at) // 2
            at, later = (middle, later) if ahead(middle) == ahead(at) else (at, middle)
        at = later
        clocks.append(Clock(at, ahead(at)))
    return clocks


def _calendar(clocks: list[Clock], until: datetime) -> list[date]:
    """The days that clocks show before `until`: none that a zone skipped, as Samoa did once."""
    days: set[date] = set()
    ends = [*(clock.since for clock in clocks[1:]), until]
    for clock, end in zip(clocks, ends, strict=True):
        day = (clock.since + clock.ahead).date()
        last = (end - _INSTANT + clock.ahead).date()
        days.update(day + _DAY * passed for passed in range((last - day).days + 1))
    return sorted(days)
