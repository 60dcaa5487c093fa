"""Requests that a rule refused, and how many there were."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.scope import ReadOnlyAdmin, VisibleFilter, visible
from clicktocall.history.search import numbers_like, regions_of
from clicktocall.models import Endpoint, Refusal, RefusalCount


class OfAnEndpoint(ExplainedAdmin, ReadOnlyAdmin):
    """Rows that belong to an account through their endpoint."""

    account_lookup = "endpoint__account"
    list_select_related = ("endpoint",)
    list_per_page = 50
    show_full_result_count = False

    def account_id_of(self, obj: Any) -> str:
        return str(obj.endpoint.account_id)


@admin.register(Refusal)
class RefusalAdmin(OfAnEndpoint):
    when_empty = _(
        "When a rule refuses a request, it will stand here with the rule and its reason; the "
        "visitor only learns what helps without giving your lists away. Of each hour the first "
        "requests are kept, all of them are counted under “Refusal counts”."
    )

    list_display = ("asked", "why", "where")
    list_filter = ("rule", ("endpoint", VisibleFilter), "code", "door")
    date_hierarchy = "created_at"
    search_fields = ("contact",)  # shows the box; `get_search_results` decides what it finds
    search_help_text = _("Number in any spelling, reason or site")
    fields = (
        "when",
        "endpoint",
        "rule",
        "detail",
        "code",
        "contact_number",
        "door",
        "requester",
        "origin",
        "page",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        wanted = search_term.replace("\x00", "").strip()
        if not wanted:
            return queryset, False
        regions = regions_of(visible(Endpoint.objects.all(), request, "account"))
        text = Q(detail__icontains=wanted) | Q(origin__icontains=wanted)
        return queryset.filter(text | numbers_like(wanted, regions)), False

    @admin.display(description=_("when"), ordering="created_at")
    def asked(self, refusal: Refusal) -> SafeString:
        return display.two_lines(self.contact_number(refusal), self.when(refusal))

    @admin.display(description=_("rule, why"), ordering="rule")
    def why(self, refusal: Refusal) -> SafeString:
        return display.two_lines(refusal.rule, refusal.detail or display.NOTHING)

    @admin.display(description=_("endpoint, site"), ordering="endpoint__name")
    def where(self, refusal: Refusal) -> SafeString:
        return display.two_lines(refusal.endpoint, refusal.origin or display.NOTHING)

    @admin.display(description=_("when"), ordering="created_at")
    def when(self, refusal: Refusal) -> SafeString | str:
        return display.moment(refusal.created_at)

    @admin.display(description=_("contact"), ordering="contact")
    def contact_number(self, refusal: Refusal) -> SafeString | str:
        return display.phone(refusal.contact)


@admin.register(RefusalCount)
class RefusalCountAdmin(OfAnEndpoint):
    when_empty = _(
        "One line for each hour in which a rule refused requests at an endpoint will stand here, "
        "with their number."
    )

    list_display = ("hour_shown", "endpoint", "rule", "count")
    list_filter = ("rule", ("endpoint", VisibleFilter))
    date_hierarchy = "hour"
    fields = ("hour_shown", "endpoint", "rule", "count")

    @admin.display(description=_("hour from"), ordering="hour")
    def hour_shown(self, counted: RefusalCount) -> SafeString | str:
        return display.moment(counted.hour)
