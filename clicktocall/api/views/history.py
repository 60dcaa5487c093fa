"""Figures over the history, and requests that were refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.filters import RefusalFilters, check_parameters, read_moment
from clicktocall.api.serializers.history import RefusalSerializer, StatisticsSerializer
from clicktocall.api.views.base import ApiViewSet, reading
from clicktocall.history.statistics import statistics_of
from clicktocall.models import Call, Endpoint, Refusal, RefusalCount

LONGEST_RANGE = timedelta(days=366)
USUAL_RANGE = timedelta(days=30)
FIRST_MOMENT = datetime(1971, 1, 1, tzinfo=UTC)  # that can be counted from


class StatisticsView(ApiViewSet):
    queryset = Call.objects.all()
    serializer_class = StatisticsSerializer
    pagination_class = None
    filter_backends = ()
    needs = {"retrieve": reading("call")}

    def retrieve(self, request: Request) -> Response:
        """Calls by outcome, endpoint and day, over at most 366 days; usually the last 30."""
        check_parameters(request, {"since", "until", "endpoint", "time_zone"})
        asked = request.query_params
        since, until = _range(asked.get("since"), asked.get("until"))
        zone = _zone(asked.get("time_zone", "UTC"))
        calls = self.get_queryset()
        refusals = self.mine(RefusalCount.objects.all(), "endpoint__account_id")
        if "endpoint" in asked:
            endpoint_id = asked["endpoint"]
            if not self.mine(Endpoint.objects.filter(pk=endpoint_id)).exists():
                raise ValidationError({"endpoint": [_("There is no such endpoint.")]})
            calls = calls.filter(endpoint_id=endpoint_id)
            refusals = refusals.filter(endpoint_id=endpoint_id)
        figures = statistics_of(calls, refusals, since=since, until=until, zone=zone)
        shown = self.get_serializer(
            {
                **{name: getattr(figures, name) for name in _FIGURES},
                "since": since,
                "until": until,
                "time_zone": zone.key,
                "prices": [
                    {"currency": currency, "amount": amount}
                    for currency, amount in sorted(figures.prices.items())
                ],
            }
        )
        return Response(shown.data)


_FIGURES = (
    "total",
    "in_progress",
    "connected",
    "talk_seconds",
    "refused",
    "by_outcome",
    "by_endpoint",
    "by_day",
)


def _range(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    end = _moment("until", until) or timezone.now()
    begin = _moment("since", since) or max(end - USUAL_RANGE, FIRST_MOMENT)
    if begin >= end:
        raise ValidationError({"since": [_("The range ends before it begins.")]})
    if end - begin > LONGEST_RANGE:
        raise ValidationError(
            {"since": [_("At most %d days can be counted at once.") % LONGEST_RANGE.days]}
        )
    return begin, end


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_moment(text)
    except forms.ValidationError as error:
        raise ValidationError({name: error.messages}) from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        message = _("Name a time zone such as Europe/London.")
        raise ValidationError({"time_zone": [message]}) from error


class RefusalsView(ApiViewSet):
    queryset = Refusal.objects.all()
    serializer_class = RefusalSerializer
    filterset_class: Any = RefusalFilters
    account_lookup = "endpoint__account_id"
    needs = {"list": reading("refusal")}

    def list(self, request: Request) -> Response:
        """Requests that a rule refused: the first 100 of each endpoint, rule and hour."""
        return self.answer_page()
