"""Query parameters that narrow a list; one that nobody reads is refused, not passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet, TextChoices
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from clicktocall.exceptions import InvalidNumber
from clicktocall.history.search import called, regions_of
from clicktocall.models import Call, Delivery, DeliveryState, Endpoint, Refusal
from clicktocall.states import CallState, Outcome

_OF_PAGES = frozenset({"cursor", "page_size"})


class KnownParametersOnly(DjangoFilterBackend):
    """`?staet=ended` must not answer with all calls."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> Any:
        filters = self.get_filterset_class(view, queryset)
        known = _OF_PAGES | set(filters.base_filters if filters else ())
        check_parameters(request, known)
        return super().filter_queryset(request, queryset, view)


def check_parameters(request: Request, known: frozenset[str] | set[str]) -> None:
    """Refuse a query parameter that is not `known`, and text that no column can hold.

    Raises:
        ValidationError: naming each.
    """
    problems: dict[str, list[str]] = {}
    for name in request.query_params:
        if name not in known:
            there_are = ", ".join(sorted(known)) or _("none")
            problems[name[:100]] = [_("There is no such parameter. There are: %s.") % there_are]
        elif any("\x00" in value for value in request.query_params.getlist(name)):
            problems[name] = [_("The text holds characters that cannot be stored.")]
    if problems:
        raise ValidationError(problems)


class MomentFormField(forms.CharField):
    """RFC 3339, or a day, which stands for its first instant; in UTC where no zone is named."""

    def clean(self, value: Any) -> Any:
        return None if value is None else read_moment(super().clean(value))


def read_moment(text: str) -> datetime:
    """The instant in a query parameter.

    Raises:
        forms.ValidationError: it is none.
    """
    # A plus that was not percent-encoded arrives as a space.
    written = text.replace(" ", "+") if "T" in text.upper() else text
    try:
        at = parse_datetime(written)
        if at is None and (day := parse_date(text)):
            at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (the zone follows)
        if at is not None:
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            if 1970 < at.year < 9000:
                return at
    except (ValueError, OverflowError):
        pass
    raise forms.ValidationError(_("Write a time such as 2026-11-21T14:00:00Z, or a day."))


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentFilter(django_filters.Filter):
    field_class = MomentFormField


class YesNoFormField(forms.CharField):
    """`true` or `false`, as JSON spells them."""

    def clean(self, value: Any) -> Any:
        if value is None:
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError(_("Write true or false."))
        return value == "true"


@extend_schema_field({"type": "boolean"})
class YesNoFilter(django_filters.Filter):
    field_class = YesNoFormField


def _one_or_more_of(words: type[TextChoices]) -> django_filters.MultipleChoiceFilter:
    told = _("There is no “%(value)s”. There are: {words}.")
    return django_filters.MultipleChoiceFilter(
        choices=words.choices,
        error_messages={"invalid_choice": told.format(words=", ".join(words.values))},
    )


class CallFilters(FilterSet):
    endpoint = django_filters.CharFilter(field_name="endpoint_id", help_text="Its id.")
    state = _one_or_more_of(CallState)
    outcome = _one_or_more_of(Outcome)
    contact = django_filters.CharFilter(
        method="with_contact",
        help_text="In any spelling; or at least three of its digits in a row.",
    )
    client_reference = django_filters.CharFilter(help_text="Exactly.")
    bulk = django_filters.CharFilter(field_name="bulk_id", help_text="Its id.")
    created_after = MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="Requested at this moment or later."
    )
    created_before = MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Requested before this moment."
    )

    class Meta:
        model = Call
        fields: tuple[str, ...] = ()

    def with_contact(self, calls: QuerySet[Call], name: str, text: str) -> QuerySet[Call]:
        """Raises ValidationError when it is no number."""
        request: Any = self.request
        mine = request.parser_context["view"].mine(Endpoint.objects.all())
        try:
            return called(calls, text, regions_of(mine))
        except InvalidNumber as error:
            raise ValidationError({name: [str(error)]}) from error


class EndpointCallFilters(CallFilters):
    """Of one endpoint's history, which its address names already."""

    endpoint = None  # type: ignore[assignment]


class EndpointFilters(FilterSet):
    name = django_filters.CharFilter(lookup_expr="icontains", help_text="A part of the name.")
    active = YesNoFilter(help_text="Only those that are switched on, or off.")
    provider = django_filters.CharFilter(help_text="Its alias, exactly.")

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = ()


class DeliveryFilters(FilterSet):
    state = _one_or_more_of(DeliveryState)
    event = django_filters.CharFilter(help_text="Such as `call.ended` or `report`, exactly.")
    call = django_filters.CharFilter(field_name="call_id", help_text="Its id.")
    created_after = MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="Written at this moment or later."
    )
    created_before = MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Written before this moment."
    )

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = ()


class RefusalFilters(FilterSet):
    endpoint = django_filters.CharFilter(field_name="endpoint_id", help_text="Its id.")
    refusal = django_filters.CharFilter(field_name="rule", help_text="The rule, exactly.")
    created_after = MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="At this moment or later."
    )
    created_before = MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Before this moment."
    )

    class Meta:
        model = Refusal
        fields: tuple[str, ...] = ()
