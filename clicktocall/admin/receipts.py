"""Callbacks exactly as providers sent them, and what became of each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.accounts.access import accounts_of
from clicktocall.admin import display
from clicktocall.admin.calls import sides_of
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.replay import ReplayAction
from clicktocall.history.receipts import (
    LONGEST_SHOWN,
    mask_secrets,
    may_read_bodies,
    receipt_query,
    receipt_text,
)
from clicktocall.models import Call, CallbackReceipt, CallEvent
from clicktocall.states import Leg

_WITHHELD = ("body", "error", "query")


@admin.register(CallbackReceipt)
class CallbackReceiptAdmin(ReplayAction, ExplainedAdmin):
    """A receipt belongs to the accounts of the calls it told of, else only to superusers."""

    when_empty = gettext_lazy(
        "Everything a provider reports will stand here, exactly as it was sent. Nothing comes? "
        "“manage.py check_callbacks” says whether the address providers report to answers."
    )

    list_display = ("when", "provider", "outcome", "facts", "source_address", "error_shown")
    list_filter = ("status", "provider")
    date_hierarchy = "received_at"
    list_per_page = 50
    show_full_result_count = False
    fields = (
        "outcome",
        "error_shown",
        "provider",
        "when",
        "processed",
        "source_address",
        "method",
        "content_type",
        "query_shown",
        "body_shown",
        "told",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallbackReceipt]:
        receipts: QuerySet[CallbackReceipt] = super().get_queryset(request)
        user: Any = request.user
        if not user.is_superuser:
            mine = CallEvent.objects.filter(call__account__in=accounts_of(user))
            receipts = receipts.filter(pk__in=mine.values("receipt"))
        facts = (
            CallEvent.objects.filter(receipt=OuterRef("pk"))
            .order_by()
            .values("receipt")
            .annotate(count=Count("pk"))
            .values("count")
        )
        return receipts.annotate(fact_count=Coalesce(Subquery(facts), 0))

    def get_fields(self, request: HttpRequest, obj: CallbackReceipt | None = None) -> Any:
        # The admin's display functions know no request: what must not be read is not shown at all.
        fields = list(self.fields)
        if obj is None or self._may_read(request, obj):
            return fields
        fields[fields.index("query_shown") : fields.index("told")] = ["withheld"]
        return [name for name in fields if name not in ("error_shown", "told")]

    def get_list_display(self, request: HttpRequest) -> Any:
        user: Any = request.user
        columns = list(super().get_list_display(request))
        return columns if user.is_superuser else columns[:-1]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter by what is withheld would tell it, one guess at a time."""
        if lookup.partition("__")[0] in _WITHHELD and not request.user.is_superuser:
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: CallbackReceipt | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: CallbackReceipt | None = None
    ) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: CallbackReceipt | None = None) -> bool:
        return super().has_view_permission(request, obj) and (
            obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()
        )

    def _may_read(self, request: HttpRequest, receipt: CallbackReceipt) -> bool:
        user: Any = request.user
        if user.is_superuser:
            return True
        return may_read_bodies(receipt.provider, accounts_of(user).values_list("pk", flat=True))

    @admin.display(description=gettext_lazy("received"), ordering="received_at")
    def when(self, receipt: CallbackReceipt) -> SafeString | str:
        return display.moment(receipt.received_at)

    @admin.display(description=gettext_lazy("processed"))
    def processed(self, receipt: CallbackReceipt) -> SafeString | str:
        return display.moment(receipt.processed_at)

    @admin.display(description=gettext_lazy("what became of it"), ordering="status")
    def outcome(self, receipt: CallbackReceipt) -> SafeString:
        return display.receipt_badge(receipt.status)

    @admin.display(description=gettext_lazy("facts"), ordering="fact_count")
    def facts(self, receipt: Any) -> int:
        return int(receipt.fact_count)

    @admin.display(description=gettext_lazy("error"))
    def error_shown(self, receipt: CallbackReceipt) -> str:
        return mask_secrets(receipt.error, receipt.provider) or display.NOTHING

    @admin.display(description=gettext_lazy("query"))
    def query_shown(self, receipt: CallbackReceipt) -> SafeString | str:
        query = receipt_query(receipt)
        if not query:
            return display.NOTHING
        rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", query.items())
        return format_html('<dl class="ctc-pairs">{}</dl>', rows)

    @admin.display(description=gettext_lazy("body"))
    def body_shown(self, receipt: CallbackReceipt) -> SafeString:
        text, cut = receipt_text(receipt)
        note = (
            _("Only the first %(count)d characters are shown.") % {"count": LONGEST_SHOWN}
            if cut
            else ""
        )
        return format_html(
            '<pre class="ctc-body" tabindex="0">{}</pre><p class="ctc-quiet">{}</p>', text, note
        )

    @admin.display(description=gettext_lazy("body"))
    def withheld(self, receipt: CallbackReceipt) -> str:
        return _(
            "Other accounts use this provider too, and one callback may tell of several calls. "
            "Only an administrator of the site may read it."
        )

    @admin.display(description=gettext_lazy("facts it told"))
    def told(self, receipt: CallbackReceipt) -> SafeString | str:
        events = list(receipt.events.select_related("call").order_by("occurred_at", "id"))
        if not events:
            return display.NOTHING
        return format_html(
            '<ul class="ctc-list">{}</ul>',
            format_html_join(
                "",
                '<li>{} – {} {} <a href="{}">{}</a></li>',
                (
                    (
                        display.moment(event.occurred_at),
                        event.get_kind_display(),
                        f"({sides_of(event.call)[Leg(event.leg)]})" if event.leg else "",
                        reverse("admin:clicktocall_call_change", args=(event.call_id,)),
                        _call_name(event.call),
                    )
                    for event in events
                ),
            ),
        )


def _call_name(call: Call) -> SafeString:
    return format_html(
        _("call to {} of {}"), display.phone(call.contact), display.moment(call.created_at)
    )
